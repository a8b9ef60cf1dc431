/* How long an audio file should be by its own header. */
#ifndef ANTIPHON_AUDIO_PROMISE_H
#define ANTIPHON_AUDIO_PROMISE_H

#include <stdbool.h>
#include <stdint.h>

/* What the header of a WAV, RF64, AIFF, AU, W64 or CAF file says of its length. */
typedef struct ap_promise {
    /* The bytes that the file should have: up to the end of its sound, or of the whole where the header ends
     * before the sound begins. 0 for other formats, and for a header that leaves the length open or makes one
     * up, as programs do that write to a pipe. */
    uint64_t bytes;

    /* Where it is open or made up: where the number stands that should be the size of the sound, and which
     * it is if the sound ends with the file. size_bytes is 0 otherwise. */
    int64_t size_at;
    int size_bytes;
    unsigned char size[8]; /* as it would stand there */
} ap_promise;

ap_promise ap_promise_of(int descriptor);

#endif
