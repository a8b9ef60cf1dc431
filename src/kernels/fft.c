#include "kernels/fft.h"

#include "antiphon/status.h"
#include "base/memory.h"
#include "kernels/fft_lanes.h"
#include "kernels/flops.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#ifndef AP_DOUBLE
#include <kiss_fft.h>
#endif

/* A real signal of n samples is transformed as a complex one of n/2: even samples are the real parts, odd
 * ones the imaginary parts. `split` then separates the spectra of the two. `join` combines them for the
 * inverse transform, which is the forward transform between two conjugations. */
struct ap_fft {
    int n;
    int64_t flops;    /* of one transform, by the usual count for real ones: 5/2 n log2 n */
    ap_complex *turn; /* [n] e^(-2 pi i k / n) */
    int *place; /* [n/2]: where the transform in lanes leaves frequency k; NULL unless n is a power of two */
#ifndef AP_DOUBLE
    kiss_fft_cfg kiss; /* complex, n/2 */
#endif
};

/* Records where the frequencies of one part of the transform end up: frequency, frequency + step, ... are
 * spread over `length` positions from `at` on. Each step of transform_lanes divides a part into four (at
 * last into two) that hold every fourth frequency. */
static void place_frequencies(int *place, int at, int length, int frequency, int step)
{
    int radix = length % 4 == 0 ? 4 : length;
    if (length == 1) place[frequency] = at;
    for (int r = 0; length > 1 && r < radix; r++)
        place_frequencies(place, at + r * (length / radix), length / radix, frequency + r * step,
                          step * radix);
}

ap_fft *ap_fft_create(int n)
{
    if (n < 2 || n % 2) ap_fatal("fft: a length of %d is not even and positive", n);
    ap_fft *fft = ap_allocate(1, sizeof *fft);
    fft->n = n;
    fft->flops = llround(2.5 * n * log2(n));
    fft->turn = ap_allocate((size_t)n, sizeof *fft->turn);
    for (int k = 0; k < n; k++) {
        double angle = 2 * M_PI * k / n;
        fft->turn[k] = (ap_complex){(ap_real)cos(angle), (ap_real)-sin(angle)};
    }
    if ((n & (n - 1)) == 0) {
        fft->place = ap_allocate((size_t)n / 2, sizeof *fft->place);
        place_frequencies(fft->place, 0, n / 2, 0, 1);
    }
#ifndef AP_DOUBLE
    fft->kiss = kiss_fft_alloc(n / 2, 0, NULL, NULL);
    if (!fft->kiss) ap_fatal("out of memory: a transform of length %d", n);
#endif
    return fft;
}

void ap_fft_free(ap_fft *fft)
{
    if (!fft) return;
#ifndef AP_DOUBLE
    kiss_fft_free(fft->kiss);
#endif
    free(fft->place);
    free(fft->turn);
    free(fft);
}

/* ---------------------------------------------------------------- between n real and n/2 complex numbers */

/* Z: the transform of length h = n/2, frequency k at place[k] (NULL: k). With E and O the spectra of the even
 * and the odd samples, Z[k] = E[k] + i O[k], and both being of real signals, E[k] = (Z[k] + conj Z[h-k]) / 2,
 * O[k] = (Z[k] - conj Z[h-k]) / 2i,  X[k] = E[k] + turn[k] O[k], X[h-k] = conj(E[k] - turn[k] O[k]). Z and X
 * may be the same array when place is NULL. */
#define DEFINE_SPLIT(name, number)                                                                           \
    static void name(int h, const ap_complex *turn, const int *place, const number *Z, number *X)            \
    {                                                                                                        \
        const ap_real half = (ap_real)0.5;                                                                   \
        number zero_re = Z[0], zero_im = Z[1];                                                               \
        for (int k = 1; k <= h / 2; k++) {                                                                   \
            int a = 2 * (place ? place[k] : k), b = 2 * (place ? place[h - k] : h - k);                      \
            number e_re = (Z[a] + Z[b]) * half, e_im = (Z[a + 1] - Z[b + 1]) * half;                         \
            number o_re = (Z[a + 1] + Z[b + 1]) * half, o_im = (Z[b] - Z[a]) * half;                         \
            number t_re = o_re * turn[k].re - o_im * turn[k].im,                                             \
                   t_im = o_re * turn[k].im + o_im * turn[k].re;                                             \
            X[2 * k] = e_re + t_re;                                                                          \
            X[2 * k + 1] = e_im + t_im;                                                                      \
            X[2 * (h - k)] = e_re - t_re;                                                                    \
            X[2 * (h - k) + 1] = t_im - e_im;                                                                \
        }                                                                                                    \
        X[0] = zero_re + zero_im;                                                                            \
        X[1] = zero_re * 0;                                                                                  \
        X[2 * h] = zero_re - zero_im;                                                                        \
        X[2 * h + 1] = zero_re * 0;                                                                          \
    }

/* In place, X becomes the conjugate of 2 Z: the inverse of split, times two because a sum over n frequencies
 * is twice one over n/2. 2 E[k] = X[k] + conj X[h-k], 2 O[k] = conj turn[k] (X[k] - conj X[h-k]), Z[k] =
 * E[k] + i O[k], Z[h-k] = conj E[k] + i conj O[k]. */
#define DEFINE_JOIN(name, number)                                                                            \
    static void name(int h, const ap_complex *turn, number *X)                                               \
    {                                                                                                        \
        number first = X[0], last = X[2 * h];                                                                \
        for (int k = 1; k <= h / 2; k++) {                                                                   \
            int a = 2 * k, b = 2 * (h - k);                                                                  \
            number e_re = X[a] + X[b], e_im = X[a + 1] - X[b + 1];                                           \
            number d_re = X[a] - X[b], d_im = X[a + 1] + X[b + 1];                                           \
            number o_re = d_re * turn[k].re + d_im * turn[k].im,                                             \
                   o_im = d_im * turn[k].re - d_re * turn[k].im;                                             \
            X[a] = e_re - o_im;                                                                              \
            X[a + 1] = -(e_im + o_re);                                                                       \
            X[b] = e_re + o_im;                                                                              \
            X[b + 1] = e_im - o_re;                                                                          \
        }                                                                                                    \
        X[0] = first + last;                                                                                 \
        X[1] = last - first;                                                                                 \
    }

/* Z = the complex transform of z, both n/2 long, by the definition */
#define DEFINE_SUM(name, number)                                                                             \
    static void name(const ap_fft *fft, const number *z, number *Z)                                          \
    {                                                                                                        \
        for (int k = 0; k < fft->n / 2; k++) {                                                               \
            number re = z[0] * 0, im = re;                                                                   \
            for (int m = 0, angle = 0; m < fft->n / 2; m++, angle = (angle + 2 * k) % fft->n) {              \
                ap_complex w = fft->turn[angle];                                                             \
                re += z[2 * m] * w.re - z[2 * m + 1] * w.im;                                                 \
                im += z[2 * m] * w.im + z[2 * m + 1] * w.re;                                                 \
            }                                                                                                \
            Z[2 * k] = re;                                                                                   \
            Z[2 * k + 1] = im;                                                                               \
        }                                                                                                    \
    }

DEFINE_SPLIT(split, ap_real)
DEFINE_JOIN(join, ap_real)
DEFINE_SPLIT(split_lanes, ap_lanes)
DEFINE_JOIN(join_lanes, ap_lanes)
DEFINE_SUM(sum_lanes, ap_lanes)
#ifdef AP_DOUBLE
DEFINE_SUM(sum, ap_real)
#endif

/* ---------------------------------------------------------------- one signal */

/* Z = the complex transform of z, both n/2 long */
static void transform(const ap_fft *fft, const ap_real *z, ap_real *Z)
{
#ifdef AP_DOUBLE
    sum(fft, z, Z);
#else
    kiss_fft(fft->kiss, (const kiss_fft_cpx *)z, (kiss_fft_cpx *)Z);
#endif
}

void ap_fft_forward(const ap_fft *fft, const ap_real *x, ap_complex *X)
{
    ap_flops_add(fft->flops);
    ap_real *parts = (ap_real *)X;
    transform(fft, x, parts);
    split(fft->n / 2, fft->turn, NULL, parts, parts);
}

void ap_fft_inverse(const ap_fft *fft, ap_complex *X, ap_real *x)
{
    ap_flops_add(fft->flops);
    ap_real *parts = (ap_real *)X;
    join(fft->n / 2, fft->turn, parts);
    transform(fft, parts, x);
    for (int m = 0; m < fft->n / 2; m++) x[2 * m + 1] = -x[2 * m + 1];
}

/* ---------------------------------------------------------------- one signal a lane */

/* z = y w, both complex */
static inline void turned(ap_lanes *z, const ap_lanes *re, const ap_lanes *im, ap_complex w)
{
    z[0] = *re * w.re - *im * w.im;
    z[1] = *re * w.im + *im * w.re;
}

/* In place: decimation in frequency, radix 4, with a last step of radix 2 if needed. Depth first, so that
 * parts that fit a cache are completed in it. place_frequencies says where frequencies end up. */
static void transform_lanes(const ap_fft *fft, ap_lanes *z, int length)
{
    if (length == 2) {
        ap_lanes re = z[0], im = z[1];
        z[0] = re + z[2];
        z[1] = im + z[3];
        z[2] = re - z[2];
        z[3] = im - z[3];
    }
    if (length < 4) return;
    int quarter = length / 4, step = fft->n / length;
    for (int j = 0; j < quarter; j++) {
        ap_lanes *a = z + 2 * j, *b = a + 2 * quarter, *c = b + 2 * quarter, *d = c + 2 * quarter;
        ap_lanes ac_re = a[0] + c[0], ac_im = a[1] + c[1], bd_re = b[0] + d[0], bd_im = b[1] + d[1];
        ap_lanes p_re = a[0] - c[0], p_im = a[1] - c[1];
        ap_lanes q_re = b[1] - d[1], q_im = d[0] - b[0]; /* -i (b - d) */
        ap_lanes y1_re = p_re + q_re, y1_im = p_im + q_im, y3_re = p_re - q_re, y3_im = p_im - q_im;
        ap_lanes y2_re = ac_re - bd_re, y2_im = ac_im - bd_im;
        a[0] = ac_re + bd_re;
        a[1] = ac_im + bd_im;
        turned(b, &y1_re, &y1_im, fft->turn[j * step]);
        turned(c, &y2_re, &y2_im, fft->turn[2 * j * step]);
        turned(d, &y3_re, &y3_im, fft->turn[3 * j * step]);
    }
    for (int r = 0; quarter > 1 && r < 4; r++) transform_lanes(fft, z + 2 * r * quarter, quarter);
}

void ap_fft_forward_lanes(const ap_fft *fft, ap_lanes *x, ap_lanes *X)
{
    ap_flops_add(AP_LANES * fft->flops);
    if (fft->place)
        transform_lanes(fft, x, fft->n / 2);
    else
        sum_lanes(fft, x, X);
    split_lanes(fft->n / 2, fft->turn, fft->place, fft->place ? x : X, X);
}

void ap_fft_inverse_lanes(const ap_fft *fft, ap_lanes *X, ap_lanes *x)
{
    ap_flops_add(AP_LANES * fft->flops);
    int h = fft->n / 2;
    join_lanes(h, fft->turn, X);
    if (fft->place)
        transform_lanes(fft, X, h);
    else
        sum_lanes(fft, X, x);
    const ap_lanes *from = fft->place ? X : x;
    for (int m = 0; m < h; m++) {
        int at = fft->place ? fft->place[m] : m;
        x[2 * m] = from[2 * at];
        x[2 * m + 1] = -from[2 * at + 1];
    }
}
