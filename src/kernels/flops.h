/* Floating-point operations, counted by the kernels that do them: matrix products, convolutions, the
 * recurrence of an LSTM and Fourier transforms. A multiplication and an addition are two; what passes over
 * arrays do beside is not counted. Any thread may add: one relaxed addition a kernel call. */
#ifndef ANTIPHON_KERNELS_FLOPS_H
#define ANTIPHON_KERNELS_FLOPS_H

#include <stdint.h>

void ap_flops_add(int64_t count);

/* How many were added since the last call. */
int64_t ap_flops_taken(void);

#endif
