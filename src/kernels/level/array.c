#include "kernels/level/names.h"

#include "kernels/array.h"

#include "base/bounds.h"
#include "kernels/level/square.h"

#include <stddef.h>
#include <string.h>

/* The most partial sums of a long sum. */
#define PORTIONS 64
/* Columns added up side by side. */
#define COLUMNS 64
/* A square tile of this many rows stays in the first-level cache while it is transposed. */
#define TILE 32
#define PARALLEL_LEAST (32 * AP_BLOCK)

void ap_array_accumulate(int64_t n, ap_real factor, const ap_real *x, ap_real *y)
{
    if (!y) return;
    AP_FOR_EACH_BLOCK(n, at, length)
    for (int64_t i = at; i < at + length; i++) y[i] += factor * x[i];
}

/* The sum of `term` over i = 0 .. n - 1, in fixed portions. */
#define SUM_BY_PORTIONS(n, term)                                                                             \
    double partial[PORTIONS] = {0}, total = 0;                                                               \
    int64_t portion = (n / PORTIONS / AP_BLOCK + 1) * AP_BLOCK;                                              \
    _Pragma("omp parallel for schedule(static) if (n > PARALLEL_LEAST)") for (int64_t k = 0; k < PORTIONS;   \
                                                                              k++)                           \
    {                                                                                                        \
        double sum = 0;                                                                                      \
        _Pragma("omp simd reduction(+ : sum)") for (int64_t i = k * portion;                                 \
                                                    i < ap_least(n, (k + 1) * portion); i++) sum += term;    \
        partial[k] = sum;                                                                                    \
    }                                                                                                        \
    for (int k = 0; k < PORTIONS; k++) total += partial[k];                                                  \
    return total;

double ap_array_sum(int64_t n, const ap_real *x)
{
    SUM_BY_PORTIONS(n, (double)x[i])
}

double ap_array_dot(int64_t n, const ap_real *x, const ap_real *y)
{
    SUM_BY_PORTIONS(n, (double)x[i] * (double)y[i])
}

double ap_array_distance_squared(int64_t n, const ap_real *x, const ap_real *y)
{
    SUM_BY_PORTIONS(n, ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]))
}

void ap_array_ramp(int64_t n, double from, double step, const ap_real *x, ap_real *y)
{
    const ap_real start = (ap_real)from, slope = (ap_real)step;
    for (int i = 0; i < n; i++) y[i] = (start + (ap_real)i * slope) * x[i];
}

void ap_array_grain(int64_t n, const ap_array_fade *fade, const ap_real *x, ap_real *y)
{
    const ap_real rise = (ap_real)fade->rise, fall = (ap_real)fade->fall;
    ap_real powers[COLUMNS]; /* of keep */
    double power = 1, height = fade->height;
    for (int i = 0; i < COLUMNS; i++, power *= fade->keep) powers[i] = (ap_real)power;
    for (int64_t at = 0; at < n; at += COLUMNS, height *= power) {
        const int width = (int)ap_least(COLUMNS, n - at);
        const ap_real here = (ap_real)height, behind = (ap_real)(at + 1), left = (ap_real)(n - at);
        for (int i = 0; i < width; i++) {
            ap_real in = (behind + (ap_real)i) * rise, out = (left - (ap_real)i) * fall;
            ap_real share = in < out ? in : out;
            y[at + i] += here * powers[i] * (share < 1 ? share : 1) * x[at + i];
        }
    }
}

double ap_array_rise(int64_t n, const ap_real *before, const ap_real *now)
{
    ap_real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        ap_real step = now[i] - before[i];
        sum += step < 0 ? 0 : step;
    }
    return (double)sum;
}

static void transpose_square(const ap_real *x, int64_t ldx, bool add, ap_real *y, int64_t ldy)
{
    vec row[VEC_LANES];
#pragma GCC unroll 16
    for (int i = 0; i < VEC_LANES; i++) row[i] = *(const vec *)(x + i * ldx);
    square_turn(row);
#pragma GCC unroll 16
    for (int i = 0; i < VEC_LANES; i++) {
        vec *to = (vec *)(y + i * ldy);
        if (add) row[i] += *to;
        *to = row[i];
    }
}

/* Transposes whole squares first, then the remaining columns and rows. */
static void transpose_tile(int64_t P, int64_t Q, const ap_real *x, int64_t ldx, bool add, ap_real *y,
                           int64_t ldy)
{
    int64_t squares_p = P / VEC_LANES * VEC_LANES, squares_q = Q / VEC_LANES * VEC_LANES;
    for (int64_t q = 0; q < squares_q; q += VEC_LANES)
        for (int64_t p = 0; p < squares_p; p += VEC_LANES)
            transpose_square(x + p * ldx + q, ldx, add, y + q * ldy + p, ldy);
    for (int64_t q = 0; q < Q; q++)
        for (int64_t p = q < squares_q ? squares_p : 0; p < P; p++)
            y[q * ldy + p] = (add ? y[q * ldy + p] : 0) + x[p * ldx + q];
}

void ap_matrix_transpose(int64_t P, int64_t Q, const ap_real *x, int64_t ldx, bool add, ap_real *y,
                         int64_t ldy)
{
#pragma omp parallel for collapse(2) schedule(static) if (P * Q > PARALLEL_LEAST)
    for (int64_t q = 0; q < Q; q += TILE)
        for (int64_t p = 0; p < P; p += TILE)
            transpose_tile(ap_least(TILE, P - p), ap_least(TILE, Q - q), x + p * ldx + q, ldx, add,
                           y + q * ldy + p, ldy);
}

void ap_matrix_column_sums(int64_t R, int64_t N, const ap_real *x, ap_real *sums)
{
    if (!sums) return;
#pragma omp parallel for schedule(static) if (R * N > PARALLEL_LEAST)
    for (int64_t n = 0; n < N; n += COLUMNS) {
        double sum[COLUMNS] = {0};
        int64_t width = ap_least(COLUMNS, N - n);
        for (int64_t r = 0; r < R; r++)
            for (int64_t i = 0; i < width; i++) sum[i] += (double)x[r * N + n + i];
        for (int64_t i = 0; i < width; i++) sums[n + i] += (ap_real)sum[i];
    }
}
