#include "antiphon/metrics.h"

#include "antiphon/audio.h"
#include "antiphon/modulation.h"
#include "antiphon/status.h"
#include "base/bounds.h"

#include <math.h>
#include <stddef.h>

/* Levels of 10 ms for the lagged correlation. */
#define LEVEL_WIDTH (AP_SAMPLE_RATE / 100)

ap_analysis ap_analyse(ap_arena *arena, int64_t n, const ap_real *x)
{
    if (n < AP_METRICS_SAMPLES_LEAST)
        ap_fatal("analyse: %lld samples, %d at least", (long long)n, AP_METRICS_SAMPLES_LEAST);
    ap_analysis a = {.samples = n, .audio = x, .level_count = n / LEVEL_WIDTH};
    a.level = ap_arena_alloc(arena, (size_t)a.level_count * sizeof *a.level);
    ap_level_envelope(n, x, LEVEL_WIDTH, a.level);
    int64_t windows = ap_metric_windows(n), width = n / windows;
    for (int64_t w = 0; w < windows; w++)
        a.variation += ap_envelope_variation(width, x + w * width) / (double)windows;
    a.onsets = ap_onset_times(arena, n, x);
    a.chroma = ap_chroma_of(arena, n, x);
    a.timbre = ap_timbre_of(arena, n, x);
    a.loudness = ap_loudness(n, x);
    a.active = ap_active_share(n, x);
    a.clicks = ap_click_share(arena, n, x);
    a.jumps = ap_jump_rate(arena, n, x);
    a.crest = ap_crest(n, x);
    a.fizz = ap_fizz(arena, n, x);
    return a;
}

/* Short enough for a line each in the help of `antiphon evaluate`. */
static const ap_metric_text texts[AP_METRIC_COUNT] = {
    [AP_METRIC_COST] = {"cost", "", "correlation cost: 0 if it follows neither source", "low"},
    [AP_METRIC_R0_INPUT] = {"r_input", "", "the envelope's correlation with the input's", "near 0"},
    [AP_METRIC_R0_TARGET] = {"r_target", "", "the envelope's correlation with the target's", "near 0"},
    [AP_METRIC_RMAX_INPUT] = {"r_max_input", "", "largest |r| with the input, up to 0.5 s apart", "low"},
    [AP_METRIC_RMAX_TARGET] = {"r_max_target", "", "largest |r| with the target, up to 0.5 s apart", "low"},
    [AP_METRIC_MIX_SHARE] = {"mix_share", "", "share that a mix of the sources explains", "low"},
    [AP_METRIC_ONSET_F1] = {"onset_f1", "", "onsets within 50 ms of the input's (F-measure)", "high"},
    [AP_METRIC_ONSET_GAIN] = {"onset_gain", "", "the same above chance: timing of the input", "high"},
    [AP_METRIC_CHROMA] = {"chroma", "", "harmony's likeness (chroma cosine) to the target", "high"},
    [AP_METRIC_CHROMA_GAIN] = {"chroma_gain", "", "the same above that to other targets", "high"},
    [AP_METRIC_TIMBRE_TARGET] = {"timbre_target", "", "distance of timbre (MFCC 2-13) from the target's",
                                 "low"},
    [AP_METRIC_TIMBRE_INPUT] = {"timbre_input", "", "distance of timbre (MFCC 2-13) from the input's", ""},
    [AP_METRIC_TIMBRE_RATIO] = {"timbre_ratio", "", "0: the target's timbre, 1: the input's", "near 0"},
    [AP_METRIC_LOUDNESS] = {"loudness", "LU", "integrated loudness above the target's", "near 0"},
    [AP_METRIC_ACTIVE] = {"active", "", "share of 50 ms frames above -50 dBFS", "near 1"},
    [AP_METRIC_VARIATION] = {"variation", "", "deviation over mean of the envelope", "as the sources'"},
    [AP_METRIC_VARIATION_INPUT] = {"variation_input", "", "the same of the input", ""},
    [AP_METRIC_VARIATION_TARGET] = {"variation_target", "", "the same of the target", ""},
    [AP_METRIC_FLATNESS] = {"flatness", "", "0.56: white noise, 0: a tone (100 to 4500 Hz)", "low"},
    [AP_METRIC_SILENT] = {"silent", "", "1 if hardly any of it sounds", "0"},
    [AP_METRIC_NOISE] = {"noise", "", "1 if it is flat and never swells or fades: hiss", "0"},
    [AP_METRIC_DRONE] = {"drone", "", "1 if it sounds, but never swells or fades", "0"},
    [AP_METRIC_CLICKS] = {"clicks", "", "sudden changes at codec frames, beyond the sources'", "0"},
    [AP_METRIC_JUMPS] = {"jumps", "/s", "jumps of the waveform, beyond the sources'", "0"},
    [AP_METRIC_FLUTTER] = {"flutter", "dB", "jumps of the bands' levels, beyond the sources'", "0"},
    [AP_METRIC_RINGING] = {"ringing", "", "share of the energy in tones of neither source", "0"},
    [AP_METRIC_OTHERS] = {"r_others", "", "correlation of the levels with other outputs'", "near 0"},
    [AP_METRIC_CHROMA_INPUT] = {"chroma_input", "", "harmony's likeness to the input", "as chroma_sources"},
    [AP_METRIC_CHROMA_SOURCES] = {"chroma_sources", "", "the same of target and input", ""},
    [AP_METRIC_CREST] = {"crest", "dB", "peak over RMS", "as the sources'"},
    [AP_METRIC_CREST_INPUT] = {"crest_input", "dB", "the same of the input", ""},
    [AP_METRIC_CREST_TARGET] = {"crest_target", "dB", "the same of the target", ""},
    [AP_METRIC_FIZZ] = {"fizz", "dB", "flicker that neighbouring bands do not share", "low"},
    [AP_METRIC_FIZZ_TARGET] = {"fizz_target", "dB", "the same of the target", ""},
};

ap_metric_text ap_metric_describe(ap_metric metric)
{
    return texts[metric];
}

double ap_level_r_max(int64_t M, const ap_real *a, const ap_real *b)
{
    const int64_t lag = (int64_t)(AP_LAG_SECONDS * AP_SAMPLE_RATE / LEVEL_WIDTH);
    return ap_lagged_pearson(M, a, b, ap_least(lag, M / 4));
}

/* The cost and its correlations, in windows. */
static void measure_correlation(const ap_real *input, const ap_real *target, const ap_real *output, int64_t n,
                                double *values)
{
    int64_t windows = ap_metric_windows(n), width = n / windows;
    double cost = 0, r[2] = {0, 0};
    for (int64_t w = 0; w < windows; w++) {
        int64_t at = w * width;
        ap_real of[2];
        cost += (double)ap_modulation_cost_arrays(1, width, AP_MODULATION_SEGMENTS, AP_BARRIER_ORIGINAL,
                                                  input + at, target + at, output + at, &of[0], &of[1], NULL);
        for (int k = 0; k < 2; k++) r[k] += windows > 1 ? fabs((double)of[k]) : (double)of[k];
    }
    values[AP_METRIC_COST] = cost / (double)windows;
    values[AP_METRIC_R0_INPUT] = r[0] / (double)windows;
    values[AP_METRIC_R0_TARGET] = r[1] / (double)windows;
}

/* Measures how much the output copies its sources. */
static void measure_copying(const ap_analysis *input, const ap_analysis *target, const ap_analysis *output,
                            double *values)
{
    int64_t n = output->samples, levels = output->level_count;
    measure_correlation(input->audio, target->audio, output->audio, n, values);
    values[AP_METRIC_RMAX_INPUT] = ap_level_r_max(levels, input->level, output->level);
    values[AP_METRIC_RMAX_TARGET] = ap_level_r_max(levels, target->level, output->level);
    values[AP_METRIC_OTHERS] = NAN;
    values[AP_METRIC_MIX_SHARE] = ap_mix_share(n, output->audio, input->audio, target->audio);
}

/* Measures what the output takes from each source. */
static void measure_taking(ap_arena *arena, const ap_analysis *input, const ap_analysis *target,
                           const ap_analysis *output, double *values)
{
    double seconds = (double)output->samples / AP_SAMPLE_RATE;
    double f1 = ap_onset_f1(input->onsets, output->onsets);
    values[AP_METRIC_ONSET_F1] = f1;
    values[AP_METRIC_ONSET_GAIN] = f1 - ap_onset_f1_chance(arena, input->onsets, output->onsets, seconds);
    values[AP_METRIC_CHROMA] = ap_chroma_cosine(output->chroma, target->chroma);
    values[AP_METRIC_CHROMA_GAIN] = NAN;
    values[AP_METRIC_CHROMA_INPUT] = ap_chroma_cosine(output->chroma, input->chroma);
    values[AP_METRIC_CHROMA_SOURCES] = ap_chroma_cosine(target->chroma, input->chroma);
    double to_target = ap_timbre_distance(&output->timbre, &target->timbre);
    double to_input = ap_timbre_distance(&output->timbre, &input->timbre);
    values[AP_METRIC_TIMBRE_TARGET] = to_target;
    values[AP_METRIC_TIMBRE_INPUT] = to_input;
    values[AP_METRIC_TIMBRE_RATIO] = to_target + to_input > 0 ? to_target / (to_target + to_input) : NAN;
}

void ap_metrics_measure(ap_arena *arena, const ap_analysis *input, const ap_analysis *target,
                        const ap_analysis *output, double values[AP_METRIC_COUNT])
{
    if (input->samples != output->samples || target->samples != output->samples)
        ap_fatal("measure: input, target and output have %lld, %lld and %lld samples",
                 (long long)input->samples, (long long)target->samples, (long long)output->samples);
    measure_copying(input, target, output, values);
    measure_taking(arena, input, target, output, values);
    bool silent = output->active < AP_SILENT_ACTIVE;
    bool noise =
        !silent && output->timbre.flatness > AP_NOISE_FLATNESS && output->variation < AP_NOISE_VARIATION;
    values[AP_METRIC_LOUDNESS] = output->loudness - target->loudness;
    values[AP_METRIC_ACTIVE] = output->active;
    values[AP_METRIC_VARIATION] = output->variation;
    values[AP_METRIC_VARIATION_INPUT] = input->variation;
    values[AP_METRIC_VARIATION_TARGET] = target->variation;
    values[AP_METRIC_FLATNESS] = output->timbre.flatness;
    values[AP_METRIC_CREST] = output->crest;
    values[AP_METRIC_CREST_INPUT] = input->crest;
    values[AP_METRIC_CREST_TARGET] = target->crest;
    values[AP_METRIC_FIZZ] = output->fizz;
    values[AP_METRIC_FIZZ_TARGET] = target->fizz;
    values[AP_METRIC_SILENT] = silent;
    values[AP_METRIC_NOISE] = noise;
    values[AP_METRIC_CLICKS] = fmax(output->clicks - fmax(input->clicks, target->clicks), 0);
    values[AP_METRIC_JUMPS] = fmax(output->jumps - fmax(input->jumps, target->jumps), 0);
    values[AP_METRIC_FLUTTER] =
        ap_flutter(arena, output->samples, output->audio, input->audio, target->audio);
    values[AP_METRIC_RINGING] =
        ap_ring_share(arena, output->samples, output->audio, input->audio, target->audio);
    values[AP_METRIC_DRONE] = !silent && !noise && output->variation < AP_DRONE_VARIATION;
}
