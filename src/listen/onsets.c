#include "antiphon/listen.h"

#include "antiphon/rate.h"
#include "kernels/array.h"
#include "listen/banks.h"
#include "listen/spectrum.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

static const ap_spectrum onset_spectrum = {.size = 1024, .hop = AP_ONSET_HOP};

/* The windows of librosa.onset.onset_detect in seconds (found by large-scale search), and its threshold. The
 * part before a frame excludes it, the part after includes it. */
#define PEAK_BEFORE 0.03
#define MEAN_BEFORE 0.10
#define MEAN_BEHIND 0.10
#define WAIT 0.03
#define THRESHOLD 0.07

static int64_t frames_of(double seconds)
{
    return llround(seconds * AP_SAMPLE_RATE / AP_ONSET_HOP);
}

int64_t ap_onset_frames(int64_t n)
{
    return ap_spectrum_frames(onset_spectrum, n);
}

void ap_onset_strength(ap_arena *arena, int64_t n, const ap_real *x, ap_real *strength)
{
    int64_t frames = ap_onset_frames(n);
    /* a rise belongs to the later of its two frames; a window sees it half a window before its centre
     * reaches it */
    const int64_t delay = 1 + onset_spectrum.size / (2 * onset_spectrum.hop);
    ap_real *mel = ap_mel_decibels(arena, onset_spectrum, n, x);
    for (int64_t f = 0; f < frames; f++) {
        const ap_real *row = mel + (f - delay + 1) * AP_MEL_BANDS;
        strength[f] =
            f < delay ? 0 : (ap_real)(ap_array_rise(AP_MEL_BANDS, row - AP_MEL_BANDS, row) / AP_MEL_BANDS);
    }
    ap_arena_recycle(arena, mel, (size_t)(frames * AP_MEL_BANDS) * sizeof *mel);
}

/* Whether frame f is the largest of those just before it and exceeds the mean of its neighbourhood by
 * `delta`, in the strength's own scale. (The mean is taken of differences, so the offset of the scaled
 * strength cancels.) */
static bool is_peak(int64_t M, const ap_real *strength, int64_t f, double delta)
{
    int64_t before = f - frames_of(PEAK_BEFORE), first = f - frames_of(MEAN_BEFORE);
    int64_t end = f + frames_of(MEAN_BEHIND) + 1;
    for (int64_t i = before < 0 ? 0 : before; i < f; i++)
        if (strength[i] > strength[f]) return false;
    if (first < 0) first = 0;
    if (end > M) end = M;
    double mean = 0;
    for (int64_t i = first; i < end; i++) mean += (double)strength[i];
    return (double)strength[f] >= mean / (double)(end - first) + delta;
}

int64_t ap_onset_pick(int64_t M, const ap_real *strength, int64_t *peaks)
{
    ap_real low = strength[0], high = strength[0];
    for (int64_t f = 1; f < M; f++) {
        if (strength[f] < low) low = strength[f];
        if (strength[f] > high) high = strength[f];
    }
    if (!(high > low)) return 0;
    int64_t count = 0;
    for (int64_t f = 0; f < M; f++) {
        if (!is_peak(M, strength, f, THRESHOLD * (double)(high - low))) continue;
        peaks[count++] = f;
        f += frames_of(WAIT);
    }
    return count;
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

ap_onsets *ap_onset_times_of(ap_arena *arena, int64_t B, int64_t n, const ap_real *x)
{
    ap_onsets *onsets = ap_arena_alloc(arena, (size_t)B * sizeof *onsets);
    for (int64_t b = 0; b < B; b++) onsets[b] = ap_onset_times(arena, n, x + b * n);
    return onsets;
}
