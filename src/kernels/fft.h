/* Discrete Fourier transforms of real signals.
 *
 * Single signals use kissfft. The short-time transform (ops/stft_frames.h) transforms as many signals at a
 * time as a vector register has lanes. Debian has kissfft in float only, so the double build, which is for
 * gradient checks on small sizes, sums the definition instead. */
#ifndef ANTIPHON_KERNELS_FFT_H
#define ANTIPHON_KERNELS_FFT_H

#include "antiphon/real.h"

typedef struct ap_complex {
    ap_real re, im;
} ap_complex;

typedef struct ap_fft ap_fft;

/** A plan for real signals of n samples, n even; owned by the caller. May be used by several threads at once.
 */
ap_fft *ap_fft_create(int n);

/** Frees the plan. NULL is allowed. */
void ap_fft_free(ap_fft *fft);

/** X[k] = sum over t of x[t] e^(-2 pi i k t / n), k = 0 .. n/2. */
void ap_fft_forward(const ap_fft *fft, const ap_real *x, ap_complex *X);

/** x[t] = sum over all k of X[k] e^(2 pi i k t / n), with X extended by symmetry (the imaginary parts of X[0]
 * and X[n/2] are ignored). Not divided by n: forward, then inverse gives n x. X [n/2 + 1] is overwritten. */
void ap_fft_inverse(const ap_fft *fft, ap_complex *X, ap_real *x);

#endif
