/* Elementary functions over arrays, written so that the compiler vectorises them: no branches, no library
 * calls. The double build uses libm. x and y may be the same array. One thread: callers split the work. */
#ifndef ANTIPHON_KERNELS_VMATH_H
#define ANTIPHON_KERNELS_VMATH_H

#include "antiphon/real.h"

#include <stdint.h>

/* y = e^x, within 2 ulp. In float, x is limited to -87.3 (1.2e-38) .. 88.3 (2.2e38). NaN stays NaN. */
void ap_vexp(int64_t n, const ap_real *x, ap_real *y);

/* The largest of n numbers, n at least 1. */
ap_real ap_vmax(int64_t n, const ap_real *x);

/* y = e^(x - shift), for x up to shift + 88: within 2 ulp if x is close to shift, and 1 / 8 ulp more for
 * each 1 below it. In float, x - shift is limited to at least -87. Returns the sum of y, correct to a few
 * rounding errors of ap_real. */
double ap_vexp_sum(int64_t n, const ap_real *x, ap_real shift, ap_real *y);

/* most[i] = max(most[i], column i of x [rows, n]), for a matrix of few columns. */
void ap_vmax_columns(int64_t rows, int64_t n, const ap_real *x, ap_real *most);

/* Column i of x [rows, n] becomes e^(factor x - shift[i]), as exact as ap_vexp_sum. Its sum is added to
 * sum[i], correct to a few rounding errors of ap_real for up to AP_VEXP_ROWS rows. */
#define AP_VEXP_ROWS 64
void ap_vexp_columns(int64_t rows, int64_t n, ap_real factor, const ap_real *shift, ap_real *x, ap_real *sum);

/* The same for rows: row r of x [rows, n] becomes e^(factor x - shift[r]). */
void ap_vexp_rows(int64_t rows, int64_t n, ap_real factor, const ap_real *shift, ap_real *x);

/* y = tanh(x), absolute error below 2e-7. */
void ap_vtanh(int64_t n, const ap_real *x, ap_real *y);

/* y = 1 / (1 + e^-x), absolute error below 2e-7. */
void ap_vsigmoid(int64_t n, const ap_real *x, ap_real *y);

/* y = erf(x), within 5 ulp. */
void ap_verf(int64_t n, const ap_real *x, ap_real *y);

/* y = ln(x) for normal positive x, within 4 ulp or 1e-7; the callers' x is never 0 or negative. NaN stays
 * NaN. */
void ap_vlog(int64_t n, const ap_real *x, ap_real *y);

/* y = asinh(x), within 4 ulp; of |x| up to 1e38. NaN stays NaN. */
void ap_vasinh(int64_t n, const ap_real *x, ap_real *y);

/* y = x for x > 0, e^x - 1 otherwise. */
void ap_velu(int64_t n, const ap_real *x, ap_real *y);

/* dx = dy where x > 0, dy e^x otherwise; dx may be dy. */
void ap_velu_back(int64_t n, const ap_real *x, const ap_real *dy, ap_real *dx);

/* The same where y = ELU(x) is known in place of x. */
void ap_velu_back_of(int64_t n, const ap_real *y, const ap_real *dy, ap_real *dx);
/* The same, added to dx. */
void ap_velu_back_of_add(int64_t n, const ap_real *y, const ap_real *dy, ap_real *dx);

/* Row r of dp [rows, n] becomes p (dp - delta[r]): the gradient of a softmax p of few columns a row. */
void ap_vsoftmax_back(int64_t rows, int64_t n, const ap_real *delta, const ap_real *p, ap_real *dp);

/* y = x for x > 0, slope x otherwise; and back, where y has the sign of x: dx += dy times 1 or slope. */
void ap_vleaky_relu(int64_t n, ap_real slope, const ap_real *x, ap_real *y);
void ap_vleaky_relu_back(int64_t n, ap_real slope, const ap_real *y, const ap_real *dy, ap_real *dx);

/* y = x Phi(x), Phi the normal distribution function; and g = dy (Phi(x) + x phi(x)), phi its density. g may
 * not be x or dy. */
void ap_vgelu(int64_t n, const ap_real *x, ap_real *y);
void ap_vgelu_back(int64_t n, const ap_real *x, const ap_real *dy, ap_real *g);

#endif
