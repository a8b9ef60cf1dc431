/* The plan of a transform, and the steps between real and complex spectra, for single signals (fft.c) and for
 * one a lane (level/fft_lanes.c). */
#ifndef ANTIPHON_KERNELS_FFT_PLAN_H
#define ANTIPHON_KERNELS_FFT_PLAN_H

#include "kernels/fft.h"

#include <stdint.h>

/* A real signal of n samples is transformed as a complex one of n/2: even samples are the real parts, odd
 * ones the imaginary parts. `split` then separates the spectra of the two. `join` combines them for the
 * inverse transform, which is the forward transform between two conjugations. */
struct ap_fft {
    int n;
    int64_t flops;    /* of one transform, by the usual count for real ones: 5/2 n log2 n */
    ap_complex *turn; /* [n] e^(-2 pi i k / n) */
    int *place; /* [n/2]: where the transform in lanes leaves frequency k; NULL unless n is a power of two */
#ifndef AP_DOUBLE
    struct kiss_fft_state *kiss; /* complex, n/2 */
#endif
};

/* Of numbers in successive places, AT(x, i) is number i. */
#define FFT_AT(x, i) (x)[i]
#define FFT_PUT(X, k, re, im) ((X)[2 * (k)] = (re), (X)[2 * (k) + 1] = (im))

/* ---------------------------------------------------------------- between n real and n/2 complex numbers */

/* Z: the transform of length h = n/2, frequency k at place[k] (NULL: k). With E and O the spectra of the even
 * and the odd samples, Z[k] = E[k] + i O[k], and both being of real signals, E[k] = (Z[k] + conj Z[h-k]) / 2,
 * O[k] = (Z[k] - conj Z[h-k]) / 2i,  X[k] = E[k] + turn[k] O[k], X[h-k] = conj(E[k] - turn[k] O[k]). PUT
 * stores X[k]. Z and X may be the same array when place is NULL and both are complex. */
#define DEFINE_SPLIT(name, number, AT, PUT)                                                                  \
    static void name(int h, const ap_complex *turn, const int *place, const ap_real *Z, ap_real *X)          \
    {                                                                                                        \
        const ap_real half = (ap_real)0.5;                                                                   \
        number zero_re = AT(Z, 0), zero_im = AT(Z, 1);                                                       \
        for (int k = 1; k <= h / 2; k++) {                                                                   \
            int a = 2 * (place ? place[k] : k), b = 2 * (place ? place[h - k] : h - k);                      \
            number e_re = (AT(Z, a) + AT(Z, b)) * half, e_im = (AT(Z, a + 1) - AT(Z, b + 1)) * half;         \
            number o_re = (AT(Z, a + 1) + AT(Z, b + 1)) * half, o_im = (AT(Z, b) - AT(Z, a)) * half;         \
            number t_re = o_re * turn[k].re - o_im * turn[k].im,                                             \
                   t_im = o_re * turn[k].im + o_im * turn[k].re;                                             \
            PUT(X, k, e_re + t_re, e_im + t_im);                                                             \
            PUT(X, h - k, e_re - t_re, t_im - e_im);                                                         \
        }                                                                                                    \
        PUT(X, 0, zero_re + zero_im, zero_re * 0);                                                           \
        PUT(X, h, zero_re - zero_im, zero_re * 0);                                                           \
    }

/* In place, X becomes the conjugate of 2 Z: the inverse of split, times two because a sum over n frequencies
 * is twice one over n/2. 2 E[k] = X[k] + conj X[h-k], 2 O[k] = conj turn[k] (X[k] - conj X[h-k]), Z[k] =
 * E[k] + i O[k], Z[h-k] = conj E[k] + i conj O[k]. */
#define DEFINE_JOIN(name, number, AT)                                                                        \
    static void name(int h, const ap_complex *turn, ap_real *X)                                              \
    {                                                                                                        \
        number first = AT(X, 0), last = AT(X, 2 * h);                                                        \
        for (int k = 1; k <= h / 2; k++) {                                                                   \
            int a = 2 * k, b = 2 * (h - k);                                                                  \
            number e_re = AT(X, a) + AT(X, b), e_im = AT(X, a + 1) - AT(X, b + 1);                           \
            number d_re = AT(X, a) - AT(X, b), d_im = AT(X, a + 1) + AT(X, b + 1);                           \
            number o_re = d_re * turn[k].re + d_im * turn[k].im,                                             \
                   o_im = d_im * turn[k].re - d_re * turn[k].im;                                             \
            AT(X, a) = e_re - o_im;                                                                          \
            AT(X, a + 1) = -(e_im + o_re);                                                                   \
            AT(X, b) = e_re + o_im;                                                                          \
            AT(X, b + 1) = e_im - o_re;                                                                      \
        }                                                                                                    \
        AT(X, 0) = first + last;                                                                             \
        AT(X, 1) = last - first;                                                                             \
    }

/* Z = the complex transform of z, both n/2 long, by the definition */
#define DEFINE_SUM(name, number, AT)                                                                         \
    static void name(const ap_fft *fft, const ap_real *z, ap_real *Z)                                        \
    {                                                                                                        \
        for (int k = 0; k < fft->n / 2; k++) {                                                               \
            number re = AT(z, 0) * 0, im = re;                                                               \
            for (int m = 0, angle = 0; m < fft->n / 2; m++, angle = (angle + 2 * k) % fft->n) {              \
                ap_complex w = fft->turn[angle];                                                             \
                re += AT(z, 2 * m) * w.re - AT(z, 2 * m + 1) * w.im;                                         \
                im += AT(z, 2 * m) * w.im + AT(z, 2 * m + 1) * w.re;                                         \
            }                                                                                                \
            AT(Z, 2 * k) = re;                                                                               \
            AT(Z, 2 * k + 1) = im;                                                                           \
        }                                                                                                    \
    }

#endif
