/* Passes over plain arrays and row-major matrices, in parallel if they are long. Work is divided into
 * portions of fixed size, and partial sums are added in a fixed order, so no result depends on the number of
 * threads. */
#ifndef ANTIPHON_KERNELS_ARRAY_H
#define ANTIPHON_KERNELS_ARRAY_H

#include "antiphon/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Elements per portion: with their temporaries they stay in the first-level cache. */
#define AP_BLOCK 1024

/* Runs the statement after it for every block of n elements: `length` elements from `at` on. */
#define AP_FOR_EACH_BLOCK(n, at, length)                                                                     \
    _Pragma(                                                                                                 \
        "omp parallel for schedule(static) if (n > 32 * AP_BLOCK)") for (int64_t at = 0; at < n;             \
                                                                         at +=                               \
                                                                         AP_BLOCK) for (int64_t length =     \
                                                                                            n - at <         \
                                                                                                    AP_BLOCK \
                                                                                                ? n - at     \
                                                                                                : AP_BLOCK,  \
                                                                                        once_ = 1;           \
                                                                                        once_; once_ = 0)

/* y += factor x; y NULL: not wanted. */
void ap_array_accumulate(int64_t n, ap_real factor, const ap_real *x, ap_real *y);

/* Row b of x, whose rows have `length` numbers; NULL (not wanted) gives NULL. */
static inline ap_real *ap_array_row(ap_real *x, int64_t b, int64_t length)
{
    return x ? x + b * length : NULL;
}

/* The sums of x, of x y and of (x - y)^2 over all elements, accumulated in double. */
double ap_array_sum(int64_t n, const ap_real *x);
double ap_array_dot(int64_t n, const ap_real *x, const ap_real *y);
double ap_array_distance_squared(int64_t n, const ap_real *x, const ap_real *y);

/* y[i] = (from + i step) x[i] */
void ap_array_ramp(int64_t n, double from, double step, const ap_real *x, ap_real *y);

/* How a stretch of sound begins, decays and ends. */
typedef struct ap_array_fade {
    double height, keep; /* factor at its start, and from each number to the next */
    double rise, fall;   /* how much of the whole comes in, and goes out, with each number */
} ap_array_fade;

/* y[i] += height keep^i min((i + 1) rise, (n - i) fall, 1) x[i] */
void ap_array_grain(int64_t n, const ap_array_fade *fade, const ap_real *x, ap_real *y);

/* The sum of max(0, now - before) over a short array, in the precision of its numbers. NaN stays NaN. */
double ap_array_rise(int64_t n, const ap_real *before, const ap_real *now);

/* y[q][p] = x[p][q] for x [P, Q]; `add` adds to y instead. ldx, ldy: distance between rows. */
void ap_matrix_transpose(int64_t P, int64_t Q, const ap_real *x, int64_t ldx, bool add, ap_real *y,
                         int64_t ldy);

/* Adds the sums of the columns of x [R, N] to sums [N], each accumulated in double. sums NULL: not wanted.
 */
void ap_matrix_column_sums(int64_t R, int64_t N, const ap_real *x, ap_real *sums);

#endif
