/* What is done to spectra of one signal a lane (fft_lanes.h) and to their magnitudes, a line a bin. */
#ifndef ANTIPHON_KERNELS_MAGNITUDE_LANES_H
#define ANTIPHON_KERNELS_MAGNITUDE_LANES_H

#include "kernels/fft_lanes.h"

/* Magnitudes are sqrt(|X|^2 + 1e-9), so that they have a gradient at silence. */
#define AP_MAGNITUDE_FLOOR ((ap_real)1e-9)

/* y [n/2 + 1] = the magnitudes of the spectra of window[t] x[t]; x is kept. scratch [2 n] */
void ap_fft_magnitudes_lanes(const ap_fft *fft, const ap_real *window, const ap_lanes *x, ap_lanes *scratch,
                             ap_lanes *y);

/* And back, from dy [F]: X becomes dy X / sqrt(|X|^2 + 1e-9), or half of that at the bins between the first
 * and the last. */
void ap_lanes_magnitude_back(int64_t F, const ap_lanes *dy, ap_lanes *X);

/* A matrix of few numbers that are not 0: those of row r are weight[i] in column at[i], for i from begin[r]
 * to begin[r + 1]. */
typedef struct ap_sparse {
    int64_t rows;
    const int *begin, *at;
    const ap_real *weight;
} ap_sparse;

/* y [rows] = the matrix times x. */
void ap_lanes_sparse(const ap_sparse *matrix, const ap_lanes *x, ap_lanes *y);

/* sums [F] = those of ln(y + offset) over the first `live` lanes; and back: X becomes dy [F] / (y + offset) X
 * / y, with y = sqrt(|X|^2 + 1e-9), or half of that at the bins between the first and the last. */
void ap_lanes_log_sums(int64_t F, int live, ap_real offset, const ap_lanes *y, ap_real *sums);
void ap_lanes_log_sums_back(int64_t F, ap_real offset, const ap_real *dy, ap_lanes *X);

/* The way back of distances (terms.h) of magnitudes y to `count` others, [F] lines each (NULL: zeros): X
 * becomes d X / y, or half of that at the bins between the first and the last, where d is the sum over the
 * others of square (y - other) + log sign(y - other) / (y + floor). */
typedef struct ap_lanes_other {
    const ap_lanes *y;
    ap_real square, log;
} ap_lanes_other;

void ap_lanes_distance_back(int64_t F, int count, const ap_lanes_other *others, ap_real floor, ap_lanes *X);

#endif
