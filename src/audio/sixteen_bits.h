/* Converts samples to 16 bits. */
#ifndef ANTIPHON_AUDIO_SIXTEEN_BITS_H
#define ANTIPHON_AUDIO_SIXTEEN_BITS_H

#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>

/* Rounds to 16 bits and clips at full scale, into every `step`th place of `out`. False if a sample is NaN;
 * *bad is the first of these. */
bool ap_to_16_bits(int64_t count, const ap_real *samples, int step, int16_t *out, int64_t *bad);

#endif
