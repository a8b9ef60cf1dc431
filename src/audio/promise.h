/* The length that an audio file should have according to its header. */
#ifndef ANTIPHON_AUDIO_PROMISE_H
#define ANTIPHON_AUDIO_PROMISE_H

#include <stdbool.h>
#include <stdint.h>

/* The length announced by the header of a WAV, RF64, AIFF, AU, W64 or CAF file. */
typedef struct ap_promise {
    /* The size that the file should have: up to the end of its sound, or its total size if it ends before
     * the sound begins. 0 for other formats, and if the header leaves the length open or has a placeholder,
     * as written by programs that write to a pipe. */
    uint64_t bytes;

    /* If the length is open or a placeholder: the position of the number that should be the size of the
     * sound, and its value if the sound ends with the file. Otherwise size_bytes is 0. */
    int64_t size_at;
    int size_bytes;
    unsigned char size[8]; /* in the file's byte order */
} ap_promise;

ap_promise ap_promise_of(int descriptor);

#endif
