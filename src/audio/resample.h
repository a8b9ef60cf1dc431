/* Resamples signals in memory. (Files are resampled as they are read: antiphon/audio.h.) */
#ifndef ANTIPHON_AUDIO_RESAMPLE_H
#define ANTIPHON_AUDIO_RESAMPLE_H

#include "antiphon/real.h"

#include <stdint.h>

/* y [m] at rate `to` of x [n] at rate `from`, both in time from their first samples on. What y has beyond
 * the end of x is 0. x and y must not overlap. */
void ap_resample(int from, int to, int64_t n, const ap_real *x, int64_t m, ap_real *y);

#endif
