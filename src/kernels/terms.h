/* The innermost loops of the loss's terms. One thread: callers split the work. */
#ifndef ANTIPHON_KERNELS_TERMS_H
#define ANTIPHON_KERNELS_TERMS_H

#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>

/* The sums of (a - b)^2, of b^2 and of |ln((a + floor) / (b + floor))|. */
typedef struct ap_term_distance {
    double squares, reference, logs;
} ap_term_distance;

/* Adds those of a block, n at most AP_BLOCK (array.h), summed in the precision of its numbers. */
void ap_term_distance_add(int64_t n, ap_real floor, const ap_real *a, const ap_real *b,
                          ap_term_distance *sums);

/* The gradient of factors times such sums: with e = a - b,
 * da += square e + log sign(e) / (a + floor), db -= square e + reference b + log sign(e) / (b + floor);
 * da or db NULL: not wanted. */
typedef struct ap_term_slopes {
    ap_real square, reference, log, floor;
} ap_term_slopes;

void ap_term_distance_back(int64_t n, const ap_term_slopes *slopes, const ap_real *a, const ap_real *b,
                           ap_real *da, ap_real *db);

/* Adds the products of n numbers of a and b to ab, and their squares to aa and bb. And y += p a + q b, each
 * number with factors of its own. */
void ap_term_products_add(int64_t n, const ap_real *a, const ap_real *b, double *ab, double *aa, double *bb);
void ap_term_mix_add(int64_t n, const ap_real *p, const ap_real *a, const ap_real *q, const ap_real *b,
                     ap_real *y);

/* The sum of x^2, or of x^8 where `eighth`; and back, with t = scale x, dx += factor t, or factor t^7. */
double ap_term_powers(int64_t n, bool eighth, const ap_real *x);
void ap_term_powers_back(int64_t n, bool eighth, ap_real factor, ap_real scale, const ap_real *x,
                         ap_real *dx);

/* The largest |x|; NaN counts as larger than any number. 0 of none. */
ap_real ap_term_loudest(int64_t n, const ap_real *x);

#endif
