#include "evaluate/tricks.h"

#include "antiphon/audio.h"
#include "antiphon/metrics.h"
#include "base/bounds.h"
#include "listen/spectrum.h"

#include <math.h>
#include <string.h>

#define PEAK_MOST 0.99

/* Scales y to the target's loudness, or as far as full scale allows; silence stays silent. */
static void match_loudness(int64_t n, const ap_real *target, ap_real *y)
{
    double loudness = ap_loudness(n, y), peak = 0;
    if (!(loudness > AP_LOUDNESS_FLOOR)) return;
    for (int64_t t = 0; t < n; t++) peak = fmax(peak, fabs((double)y[t]));
    double factor = fmin(pow(10, (ap_loudness(n, target) - loudness) / 20), PEAK_MOST / peak);
    for (int64_t t = 0; t < n; t++) y[t] = (ap_real)(factor * (double)y[t]);
}

static int64_t place(ap_onsets onsets, int64_t k, int64_t n)
{
    return k < onsets.count ? ap_least(llround(onsets.times[k] * AP_SAMPLE_RATE), n) : n;
}

/* ---------------------------------------------------------------- grains */

/* How far from a hit its note may begin. A grain lasts this much longer than the gap to the next hit, within
 * bounds; its level falls by a factor of e three times. */
#define GRAIN_REACH (AP_SAMPLE_RATE / 2)
#define GRAIN_OVERLAP 1.2
#define GRAIN_LEAST (AP_SAMPLE_RATE / 10)
#define GRAIN_MOST (AP_SAMPLE_RATE * 6 / 10)
#define GRAIN_FALLS 3.0
#define GRAIN_ATTACK (AP_SAMPLE_RATE / 250)
#define GRAIN_RELEASE (AP_SAMPLE_RATE / 100)

/* The onset nearest to a hit, or the hit where none is near. */
static int64_t nearest_note(ap_onsets notes, int64_t hit, int64_t n)
{
    int64_t nearest = hit, away = GRAIN_REACH + 1;
    for (int64_t k = 0; k < notes.count; k++) {
        int64_t from = place(notes, k, n), distance = from > hit ? from - hit : hit - from;
        if (distance < away) nearest = from, away = distance;
    }
    return nearest;
}

static void add_grain(int64_t length, const ap_real *from, ap_real *y)
{
    for (int64_t t = 0; t < length; t++) {
        double shape = exp(-GRAIN_FALLS * (double)t / (double)length);
        shape *= fmin(1, (double)t / GRAIN_ATTACK) * fmin(1, (double)(length - 1 - t) / GRAIN_RELEASE);
        y[t] += (ap_real)(shape * (double)from[t]);
    }
}

void ap_retrigger_grains(int64_t n, const ap_real *input, const ap_real *target, ap_real *y)
{
    ap_arena *arena = ap_arena_create();
    ap_onsets hits = ap_onset_times(arena, n, input), notes = ap_onset_times(arena, n, target);
    memset(y, 0, (size_t)n * sizeof *y);
    for (int64_t k = 0; k < hits.count; k++) {
        int64_t hit = place(hits, k, n), from = nearest_note(notes, hit, n);
        int64_t length = llround(GRAIN_OVERLAP * (double)(place(hits, k + 1, n) - hit));
        length = ap_least(ap_most(length, GRAIN_LEAST), GRAIN_MOST);
        add_grain(ap_least(length, n - ap_most(hit, from)), target + from, y + hit);
    }
    ap_arena_free(arena);
    match_loudness(n, target, y);
}

/* ---------------------------------------------------------------- gate */

/* The gate opens within its attack, stays open for its hold and closes at its rate, down to its floor. */
#define GATE_ATTACK (AP_SAMPLE_RATE / 250)
#define GATE_HOLD (AP_SAMPLE_RATE / 20)
#define GATE_RATE 120.0    /* dB a second */
#define GATE_FLOOR (-30.0) /* dB */

void ap_gate_by_hits(int64_t n, const ap_real *input, const ap_real *target, ap_real *y)
{
    ap_arena *arena = ap_arena_create();
    ap_onsets hits = ap_onset_times(arena, n, input);
    double gain = 0, least = hits.count ? pow(10, GATE_FLOOR / 20) : 0;
    const double fall = pow(10, -GATE_RATE / AP_SAMPLE_RATE / 20);
    int64_t next = place(hits, 0, n), open_until = 0;
    gain = least;
    for (int64_t t = 0, k = 0; t < n; t++) {
        if (t == next) {
            open_until = t + GATE_ATTACK + GATE_HOLD;
            next = place(hits, ++k, n);
        }
        gain = t < open_until ? fmin(1, gain + 1.0 / GATE_ATTACK) : fmax(least, gain * fall);
        y[t] = (ap_real)(gain * (double)target[t]);
    }
    ap_arena_free(arena);
    match_loudness(n, target, y);
}

/* ---------------------------------------------------------------- vocoder */

static const ap_spectrum vocoder_spectrum = {.size = 1024, .hop = 256};
#define VOCODER_BANDS 16
#define VOCODER_LOWEST 60.0
#define VOCODER_HIGHEST 11000.0
#define CARRIER_LEAST 1e-2
#define BAND_RAISE 30.0

/* weights [bins, VOCODER_BANDS]: triangles over log frequency that add up to 1 in every bin. */
static void fill_weights(ap_real *weights)
{
    const double step = log(VOCODER_HIGHEST / VOCODER_LOWEST) / (VOCODER_BANDS - 1);
    for (int64_t k = 0; k < ap_spectrum_bins(vocoder_spectrum); k++) {
        double hertz = (double)k * AP_SAMPLE_RATE / vocoder_spectrum.size;
        double at = log(fmax(hertz, VOCODER_LOWEST) / VOCODER_LOWEST) / step;
        at = fmin(at, VOCODER_BANDS - 1);
        for (int b = 0; b < VOCODER_BANDS; b++)
            weights[k * VOCODER_BANDS + b] = (ap_real)fmax(0, 1 - fabs(at - b));
    }
}

static double power_of(ap_complex x)
{
    return (double)x.re * (double)x.re + (double)x.im * (double)x.im;
}

/* bands [frames, VOCODER_BANDS]: the amplitude of each band. */
static void take_bands(int64_t frames, const ap_real *weights, const ap_complex *X, ap_real *bands)
{
    int64_t bins = ap_spectrum_bins(vocoder_spectrum);
#pragma omp parallel for schedule(static)
    for (int64_t f = 0; f < frames; f++)
        for (int b = 0; b < VOCODER_BANDS; b++) {
            double sum = 0;
            for (int64_t k = 0; k < bins; k++)
                sum += (double)weights[k * VOCODER_BANDS + b] * power_of(X[f * bins + k]);
            bands[f * VOCODER_BANDS + b] = (ap_real)sqrt(sum);
        }
}

/* The mean square of a band. */
static double mean_square(int64_t frames, const ap_real *bands)
{
    double sum = 0;
    for (int64_t f = 0; f < frames; f++)
        sum += (double)bands[f * VOCODER_BANDS] * (double)bands[f * VOCODER_BANDS];
    return sum / (double)frames;
}

/* Makes gains of the modulator's levels: the carrier's level at each moment is divided out, down to
 * CARRIER_LEAST of its largest, and each band is brought to the carrier's own mean level, by up to
 * BAND_RAISE. */
static void make_gains(int64_t frames, const ap_real *carrier, ap_real *modulator)
{
    for (int b = 0; b < VOCODER_BANDS; b++) {
        double largest = 0, own = mean_square(frames, carrier + b),
               of_input = mean_square(frames, modulator + b);
        for (int64_t f = 0; f < frames; f++) largest = fmax(largest, (double)carrier[f * VOCODER_BANDS + b]);
        double raise = of_input > 0 ? fmin(sqrt(own / of_input), BAND_RAISE) : 0;
        for (int64_t f = 0; f < frames && largest > 0; f++) {
            double level = fmax((double)carrier[f * VOCODER_BANDS + b], CARRIER_LEAST * largest);
            modulator[f * VOCODER_BANDS + b] =
                (ap_real)(raise * (double)modulator[f * VOCODER_BANDS + b] / level);
        }
    }
}

void ap_vocode(int64_t n, const ap_real *input, const ap_real *target, ap_real *y)
{
    ap_arena *arena = ap_arena_create();
    int64_t frames = ap_spectrum_frames(vocoder_spectrum, n), bins = ap_spectrum_bins(vocoder_spectrum);
    ap_complex *X = ap_arena_alloc(arena, (size_t)(frames * bins) * sizeof *X);
    ap_real *weights = ap_arena_alloc(arena, (size_t)(bins * VOCODER_BANDS) * sizeof *weights),
            *gains = ap_arena_alloc(arena, (size_t)(frames * VOCODER_BANDS) * sizeof *gains),
            *carrier = ap_arena_alloc(arena, (size_t)(frames * VOCODER_BANDS) * sizeof *carrier);
    fill_weights(weights);
    ap_spectrum_forward(arena, vocoder_spectrum, n, input, X);
    take_bands(frames, weights, X, gains);
    ap_spectrum_forward(arena, vocoder_spectrum, n, target, X);
    take_bands(frames, weights, X, carrier);
    make_gains(frames, carrier, gains);
#pragma omp parallel for schedule(static)
    for (int64_t f = 0; f < frames; f++)
        for (int64_t k = 0; k < bins; k++) {
            ap_real gain = 0;
            for (int b = 0; b < VOCODER_BANDS; b++)
                gain += weights[k * VOCODER_BANDS + b] * gains[f * VOCODER_BANDS + b];
            X[f * bins + k].re *= gain;
            X[f * bins + k].im *= gain;
        }
    ap_spectrum_inverse(arena, vocoder_spectrum, X, n, y);
    ap_arena_free(arena);
    match_loudness(n, target, y);
}
