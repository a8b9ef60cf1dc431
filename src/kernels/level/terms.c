#include "kernels/level/names.h"

#include "kernels/terms.h"

#include "kernels/array.h"
#include "kernels/vmath.h"

#include <string.h>
#include <tgmath.h>

void ap_term_distance_add(int64_t n, ap_real floor, const ap_real *a, const ap_real *b,
                          ap_term_distance *sums)
{
    ap_real logarithm[AP_BLOCK] = {0}, squares = 0, reference = 0, logs = 0;
    for (int64_t i = 0; i < n; i++) logarithm[i] = (a[i] + floor) / (b[i] + floor);
    ap_vlog(n, logarithm, logarithm);
#pragma omp simd reduction(+ : squares, reference, logs)
    for (int64_t i = 0; i < n; i++) {
        ap_real e = a[i] - b[i];
        squares += e * e;
        reference += b[i] * b[i];
        logs += fabs(logarithm[i]);
    }
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

void ap_term_logs_add(int64_t n, ap_real offset, const ap_real *x, double *sums)
{
    ap_real logarithm[AP_TERM_WIDTH] = {0};
    for (int64_t i = 0; i < n; i++) logarithm[i] = x[i] + offset;
    ap_vlog(n, logarithm, logarithm);
    for (int64_t i = 0; i < n; i++) sums[i] += (double)logarithm[i];
}

void ap_term_logs_back(int64_t n, ap_real offset, ap_real factor, const ap_real *x, const ap_real *dy,
                       ap_real *dx)
{
    for (int64_t i = 0; i < n; i++) dx[i] += factor * dy[i] / (x[i] + offset);
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
