#include "kernels/level/names.h"

#include "kernels/magnitude_lanes.h"

#include "kernels/level/square.h"
#include "kernels/vmath.h"

#include <tgmath.h>

/* The vector of element t of the lanes from `lane` on. */
#define AT(x, t, lane) (*(vec *)((ap_real *)(x) + (t) * (int64_t)AP_LANES + (lane)))
#define AT_CONST(x, t, lane) (*(const vec *)((const ap_real *)(x) + (t) * (int64_t)AP_LANES + (lane)))

#ifdef AP_DOUBLE
typedef int64_t pattern __attribute__((vector_size(VEC_BYTES), aligned(sizeof(ap_real)), may_alias));
#else
typedef int32_t pattern __attribute__((vector_size(VEC_BYTES), aligned(sizeof(ap_real)), may_alias));
#endif

/* 1 / sqrt(x) of positive numbers, within three roundings. Roots and quotients of wide vectors take ten times
 * as long as products. So, in float, an estimate from the exponent is corrected three times by Newton's rule.
 */
static ALWAYS_INLINE vec inverse_root(vec x)
{
#ifdef AP_DOUBLE
    vec y;
    for (int i = 0; i < VEC_LANES; i++) y[i] = 1 / sqrt(x[i]);
    return y;
#else
    vec half = x * 0.5f, y = (vec)(0x5f375a86 - ((pattern)x >> 1));
#pragma GCC unroll 3
    for (int step = 0; step < 3; step++) y *= 1.5f - half * y * y;
    return y;
#endif
}

static ALWAYS_INLINE ap_real share_of(int64_t k, int64_t F)
{
    return k == 0 || k == F - 1 ? 1 : (ap_real)0.5;
}

/* |X|^2 + 1e-9 at bin k */
static ALWAYS_INLINE vec power_at(const ap_lanes *X, int64_t k, int lane)
{
    vec re = AT_CONST(X, 2 * k, lane), im = AT_CONST(X, 2 * k + 1, lane);
    return re * re + im * im + AP_MAGNITUDE_FLOOR;
}

static ALWAYS_INLINE void scale_bin(ap_lanes *X, int64_t k, int lane, vec factor)
{
    AT(X, 2 * k, lane) *= factor;
    AT(X, 2 * k + 1, lane) *= factor;
}

void ap_lanes_magnitude_back(int64_t F, const ap_lanes *dy, ap_lanes *X)
{
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES)
        for (int64_t k = 0; k < F; k++)
            scale_bin(X, k, lane,
                      share_of(k, F) * AT_CONST(dy, k, lane) * inverse_root(power_at(X, k, lane)));
}

void ap_lanes_sparse(const ap_sparse *matrix, const ap_lanes *x, ap_lanes *y)
{
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES)
        for (int64_t r = 0; r < matrix->rows; r++) {
            vec even = (vec){0}, odd = (vec){0};
            int i = matrix->begin[r], end = matrix->begin[r + 1];
            for (; i + 1 < end; i += 2) {
                even += matrix->weight[i] * AT_CONST(x, matrix->at[i], lane);
                odd += matrix->weight[i + 1] * AT_CONST(x, matrix->at[i + 1], lane);
            }
            if (i < end) even += matrix->weight[i] * AT_CONST(x, matrix->at[i], lane);
            AT(y, r, lane) = even + odd;
        }
}

/* Logarithms are those of products of this many numbers. */
#define FACTORS 4

void ap_lanes_log_sums(int64_t F, int live, ap_real offset, const ap_lanes *y, ap_real *sums)
{
    for (int64_t k = 0; k < F; k += VEC_LANES) {
        int width = F - k < VEC_LANES ? (int)(F - k) : VEC_LANES;
        vec sum = (vec){0};
        for (int lane = 0; lane < live; lane += VEC_LANES) {
            vec square[VEC_LANES], product[AP_LANES / FACTORS];
            for (int j = 0; j < VEC_LANES; j++)
                square[j] = AT_CONST(y, k + (j < width ? j : 0), lane) + offset;
            square_turn(square);
            int count = 0;
            for (int i = 0; i < VEC_LANES && lane + i < live; i++)
                if (i % FACTORS == 0)
                    product[count++] = square[i];
                else
                    product[count - 1] *= square[i];
            ap_vlog(count * VEC_LANES, (const ap_real *)product, (ap_real *)product);
            for (int i = 0; i < count; i++) sum += product[i];
        }
        for (int j = 0; j < width; j++) sums[k + j] = sum[j];
    }
}

void ap_lanes_log_sums_back(int64_t F, ap_real offset, const ap_real *dy, ap_lanes *X)
{
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES)
        for (int64_t k = 0; k < F; k++) {
            vec power = power_at(X, k, lane), inverse = inverse_root(power);
            scale_bin(X, k, lane, share_of(k, F) * dy[k] * inverse / (power * inverse + offset));
        }
}

/* size times the sign of x; 0 where x is within `rounding` of 0 */
static ALWAYS_INLINE vec signed_as(vec x, vec rounding, vec size)
{
    return (vec)((pattern)size & (pattern)(x > rounding)) - (vec)((pattern)size & (pattern)(x < -rounding));
}

/* Magnitudes of the same signal may differ by this much of them, by the way they are computed. */
#ifdef AP_DOUBLE
#define ROUNDING 1e-14
#else
#define ROUNDING 1e-6f
#endif

void ap_lanes_distance_back(int64_t F, int count, const ap_lanes_other *others, ap_real floor, ap_lanes *X)
{
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES)
        for (int64_t k = 0; k < F; k++) {
            vec power = power_at(X, k, lane), inverse = inverse_root(power), y = power * inverse;
            vec plain = (vec){0}, signs = (vec){0};
            for (int i = 0; i < count; i++) {
                vec e = y;
                if (others[i].y) e -= AT_CONST(others[i].y, k, lane);
                plain += others[i].square * e;
                signs += signed_as(e, ROUNDING * y, (vec){0} + others[i].log);
            }
            scale_bin(X, k, lane, share_of(k, F) * inverse * (plain + signs / (y + floor)));
        }
}
