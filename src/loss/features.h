/* The features that the guidance compares: rise, timbre, level, peak and movement. */
#ifndef ANTIPHON_LOSS_FEATURES_H
#define ANTIPHON_LOSS_FEATURES_H

#include "antiphon/tape.h"

/* y [B, frames - 1] from magnitudes [B, frames, F]: the sum over bins of max(0, rise of ln(1 + gain x) from
 * one frame to the next). At least two frames. */
ap_var *ap_flux(ap_tape *tape, ap_var *x, ap_real gain);

/* y [B, n/2 + 1] of audio: the mean over frames of ln(magnitude + offset), the magnitudes being those of
 * ap_stft_magnitude. */
ap_var *ap_stft_log_average(ap_tape *tape, ap_var *x, int n, int hop, ap_real offset);

/* y [B] of audio: ln of its p-norm, ln((mean x^p + 1e-3^p)^(1 / p)), p = 2: its level, or 8: a smooth peak.
 */
ap_var *ap_log_norm(ap_tape *tape, ap_var *x, int p);

/* y [B] from envelopes [B, 1, M], M > 1: max(0, least - sigma / (mu + 1e-4)), with sigma normalised by M -
 * 1. An exactly constant envelope is penalised, but gets no gradient through sigma. */
ap_var *ap_variation(ap_tape *tape, ap_var *e, ap_real least);

#endif
