/* How long an audio file should be by its own header. */
#ifndef ANTIPHON_AUDIO_PROMISE_H
#define ANTIPHON_AUDIO_PROMISE_H

#include <stdint.h>

/* The bytes that a file (WAV, RF64, AIFF, AU, W64, CAF) should have by its header: up to the end of its
 * sound, or of the whole where the header ends before the sound begins. 0 for other formats, and for a header
 * that leaves the length open or makes one up, as programs do that write to a pipe. */
uint64_t ap_promised_bytes(int descriptor);

#endif
