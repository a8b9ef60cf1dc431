/** @file losses.h
 * The terms of the training loss beside the modulation cost (modulation.h) and the guidance (guidance.h). Each is a
 * scalar variable; audio is [B, S] or [B, 1, S].
 */
#ifndef ANTIPHON_LOSSES_H
#define ANTIPHON_LOSSES_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

/** sqrt(mean of (a - b)^2) over all elements; its gradient is zero where a = b everywhere. */
ap_var *ap_rms_loss(ap_tape *tape, ap_var *a, ap_var *b);

/** Multi-resolution spectral distance of a from the reference b (Yamamoto, Song, Kim, "Parallel WaveGAN", 2020): the
 * mean over n = 512, 1024, 2048 (hop n/4) of ||A - B|| / (||B|| + 1e-6) + mean |ln(A + 1e-5) - ln(B + 1e-5)|, A and B
 * the STFT magnitudes of the whole batch. */
ap_var *ap_stft_loss(ap_tape *tape, ap_var *a, ap_var *b);

/** The mean of the same over `count` references; the spectra of a are formed once for all of them. (Those of references
 * are formed anew at each call: for 16 s that is 2 ms on two cores, where keeping them would be 9 MB a signal.) */
ap_var *ap_stft_loss_mean(ap_tape *tape, ap_var *a, int count, ap_var *const *references);

/** mean |ln(M a + 1e-5) - ln(M b + 1e-5)|, M: 80 triangular mel bands (Slaney's scale, unit area, 0 to 12 kHz) over STFT
 * magnitudes of n = 1024, hop 256 at 24 kHz. */
ap_var *ap_mel_loss(ap_tape *tape, ap_var *a, ap_var *b);

/** The mean of the same over `count` references. */
ap_var *ap_mel_loss_mean(ap_tape *tape, ap_var *a, int count, ap_var *const *references);

/** (|mean over frames of cos(z, zi)| + |the same of cos(z, zt)|) / 2 for latents [B, D, T], the cosine over D, norms
 * not below 1e-12: zero when the output's latents are orthogonal to both sources'. Latents of norm below that get no
 * gradient. */
ap_var *ap_novelty(ap_tape *tape, ap_var *z, ap_var *zi, ap_var *zt);

/** 0.1 |sum of the mean logits of the input's components - that of the target's|, logits [B, 2n, T]: neither source
 * may be ignored. */
ap_var *ap_balance(ap_tape *tape, ap_var *logits);

AP_API_END

#endif
