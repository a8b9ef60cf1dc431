/* The metrics: against the numbers of the packages that define them (fixtures/metrics.json, made by
 * peers/make_metric_reference.py), and what they promise for copies, mixes, silence and noise. */
#include "antiphon/audio.h"
#include "antiphon/evaluate.h"
#include "antiphon/guidance.h"
#include "antiphon/metrics.h"
#include "antiphon/modulation.h"
#include "antiphon/rng.h"
#include "base/file.h"
#include "base/memory.h"
#include "listen/spectrum.h"
#include "support/check.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REFERENCE_LIMIT (1 << 20)

/* The packages compute in float32 in another order; values are compared as |got - want| <= tolerance (1 +
 * |want|). */
#define TOLERANCE 2e-4
/* The weighting's high-pass has a numerator of 1, -2, 1 in libebur128, as printed in BS.1770 for 48 kHz, and
 * a normalised one in pyloudnorm: at 24 kHz the first reads 0.04 LU more than the standard's own filter, the
 * second 0.04 less. */
#define TOLERANCE_LU 0.1
/* ... which cancels in a difference of two. */
#define TOLERANCE_LU_DIFFERENCE 0.01

enum { INPUT, TARGET, OUTPUT, SIGNALS };
static const char *const signal_names[SIGNALS] = {"input", "target", "output"};

typedef struct fixture {
    ap_arena *arena;
    ap_audio audio[SIGNALS];
    ap_analysis analysis[SIGNALS];
    cJSON *reference;
} fixture;

static int set_up(void **state)
{
    fixture *f = ap_allocate(1, sizeof *f);
    f->arena = ap_arena_create();
    for (int s = 0; s < SIGNALS; s++) {
        char path[64];
        snprintf(path, sizeof path, "fixtures/metrics_%s.wav", signal_names[s]);
        ap_status status = ap_audio_read(path, AP_SAMPLE_RATE, &f->audio[s]);
        if (ap_failed(&status)) fail_msg("%s", status.message);
        f->analysis[s] = ap_analyse(f->arena, f->audio[s].count, f->audio[s].samples);
    }
    char *text;
    size_t length;
    ap_status status = ap_file_read("fixtures/metrics.json", REFERENCE_LIMIT, &text, &length);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    f->reference = cJSON_Parse(text);
    assert_non_null(f->reference);
    free(text);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    for (int s = 0; s < SIGNALS; s++) ap_audio_free(&f->audio[s]);
    cJSON_Delete(f->reference);
    ap_arena_free(f->arena);
    free(f);
    return 0;
}

/* ---------------------------------------------------------------- reading the reference */

static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!item) fail_msg("the reference lacks %s", name);
    return item;
}

/* The array's numbers, to be freed. */
static double *numbers(const cJSON *array, int64_t *count)
{
    *count = cJSON_GetArraySize(array);
    double *values = ap_allocate((size_t)*count, sizeof *values);
    int64_t i = 0;
    for (const cJSON *item = array->child; item; item = item->next) values[i++] = item->valuedouble;
    return values;
}

static void check_number(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
        fail_msg("%s is %.8g, not %.8g", what, got, want);
}

static void check_array(const char *what, int64_t n, const ap_real *got, const cJSON *array)
{
    int64_t count;
    double *want = numbers(array, &count);
    assert_int_equal(count, n);
    check_close(what, n, got, want, TOLERANCE);
    free(want);
}

/* ---------------------------------------------------------------- agreement with the packages */

static void agree_onsets(void **state)
{
    fixture *f = *state;
    for (int s = 0; s < SIGNALS; s++) {
        const cJSON *want = member(member(f->reference, "signals"), signal_names[s]);
        int64_t frames = ap_onset_frames(f->audio[s].count), count;
        ap_real *strength = ap_arena_alloc(f->arena, (size_t)frames * sizeof *strength);
        ap_onset_strength(f->arena, f->audio[s].count, f->audio[s].samples, strength);
        check_array("onset strength", frames, strength, member(want, "onset_strength"));
        double *times = numbers(member(want, "onsets"), &count);
        assert_int_equal(f->analysis[s].onsets.count, count);
        for (int64_t i = 0; i < count; i++)
            check_number("onset", f->analysis[s].onsets.times[i], times[i], 1e-9);
        free(times);
    }
}

static void agree_peaks(void **state)
{
    fixture *f = *state;
    int cases = 0;
    for (const cJSON *c = member(f->reference, "peaks")->child; c; c = c->next, cases++) {
        int64_t frames, count;
        double *strength = numbers(member(c, "strength"), &frames),
               *want = numbers(member(c, "onsets"), &count);
        ap_real *x = ap_arena_alloc(f->arena, (size_t)frames * sizeof *x);
        int64_t *peaks = ap_arena_alloc(f->arena, (size_t)frames * sizeof *peaks);
        for (int64_t i = 0; i < frames; i++) x[i] = (ap_real)strength[i];
        assert_int_equal(ap_onset_pick(frames, x, peaks), count);
        for (int64_t i = 0; i < count; i++) assert_int_equal(peaks[i], (int64_t)want[i]);
        free(strength);
        free(want);
    }
    assert_true(cases > 0);
}

static void agree_matching(void **state)
{
    fixture *f = *state;
    int cases = 0;
    for (const cJSON *c = member(f->reference, "matching")->child; c; c = c->next, cases++) {
        ap_onsets a, b;
        a.times = numbers(member(c, "a"), &a.count);
        b.times = numbers(member(c, "b"), &b.count);
        assert_int_equal(ap_onset_match(a, b, AP_ONSET_WINDOW), member(c, "pairs")->valueint);
        assert_int_equal(ap_onset_match(b, a, AP_ONSET_WINDOW), member(c, "pairs")->valueint);
        free(a.times);
        free(b.times);
    }
    assert_true(cases > 0);
}

static void agree_signals(void **state)
{
    fixture *f = *state;
    for (int s = 0; s < SIGNALS; s++) {
        const cJSON *want = member(member(f->reference, "signals"), signal_names[s]);
        const ap_analysis *got = &f->analysis[s];
        check_array("chroma", got->chroma.count * AP_CHROMA_CLASSES, got->chroma.rows,
                    member(want, "chroma"));
        const cJSON *mfcc = member(want, "mfcc");
        assert_int_equal(cJSON_GetArraySize(mfcc), AP_MFCC_COUNT);
        for (int k = 0; k < AP_MFCC_COUNT; k++)
            check_number("mfcc", got->timbre.mfcc[k], cJSON_GetArrayItem(mfcc, k)->valuedouble, TOLERANCE);
        check_number("flatness", got->timbre.flatness, member(want, "flatness")->valuedouble, TOLERANCE);
        check_number("variation", got->variation, member(want, "variation")->valuedouble, TOLERANCE);
        check_number("active", got->active, member(want, "active")->valuedouble, TOLERANCE);
        double difference = got->loudness - member(want, "loudness")->valuedouble;
        if (!(fabs(difference) < TOLERANCE_LU)) fail_msg("loudness is %g LU off", difference);
    }
}

static void agree_metrics(void **state)
{
    fixture *f = *state;
    double values[AP_METRIC_COUNT];
    ap_metrics_measure(f->arena, &f->analysis[INPUT], &f->analysis[TARGET], &f->analysis[OUTPUT], values);
    int compared = 0;
    for (int m = 0; m < AP_METRIC_COUNT; m++) {
        const char *name = ap_metric_describe(m).name;
        const cJSON *want = cJSON_GetObjectItemCaseSensitive(member(f->reference, "metrics"), name);
        if (!want) continue;
        check_number(name, values[m], want->valuedouble,
                     m == AP_METRIC_LOUDNESS ? TOLERANCE_LU_DIFFERENCE : TOLERANCE);
        compared++;
    }
    assert_int_equal(compared, cJSON_GetArraySize(member(f->reference, "metrics")));
}

/* ---------------------------------------------------------------- promises */

/* Measures `output`, made of the fixture's input and target. */
static void measure(fixture *f, const ap_real *output, double values[AP_METRIC_COUNT])
{
    ap_analysis analysis = ap_analyse(f->arena, f->audio[INPUT].count, output);
    ap_metrics_measure(f->arena, &f->analysis[INPUT], &f->analysis[TARGET], &analysis, values);
}

static void copies_are_caught(void **state)
{
    fixture *f = *state;
    int64_t n = f->audio[TARGET].count, late = AP_SAMPLE_RATE / 10;
    double values[AP_METRIC_COUNT];
    ap_metrics_measure(f->arena, &f->analysis[INPUT], &f->analysis[TARGET], &f->analysis[INPUT], values);
    check_number("r_input of a copy", values[AP_METRIC_R0_INPUT], 1, 1e-4);
    check_number("r_max_input of a copy", values[AP_METRIC_RMAX_INPUT], 1, 1e-4);
    check_number("mix_share of a copy", values[AP_METRIC_MIX_SHARE], 1, 1e-6);
    check_number("onset_f1 of a copy", values[AP_METRIC_ONSET_F1], 1, 0);
    check_number("timbre_ratio of a copy", values[AP_METRIC_TIMBRE_RATIO], 1, 0);
    assert_true(values[AP_METRIC_COST] > 6);

    /* a tenth of a second late, the frame-by-frame correlation is fooled; the lagged one is not */
    ap_real *delayed = ap_allocate((size_t)n, sizeof *delayed);
    memcpy(delayed + late, f->audio[INPUT].samples, (size_t)(n - late) * sizeof *delayed);
    measure(f, delayed, values);
    assert_true(fabs(values[AP_METRIC_R0_INPUT]) < 0.3);
    assert_true(values[AP_METRIC_RMAX_INPUT] > 0.95);
    free(delayed);
}

/* Half a second is most of a short signal: noise must not seem to follow noise there. */
static void short_noise_is_no_copy(void **state)
{
    fixture *f = *state;
    enum { SHORT = AP_METRICS_SAMPLES_LEAST };
    ap_tensor x = random_tensor(1, (ap_real)0.1, AP_SHAPE(3, SHORT));
    ap_analysis heard[3];
    double values[AP_METRIC_COUNT];
    for (int k = 0; k < 3; k++) heard[k] = ap_analyse(f->arena, SHORT, x.data + k * SHORT);
    ap_metrics_measure(f->arena, &heard[0], &heard[1], &heard[2], values);
    assert_true(values[AP_METRIC_RMAX_INPUT] < 0.7 && values[AP_METRIC_RMAX_TARGET] < 0.7);
    for (int m = 0; m < AP_METRIC_COUNT; m++)
        assert_true(m == AP_METRIC_CHROMA_GAIN || m == AP_METRIC_OTHERS || isfinite(values[m]));
    free(x.data);
}

static void mixes_are_explained(void **state)
{
    fixture *f = *state;
    int64_t n = f->audio[INPUT].count;
    const ap_real *input = f->audio[INPUT].samples, *target = f->audio[TARGET].samples;
    ap_real *mix = ap_allocate((size_t)n, sizeof *mix), *zero = ap_allocate((size_t)n, sizeof *zero);
    for (int64_t t = 0; t < n; t++) mix[t] = (ap_real)0.3 * input[t] - (ap_real)1.7 * target[t];
    check_number("mix_share of a mix", ap_mix_share(n, mix, input, target), 1, 1e-6);
    check_number("mix_share with one source twice", ap_mix_share(n, input, target, target),
                 ap_mix_share(n, input, target, zero), 1e-6);
    check_number("mix_share without sources", ap_mix_share(n, mix, zero, zero), 0, 0);
    check_number("mix_share of silence", ap_mix_share(n, zero, input, target), 0, 0);
    for (int64_t t = 0; t < n; t++) mix[t] = t % 2 ? input[t] : -input[t]; /* its spectrum is turned round */
    assert_true(ap_mix_share(n, mix, input, target) < 0.01);
    free(mix);
    free(zero);
}

static void silence_noise_and_drones_are_flagged(void **state)
{
    fixture *f = *state;
    int64_t n = f->audio[INPUT].count;
    ap_real *y = ap_allocate((size_t)n, sizeof *y);
    double values[AP_METRIC_COUNT];
    measure(f, y, values);
    assert_true(values[AP_METRIC_SILENT] == 1 && values[AP_METRIC_NOISE] == 0 &&
                values[AP_METRIC_DRONE] == 0);
    assert_true(values[AP_METRIC_ONSET_F1] == 0 && values[AP_METRIC_ACTIVE] == 0 &&
                values[AP_METRIC_CHROMA] == 0);
    check_number("loudness of silence", values[AP_METRIC_LOUDNESS],
                 AP_LOUDNESS_FLOOR - f->analysis[TARGET].loudness, 1e-9);
    for (int m = 0; m < AP_METRIC_COUNT; m++)
        assert_true(m == AP_METRIC_CHROMA_GAIN || m == AP_METRIC_OTHERS || isfinite(values[m]));

    ap_rng rng = ap_rng_init(5);
    for (int64_t t = 0; t < n; t++) y[t] = (ap_real)(0.1 * ap_rng_normal(&rng));
    measure(f, y, values);
    assert_true(values[AP_METRIC_SILENT] == 0 && values[AP_METRIC_NOISE] == 1 &&
                values[AP_METRIC_DRONE] == 0);
    /* the mean log of an exponential variable is -Euler's constant */
    check_number("flatness of white noise", values[AP_METRIC_FLATNESS], exp(-0.5772157), 0.01);

    for (int64_t t = 0; t < n; t++) y[t] = (ap_real)(0.1 * sin(2 * M_PI * 220 * (double)t / AP_SAMPLE_RATE));
    measure(f, y, values);
    assert_true(values[AP_METRIC_SILENT] == 0 && values[AP_METRIC_NOISE] == 0 &&
                values[AP_METRIC_DRONE] == 1);

    for (int s = 0; s < SIGNALS; s++) {
        measure(f, f->audio[s].samples, values);
        assert_true(values[AP_METRIC_SILENT] == 0 && values[AP_METRIC_NOISE] == 0 &&
                    values[AP_METRIC_DRONE] == 0);
    }
    free(y);
}

static void peaks_are_measured(void **state)
{
    fixture *f = *state;
    int64_t n = f->audio[INPUT].count;
    double values[AP_METRIC_COUNT];
    ap_real *y = ap_allocate((size_t)n, sizeof *y);
    check_number("crest of silence", ap_crest(n, y), 0, 0);
    for (int64_t t = 0; t < n; t++) y[t] = t / 12 % 2 ? (ap_real)-0.3 : (ap_real)0.3;
    check_number("crest of a square wave", ap_crest(n, y), 0, 1e-5);
    for (int64_t t = 0; t < n; t++) y[t] = (ap_real)(0.2 * sin(2 * M_PI * (double)t / 24));
    check_number("crest of a sine", ap_crest(n, y), 10 * log10(2), 1e-3);
    y[n / 2] = -2;
    check_number("crest of a sine with a click", ap_crest(n, y), 20 * log10(10) + 10 * log10(2), 0.1);
    measure(f, y, values);
    check_number("the column", values[AP_METRIC_CREST], ap_crest(n, y), 0);
    check_number("the column of the input", values[AP_METRIC_CREST_INPUT],
                 ap_crest(n, f->audio[INPUT].samples), 0);
    check_number("the column of the target", values[AP_METRIC_CREST_TARGET],
                 ap_crest(n, f->audio[TARGET].samples), 0);
    free(y);
}

static void harmony_of_the_input_shows(void **state)
{
    fixture *f = *state;
    double copy[AP_METRIC_COUNT], target[AP_METRIC_COUNT];
    measure(f, f->audio[INPUT].samples, copy);
    measure(f, f->audio[TARGET].samples, target);
    check_number("chroma to the input, of its copy", copy[AP_METRIC_CHROMA_INPUT], 1, 1e-5);
    assert_true(target[AP_METRIC_CHROMA_INPUT] < 0.95);
    check_number("chroma of the sources", target[AP_METRIC_CHROMA_SOURCES], target[AP_METRIC_CHROMA_INPUT],
                 0);
    check_number("it does not depend on the output", copy[AP_METRIC_CHROMA_SOURCES],
                 target[AP_METRIC_CHROMA_SOURCES], 0);
}

/* A song of 48 s whose first third copies the input's envelope, the second its opposite, and the third
 * neither. */
static void songs_are_correlated_in_windows(void **state)
{
    fixture *f = *state;
    enum { WINDOW = 16 * AP_SAMPLE_RATE, LENGTH = 3 * WINDOW };
    check_number("windows of 30 s", (double)ap_metric_windows(30 * AP_SAMPLE_RATE), 1, 0);
    check_number("windows of 3 minutes", (double)ap_metric_windows(180 * AP_SAMPLE_RATE), 11, 0);
    ap_real *input = ap_allocate(LENGTH, sizeof *input), *target = ap_allocate(LENGTH, sizeof *target),
            *output = ap_allocate(LENGTH, sizeof *output);
    ap_rng rng = ap_rng_init(8);
    double level = 0, other = 0, third = 0;
    for (int t = 0; t < LENGTH; t++) {
        if (t % (WINDOW / AP_MODULATION_SEGMENTS) == 0) {
            level = 0.1 + 0.4 * ap_rng_uniform(&rng);
            other = 0.1 + 0.4 * ap_rng_uniform(&rng);
            third = 0.1 + 0.4 * ap_rng_uniform(&rng);
        }
        ap_real tone = (ap_real)sin(2 * M_PI * (double)t / 24);
        input[t] = (ap_real)level * tone;
        target[t] = (ap_real)other * tone;
        output[t] = (ap_real)(t < WINDOW ? level : t < 2 * WINDOW ? 0.6 - level : third) * tone;
    }
    double values[AP_METRIC_COUNT];
    ap_analysis heard[3] = {ap_analyse(f->arena, LENGTH, input), ap_analyse(f->arena, LENGTH, target),
                            ap_analyse(f->arena, LENGTH, output)};
    ap_metrics_measure(f->arena, &heard[0], &heard[1], &heard[2], values);
    check_number("|r| over windows", values[AP_METRIC_R0_INPUT], 2.0 / 3, 0.05);
    assert_true(values[AP_METRIC_R0_TARGET] < 0.12 && values[AP_METRIC_COST] > 4);
    check_number("variation over windows", values[AP_METRIC_VARIATION_INPUT], 0.4 / sqrt(12) / 0.3, 0.02);
    free(input);
    free(target);
    free(output);
}

static void answers_are_compared(void **state)
{
    (void)state;
    enum { LENGTH = 250 * 24 };
    ap_real y[3][LENGTH];
    for (int t = 0; t < LENGTH; t++) {
        int m = t / 24 % 2;
        y[0][t] = (ap_real)(m ? 0.2 : 0.4);
        y[1][t] = (ap_real)(m ? -0.1 : 0.2); /* the sign does not matter, nor the level */
        y[2][t] = (ap_real)(m ? 0.3 : 0.1);
    }
    const ap_real *const answers[] = {y[0], y[1], y[2]};
    check_number("of copies", ap_answers_likeness(2, LENGTH, answers), 1, 1e-4);
    check_number("of two alike and one opposed", ap_answers_likeness(3, LENGTH, answers), -1.0 / 3, 1e-4);
    assert_true(isnan(ap_answers_likeness(1, LENGTH, answers)));
}

/* A click every `period` seconds from `start` on. */
static ap_onsets clicks(fixture *f, double start, double period)
{
    int64_t n = 2 * AP_SAMPLE_RATE, step = (int64_t)(period * AP_SAMPLE_RATE);
    ap_real *y = ap_allocate((size_t)n, sizeof *y);
    for (int64_t at = (int64_t)(start * AP_SAMPLE_RATE); at < n; at += step)
        for (int64_t t = at; t < at + AP_SAMPLE_RATE / 100 && t < n; t++)
            y[t] = (ap_real)(0.5 * sin(2 * M_PI * 1000 * (double)(t - at) / AP_SAMPLE_RATE));
    ap_onsets onsets = ap_onset_times(f->arena, n, y);
    free(y);
    return onsets;
}

static void onsets_are_matched_within_50_ms(void **state)
{
    fixture *f = *state;
    ap_onsets on = clicks(f, 0.1, 0.4), late = clicks(f, 0.13, 0.4), off = clicks(f, 0.3, 0.4),
              none = {0, NULL};
    assert_int_equal(on.count, 5);
    for (int64_t i = 0; i < on.count; i++) check_number("click", on.times[i], 0.1 + 0.4 * (double)i, 0.02);
    assert_true(ap_onset_f1(on, on) == 1);
    assert_true(ap_onset_f1(on, late) == 1);
    assert_true(ap_onset_f1(on, off) == 0);
    assert_true(ap_onset_f1(on, none) == 0 && ap_onset_f1(none, none) == 0);
    /* 100 ms of each 400 are within the window, so chance is near a quarter, and a copy well above it */
    double chance = ap_onset_f1_chance(f->arena, on, on, 2);
    assert_true(chance > 0.1 && chance < 0.4);
    assert_true(ap_onset_f1_chance(f->arena, none, on, 2) == 0);
    /* greed must not cost a pair: 0 - 0.04 and 0.05 - 0.09 match, 0.04 - 0.05 would spoil both */
    ap_onsets a = {2, (double[]){0, 0.05}}, b = {2, (double[]){0.04, 0.09}};
    assert_int_equal(ap_onset_match(a, b, AP_ONSET_WINDOW), 2);
}

static void harmony_is_told_from_another(void **state)
{
    fixture *f = *state;
    int64_t n = AP_SAMPLE_RATE;
    ap_real *y = ap_allocate((size_t)n, sizeof *y);
    ap_chroma chroma[3];
    const double hertz[3] = {261.63, 523.25, 369.99}; /* C, C an octave up, F sharp */
    for (int k = 0; k < 3; k++) {
        for (int64_t t = 0; t < n; t++)
            y[t] = (ap_real)(0.1 * sin(2 * M_PI * hertz[k] * (double)t / AP_SAMPLE_RATE));
        chroma[k] = ap_chroma_of(f->arena, n, y);
        assert_true(chroma[k].rows[10 * AP_CHROMA_CLASSES + (k == 2 ? 6 : 0)] == 1);
    }
    check_number("C against C", ap_chroma_cosine(chroma[0], chroma[0]), 1, 1e-6);
    assert_true(ap_chroma_cosine(chroma[1], chroma[0]) > 0.95);
    assert_true(ap_chroma_cosine(chroma[2], chroma[0]) < 0.1);
    /* where the reference is silent nothing can be taken from it; where only the other is, all is missed */
    memset(y, 0, (size_t)n / 2 * sizeof *y);
    for (int64_t t = n / 2; t < n; t++)
        y[t] = (ap_real)(0.1 * sin(2 * M_PI * hertz[0] * (double)t / AP_SAMPLE_RATE));
    ap_chroma half = ap_chroma_of(f->arena, n, y);
    assert_true(ap_chroma_cosine(chroma[0], half) > 0.95);
    check_number("C, late", ap_chroma_cosine(half, chroma[0]), 0.5, 0.1);
    free(y);
}

/* Spectra of a signal, and back: the musaicing baseline speaks through them. Odd lengths, a last group of
 * frames that is not full. */
static void spectra_lead_back(void **state)
{
    fixture *f = *state;
    const ap_spectrum spectrum = {.size = 512, .hop = 128};
    enum { COUNT = 10007 };
    ap_tensor x = random_tensor(4, 1, AP_SHAPE(COUNT)), y = random_tensor(5, 1, AP_SHAPE(COUNT));
    int64_t frames = ap_spectrum_frames(spectrum, COUNT), bins = ap_spectrum_bins(spectrum);
    ap_complex *X = ap_arena_alloc(f->arena, (size_t)(frames * bins) * sizeof *X);
    ap_spectrum_forward(f->arena, spectrum, COUNT, x.data, X);
    ap_real *power = ap_spectrum_power(f->arena, spectrum, COUNT, x.data);
    for (int64_t i = 0; i < frames * bins; i++)
        check_number("power", (double)power[i], (double)(X[i].re * X[i].re + X[i].im * X[i].im), 1e-5);
    ap_spectrum_inverse(f->arena, spectrum, X, COUNT, y.data);
    double want[COUNT];
    for (int t = 0; t < COUNT; t++) want[t] = (double)x.data[t];
    check_close("signal", COUNT, y.data, want, forward_tolerance());
    free(x.data);
    free(y.data);
}

static void bootstrap_gives_the_interval_of_the_mean(void **state)
{
    (void)state;
    enum { N = 400 };
    double x[N];
    ap_rng rng = ap_rng_init(3);
    for (int i = 0; i < N; i++) x[i] = i % 4 ? 5 + 2 * ap_rng_normal(&rng) : NAN;
    ap_summary s = ap_bootstrap(N, x, 1), again = ap_bootstrap(N, x, 1);
    assert_int_equal(s.count, 300);
    assert_true(s.low < s.mean && s.mean < s.high);
    /* 1.96 standard errors on each side, here 1.96 x 2 / sqrt(300) = 0.226 */
    check_number("width", s.high - s.low, 2 * 0.226, 0.02);
    check_number("mean", s.mean, 5, 0.05);
    assert_memory_equal(&s, &again, sizeof s);
    ap_summary nothing = ap_bootstrap(1, (double[]){NAN}, 1), one = ap_bootstrap(1, (double[]){7}, 1);
    assert_true(isnan(nothing.mean) && isnan(nothing.low) && nothing.count == 0);
    assert_true(one.mean == 7 && one.low == 7 && one.high == 7);
    const double five[] = {3, NAN, 1, 2, 5, 4};
    assert_true(ap_quantile(6, five, 0) == 1 && ap_quantile(6, five, 0.5) == 3 &&
                ap_quantile(6, five, 1) == 5);
    check_number("quantile", ap_quantile(6, five, 0.95), 4.8, 1e-12);
    assert_true(isnan(ap_quantile(1, (double[]){NAN}, 0.5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agree_onsets),
        cmocka_unit_test(agree_peaks),
        cmocka_unit_test(agree_matching),
        cmocka_unit_test(agree_signals),
        cmocka_unit_test(agree_metrics),
        cmocka_unit_test(copies_are_caught),
        cmocka_unit_test(short_noise_is_no_copy),
        cmocka_unit_test(mixes_are_explained),
        cmocka_unit_test(silence_noise_and_drones_are_flagged),
        cmocka_unit_test(peaks_are_measured),
        cmocka_unit_test(harmony_of_the_input_shows),
        cmocka_unit_test(songs_are_correlated_in_windows),
        cmocka_unit_test(answers_are_compared),
        cmocka_unit_test(onsets_are_matched_within_50_ms),
        cmocka_unit_test(harmony_is_told_from_another),
        cmocka_unit_test(spectra_lead_back),
        cmocka_unit_test(bootstrap_gives_the_interval_of_the_mean),
    };
    return cmocka_run_group_tests_name("metrics", tests, set_up, tear_down);
}
