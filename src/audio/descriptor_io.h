/* libsndfile's calls on an open file, which keep in mind what went wrong: libsndfile itself takes a read that
 * fails for the end of the file, and forgets that the header could not be written. */
#ifndef ANTIPHON_AUDIO_DESCRIPTOR_IO_H
#define ANTIPHON_AUDIO_DESCRIPTOR_IO_H

#include <sndfile.h>

typedef struct ap_descriptor_io {
    int descriptor; /* stays open */
    sf_count_t at;
    int failed; /* the first failure's errno; 0: none */

    /* What is read as if it stood at byte patch_at of the file; 0 bytes: nothing. */
    sf_count_t patch_at, patch_bytes;
    const unsigned char *patch;
} ap_descriptor_io;

/* For sf_open_virtual, with an ap_descriptor_io. */
SF_VIRTUAL_IO ap_descriptor_io_calls(void);

#endif
