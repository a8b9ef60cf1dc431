/* libsndfile's callbacks for an open file. They remember errors: libsndfile itself treats a failed read as
 * the end of the file, and forgets that a header could not be written. */
#ifndef ANTIPHON_AUDIO_DESCRIPTOR_IO_H
#define ANTIPHON_AUDIO_DESCRIPTOR_IO_H

#include <sndfile.h>

typedef struct ap_descriptor_io {
    int descriptor; /* stays open */
    sf_count_t at;
    int failed; /* errno of the first failure; 0: none */

    /* Bytes that are read in place of the file's at patch_at; 0 bytes: none. */
    sf_count_t patch_at, patch_bytes;
    const unsigned char *patch;
} ap_descriptor_io;

/* The callbacks for sf_open_virtual, with an ap_descriptor_io as user data. */
SF_VIRTUAL_IO ap_descriptor_io_calls(void);

#endif
