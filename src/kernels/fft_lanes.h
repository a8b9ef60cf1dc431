/* Fourier transforms of several real signals at once, one in each lane: element t of lane i is sample t of
 * signal i. There are no shuffles across lanes, so every length runs at the full vector width, and reordering
 * the outputs costs nothing. */
#ifndef ANTIPHON_KERNELS_FFT_LANES_H
#define ANTIPHON_KERNELS_FFT_LANES_H

#include "kernels/fft.h"
#include "kernels/simd.h"

#include <stdint.h>

typedef ap_real ap_lanes __attribute__((vector_size(AP_LANES_BYTES), may_alias));

/* Spectra X [2 (n/2 + 1)], alternating real and imaginary parts, of x [n], which is overwritten. Any even n;
 * powers of two are fast, others are summed by the definition. */
void ap_fft_forward_lanes(const ap_fft *fft, ap_lanes *x, ap_lanes *X);

/* As ap_fft_inverse, for every lane; X is overwritten. */
void ap_fft_inverse_lanes(const ap_fft *fft, ap_lanes *X, ap_lanes *x);

/* The spectra X of window[t] x[t], which are kept; and the way back: window[t] times the signals is added to
 * y. scratch [n] */
void ap_fft_windowed_lanes(const ap_fft *fft, const ap_real *window, const ap_lanes *x, ap_lanes *scratch,
                           ap_lanes *X);
void ap_fft_windowed_inverse_lanes(const ap_fft *fft, const ap_real *window, ap_lanes *X, ap_lanes *scratch,
                                   ap_lanes *y);

/* lanes[t][i] = window[t] rows[i][t] for t < n, from AP_LANES rows; and back: window[t] lanes[t][i] is added
 * to rows[i][t], for the first `live` lanes. window NULL: ones. */
void ap_lanes_gather(int64_t n, const ap_real *window, const ap_real *const *rows, ap_lanes *lanes);
void ap_lanes_scatter(int64_t n, const ap_real *window, ap_lanes *lanes, int live, ap_real *const *rows);

/* y [live, F] = |X|^2, of spectra X [2 F]. */
void ap_lanes_powers(int64_t F, int live, const ap_lanes *X, ap_real *y);

/* A filter over the bins of a spectrum: the sum over `count` of them, from `first` on, each times its weight.
 */
typedef struct ap_filter {
    int64_t first, count;
    const ap_real *weights; /* [count] */
} ap_filter;

/* y [live, bands] = the filters over |X|^2, of spectra X [2 F], which are overwritten. */
void ap_lanes_filter(int64_t F, int64_t bands, const ap_filter *filters, int live, ap_lanes *X, ap_real *y);

/* y [live, F] = sqrt(|X|^2 + least), of spectra X [2 F]; and back, where |X|' = X / y: X becomes dy X / y, or
 * half of that at the bins between the first and the last, in the lanes that are live. */
void ap_lanes_magnitudes(int64_t F, int live, ap_real least, const ap_lanes *X, ap_real *y);
void ap_lanes_magnitudes_back(int64_t F, int live, const ap_real *y, const ap_real *dy, ap_lanes *X);

#endif
