/* Samples as files hold them. */
#ifndef ANTIPHON_AUDIO_SIXTEEN_BITS_H
#define ANTIPHON_AUDIO_SIXTEEN_BITS_H

#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>

/* Rounds to 16 bits; beyond full scale is full scale. False where a sample is not a number: *bad is the first
 * that is none. */
bool ap_to_16_bits(int64_t count, const ap_real *samples, int16_t *out, int64_t *bad);

#endif
