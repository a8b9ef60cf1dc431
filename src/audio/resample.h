/* Converts sampling rates: signals in memory, and streams of blocks (as files are read: antiphon/audio.h). */
#ifndef ANTIPHON_AUDIO_RESAMPLE_H
#define ANTIPHON_AUDIO_RESAMPLE_H

#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>

/* y [m] at rate `to` of x [n] at rate `from`, both in time from their first samples on. What y has beyond
 * the end of x is 0. x and y must not overlap. */
void ap_resample(int from, int to, int64_t n, const ap_real *x, int64_t m, ap_real *y);

/* A stream of interleaved frames. */
typedef struct ap_resampler ap_resampler;

/* Whether the ratio of two rates is one that can be converted: at most 256, up or down. */
bool ap_resampler_converts(int from, int to);

ap_resampler *ap_resampler_create(int from, int to, int channels);

/* NULL is allowed. */
void ap_resampler_free(ap_resampler *r);

/* Takes up to `count` frames of `in` and gives up to `room` frames in `out`: *taken, *given. Some frames are
 * held back until `in` is NULL, which says that the stream has ended; it is given completely when a call then
 * gives none. Does not depend on how the stream is cut into blocks. */
void ap_resampler_run(ap_resampler *r, int64_t count, const float *in, int64_t *taken, int64_t room,
                      float *out, int64_t *given);

#endif
