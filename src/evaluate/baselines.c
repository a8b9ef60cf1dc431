#include "antiphon/baselines.h"

#include "antiphon/audio.h"
#include "antiphon/codec.h"
#include "antiphon/metrics.h"
#include "antiphon/rng.h"
#include "antiphon/status.h"
#include "antiphon/tape.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "evaluate/musaicing.h"
#include "evaluate/tricks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_DELAY (AP_SAMPLE_RATE * 64 / 1000)
#define LONG_DELAY (AP_SAMPLE_RATE / 2)

/* Levels are measured in frames of 10 ms, or, where an attack must keep its shape, of 50 ms every 5 ms.
 * Divisors are at least -50 dB, so that silence between the target's notes is not raised to the input's
 * level. */
#define LEVEL_WIDTH (AP_SAMPLE_RATE / 100)
#define NOTE_WIDTH (AP_SAMPLE_RATE / 20)
#define NOTE_HOP (AP_SAMPLE_RATE / 200)
#define LEVEL_LEAST 3e-3

/* The mdct codec with its default size. */
#define CODEC_DIM 128
#define CODEC_HOP 320

static const char *const names[AP_BASELINE_COUNT] = {
    [AP_BASELINE_INPUT] = "input copy",
    [AP_BASELINE_TARGET] = "target copy",
    [AP_BASELINE_MIX] = "mix",
    [AP_BASELINE_IMPOSED] = "envelope imposed",
    [AP_BASELINE_RING] = "ring modulation",
    [AP_BASELINE_MUSAICING] = "NMF musaicing",
    [AP_BASELINE_DELAY] = "target 64 ms late",
    [AP_BASELINE_LONG_DELAY] = "target 500 ms late",
    [AP_BASELINE_STRUCK] = "target struck anew",
    [AP_BASELINE_GRAINS] = "grains retriggered",
    [AP_BASELINE_GATED] = "target gated",
    [AP_BASELINE_VOCODER] = "16-band vocoder",
    [AP_BASELINE_SILENCE] = "silence",
    [AP_BASELINE_NOISE] = "white noise",
    [AP_BASELINE_CODEC] = "target through codec",
    [AP_BASELINE_OTHER] = "another target",
};

const char *ap_baseline_name(ap_baseline baseline)
{
    return names[baseline];
}

static double rms(int64_t n, const ap_real *x)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum / (double)n);
}

/* Scales y to the level of the target; silence stays silent. */
static void match_level(int64_t n, const ap_real *target, ap_real *y)
{
    double level = rms(n, y);
    if (!(level > 0)) return;
    ap_real factor = (ap_real)(rms(n, target) / level);
    for (int64_t i = 0; i < n; i++) y[i] *= factor;
}

static void delay(int64_t n, const ap_real *x, int64_t by, ap_real *y)
{
    if (by > n) by = n;
    memset(y, 0, (size_t)by * sizeof *y);
    memcpy(y + by, x, (size_t)(n - by) * sizeof *y);
}

/* The level of x at sample t, interpolated between the RMS of the two frames nearest to it. */
typedef struct follower {
    int64_t hop, frames;
    double *level;
} follower;

/* Levels of frames of `width` samples, `hop` apart. */
static follower follow(int64_t n, const ap_real *x, int64_t width, int64_t hop)
{
    follower f = {.hop = hop, .frames = ap_divide_up(n, hop)};
    f.level = ap_allocate((size_t)f.frames, sizeof *f.level);
    for (int64_t i = 0; i < f.frames; i++) {
        int64_t start = ap_most(i * hop - (width - hop) / 2, 0),
                end = ap_least(i * hop + (width + hop) / 2, n);
        f.level[i] = rms(end - start, x + start);
    }
    return f;
}

static double level_at(follower f, int64_t t)
{
    double at = ((double)t + 0.5) / (double)f.hop - 0.5;
    if (at <= 0) return f.level[0];
    int64_t i = (int64_t)at;
    if (i + 1 >= f.frames) return f.level[f.frames - 1];
    return f.level[i] + (at - (double)i) * (f.level[i + 1] - f.level[i]);
}

static void impose(int64_t n, const ap_real *input, const ap_real *target, ap_real *y)
{
    follower from = follow(n, input, LEVEL_WIDTH, LEVEL_WIDTH),
             of = follow(n, target, LEVEL_WIDTH, LEVEL_WIDTH);
    for (int64_t t = 0; t < n; t++)
        y[t] = (ap_real)((double)target[t] * level_at(from, t) / fmax(level_at(of, t), LEVEL_LEAST));
    free(from.level);
    free(of.level);
    match_level(n, target, y);
}

/* Strokes: the standard deviation of their heights, their decay, the level between them, and for how long
 * that level is heard before a stroke. */
#define STROKE_SPREAD 5.0    /* dB */
#define STROKE_DECAY 25.0    /* dB a second */
#define STROKE_FLOOR (-20.0) /* dB */
#define STROKE_GAP (AP_SAMPLE_RATE / 50)
/* Gains are cross-faded over this many samples. */
#define STROKE_RISE (AP_SAMPLE_RATE / 200)

static void strike(uint64_t seed, int64_t n, const ap_real *input, const ap_real *target, ap_real *y)
{
    ap_arena *arena = ap_arena_create();
    ap_rng rng = ap_rng_init(seed);
    ap_onsets onsets = ap_onset_times(arena, n, input);
    delay(n, target, CODEC_HOP, y);
    follower of = follow(n, y, NOTE_WIDTH, NOTE_HOP);
    double height = STROKE_FLOOR, gain = STROKE_FLOOR;
    int64_t last = 0;
    for (int64_t t = 0, k = 0; t < n; t++) {
        int64_t next = k < onsets.count ? llround(onsets.times[k] * AP_SAMPLE_RATE) : n + STROKE_GAP;
        if (t == next) {
            height = STROKE_SPREAD * ap_rng_normal(&rng);
            last = t;
            k++;
        }
        double to = fmax(height - STROKE_DECAY * (double)(t - last) / AP_SAMPLE_RATE, STROKE_FLOOR);
        if (t >= next - STROKE_GAP && t < next) to = STROKE_FLOOR;
        gain += (to - gain) / STROKE_RISE;
        y[t] = (ap_real)((double)y[t] / fmax(level_at(of, t), LEVEL_LEAST) * pow(10, gain / 20));
    }
    free(of.level);
    ap_arena_free(arena);
    match_level(n, target, y);
}

/* A long piece in windows: what musaicing does grows with the square of the length. */
static void musaic(uint64_t seed, int64_t n, const ap_real *input, const ap_real *target, ap_real *y)
{
    int64_t windows = ap_metric_windows(n), width = ap_divide_up(n, windows);
    for (int64_t at = 0; at < n; at += width)
        ap_musaicing(seed, ap_least(width, n - at), input + at, target + at, y + at);
}

static void mdct_round_trip(int64_t n, const ap_real *x, ap_real *y)
{
    const ap_codec_config config = {.type = AP_CODEC_MDCT, .dim = CODEC_DIM, .hop = CODEC_HOP, .gain = 1};
    ap_params *none = ap_params_create();
    ap_codec *mdct = ap_codec_create(none, &config);
    ap_tape *tape = ap_tape_create(0);
    memcpy(y, ap_codec_round_trip(tape, mdct, n, x), (size_t)n * sizeof *y);
    ap_tape_free(tape);
    ap_codec_free(mdct);
    ap_params_free(none);
}

void ap_baseline_compose(ap_baseline baseline, const ap_baseline_options *options, int64_t n,
                         const ap_real *input, const ap_real *target, ap_real *output)
{
    switch (baseline) {
    case AP_BASELINE_INPUT:
        memcpy(output, input, (size_t)n * sizeof *output);
        return;
    case AP_BASELINE_TARGET:
        memcpy(output, target, (size_t)n * sizeof *output);
        return;
    case AP_BASELINE_MIX:
        for (int64_t i = 0; i < n; i++) output[i] = (input[i] + target[i]) / 2;
        return;
    case AP_BASELINE_IMPOSED:
        impose(n, input, target, output);
        return;
    case AP_BASELINE_RING:
        for (int64_t i = 0; i < n; i++) output[i] = input[i] * target[i];
        match_level(n, target, output);
        return;
    case AP_BASELINE_MUSAICING:
        musaic(options->seed, n, input, target, output);
        match_level(n, target, output);
        return;
    case AP_BASELINE_DELAY:
        delay(n, target, SHORT_DELAY, output);
        return;
    case AP_BASELINE_LONG_DELAY:
        delay(n, target, LONG_DELAY, output);
        return;
    case AP_BASELINE_STRUCK:
        strike(options->seed, n, input, target, output);
        return;
    case AP_BASELINE_GRAINS:
        ap_retrigger_grains(n, input, target, output);
        return;
    case AP_BASELINE_GATED:
        ap_gate_by_hits(n, input, target, output);
        return;
    case AP_BASELINE_VOCODER:
        ap_vocode(n, input, target, output);
        return;
    case AP_BASELINE_SILENCE:
        memset(output, 0, (size_t)n * sizeof *output);
        return;
    case AP_BASELINE_NOISE: {
        ap_rng rng = ap_rng_init(options->seed);
        for (int64_t i = 0; i < n; i++) output[i] = (ap_real)ap_rng_normal(&rng);
        match_level(n, target, output);
        return;
    }
    case AP_BASELINE_CODEC:
        if (options->round_trip)
            options->round_trip(options->round_trip_context, n, target, output);
        else
            mdct_round_trip(n, target, output);
        return;
    case AP_BASELINE_OTHER:
        if (!options->other || options->other_count < 1) ap_fatal("baseline: no other target is known");
        for (int64_t i = 0; i < n; i++) output[i] = options->other[i % options->other_count];
        match_level(n, target, output);
        return;
    case AP_BASELINE_COUNT:
        break;
    }
    ap_fatal("baseline %d does not exist", (int)baseline);
}
