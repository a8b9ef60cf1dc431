/* The short-time Fourier transform as a linear map, and its adjoint, for ap_stft_magnitude. Frames are
 * processed in groups, one frame per lane (fft_lanes.h). */
#ifndef ANTIPHON_OPS_STFT_FRAMES_H
#define ANTIPHON_OPS_STFT_FRAMES_H

#include "kernels/fft_lanes.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ap_stft {
    int n, hop;
    bool zeros; /* what is beyond the ends of a signal: zeros, or its mirror image */
    const ap_fft *fft;
    const ap_real *window; /* [n] */
} ap_stft;

/* ap_fatal in the name of `who` when n and hop are no transform of signals of S samples, mirrored. */
void ap_stft_require(const char *who, int64_t S, int n, int hop);

/* The transform of length n every `hop` samples under a periodic Hann window, of mirrored signals. Tables
 * are made once per length and kept for the life of the process. */
ap_stft ap_stft_of(int n, int hop);

/* Spectra X [2 (n/2 + 1)] of frames first .. first + AP_LANES - 1 of the signal x [S]. `live` of them exist;
 * further lanes repeat the last. scratch: [n] */
void ap_stft_forward_group(const ap_stft *stft, int64_t S, const ap_real *x, int64_t first, int live,
                           ap_lanes *X, ap_lanes *scratch);

/* Whether all samples of those frames that are in the signal are 0. */
bool ap_stft_silent_group(const ap_stft *stft, int64_t S, const ap_real *x, int64_t first, int live);

/* Adds the adjoint of ap_stft_forward_group to dx [S], for the gradient dX of the first `live` lanes. All
 * bins but the first and the last stand for their mirror images, too: dX holds half of their gradient. It is
 * overwritten. */
void ap_stft_adjoint_group(const ap_stft *stft, int64_t S, ap_lanes *dX, int64_t first, int live, ap_real *dx,
                           ap_lanes *scratch);

/* The distance between groups that may run at the same time: their frames, mirrored ends included, share no
 * sample. */
int64_t ap_stft_group_colours(const ap_stft *stft);

#endif
