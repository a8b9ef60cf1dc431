/* The artefact measures: near nothing for music, copies and mixes; and what each fault, put into music on
 * purpose, comes to. */
#include "antiphon/audio.h"
#include "antiphon/metrics.h"
#include "antiphon/ops.h"
#include "antiphon/rng.h"
#include "base/memory.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What counts as nothing, and what a fault must at least come to. */
#define CLEAN 0.02
#define FAULTY 0.1
#define FLUTTERING 1.0 /* dB */
#define FEW 0.5        /* jumps a second */
#define SOME 3.0

enum { INPUT, TARGET, SIGNALS };

typedef struct fixture {
    ap_arena *arena;
    ap_audio audio[SIGNALS];
    int64_t n;
    ap_real *output;
} fixture;

static int set_up(void **state)
{
    static const char *const paths[SIGNALS] = {"fixtures/metrics_input.wav", "fixtures/metrics_target.wav"};
    fixture *f = ap_allocate(1, sizeof *f);
    f->arena = ap_arena_create();
    for (int s = 0; s < SIGNALS; s++) {
        ap_status status = ap_audio_read(paths[s], AP_SAMPLE_RATE, &f->audio[s]);
        if (ap_failed(&status)) fail_msg("%s", status.message);
    }
    f->n = f->audio[TARGET].count;
    f->output = ap_allocate((size_t)f->n, sizeof *f->output);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    for (int s = 0; s < SIGNALS; s++) ap_audio_free(&f->audio[s]);
    ap_arena_free(f->arena);
    free(f->output);
    free(f);
    return 0;
}

static double clicks(fixture *f, const ap_real *x)
{
    return ap_click_share(f->arena, f->n, x);
}

static double jumps(fixture *f, const ap_real *x)
{
    return ap_jump_rate(f->arena, f->n, x);
}

static double ringing(fixture *f, const ap_real *x)
{
    return ap_ring_share(f->arena, f->n, x, f->audio[INPUT].samples, f->audio[TARGET].samples);
}

static double flutter(fixture *f, const ap_real *x)
{
    return ap_flutter(f->arena, f->n, x, f->audio[INPUT].samples, f->audio[TARGET].samples);
}

static void expect_between(const char *what, double value, double low, double high)
{
    if (!(value >= low && value <= high)) fail_msg("%s is %.4f, not %.4f to %.4f", what, value, low, high);
}

static double rms(fixture *f, const ap_real *x)
{
    double sum = 0;
    for (int64_t t = 0; t < f->n; t++) sum += (double)x[t] * (double)x[t];
    return sqrt(sum / (double)f->n);
}

/* ---------------------------------------------------------------- nothing */

static void sources_have_none(void **state)
{
    fixture *f = *state;
    for (int s = 0; s < SIGNALS; s++) {
        expect_between("clicks of a source", clicks(f, f->audio[s].samples), 0, CLEAN);
        /* drums from the synthesiser begin at once */
        expect_between("jumps of a source", jumps(f, f->audio[s].samples), 0, s == INPUT ? SOME : FEW);
        expect_between("ringing of a source", ringing(f, f->audio[s].samples), 0, 0);
        expect_between("flutter of a source", flutter(f, f->audio[s].samples), 0, 0);
    }
    for (int64_t t = 0; t < f->n; t++)
        f->output[t] = 3 * f->audio[INPUT].samples[t] - f->audio[TARGET].samples[t] / 2;
    expect_between("clicks of a mix", clicks(f, f->output), 0, CLEAN);
    expect_between("jumps of a mix", jumps(f, f->output), 0, SOME);
    expect_between("ringing of a mix", ringing(f, f->output), 0, 1e-3);
    expect_between("flutter of a mix", flutter(f, f->output), 0, CLEAN);
}

static void silence_and_noise_have_none(void **state)
{
    fixture *f = *state;
    ap_rng rng = ap_rng_init(4);
    memset(f->output, 0, (size_t)f->n * sizeof *f->output);
    expect_between("clicks of silence", clicks(f, f->output), 0, 0);
    expect_between("jumps of silence", jumps(f, f->output), 0, 0);
    expect_between("ringing of silence", ringing(f, f->output), 0, 0);
    expect_between("flutter of silence", flutter(f, f->output), 0, 0);
    for (int64_t t = 0; t < f->n; t++) f->output[t] = (ap_real)(0.1 * ap_rng_normal(&rng));
    expect_between("clicks of noise", clicks(f, f->output), 0, CLEAN);
    expect_between("jumps of noise", jumps(f, f->output), 0, 0);
    expect_between("ringing of noise", ringing(f, f->output), 0, CLEAN);
    /* what swells and fades over a quarter of a second keeps its tones */
    for (int64_t t = 0; t < f->n; t++)
        f->output[t] =
            (ap_real)(1 + sin(2 * M_PI * 2 * (double)t / AP_SAMPLE_RATE)) * f->audio[TARGET].samples[t];
    expect_between("clicks of a tremolo", clicks(f, f->output), 0, CLEAN);
    expect_between("jumps of a tremolo", jumps(f, f->output), 0, FEW);
    expect_between("ringing of a tremolo", ringing(f, f->output), 0, CLEAN);
    expect_between("flutter of a tremolo", flutter(f, f->output), 0, CLEAN);
}

/* ---------------------------------------------------------------- clicks */

/* A step back and forth every `period` samples, so small that the music's level hardly changes. */
static void add_clicks(fixture *f, int64_t first, int64_t period)
{
    ap_real height = (ap_real)(rms(f, f->audio[TARGET].samples) / 2);
    memcpy(f->output, f->audio[TARGET].samples, (size_t)f->n * sizeof *f->output);
    for (int64_t t = first; t < f->n; t += period) f->output[t] += height;
}

static void clicks_at_frame_edges_are_caught(void **state)
{
    fixture *f = *state;
    add_clicks(f, 0, AP_CLICK_HOP);
    expect_between("clicks at the edges", clicks(f, f->output), FAULTY, 1);
    /* wherever the frames begin, and on the border of two parts */
    add_clicks(f, 7, AP_CLICK_HOP);
    double aligned = clicks(f, f->output);
    add_clicks(f, 117, AP_CLICK_HOP);
    expect_between("clicks elsewhere", clicks(f, f->output), 0.8 * aligned, 1.2 * aligned);
    /* as many, but not at the frames' rate: the music's own */
    add_clicks(f, 0, AP_CLICK_HOP + 37);
    expect_between("clicks of another rate", clicks(f, f->output), 0, 2 * CLEAN);
    /* a few are no edges of frames */
    add_clicks(f, 0, 30 * AP_CLICK_HOP);
    expect_between("a click now and then", clicks(f, f->output), 0, 2 * CLEAN);
}

/* Frames that are put together without overlap: every second one turned round. */
static void frames_that_do_not_join_are_caught(void **state)
{
    fixture *f = *state;
    for (int64_t t = 0; t < f->n; t++)
        f->output[t] = t / AP_CLICK_HOP % 2 ? f->audio[TARGET].samples[t] : -f->audio[TARGET].samples[t];
    expect_between("clicks of turned frames", clicks(f, f->output), FAULTY, 1);
}

/* ---------------------------------------------------------------- jumps */

/* Where single faults are planted: every 0.31 s, so at no rate of a codec's frames. */
#define PLANTED 7441
#define PER_SECOND ((double)AP_SAMPLE_RATE / PLANTED)

/* The sample next to `t` where x is farthest from 0, within 5 ms. */
static int64_t crest_near(fixture *f, const ap_real *x, int64_t t)
{
    int64_t best = t;
    for (int64_t i = t; i < t + 120 && i < f->n; i++)
        if (fabs((double)x[i]) > fabs((double)x[best])) best = i;
    return best;
}

static void single_clicks_are_caught(void **state)
{
    fixture *f = *state;
    for (int s = 0; s < SIGNALS; s++) {
        const ap_real *x = f->audio[s].samples;
        const double level = rms(f, x), own = jumps(f, x);
        /* a spike of one sample, half as large as the music */
        memcpy(f->output, x, (size_t)f->n * sizeof *x);
        for (int64_t t = PLANTED / 2; t < f->n; t += PLANTED) f->output[t] += (ap_real)(level / 2);
        /* drums mask some */
        expect_between("jumps of spikes", jumps(f, f->output) - own, 0.6 * PER_SECOND, 1.1 * PER_SECOND);
    }
    const ap_real *x = f->audio[TARGET].samples;
    const double own = jumps(f, x);
    /* a gain of -12 dB that is switched, at crests, and the same in 4 ms, as grains rise */
    for (int slow = 0; slow < 2; slow++) {
        double gain = 1, step = slow ? 1.0 / 96 : 1;
        int64_t next = crest_near(f, x, PLANTED / 2), on = 0;
        for (int64_t t = 0; t < f->n; t++) {
            if (t == next) on = !on, next = crest_near(f, x, t + PLANTED);
            double wanted = on ? 0.25 : 1;
            gain += fmax(-step, fmin(wanted - gain, step));
            f->output[t] = (ap_real)(gain * (double)x[t]);
        }
        double found = jumps(f, f->output) - own;
        if (slow)
            expect_between("jumps of gains that glide", found, -FEW, FEW);
        else
            expect_between("jumps of gains that switch", found, 0.7 * PER_SECOND, 1.1 * PER_SECOND);
    }
    /* grains without edges: every second piece comes from elsewhere */
    for (int64_t t = 0; t < f->n; t++) f->output[t] = t / PLANTED % 2 ? x[(t + 5003) % f->n] : x[t];
    expect_between("jumps of splices", jumps(f, f->output) - own, 0.7 * PER_SECOND, 1.4 * PER_SECOND);
}

/* ---------------------------------------------------------------- ringing, flutter */

static void a_resonance_is_caught(void **state)
{
    fixture *f = *state;
    const double hertz = 1741, share = 0.2;
    double level = rms(f, f->audio[TARGET].samples) * sqrt(2 * share / (1 - share));
    for (int64_t t = 0; t < f->n; t++)
        f->output[t] = f->audio[TARGET].samples[t] +
                       (ap_real)(level * sin(2 * M_PI * hertz * (double)t / AP_SAMPLE_RATE));
    /* by its share of the energy; more in frames where the music is quiet */
    expect_between("ringing of a resonance", ringing(f, f->output), share, 4 * share);
    expect_between("clicks of a resonance", clicks(f, f->output), 0, CLEAN);
    expect_between("flutter of a resonance", flutter(f, f->output), 0, CLEAN);
}

/* The target through the lapped transform, with gains of 16 bands that jump at every frame, `depth` deep. */
static void flip_gains(fixture *f, double depth)
{
    enum { DIM = AP_CLICK_HOP, BANDS = 16 };
    ap_rng rng = ap_rng_init(8);
    ap_tape *tape = ap_tape_create(0);
    ap_mdct *mdct = ap_mdct_create(DIM, AP_CLICK_HOP, 1);
    ap_tape_gradients_set(tape, false);
    ap_var *x = ap_tape_constant(tape, (ap_tensor){AP_SHAPE(1, 1, f->n), f->audio[TARGET].samples});
    ap_var *z = ap_mdct_encode(tape, mdct, x);
    int64_t frames = ap_mdct_frames(mdct, f->n);
    for (int64_t t = 0; t < frames; t++)
        for (int band = 0; band < BANDS; band++) {
            ap_real gain = (ap_real)(ap_rng_below(&rng, 2) ? 1 : 1 - depth);
            for (int k = band * DIM / BANDS; k < (band + 1) * DIM / BANDS; k++)
                z->value.data[k * frames + t] *= gain;
        }
    memcpy(f->output, ap_mdct_decode(tape, mdct, z, f->n)->value.data, (size_t)f->n * sizeof *f->output);
    ap_mdct_free(mdct);
    ap_tape_free(tape);
}

static void gains_that_jump_are_caught(void **state)
{
    fixture *f = *state;
    flip_gains(f, 0);
    expect_between("ringing of the transform", ringing(f, f->output), 0, 1e-3);
    expect_between("flutter of the transform", flutter(f, f->output), 0, CLEAN);
    expect_between("clicks of the transform", clicks(f, f->output), 0, CLEAN);
    flip_gains(f, 0.2);
    expect_between("flutter of gains 2 dB apart", flutter(f, f->output), 0, CLEAN);
    flip_gains(f, 0.8);
    double deep = flutter(f, f->output);
    expect_between("flutter of gains 14 dB apart", deep, FLUTTERING, 10);
    flip_gains(f, 1);
    expect_between("flutter of gains of 0 and 1", flutter(f, f->output), 2 * deep, 20);
}

/* ---------------------------------------------------------------- fizz */

static double fizz(fixture *f, const ap_real *x)
{
    return ap_fizz(f->arena, f->n, x);
}

/* x through gains that are new in every band of 375 Hz and every frame of AP_CLICK_HOP samples, of `spread`
 * dB (standard deviation): with `together`, one gain for all bands. */
static void shake_gains(fixture *f, const ap_real *x, double spread, bool together)
{
    enum { DIM = AP_CLICK_HOP, BANDS = 32 };
    ap_tape *tape = ap_tape_create(0);
    ap_mdct *mdct = ap_mdct_create(DIM, AP_CLICK_HOP, 1);
    ap_rng rng = ap_rng_init(6);
    ap_real *copy = ap_arena_alloc(ap_tape_arena(tape), (size_t)f->n * sizeof *copy);
    memcpy(copy, x, (size_t)f->n * sizeof *copy);
    ap_var *latents =
        ap_mdct_encode(tape, mdct, ap_tape_constant(tape, (ap_tensor){AP_SHAPE(1, 1, f->n), copy}));
    int64_t frames = latents->value.shape.at[2];
    for (int64_t t = 0; t < frames; t++) {
        double gain = 1;
        for (int d = 0; d < DIM; d++) {
            if (together ? d == 0 : d % (DIM / BANDS) == 0) gain = pow(10, spread * ap_rng_normal(&rng) / 20);
            latents->value.data[d * frames + t] *= (ap_real)gain;
        }
    }
    ap_var *y = ap_mdct_decode(tape, mdct, latents, f->n);
    memcpy(f->output, y->value.data, (size_t)f->n * sizeof *f->output);
    ap_mdct_free(mdct);
    ap_tape_free(tape);
}

static void fizz_is_caught(void **state)
{
    fixture *f = *state;
    for (int s = 0; s < SIGNALS; s++) {
        const ap_real *x = f->audio[s].samples;
        double own = fizz(f, x), before = own;
        /* a gate moves all bands */
        for (int64_t t = 0; t < f->n; t++) f->output[t] = x[t] * (ap_real)(t / 2400 % 2 ? 0.5 : 0.7);
        expect_between("fizz behind a gate", fizz(f, f->output) / own, 0.9, 1.1);
        for (int spread = 3; spread <= 9; spread += 3) {
            shake_gains(f, x, spread, false);
            double now = fizz(f, f->output);
            expect_between("fizz of gains by band and frame", now / before, 1.03, 2);
            before = now;
        }
        expect_between("fizz of gains by band and frame, 9 dB", before / own, 1.4, 4);
        shake_gains(f, x, 9, true); /* smears what is between partials, but moves the bands together */
        expect_between("fizz of gains for all bands", fizz(f, f->output) / own - 1, 0,
                       (before / own - 1) / 3);
    }
}

static void silence_tones_and_noise_have_their_own_fizz(void **state)
{
    fixture *f = *state;
    ap_rng rng = ap_rng_init(4);
    memset(f->output, 0, (size_t)f->n * sizeof *f->output);
    expect_between("fizz of silence", fizz(f, f->output), 0, 0);
    for (int64_t t = 0; t < f->n; t++) f->output[t] = (ap_real)(0.1 * ap_rng_normal(&rng));
    expect_between("fizz of noise", fizz(f, f->output), 2.7, 3.2);
    for (int64_t t = 0; t < f->n; t++)
        f->output[t] = (ap_real)(0.1 * sin(M_PI * (double)t / (double)f->n) *
                                 sin(2 * M_PI * 1000 * (double)t / AP_SAMPLE_RATE));
    expect_between("fizz of a tone", fizz(f, f->output), 0, 0.5);
}

/* ---------------------------------------------------------------- the columns */

static void columns_are_above_the_sources(void **state)
{
    fixture *f = *state;
    double values[AP_METRIC_COUNT];
    add_clicks(f, 0, AP_CLICK_HOP);
    ap_analysis input = ap_analyse(f->arena, f->n, f->audio[INPUT].samples),
                target = ap_analyse(f->arena, f->n, f->audio[TARGET].samples),
                clicking = ap_analyse(f->arena, f->n, f->output);
    ap_metrics_measure(f->arena, &input, &target, &target, values);
    assert_true(values[AP_METRIC_CLICKS] == 0 && values[AP_METRIC_JUMPS] == 0 &&
                values[AP_METRIC_FLUTTER] == 0 && values[AP_METRIC_RINGING] == 0);
    ap_metrics_measure(f->arena, &input, &target, &clicking, values);
    expect_between("the column clicks", values[AP_METRIC_CLICKS], FAULTY, 1);
    expect_between("the column jumps", values[AP_METRIC_JUMPS], 10, 75);
    /* what a source has already is not the output's fault */
    ap_metrics_measure(f->arena, &clicking, &target, &clicking, values);
    assert_true(values[AP_METRIC_CLICKS] == 0 && values[AP_METRIC_JUMPS] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_have_none),
        cmocka_unit_test(silence_and_noise_have_none),
        cmocka_unit_test(clicks_at_frame_edges_are_caught),
        cmocka_unit_test(frames_that_do_not_join_are_caught),
        cmocka_unit_test(single_clicks_are_caught),
        cmocka_unit_test(a_resonance_is_caught),
        cmocka_unit_test(gains_that_jump_are_caught),
        cmocka_unit_test(fizz_is_caught),
        cmocka_unit_test(silence_tones_and_noise_have_their_own_fizz),
        cmocka_unit_test(columns_are_above_the_sources),
    };
    return cmocka_run_group_tests_name("artefacts", tests, set_up, tear_down);
}
