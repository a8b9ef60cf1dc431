#include "kernels/level/names.h"

#include "kernels/terms.h"

#include "kernels/array.h"
#include "kernels/level/vec.h"
#include "kernels/vmath.h"

#include <string.h>
#include <tgmath.h>

/* (a - b)^2, and the larger and the smaller of two magnitudes. The logarithms of quotients of at least 1 are
 * added up by pairs: that of their product. */
typedef struct quotient {
    ap_real square, above, below;
} quotient;

static ALWAYS_INLINE quotient quotient_of(ap_real a, ap_real b, ap_real floor)
{
    ap_real e = a - b;
    return (quotient){e * e, (e > 0 ? a : b) + floor, (e > 0 ? b : a) + floor};
}

void ap_term_distance_add(int64_t n, ap_real floor, const ap_real *a, const ap_real *b,
                          ap_term_distance *sums)
{
    ap_real logarithm[AP_BLOCK / 2 + 1], squares = 0, reference = 0, logs = 0;
    const int64_t half = n / 2, rest = n - 2 * half;
#pragma omp simd reduction(+ : squares, reference)
    for (int64_t i = 0; i < half; i++) {
        quotient first = quotient_of(a[i], b[i], floor),
                 second = quotient_of(a[half + i], b[half + i], floor);
        squares += first.square + second.square;
        reference += b[i] * b[i] + b[half + i] * b[half + i];
        logarithm[i] = (first.above * second.above) / (first.below * second.below);
    }
    if (rest) {
        quotient last = quotient_of(a[n - 1], b[n - 1], floor);
        squares += last.square;
        reference += b[n - 1] * b[n - 1];
        logarithm[half] = last.above / last.below;
    }
    ap_vlog(half + rest, logarithm, logarithm);
#pragma omp simd reduction(+ : logs)
    for (int64_t i = 0; i < half + rest; i++) logs += logarithm[i];
    sums->squares += (double)squares;
    sums->reference += (double)reference;
    sums->logs += (double)logs;
}

void ap_term_distance_back(int64_t n, const ap_term_slopes *slopes, const ap_real *a, const ap_real *b,
                           ap_real *da, ap_real *db)
{
    const ap_term_slopes s = *slopes;
    for (int64_t i = 0; da && i < n; i++) {
        ap_real e = a[i] - b[i], sign = e > 0 ? s.log : e < 0 ? -s.log : 0;
        da[i] += s.square * e + sign / (a[i] + s.floor);
    }
    for (int64_t i = 0; db && i < n; i++) {
        ap_real e = a[i] - b[i], sign = e > 0 ? s.log : e < 0 ? -s.log : 0;
        db[i] -= s.square * e + s.reference * b[i] + sign / (b[i] + s.floor);
    }
}

void ap_term_products_add(int64_t n, const ap_real *a, const ap_real *b, double *restrict ab,
                          double *restrict aa, double *restrict bb)
{
    for (int64_t i = 0; i < n; i++) {
        double p = (double)a[i], q = (double)b[i];
        ab[i] += p * q;
        aa[i] += p * p;
        bb[i] += q * q;
    }
}

void ap_term_mix_add(int64_t n, const ap_real *p, const ap_real *a, const ap_real *q, const ap_real *b,
                     ap_real *restrict y)
{
    for (int64_t i = 0; i < n; i++) y[i] += p[i] * a[i] + q[i] * b[i];
}

double ap_term_powers(int64_t n, bool eighth, const ap_real *x)
{
    double sum = 0;
    if (eighth) {
#pragma omp simd reduction(+ : sum)
        for (int64_t i = 0; i < n; i++) {
            double square = (double)x[i] * (double)x[i], fourth = square * square;
            sum += fourth * fourth;
        }
    } else {
#pragma omp simd reduction(+ : sum)
        for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    }
    return sum;
}

void ap_term_powers_back(int64_t n, bool eighth, ap_real factor, ap_real scale, const ap_real *x, ap_real *dx)
{
    for (int64_t i = 0; i < n; i++) {
        ap_real t = scale * x[i], square = t * t;
        dx[i] += factor * t * (eighth ? square * square * square : 1);
    }
}

/* Magnitudes are compared as integers: without the sign bit, numbers order like their bit patterns. The
 * maximum of integers is one vector instruction; that of floats, which may be NaN, is not. */
#ifdef AP_DOUBLE
typedef int64_t pattern __attribute__((may_alias));
#define SIGN_MASK INT64_MAX
#else
typedef int32_t pattern __attribute__((may_alias));
#define SIGN_MASK INT32_MAX
#endif

ap_real ap_term_loudest(int64_t n, const ap_real *x)
{
    const pattern *bits = (const pattern *)x;
    pattern most = 0;
    for (int64_t i = 0; i < n; i++) {
        pattern magnitude = bits[i] & SIGN_MASK;
        most = magnitude > most ? magnitude : most;
    }
    ap_real value;
    memcpy(&value, &most, sizeof value);
    return value;
}
