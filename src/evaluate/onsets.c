#include "antiphon/audio.h"
#include "antiphon/guidance.h"
#include "antiphon/metrics.h"
#include "evaluate/banks.h"
#include "evaluate/spectrum.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static const ap_spectrum onset_spectrum = {.size = 1024, .hop = AP_ONSET_HOP};

int64_t ap_onset_frames(int64_t n)
{
    return ap_spectrum_frames(onset_spectrum, n);
}

void ap_onset_strength(ap_arena *arena, int64_t n, const ap_real *x, ap_real *strength)
{
    int64_t frames = ap_onset_frames(n), bins = ap_spectrum_bins(onset_spectrum);
    /* a rise belongs to the later of its two frames; a window sees it half a window before its centre
     * reaches it */
    const int64_t delay = 1 + onset_spectrum.size / (2 * onset_spectrum.hop);
    ap_real *power = ap_spectrum_power(arena, onset_spectrum, n, x);
    ap_real *mel = ap_mel_decibels(arena, onset_spectrum, frames, power);
    for (int64_t f = 0; f < frames; f++) {
        const ap_real *row = mel + (f - delay + 1) * AP_MEL_BANDS;
        double rise = 0;
        for (int m = 0; f >= delay && m < AP_MEL_BANDS; m++)
            rise += fmax((double)row[m] - (double)row[m - AP_MEL_BANDS], 0);
        strength[f] = (ap_real)(rise / AP_MEL_BANDS);
    }
    ap_arena_recycle(arena, mel, (size_t)(frames * AP_MEL_BANDS) * sizeof *mel);
    ap_arena_recycle(arena, power, (size_t)(frames * bins) * sizeof *power);
}

ap_onsets ap_onset_times(ap_arena *arena, int64_t n, const ap_real *x)
{
    int64_t frames = ap_onset_frames(n);
    ap_real *strength = ap_arena_alloc(arena, (size_t)frames * sizeof *strength);
    int64_t *peaks = ap_arena_alloc(arena, (size_t)frames * sizeof *peaks);
    ap_onset_strength(arena, n, x, strength);
    ap_onsets onsets = {.count = ap_onset_pick(frames, strength, peaks)};
    onsets.times = ap_arena_alloc(arena, (size_t)onsets.count * sizeof *onsets.times);
    for (int64_t i = 0; i < onsets.count; i++)
        onsets.times[i] = (double)(peaks[i] * onset_spectrum.hop) / AP_SAMPLE_RATE;
    ap_arena_recycle(arena, peaks, (size_t)frames * sizeof *peaks);
    ap_arena_recycle(arena, strength, (size_t)frames * sizeof *strength);
    return onsets;
}

/* The onsets of b that may pair with an onset of a form an interval, and the ends of these intervals ascend
 * with time. Pairing the earliest two that fit never costs a pair later, so a single pass finds a maximum
 * matching. */
int64_t ap_onset_match(ap_onsets a, ap_onsets b, double window)
{
    int64_t pairs = 0;
    for (int64_t i = 0, j = 0; i < a.count && j < b.count;) {
        if (a.times[i] < b.times[j] - window) {
            i++;
        } else if (a.times[i] > b.times[j] + window) {
            j++;
        } else {
            pairs++, i++, j++;
        }
    }
    return pairs;
}

/* 2 P R / (P + R) with P = pairs / estimates and R = pairs / references */
double ap_onset_f1(ap_onsets reference, ap_onsets estimate)
{
    if (!reference.count || !estimate.count) return 0;
    int64_t pairs = ap_onset_match(reference, estimate, AP_ONSET_WINDOW);
    return 2 * (double)pairs / (double)(reference.count + estimate.count);
}

double ap_onset_f1_chance(ap_arena *arena, ap_onsets reference, ap_onsets estimate, double duration)
{
    ap_onsets shifted = {reference.count, ap_arena_alloc(arena, (size_t)reference.count * sizeof(double))};
    double sum = 0;
    for (int k = 1; k <= AP_ONSET_SHIFTS; k++) {
        double shift = duration * k / (AP_ONSET_SHIFTS + 1);
        int64_t wrapped = 0; /* the onsets that wrap around to the beginning, which are the last ones */
        while (wrapped < reference.count &&
               reference.times[reference.count - 1 - wrapped] + shift >= duration)
            wrapped++;
        for (int64_t i = 0; i < reference.count; i++) {
            int64_t from = (i + reference.count - wrapped) % reference.count;
            shifted.times[i] = reference.times[from] + shift - (i < wrapped ? duration : 0);
        }
        sum += ap_onset_f1(shifted, estimate);
    }
    ap_arena_recycle(arena, shifted.times, (size_t)reference.count * sizeof(double));
    return sum / AP_ONSET_SHIFTS;
}
