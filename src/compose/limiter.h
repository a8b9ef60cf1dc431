/* A limiter that looks ahead (as D. Giannoulis et al., "Digital dynamic range compressor design", JAES 60,
 * 2012, describe them): what goes beyond the ceiling is turned down for its moment, smoothly and in time, and
 * the rest stays as it is. */
#ifndef ANTIPHON_COMPOSE_LIMITER_H
#define ANTIPHON_COMPOSE_LIMITER_H

#include "antiphon/real.h"

#include <stdint.h>

/* Samples that share a peak: 2 ms at 24 kHz. */
#define AP_LIMITER_BLOCK 48

/* Turns peaks [blocks], the largest |x| of each block of a signal, into the gains at the blocks' middles
 * under which factor x stays within the ceiling, in place. */
void ap_limiter_gains(int64_t blocks, double factor, double ceiling, ap_real *peaks);

/* The gain at sample `at` of the signal, which has `blocks` blocks: between those of the nearest two middles.
 */
ap_real ap_limiter_gain(int64_t blocks, const ap_real *gains, int64_t at);

#endif
