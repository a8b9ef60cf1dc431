/** @file listen.h
 * What a listener hears in a recording: where notes and strokes begin. The metrics measure timing by it, and
 * the model's takes are struck by it.
 */
#ifndef ANTIPHON_LISTEN_H
#define ANTIPHON_LISTEN_H

#include "antiphon/api.h"
#include "antiphon/arena.h"
#include "antiphon/real.h"

#include <stdint.h>

AP_API_BEGIN

/** Pitch classes, C first. */
#define AP_CHROMA_CLASSES 12

/** Samples from one frame of the onset strength to the next: 10 ms. */
#define AP_ONSET_HOP 240

/** Onset times in seconds, ascending. */
typedef struct ap_onsets {
    int64_t count;
    double *times;
} ap_onsets;

/** The number of frames of the onset strength of n samples: 1 + n / 240, one every 10 ms. */
int64_t ap_onset_frames(int64_t n);

/** Onset strength (librosa.onset.onset_strength with n_fft = 1024, hop_length = 240): the half-wave rectified
 * rise from frame to frame of a mel spectrogram (128 bands) in dB, floored 80 dB below its maximum, averaged
 * over bands. It is delayed by half a frame, because a window sees an onset that much before its centre
 * reaches it. `strength` has ap_onset_frames(n) numbers. */
void ap_onset_strength(ap_arena *arena, int64_t n, const ap_real *x, ap_real *strength);

/** Picks the frames that are onsets into `peaks` (room for M) and returns their number. The rule is that of
 * librosa.onset.onset_detect (Böck, Krebs, Schedl, 2012): in the strength scaled to 0 .. 1, a peak is the
 * largest value of the 30 ms before it, 0.07 above the mean of the surrounding 100 ms, and more than 30 ms
 * after the previous peak. */
int64_t ap_onset_pick(int64_t M, const ap_real *strength, int64_t *peaks);

/** ap_onset_strength and ap_onset_pick in one. The times are on the arena. */
ap_onsets ap_onset_times(ap_arena *arena, int64_t n, const ap_real *x);

/** The same for each of B signals x [B, n], also on the arena. */
ap_onsets *ap_onset_times_of(ap_arena *arena, int64_t B, int64_t n, const ap_real *x);

AP_API_END

#endif
