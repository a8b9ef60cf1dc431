/* Short-time Fourier transforms for the metrics, forward and inverse. The training losses have their own. */
#ifndef ANTIPHON_LISTEN_SPECTRUM_H
#define ANTIPHON_LISTEN_SPECTRUM_H

#include "antiphon/arena.h"
#include "kernels/fft.h"
#include "kernels/fft_lanes.h"

#include <stdint.h>

typedef struct ap_spectrum {
    int size, hop; /* samples per window (a power of two for speed), and from frame to frame */
    int rate;      /* samples per second, for filter banks; 0: AP_SAMPLE_RATE */
} ap_spectrum;

/* size / 2 + 1, and 1 + n / hop. */
int64_t ap_spectrum_bins(ap_spectrum spectrum);
int64_t ap_spectrum_frames(ap_spectrum spectrum, int64_t n);

/* |X|^2 [frames, bins] and X [frames, bins], on the arena: frames centred on every hop-th sample, periodic
 * Hann window, zeros beyond the ends. */
ap_real *ap_spectrum_power(ap_arena *arena, ap_spectrum spectrum, int64_t n, const ap_real *x);
void ap_spectrum_forward(ap_arena *arena, ap_spectrum spectrum, int64_t n, const ap_real *x, ap_complex *X);

/* [frames, bands], on the arena: the filters over |X|^2. */
ap_real *ap_spectrum_bands(ap_arena *arena, ap_spectrum spectrum, int64_t bands, const ap_filter *filters,
                           int64_t n, const ap_real *x);

/* The signal whose spectra are closest to X [frames, bins] in the least squares sense (Griffin, Lim, 1984):
 * windowed frames added up, divided by the sum of squared windows. */
void ap_spectrum_inverse(ap_arena *arena, ap_spectrum spectrum, const ap_complex *X, int64_t n, ap_real *x);

#endif
