/** @file guidance.h
 * The terms of the compose objective: what to take from which source. Audio is [B, S] or [B, 1, S] at 24 kHz.
 * Each term is a scalar variable, differentiable in all its audio inputs.
 */
#ifndef ANTIPHON_GUIDANCE_H
#define ANTIPHON_GUIDANCE_H

#include "antiphon/api.h"
#include "antiphon/listen.h"
#include "antiphon/tape.h"

#include <stdint.h>

AP_API_BEGIN

/** What the rise of a spectrum is summed over: every bin equally, or 40 log-spaced bands (those of the timbre
 * term). With bands, low and middle registers count as much as the highest octave. Hits: bands, and the
 * input's own strength gives way to equal pulses at its onsets (ap_onset_pick), 1 at the onset and 1/2 a
 * frame before and behind: when to strike, but not how hard. */
typedef enum ap_onset_scale { AP_ONSET_BINS, AP_ONSET_BANDS, AP_ONSET_HITS } ap_onset_scale;

/** 1 - Pearson's r of the two onset strengths, mean over the batch. The onset strength is the half-wave
 * rectified rise of ln(1 + 30 |X|) from frame to frame, summed over bins, or over bands, whose |X| is the
 * mean over their bins. STFT n = 1024, hop 240 (10 ms). With AP_ONSET_HITS the input gets no gradient, and an
 * item without onsets costs 1; `onsets` [B] are the input's, where they are known already, or NULL. */
ap_var *ap_onset_loss(ap_tape *tape, ap_var *output, ap_var *input, const ap_onsets *onsets,
                      ap_onset_scale scale);

/** 1 - the cosine of the two chroma vectors, mean over frames and batch. Chroma: STFT magnitudes (n = 4096,
 * hop 1024) of the bins between 60 and 2000 Hz, summed by nearest semitone into 12 classes, with norms of at
 * least 1e-8. */
ap_var *ap_chroma_loss(ap_tape *tape, ap_var *output, ap_var *target);

/** The mean difference, over 40 log-spaced bands of bins 2 to 511, of the time average of ln(|X| + 1e-3).
 * STFT n = 1024, hop 256. */
ap_var *ap_timbre_loss(ap_tape *tape, ap_var *output, ap_var *target);

/** max(0, least - sigma / (mu + 1e-4)) of the output's envelope of M segments, mean over the batch. It
 * penalises drones and silence. */
ap_var *ap_variation_loss(ap_tape *tape, ap_var *output, ap_real least, int64_t M);

/** |ln(mean output^2 + 1e-6) - ln(mean target^2 + 1e-6)|, mean over the batch. */
ap_var *ap_level_loss(ap_tape *tape, ap_var *output, ap_var *target);

/** max(0, c(output) - (c(input) + c(target)) / 2), mean over the batch: how much the output's peaks stand out
 * more than those of the sources. c(x) = ln of (mean x^8)^(1/8) over (mean x^2)^(1/2), a smooth crest factor;
 * 0.35 is 3 dB. */
ap_var *ap_crest_loss(ap_tape *tape, ap_var *output, ap_var *input, ap_var *target);

/** max(0, share - most), mean over the batch. share is the part of the output's energy that the least-squares
 * mix a input + b target explains: (P - E) / (P + d), with P the output's energy, d = 1e-6 S and E = min over
 * a, b of |output - a input - b target|^2 + d (a^2 + b^2). It is 1 for any mix of the sources, near 0 for new
 * material, and 0 for silence. */
ap_var *ap_mixture_loss(ap_tape *tape, ap_var *output, ap_var *input, ap_var *target, ap_real most);

AP_API_END

#endif
