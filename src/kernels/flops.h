/* Counts floating-point operations of the kernels: matrix products, convolutions, LSTM recurrences and
 * Fourier transforms. A multiplication and an addition are two. Element-wise passes are not counted. Safe
 * for all threads, at the cost of one relaxed addition per kernel call. */
#ifndef ANTIPHON_KERNELS_FLOPS_H
#define ANTIPHON_KERNELS_FLOPS_H

#include <stdint.h>

void ap_flops_add(int64_t count);

/* The number of operations since the last call. */
int64_t ap_flops_taken(void);

#endif
