/* Pearson's correlation coefficient as used by the losses, and its gradient. */
#ifndef ANTIPHON_LOSS_PEARSON_H
#define ANTIPHON_LOSS_PEARSON_H

#include "antiphon/tape.h"

#include <stdint.h>

typedef struct ap_moments {
    double mean, sigma; /* normalised by M - 1; exactly 0 if all numbers are equal, despite rounding */
} ap_moments;

/* Of x [M]; M > 1. */
ap_moments ap_moments_of(int64_t M, const ap_real *x);

typedef struct ap_correlation {
    double r;                /* 0 when x or y is constant */
    double mean_x, mean_y;   /* of M numbers */
    double sigma_x, sigma_y; /* as in ap_moments */
    double product;          /* the divisor of the covariance */
} ap_correlation;

/* r = cov(x, y) / (sigma_x sigma_y + 1e-8) of x and y [M], clamped to [-1, 1]; M > 1. */
ap_correlation ap_correlate(int64_t M, const ap_real *x, const ap_real *y);

/* Adds to dx and dy (NULL: not wanted) the contribution of dr, the gradient with respect to r; nothing if x
 * or y is constant. */
void ap_correlate_backward(const ap_correlation *c, int64_t M, const ap_real *x, const ap_real *y, double dr,
                           ap_real *dx, ap_real *dy);

/* r [B] between the rows of a and b [B, M]. */
ap_var *ap_pearson_of(ap_tape *tape, ap_var *a, ap_var *b);

#endif
