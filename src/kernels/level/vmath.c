#include "kernels/level/names.h"

#include "kernels/vmath.h"

#include "base/bounds.h"
#include "kernels/level/vec.h"

#include <math.h>

#ifdef AP_DOUBLE

#define MAP(name, expression)                                                                                \
    void name(int64_t n, const ap_real *x, ap_real *y)                                                       \
    {                                                                                                        \
        for (int64_t i = 0; i < n; i++) y[i] = expression;                                                   \
    }
MAP(ap_vexp, exp(x[i]))
MAP(ap_vtanh, tanh(x[i]))
MAP(ap_vsigmoid, 1 / (1 + exp(-x[i])))
MAP(ap_verf, erf(x[i]))
MAP(ap_vlog, log(x[i]))
MAP(ap_vasinh, asinh(x[i]))
MAP(ap_velu, x[i] > 0 ? x[i] : exp(x[i]) - 1)

void ap_velu_back(int64_t n, const ap_real *x, const ap_real *dy, ap_real *dx)
{
    for (int64_t i = 0; i < n; i++) dx[i] = x[i] > 0 ? dy[i] : dy[i] * exp(x[i]);
}

#else

typedef union bits {
    float f;
    int32_t i;
    uint32_t u;
} bits;

/* e^x = 2^k e^r with |r| <= ln(2) / 2, for x up to 88.3: adding 1.5 * 2^23 rounds to an integer and leaves it
 * in the low bits, and 127 more makes it the exponent of 2^k; e^r by a polynomial of the fifth degree, 1 + r
 * +
 * ..., fitted to the smallest relative error, 1.1e-7, by least squares reweighted where it is largest. */
static ALWAYS_INLINE float exp_bounded(float x)
{
    const float round = 12582912.0f + 127.0f;
    x = x < -87.3f ? -87.3f : x;
    bits shifted = {.f = x * 1.44269504f + round};
    float k = shifted.f - round;
    float r = x - k * 0.693359375f;
    r = r + k * 2.12194440e-4f;
    float p = 8.312430363e-03f;
    p = p * r + 4.189098748e-02f;
    p = p * r + 1.666711817e-01f;
    p = p * r + 4.999922585e-01f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    bits scale = {.u = shifted.u << 23};
    return p * scale.f;
}

static ALWAYS_INLINE float exp1(float x)
{
    return exp_bounded(x > 88.3f ? 88.3f : x);
}

void ap_vexp(int64_t n, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = exp1(x[i]);
}

void ap_vtanh(int64_t n, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++) {
        float e = exp_bounded(-2 * fabsf(x[i]));
        y[i] = copysignf((1 - e) / (1 + e), x[i]);
    }
}

void ap_vsigmoid(int64_t n, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = 1 / (1 + exp1(-x[i]));
}

/* erf x = x P(x^2) / Q(x^2) up to |x| = 4, beyond which it is 1 in float. Both polynomials of the fifth
 * degree, fitted to the smallest relative error, 2.5e-8, by least squares reweighted where it is largest. */
void ap_verf(int64_t n, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++) {
        float a = x[i] < -4 ? -4 : x[i];
        a = a > 4 ? 4 : a;
        float s = a * a;
        float p = 1.98676986e-06f;
        p = p * s + 0.000284565492f;
        p = p * s + 0.00388335929f;
        p = p * s + 0.0531017929f;
        p = p * s + 0.193545538f;
        p = p * s + 1.12837914f;
        float q = 3.74200214e-05f;
        q = q * s + 0.00118557337f;
        q = q * s + 0.0152072832f;
        q = q * s + 0.115350183f;
        q = q * s + 0.504857823f;
        q = q * s + 1;
        float e = a * p / q;
        e = e < -1 ? -1 : e;
        y[i] = e > 1 ? 1 : e;
    }
}

/* ln x = k ln 2 + 2 atanh((m - 1) / (m + 1)) with m in [sqrt(1/2), sqrt(2)): |s| <= 0.1716, and the series to
 * s^9 leaves less than 2^-28. */
static ALWAYS_INLINE float log_positive(float x)
{
    bits b = {.f = x};
    int32_t shifted = b.i - 0x3F3504F3;
    float k = (float)(shifted >> 23);
    bits m = {.i = (shifted & 0x007FFFFF) + 0x3F3504F3};
    float s = (m.f - 1) / (m.f + 1), q = s * s;
    float p = 2.0f / 9;
    p = p * q + 2.0f / 7;
    p = p * q + 2.0f / 5;
    p = p * q + 2.0f / 3;
    /* x - x is 0, or NaN if x is NaN, which the bits alone would turn into a number */
    return k * 0.693359375f + (2 * s + (p * q * s - k * 2.12194440e-4f)) + (x - x);
}

void ap_vlog(int64_t n, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = log_positive(x[i]);
}

/* Up to 1/2 x P(x^2), a polynomial of the fourth degree fitted to the smallest relative error, 2.6e-8, by
 * least squares reweighted where it is largest; beyond, ln(|x| + sqrt(x^2 + 1)), and where the 1 is lost ln(2
 * |x|). */
void ap_vasinh(int64_t n, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++) {
        float a = fabsf(x[i]), s = a < 0.5f ? a * a : 0.25f;
        float p = 1.990859032e-02f;
        p = p * s + -4.258077272e-02f;
        p = p * s + 7.482577099e-02f;
        p = p * s + -1.666614155e-01f;
        p = p * s + 1.0f;
        float root = a < 1e9f ? sqrtf(a * a + 1) : a;
        float large = copysignf(log_positive(a + root), x[i]);
        y[i] = a < 0.5f ? x[i] * p : large;
    }
}

/* e^x for x from `least` (at least -87), which stands for what is below it, to 0, where the absolute error
 * counts: x log2(e) = k + r, |r| <= 1/2, needs no second part of the constant, and k may be added to the
 * exponent of 2^r, a polynomial of the fifth degree, fitted to the smallest error of 2^(k + r), k <=
 * 0: 6.3e-8. */
static ALWAYS_INLINE float exp_below0(float x, float least)
{
    x = x < least ? least : x;
    bits shifted = {.f = x * 1.44269504f + 12582912.0f};
    float r = x * 1.44269504f - (shifted.f - 12582912.0f);
    float p = 1.322570839e-03f;
    p = p * r + 9.671762586e-03f;
    p = p * r + 5.550891533e-02f;
    p = p * r + 2.402223647e-01f;
    p = p * r + 6.931468248e-01f;
    bits power = {.f = p * r + 1.0f};
    power.u += shifted.u << 23;
    return power.f;
}

/* Below this, e^x - 1 is -1 in float. */
#define ELU_LEAST (-20.0f)

/* NaN compares false and stays NaN. */
void ap_velu(int64_t n, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++) {
        float e = exp_below0(x[i], ELU_LEAST) - 1;
        y[i] = x[i] <= 0 ? e : x[i];
    }
}

void ap_velu_back(int64_t n, const float *x, const float *dy, float *dx)
{
    for (int64_t i = 0; i < n; i++) {
        float d = dy[i], product = d * exp_below0(x[i], ELU_LEAST);
        dx[i] = x[i] > 0 ? d : product;
    }
}

#endif

/* Independent maxima, so that comparisons do not wait for one another. */
#define LANES 32
#define BLOCK 1024

ap_real ap_vmax(int64_t n, const ap_real *x)
{
    ap_real most[LANES], largest;
    int64_t i = 0;
    for (int l = 0; l < LANES; l++) most[l] = x[0];
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) most[l] = x[i + l] > most[l] ? x[i + l] : most[l];
    largest = most[0];
    for (int l = 1; l < LANES; l++) largest = most[l] > largest ? most[l] : largest;
    for (; i < n; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

#ifdef AP_DOUBLE
#define EXP_BELOW0(x) exp(x)
#else
#define EXP_BELOW0(x) exp_below0(x, -87.0f)
#endif

/* LANES sums in ap_real, each of at most BLOCK / LANES numbers, then summed in double: equally exact whether
 * or not the compiler vectorises. */
double ap_vexp_sum(int64_t n, const ap_real *x, ap_real shift, ap_real *y)
{
    double total = 0;
    for (int64_t at = 0; at < n; at += BLOCK) {
        int64_t end = ap_least(n, at + BLOCK), i = at;
        ap_real sum[LANES] = {0};
        for (; i + LANES <= end; i += LANES)
#pragma omp simd
            for (int l = 0; l < LANES; l++) {
                y[i + l] = EXP_BELOW0(x[i + l] - shift);
                sum[l] += y[i + l];
            }
        for (int l = 0; i < end; i++, l++) {
            y[i] = EXP_BELOW0(x[i] - shift);
            sum[l] += y[i];
        }
        for (int l = 0; l < LANES; l++) total += (double)sum[l];
    }
    return total;
}

/* n columns of x, whose rows are `pitch` apart. If n is LANES, it is a constant when inlined, so that the
 * maxima stay in registers. */
static ALWAYS_INLINE void max_columns(int64_t rows, int64_t n, const ap_real *x, int64_t pitch, ap_real *most)
{
    ap_real largest[LANES];
    for (int64_t i = 0; i < n; i++) largest[i] = most[i];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++) {
            ap_real value = x[r * pitch + i];
            largest[i] = value > largest[i] ? value : largest[i];
        }
    for (int64_t i = 0; i < n; i++) most[i] = largest[i];
}

void ap_vmax_columns(int64_t rows, int64_t n, const ap_real *x, ap_real *most)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) max_columns(rows, LANES, x + i, n, most + i);
    if (i < n) max_columns(rows, n - i, x + i, n, most + i);
}

static ALWAYS_INLINE void exp_columns(int64_t rows, int64_t n, ap_real factor, const ap_real *shift,
                                      ap_real *x, int64_t pitch, ap_real *sum)
{
    ap_real down[LANES], total[LANES];
    for (int64_t i = 0; i < n; i++) {
        down[i] = shift[i];
        total[i] = 0;
    }
    for (int64_t r = 0; r < rows; r++) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) {
            ap_real y = EXP_BELOW0(factor * x[r * pitch + i] - down[i]);
            x[r * pitch + i] = y;
            total[i] += y;
        }
    }
    for (int64_t i = 0; i < n; i++) sum[i] += total[i];
}

void ap_vexp_columns(int64_t rows, int64_t n, ap_real factor, const ap_real *shift, ap_real *x, ap_real *sum)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) exp_columns(rows, LANES, factor, shift + i, x + i, n, sum + i);
    if (i < n) exp_columns(rows, n - i, factor, shift + i, x + i, n, sum + i);
}

void ap_vexp_rows(int64_t rows, int64_t n, ap_real factor, const ap_real *shift, ap_real *x)
{
    for (int64_t r = 0; r < rows; r++, x += n) {
        ap_real down = shift[r];
#pragma omp simd
        for (int64_t i = 0; i < n; i++) x[i] = EXP_BELOW0(factor * x[i] - down);
    }
}

static ALWAYS_INLINE ap_real elu_slope_of(ap_real y)
{
    return y > 0 ? 1 : y + 1;
}

void ap_velu_back_of(int64_t n, const ap_real *y, const ap_real *dy, ap_real *dx)
{
    for (int64_t i = 0; i < n; i++) dx[i] = dy[i] * elu_slope_of(y[i]);
}

void ap_velu_back_of_add(int64_t n, const ap_real *y, const ap_real *dy, ap_real *dx)
{
    for (int64_t i = 0; i < n; i++) dx[i] += dy[i] * elu_slope_of(y[i]);
}

void ap_vsoftmax_back(int64_t rows, int64_t n, const ap_real *delta, const ap_real *p, ap_real *dp)
{
    for (int64_t r = 0; r < rows; r++, p += n, dp += n) {
        ap_real down = delta[r];
#pragma omp simd
        for (int64_t i = 0; i < n; i++) dp[i] = p[i] * (dp[i] - down);
    }
}

void ap_vleaky_relu(int64_t n, ap_real slope, const ap_real *x, ap_real *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

void ap_vleaky_relu_back(int64_t n, ap_real slope, const ap_real *y, const ap_real *dy, ap_real *dx)
{
    for (int64_t i = 0; i < n; i++) dx[i] += dy[i] * (y[i] > 0 ? 1 : slope);
}

/* Numbers whose temporaries stay in the first-level cache. */
#define GELU_BLOCK 256

void ap_vgelu(int64_t n, const ap_real *x, ap_real *y)
{
    ap_real e[GELU_BLOCK];
    for (int64_t at = 0; at < n; at += GELU_BLOCK, x += GELU_BLOCK, y += GELU_BLOCK) {
        int64_t length = ap_least(GELU_BLOCK, n - at);
        for (int64_t i = 0; i < length; i++) e[i] = x[i] * (ap_real)M_SQRT1_2;
        ap_verf(length, e, e);
        for (int64_t i = 0; i < length; i++) y[i] = x[i] * (1 + e[i]) / 2;
    }
}

void ap_vgelu_back(int64_t n, const ap_real *x, const ap_real *dy, ap_real *g)
{
    const ap_real density = (ap_real)(M_2_SQRTPI * M_SQRT1_2 / 2);
    ap_real e[GELU_BLOCK], phi[GELU_BLOCK];
    for (int64_t at = 0; at < n; at += GELU_BLOCK, x += GELU_BLOCK, dy += GELU_BLOCK, g += GELU_BLOCK) {
        int64_t length = ap_least(GELU_BLOCK, n - at);
        for (int64_t i = 0; i < length; i++) {
            e[i] = x[i] * (ap_real)M_SQRT1_2;
            phi[i] = -e[i] * e[i];
        }
        ap_verf(length, e, e);
        ap_vexp(length, phi, phi);
        for (int64_t i = 0; i < length; i++) g[i] = dy[i] * ((1 + e[i]) / 2 + density * x[i] * phi[i]);
    }
}
