/** @file losses.h
 * The terms of the training loss, besides the modulation cost (modulation.h) and the guidance (guidance.h).
 * Each is a scalar variable. Audio is [B, S] or [B, 1, S].
 */
#ifndef ANTIPHON_LOSSES_H
#define ANTIPHON_LOSSES_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

/** sqrt(mean of (a - b)^2) over all elements. The gradient is zero if a = b everywhere. */
ap_var *ap_rms_loss(ap_tape *tape, ap_var *a, ap_var *b);

/** The multi-resolution spectral distance of a from the reference b (Yamamoto, Song, Kim, "Parallel WaveGAN",
 * 2020): the mean over n = 512, 1024, 2048 (hop n/4) of ||A - B|| / (||B|| + 1e-6) + mean |ln(A + 1e-5) -
 * ln(B + 1e-5)|, with A and B the STFT magnitudes of the whole batch. */
ap_var *ap_stft_loss(ap_tape *tape, ap_var *a, ap_var *b);

/** The mean of ap_stft_loss over `count` references. The spectra of a are computed once for all of them. (The
 * spectra of the references are computed at each call: for 16 s that takes 2 ms on two cores; keeping them
 * would take 9 MB each.) */
ap_var *ap_stft_loss_mean(ap_tape *tape, ap_var *a, int count, ap_var *const *references);

/** mean |ln(M a + 1e-5) - ln(M b + 1e-5)|. M: 80 triangular mel bands (Slaney's scale, unit area, 0 to 12
 * kHz) over STFT magnitudes with n = 1024, hop 256 at 24 kHz. */
ap_var *ap_mel_loss(ap_tape *tape, ap_var *a, ap_var *b);

/** The mean of ap_mel_loss over `count` references. */
ap_var *ap_mel_loss_mean(ap_tape *tape, ap_var *a, int count, ap_var *const *references);

/** (|mean over frames of cos(z, zi)| + |mean over frames of cos(z, zt)|) / 2 for latents [B, D, T]: zero if
 * the output's latents are orthogonal to those of both sources. The cosine is taken over D, with norms of at
 * least 1e-12; shorter latents get no gradient. */
ap_var *ap_novelty(ap_tape *tape, ap_var *z, ap_var *zi, ap_var *zt);

/** 0.1 |sum of the mean logits of the input's components - the same sum for the target's|, logits [B, 2n, T].
 * It keeps the selector from ignoring one source. */
ap_var *ap_balance(ap_tape *tape, ap_var *logits);

AP_API_END

#endif
