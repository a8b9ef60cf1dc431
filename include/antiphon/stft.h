/** @file stft.h
 * Short-time Fourier transform of audio.
 */
#ifndef ANTIPHON_STFT_H
#define ANTIPHON_STFT_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

/** How many frames ap_stft_magnitude gives for S samples: S / hop + 1. */
int64_t ap_stft_frames(int64_t S, int hop);

/** Magnitudes [B, frames, n/2 + 1] of x ([B, S] or [B, 1, S]): sqrt(re^2 + im^2 + 1e-9) of the transform of length n
 * at every `hop` samples under a periodic Hann window, frames centred on their sample, x mirrored at its ends
 * (torch.stft with center=True, but frames before bins). n is even and at most 2 (S - 1). */
ap_var *ap_stft_magnitude(ap_tape *tape, ap_var *x, int n, int hop);

AP_API_END

#endif
