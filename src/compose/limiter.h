/* A look-ahead limiter (D. Giannoulis et al., "Digital dynamic range compressor design", JAES 60, 2012). It
 * turns peaks beyond the ceiling down, smoothly and in time, and leaves the rest unchanged. */
#ifndef ANTIPHON_COMPOSE_LIMITER_H
#define ANTIPHON_COMPOSE_LIMITER_H

#include "antiphon/real.h"

#include <stdint.h>

/* Samples that share a peak: 2 ms. */
static inline int64_t ap_limiter_block(int rate)
{
    return rate / 500;
}

/* Turns `peaks` [blocks], the largest |x| of each block, in place into the gains at the middles of the
 * blocks. Under these gains factor x stays within the ceiling. */
void ap_limiter_gains(int64_t blocks, double factor, double ceiling, ap_real *peaks);

/* The gain at sample `at` of a signal of `blocks` blocks of `length` samples, interpolated between the
 * middles of blocks. */
ap_real ap_limiter_gain(int64_t blocks, int64_t length, const ap_real *gains, int64_t at);

#endif
