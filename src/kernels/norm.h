/* The loops of normalisation over one row of n numbers; sums in double. One thread: callers split the work.
 */
#ifndef ANTIPHON_KERNELS_NORM_H
#define ANTIPHON_KERNELS_NORM_H

#include "antiphon/real.h"

#include <stdint.h>

/* Of what is normalised: its mean, and 1 / sqrt(variance + epsilon). */
typedef struct ap_norm_moments {
    ap_real mean, scale;
} ap_norm_moments;

/* The sums of x and of (x - mean)^2. */
double ap_norm_sum(int64_t n, const ap_real *x);
double ap_norm_squares(int64_t n, const ap_real *x, double mean);

/* y = h gamma + beta, with h = (x - mean) scale; y may be x. */
void ap_norm_apply(int64_t n, const ap_real *x, ap_norm_moments of, const ap_real *gamma, const ap_real *beta,
                   ap_real *y);

/* And back, with g = dy gamma: dx = scale (g - mean of g - h times mean of g h). dgamma += dy h and dbeta +=
 * dy. dx may be dy. */
void ap_norm_back(int64_t n, const ap_real *x, ap_norm_moments of, const ap_real *gamma, const ap_real *dy,
                  ap_real *dx, double *dgamma, double *dbeta);

#endif
