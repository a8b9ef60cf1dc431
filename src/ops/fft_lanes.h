/* The Fourier transform of several real signals at once, one in each lane of a vector register: element t of
 * lane i is sample t of signal i. Nothing is ever shuffled across lanes, so the transform runs at the full
 * width of the machine whatever its length, and the reordering of the outputs costs nothing. */
#ifndef ANTIPHON_OPS_FFT_LANES_H
#define ANTIPHON_OPS_FFT_LANES_H

#include "antiphon/fft.h"

#if defined __AVX512F__
#define AP_LANES_BYTES 64
#elif defined __AVX__
#define AP_LANES_BYTES 32
#else
#define AP_LANES_BYTES 16
#endif

typedef ap_real ap_lanes __attribute__((vector_size(AP_LANES_BYTES)));

/* The same at any address, over memory that is otherwise seen as numbers. */
typedef ap_real ap_lanes_unaligned
    __attribute__((vector_size(AP_LANES_BYTES), aligned(sizeof(ap_real)), may_alias));

#define AP_LANES ((int)(AP_LANES_BYTES / sizeof(ap_real)))

/* Spectra X [2 (n/2 + 1)], real and imaginary parts in turn, of x [n], which is overwritten. Any even n;
 * powers of two are fast, others are summed by the definition. */
void ap_fft_forward_lanes(const ap_fft *fft, ap_lanes *x, ap_lanes *X);

/* As ap_fft_inverse, for every lane; X is overwritten. */
void ap_fft_inverse_lanes(const ap_fft *fft, ap_lanes *X, ap_lanes *x);

/* Transposes a square of numbers: lane j of rows[i] becomes lane i of rows[j]. */
void ap_lanes_transpose(ap_lanes rows[AP_LANES]);

#endif
