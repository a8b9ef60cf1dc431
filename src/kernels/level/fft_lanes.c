#include "kernels/level/names.h"

#include "kernels/fft_lanes.h"

#include "kernels/fft_plan.h"
#include "kernels/flops.h"
#include "kernels/level/vec.h"
#include "kernels/magnitude_lanes.h"

#include <stddef.h>
#include <tgmath.h>

/* A vector of the lanes at a time: number i of them. */
#define AT(x, i) (*(vec *)((x) + (i) * (int64_t)AP_LANES))
#define AT_CONST(x, i) (*(const vec *)((x) + (i) * (int64_t)AP_LANES))

/* A bin of a spectrum, and its magnitude. */
#define PUT(X, k, re, im) (AT(X, 2 * (k)) = (re), AT(X, 2 * (k) + 1) = (im))
#define PUT_MAGNITUDE(y, k, re, im) AT(y, k) = root((re) * (re) + (im) * (im) + AP_MAGNITUDE_FLOOR)

static ALWAYS_INLINE vec root(vec x)
{
    vec y;
    for (int i = 0; i < VEC_LANES; i++) y[i] = sqrt(x[i]);
    return y;
}

DEFINE_SPLIT(split, vec, AT, PUT)
DEFINE_SPLIT(split_magnitudes, vec, AT, PUT_MAGNITUDE)
DEFINE_JOIN(join, vec, AT)
DEFINE_SUM(sum, vec, AT)

/* z = y w, both complex */
static ALWAYS_INLINE void turned(ap_real *z, vec re, vec im, ap_complex w)
{
    AT(z, 0) = re * w.re - im * w.im;
    AT(z, 1) = re * w.im + im * w.re;
}

/* Four complex numbers, `step` complex numbers apart from x on, each sample times its window (NULL: as it
 * is). */
typedef struct four {
    vec re[4], im[4];
} four;

static ALWAYS_INLINE four four_at(const ap_real *x, int64_t step, const ap_real *window)
{
    four f;
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        f.re[i] = AT_CONST(x, 2 * i * step);
        f.im[i] = AT_CONST(x, 2 * i * step + 1);
        if (!window) continue;
        f.re[i] *= window[2 * i * step];
        f.im[i] *= window[2 * i * step + 1];
    }
    return f;
}

/* The transform of length 4, frequencies in order. */
static ALWAYS_INLINE four four_turned(four x)
{
    vec ac_re = x.re[0] + x.re[2], ac_im = x.im[0] + x.im[2];
    vec bd_re = x.re[1] + x.re[3], bd_im = x.im[1] + x.im[3];
    vec p_re = x.re[0] - x.re[2], p_im = x.im[0] - x.im[2];
    vec q_re = x.im[1] - x.im[3], q_im = x.re[3] - x.re[1]; /* -i (b - d) */
    return (four){{ac_re + bd_re, p_re + q_re, ac_re - bd_re, p_re - q_re},
                  {ac_im + bd_im, p_im + q_im, ac_im - bd_im, p_im - q_im}};
}

/* One step of the transform: into four parts of z, which may be x. */
static ALWAYS_INLINE void divide(const ap_fft *fft, int length, const ap_real *window, const ap_real *x,
                                 ap_real *z)
{
    const int quarter = length / 4, step = fft->n / length;
    const int64_t next = (int64_t)2 * quarter * AP_LANES;
    for (int j = 0; j < quarter; j++, x += 2 * AP_LANES, z += 2 * AP_LANES) {
        four y = four_turned(four_at(x, quarter, window ? window + 2 * j : NULL));
        AT(z, 0) = y.re[0];
        AT(z, 1) = y.im[0];
        turned(z + next, y.re[1], y.im[1], fft->turn[j * step]);
        turned(z + 2 * next, y.re[2], y.im[2], fft->turn[2 * j * step]);
        turned(z + 3 * next, y.re[3], y.im[3], fft->turn[3 * j * step]);
    }
}

static ALWAYS_INLINE void put_pair(ap_real *z, vec a_re, vec a_im, vec b_re, vec b_im)
{
    AT(z, 0) = a_re + b_re;
    AT(z, 1) = a_im + b_im;
    AT(z, 2) = a_re - b_re;
    AT(z, 3) = a_im - b_im;
}

/* The transforms of length 2, 4 and 8, in registers. That of 8 is one of 4 of the even numbers, one of 4 of
 * the odd ones, turned by eighths of a circle, and four of 2. */
static void transform_2(ap_real *z)
{
    put_pair(z, AT(z, 0), AT(z, 1), AT(z, 2), AT(z, 3));
}

static void transform_4(ap_real *z)
{
    four y = four_turned(four_at(z, 1, NULL));
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        AT(z, 2 * i) = y.re[i];
        AT(z, 2 * i + 1) = y.im[i];
    }
}

static void transform_8(ap_real *z)
{
    const ap_real r = (ap_real)M_SQRT1_2;
    four a = four_turned(four_at(z, 2, NULL)), b = four_turned(four_at(z + 2 * AP_LANES, 2, NULL));
    put_pair(z, a.re[0], a.im[0], b.re[0], b.im[0]);
    put_pair(z + 4 * AP_LANES, a.re[1], a.im[1], r * (b.re[1] + b.im[1]), r * (b.im[1] - b.re[1]));
    put_pair(z + 8 * AP_LANES, a.re[2], a.im[2], b.im[2], -b.re[2]);
    put_pair(z + 12 * AP_LANES, a.re[3], a.im[3], r * (b.im[3] - b.re[3]), -r * (b.re[3] + b.im[3]));
}

/* In place: decimation in frequency, radix 4, the last step being of radix 2, 4 or 8. Depth first, so that
 * parts that fit a cache are completed in it. place_frequencies says where frequencies end up. */
static void transform(const ap_fft *fft, ap_real *z, int length)
{
    if (length == 2) transform_2(z);
    if (length == 4) transform_4(z);
    if (length == 8) transform_8(z);
    if (length <= 8) return;
    divide(fft, length, NULL, z, z);
    for (int r = 0; r < 4; r++) transform(fft, z + (int64_t)2 * r * (length / 4) * AP_LANES, length / 4);
}

/* The complex transform of n/2 numbers x under a window: into z, which is not x, frequency k at place[k]. */
static void transform_windowed(const ap_fft *fft, const ap_real *window, const ap_real *x, ap_real *z)
{
    const int h = fft->n / 2;
    if (h <= 8) {
        for (int t = 0; t < fft->n; t++) AT(z, t) = window[t] * AT_CONST(x, t);
        transform(fft, z, h);
        return;
    }
    divide(fft, h, window, x, z);
    for (int r = 0; r < 4; r++) transform(fft, z + (int64_t)2 * r * (h / 4) * AP_LANES, h / 4);
}

void ap_fft_forward_lanes(const ap_fft *fft, ap_lanes *signals, ap_lanes *spectra)
{
    ap_flops_add(AP_LANES * fft->flops);
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES) {
        ap_real *x = (ap_real *)signals + lane, *X = (ap_real *)spectra + lane;
        if (fft->place)
            transform(fft, x, fft->n / 2);
        else
            sum(fft, x, X);
        split(fft->n / 2, fft->turn, fft->place, fft->place ? x : X, X);
    }
}

void ap_fft_inverse_lanes(const ap_fft *fft, ap_lanes *spectra, ap_lanes *signals)
{
    ap_flops_add(AP_LANES * fft->flops);
    int h = fft->n / 2;
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES) {
        ap_real *x = (ap_real *)signals + lane, *X = (ap_real *)spectra + lane;
        join(h, fft->turn, X);
        if (fft->place)
            transform(fft, X, h);
        else
            sum(fft, X, x);
        const ap_real *from = fft->place ? X : x;
        for (int m = 0; m < h; m++) {
            int at = fft->place ? fft->place[m] : m;
            AT(x, 2 * m) = AT_CONST(from, 2 * at);
            AT(x, 2 * m + 1) = -AT_CONST(from, 2 * at + 1);
        }
    }
}

/* The complex transform of x under the window: into z, which is not x, or, where the length is no power of
 * two, behind the n windowed samples in z. */
static const ap_real *windowed(const ap_fft *fft, const ap_real *window, const ap_real *x, ap_real *z,
                               ap_real *behind)
{
    if (fft->place) {
        transform_windowed(fft, window, x, z);
        return z;
    }
    for (int t = 0; t < fft->n; t++) AT(z, t) = window[t] * AT_CONST(x, t);
    sum(fft, z, behind);
    return behind;
}

void ap_fft_windowed_lanes(const ap_fft *fft, const ap_real *window, const ap_lanes *signals,
                           ap_lanes *scratch, ap_lanes *spectra)
{
    ap_flops_add(AP_LANES * fft->flops);
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES) {
        ap_real *X = (ap_real *)spectra + lane;
        const ap_real *Z =
            windowed(fft, window, (const ap_real *)signals + lane, (ap_real *)scratch + lane, X);
        split(fft->n / 2, fft->turn, fft->place, Z, X);
    }
}

void ap_fft_magnitudes_lanes(const ap_fft *fft, const ap_real *window, const ap_lanes *signals,
                             ap_lanes *scratch, ap_lanes *magnitudes)
{
    ap_flops_add(AP_LANES * fft->flops);
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES) {
        ap_real *z = (ap_real *)scratch + lane, *y = (ap_real *)magnitudes + lane;
        const ap_real *Z =
            windowed(fft, window, (const ap_real *)signals + lane, z, z + (int64_t)fft->n * AP_LANES);
        split_magnitudes(fft->n / 2, fft->turn, fft->place, Z, y);
    }
}

void ap_fft_windowed_inverse_lanes(const ap_fft *fft, const ap_real *window, ap_lanes *spectra,
                                   ap_lanes *scratch, ap_lanes *signals)
{
    ap_flops_add(AP_LANES * fft->flops);
    int h = fft->n / 2;
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES) {
        ap_real *z = (ap_real *)scratch + lane, *X = (ap_real *)spectra + lane,
                *y = (ap_real *)signals + lane;
        join(h, fft->turn, X);
        if (fft->place)
            transform(fft, X, h);
        else
            sum(fft, X, z);
        const ap_real *from = fft->place ? X : z;
        for (int m = 0; m < h; m++) {
            int at = fft->place ? fft->place[m] : m;
            AT(y, 2 * m) += window[2 * m] * AT_CONST(from, 2 * at);
            AT(y, 2 * m + 1) -= window[2 * m + 1] * AT_CONST(from, 2 * at + 1);
        }
    }
}
