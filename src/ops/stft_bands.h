/* Spectra summed up by bands. */
#ifndef ANTIPHON_OPS_STFT_BANDS_H
#define ANTIPHON_OPS_STFT_BANDS_H

#include "antiphon/tape.h"

/* y [B, frames, bands] of audio: matrix [bands, n/2 + 1], a constant with few numbers that are not 0, times
 * the magnitudes of each frame, as ap_stft_magnitude gives them. */
ap_var *ap_stft_bands(ap_tape *tape, ap_var *x, int n, int hop, ap_tensor matrix);

#endif
