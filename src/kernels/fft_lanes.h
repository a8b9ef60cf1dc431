/* Fourier transforms of several real signals at once, one in each lane of a vector register: element t of
 * lane i is sample t of signal i. There are no shuffles across lanes, so every length runs at the full
 * vector width, and reordering the outputs costs nothing. */
#ifndef ANTIPHON_KERNELS_FFT_LANES_H
#define ANTIPHON_KERNELS_FFT_LANES_H

#include "kernels/fft.h"
#include "kernels/simd.h"

typedef ap_real ap_lanes __attribute__((vector_size(AP_VEC_BYTES)));

/* Spectra X [2 (n/2 + 1)], alternating real and imaginary parts, of x [n], which is overwritten. Any even n;
 * powers of two are fast, others are summed by the definition. */
void ap_fft_forward_lanes(const ap_fft *fft, ap_lanes *x, ap_lanes *X);

/* As ap_fft_inverse, for every lane; X is overwritten. */
void ap_fft_inverse_lanes(const ap_fft *fft, ap_lanes *X, ap_lanes *x);

#endif
