/* The baselines are what their names say, seen through the metrics; and the evaluation that they appear in.
 */
#include "antiphon/audio.h"
#include "antiphon/baselines.h"
#include "antiphon/evaluate.h"
#include "antiphon/rng.h"
#include "base/file.h"
#include "base/memory.h"
#include "evaluate/activations.h"
#include "support/check.h"
#include "support/folder.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT (1 << 20)

enum { N = 2 * AP_SAMPLE_RATE };

#define MILLISECONDS(t) ((int64_t)(t)*AP_SAMPLE_RATE / 1000)

/* A burst of noise that dies away within 100 ms. */
static void add_burst(ap_rng *rng, int64_t at, ap_real *x)
{
    for (int64_t t = at; t < at + MILLISECONDS(100) && t < N; t++)
        x[t] += (ap_real)(0.2 * exp(-(double)(t - at) / (double)MILLISECONDS(30)) * ap_rng_normal(rng));
}

/* Three notes of four partials that swell and fade. */
static void add_chord(ap_rng *rng, int64_t at, int64_t length, double amplitude, ap_real *x)
{
    for (int note = 0; note < 3; note++) {
        double hertz = 220 * pow(2, (double)ap_rng_below(rng, 12) / 12);
        for (int64_t t = 0; t < length && at + t < N; t++)
            for (int h = 1; h <= 4; h++)
                x[at + t] += (ap_real)(amplitude / h * sin(M_PI * (double)t / (double)length) *
                                       sin(2 * M_PI * hertz * h * (double)t / AP_SAMPLE_RATE));
    }
}

/* A pair whose sources differ in all that is measured: bursts of noise against chords that swell, both at
 * irregular times. */
static void make_pair(uint64_t seed, ap_real *input, ap_real *target)
{
    ap_rng rng = ap_rng_init(seed);
    memset(input, 0, N * sizeof *input);
    memset(target, 0, N * sizeof *target);
    for (int64_t at = MILLISECONDS(100); at < N; at += MILLISECONDS(150 + ap_rng_below(&rng, 400)))
        add_burst(&rng, at, input);
    for (int64_t at = 0, length; at < N; at += length) {
        length = MILLISECONDS(250 + ap_rng_below(&rng, 350));
        add_chord(&rng, at, length, 0.03 + 0.06 * ap_rng_uniform(&rng), target);
    }
}

typedef struct fixture {
    ap_real input[N], target[N], output[N];
    ap_arena *arena;
    ap_analysis heard_input, heard_target;
} fixture;

static int set_up(void **state)
{
    fixture *f = ap_allocate(1, sizeof *f);
    make_pair(1, f->input, f->target);
    f->arena = ap_arena_create();
    f->heard_input = ap_analyse(f->arena, N, f->input);
    f->heard_target = ap_analyse(f->arena, N, f->target);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    ap_arena_free(f->arena);
    free(f);
    return 0;
}

static double rms(const ap_real *x)
{
    double sum = 0;
    for (int t = 0; t < N; t++) sum += (double)x[t] * (double)x[t];
    return sqrt(sum / N);
}

static void compose(fixture *f, ap_baseline baseline, double values[AP_METRIC_COUNT])
{
    const ap_baseline_options options = {.seed = 9};
    ap_baseline_compose(baseline, &options, N, f->input, f->target, f->output);
    ap_analysis heard = ap_analyse(f->arena, N, f->output);
    ap_metrics_measure(f->arena, &f->heard_input, &f->heard_target, &heard, values);
}

static void copies_and_mix(void **state)
{
    fixture *f = *state;
    double v[AP_METRIC_COUNT];
    compose(f, AP_BASELINE_INPUT, v);
    assert_memory_equal(f->output, f->input, sizeof f->input);
    assert_true(v[AP_METRIC_R0_INPUT] > 0.999 && v[AP_METRIC_ONSET_F1] == 1 &&
                v[AP_METRIC_TIMBRE_RATIO] == 1);
    compose(f, AP_BASELINE_TARGET, v);
    assert_memory_equal(f->output, f->target, sizeof f->target);
    assert_true(v[AP_METRIC_R0_TARGET] > 0.999 && v[AP_METRIC_CHROMA] > 0.999 &&
                v[AP_METRIC_TIMBRE_RATIO] == 0);
    compose(f, AP_BASELINE_MIX, v);
    assert_true(v[AP_METRIC_MIX_SHARE] > 0.999 && v[AP_METRIC_R0_INPUT] > 0.3 &&
                v[AP_METRIC_R0_TARGET] > 0.3);
}

static void delays(void **state)
{
    fixture *f = *state;
    double v[AP_METRIC_COUNT];
    const int64_t late[2] = {AP_SAMPLE_RATE * 64 / 1000, AP_SAMPLE_RATE / 2};
    for (int k = 0; k < 2; k++) {
        compose(f, k ? AP_BASELINE_LONG_DELAY : AP_BASELINE_DELAY, v);
        for (int64_t t = 0; t < N; t++)
            assert_true(f->output[t] == (t < late[k] ? 0 : f->target[t - late[k]]));
        /* the cost is fooled by a delay, the largest correlation within half a second is not */
        assert_true(fabs(v[AP_METRIC_R0_TARGET]) < 0.7 && v[AP_METRIC_RMAX_TARGET] > 0.95);
        assert_true(v[AP_METRIC_MIX_SHARE] < 0.5);
    }
    /* a delay longer than the music is silence */
    const ap_baseline_options options = {0};
    ap_real few[3] = {1, 2, 3}, y[3];
    ap_baseline_compose(AP_BASELINE_LONG_DELAY, &options, 3, few, few, y);
    assert_true(y[0] == 0 && y[1] == 0 && y[2] == 0);
}

static void cross_synthesis(void **state)
{
    fixture *f = *state;
    double v[AP_METRIC_COUNT];
    compose(f, AP_BASELINE_IMPOSED, v);
    /* the target's notes under the input's envelope: its harmony, its level, the other's timing */
    assert_true(v[AP_METRIC_R0_INPUT] > 0.8 && v[AP_METRIC_RMAX_INPUT] > 0.8 &&
                fabs(v[AP_METRIC_R0_TARGET]) < 0.4);
    assert_true(v[AP_METRIC_CHROMA] > 0.5 && v[AP_METRIC_ONSET_GAIN] > 0.2);
    assert_true(fabs(rms(f->output) / rms(f->target) - 1) < 1e-3);
    compose(f, AP_BASELINE_RING, v);
    double factor = rms(f->target);
    for (int t = 0; t < N; t++) f->output[t] /= (ap_real)factor;
    assert_true(fabs(rms(f->output) - 1) < 1e-3);
    for (int t = 1; t < N; t++) {
        ap_real product = f->input[t] * f->target[t];
        assert_true((product > 0) == (f->output[t] > 0));
    }
    assert_true(v[AP_METRIC_MIX_SHARE] < 0.1);
}

/* The target's silence is not filled with the input's level. */
static void silence_is_not_imposed_on(void **state)
{
    fixture *f = *state;
    const ap_baseline_options options = {.seed = 3};
    ap_real *target = ap_allocate(N, sizeof *target);
    for (int t = 0; t < N; t++) target[t] = t < N / 2 ? f->target[t] / 1000 : f->target[t];
    ap_baseline_compose(AP_BASELINE_IMPOSED, &options, N, f->input, target, f->output);
    double first = 0, all = 0;
    for (int t = 0; t < N; t++) {
        double square = (double)f->output[t] * (double)f->output[t];
        first += t < N / 2 ? square : 0;
        all += square;
    }
    assert_true(first < 1e-2 * all);
    free(target);
}

/* The demands on activations, against their definitions. */
static void activations_obey(void **state)
{
    (void)state;
    enum { T = 9, K = 23, REACH = 2, MOST = 4 };
    const ap_real fade = (ap_real)0.25;
    ap_tensor h = random_tensor(1, 1, AP_SHAPE(T, K)), got = random_tensor(2, 1, AP_SHAPE(T, K));
    double want[T * K];
    for (int i = 0; i < T * K; i++) h.data[i] = (ap_real)fabs((double)h.data[i]);

    ap_restrict_repetition(T, K, REACH, fade, h.data, got.data);
    for (int t = 0; t < T; t++)
        for (int k = 0; k < K; k++) {
            double here = (double)h.data[t * K + k], largest = 0;
            for (int s = t - REACH; s <= t + REACH; s++)
                if (s >= 0 && s < T) largest = fmax(largest, (double)h.data[s * K + k]);
            want[t * K + k] = here == largest ? here : here / 4;
        }
    check_close("repetition", T * K, got.data, want, forward_tolerance());

    ap_enhance_continuity(T, K, REACH, h.data, got.data);
    for (int t = 0; t < T; t++)
        for (int k = 0; k < K; k++) {
            want[t * K + k] = 0;
            for (int i = -REACH; i <= REACH; i++)
                if (t + i >= 0 && t + i < T && k + i >= 0 && k + i < K)
                    want[t * K + k] += (double)h.data[(t + i) * K + k + i];
        }
    check_close("continuity", T * K, got.data, want, forward_tolerance());

    for (int t = 0; t < T; t++)
        for (int k = 0; k < K; k++) {
            int louder = 0;
            for (int j = 0; j < K; j++) louder += h.data[t * K + j] > h.data[t * K + k];
            want[t * K + k] = (double)h.data[t * K + k] * (louder < MOST ? 1 : 0.25);
        }
    ap_restrict_polyphony(T, K, MOST, fade, h.data);
    check_close("polyphony", T * K, h.data, want, forward_tolerance());
    free(h.data);
    free(got.data);
}

/* Musaicing tells the input's story in the target's sounds: its onsets with the target's timbre and pitches.
 */
static void musaicing(void **state)
{
    fixture *f = *state;
    double v[AP_METRIC_COUNT], again[AP_METRIC_COUNT];
    compose(f, AP_BASELINE_MUSAICING, v);
    assert_true(v[AP_METRIC_R0_INPUT] > 0.4);
    assert_true(v[AP_METRIC_RMAX_INPUT] > v[AP_METRIC_RMAX_TARGET]);
    assert_true(v[AP_METRIC_TIMBRE_RATIO] < 0.4);
    assert_true(v[AP_METRIC_MIX_SHARE] < 0.5);
    assert_true(fabs(rms(f->output) / rms(f->target) - 1) < 1e-3);
    compose(f, AP_BASELINE_MUSAICING, again);
    for (int m = 0; m < AP_METRIC_COUNT; m++)
        assert_true(again[m] == v[m] || m == AP_METRIC_CHROMA_GAIN || m == AP_METRIC_OTHERS);
}

/* The target's notes, struck where the input strikes, and neither's envelope. */
static void struck_anew(void **state)
{
    fixture *f = *state;
    double v[AP_METRIC_COUNT];
    compose(f, AP_BASELINE_STRUCK, v);
    assert_true(v[AP_METRIC_ONSET_GAIN] > 0.2 && v[AP_METRIC_CHROMA] > 0.8 &&
                v[AP_METRIC_TIMBRE_RATIO] < 0.4);
    assert_true(fabs(v[AP_METRIC_R0_INPUT]) < 0.5 && fabs(v[AP_METRIC_R0_TARGET]) < 0.5);
    assert_true(fabs(rms(f->output) / rms(f->target) - 1) < 1e-3);
    for (int t = 0; t < N; t++) assert_true(isfinite((double)f->output[t]));
    /* silence has no strokes, and nothing to strike */
    const ap_baseline_options options = {.seed = 3};
    ap_real *silence = ap_allocate(N, sizeof *silence);
    ap_baseline_compose(AP_BASELINE_STRUCK, &options, N, silence, silence, f->output);
    assert_true(rms(f->output) == 0);
    free(silence);
}

static void is_as_loud_as_the_target(fixture *f)
{
    double peak = 0, away = ap_loudness(N, f->output) - f->heard_target.loudness;
    for (int t = 0; t < N; t++) peak = fmax(peak, fabs((double)f->output[t]));
    assert_true(fabs(away) < 0.2 || (away < 0 && fabs(peak - 0.99) < 1e-3));
}

static void silence_stays_silent(fixture *f, ap_baseline baseline)
{
    const ap_baseline_options options = {.seed = 3};
    ap_real *silence = ap_allocate(N, sizeof *silence);
    for (int k = 0; k < 3; k++) {
        ap_baseline_compose(baseline, &options, N, k == 1 ? f->input : silence, k == 2 ? f->target : silence,
                            f->output);
        for (int t = 0; t < N; t++) assert_true(f->output[t] == 0);
    }
    free(silence);
}

/* Two tones, one in each half, against hits in both: what sounds at a hit is from nearby, and nothing sounds
 * before the first. */
static void grains_are_from_nearby(fixture *f)
{
    const ap_baseline_options options = {.seed = 3};
    ap_real *tones = ap_allocate(N, sizeof *tones);
    for (int t = 0; t < N; t++)
        tones[t] = (ap_real)(0.1 * sin(2 * M_PI * (t < N / 2 ? 500 : 2000) * (double)t / AP_SAMPLE_RATE));
    ap_baseline_compose(AP_BASELINE_GRAINS, &options, N, f->input, tones, f->output);
    double before = 0, rough[2] = {0, 0}, level[2] = {0, 0};
    for (int t = 1; t < N; t++) {
        if (t < MILLISECONDS(80)) before += fabs((double)f->output[t]);
        if (t > N / 4 && t < N * 3 / 4) continue; /* half a second from the border */
        rough[t > N / 2] += pow((double)(f->output[t] - f->output[t - 1]), 2);
        level[t > N / 2] += pow((double)f->output[t], 2);
    }
    assert_true(before == 0);
    for (int k = 0; k < 2; k++) { /* a sine's slope tells its frequency */
        double hertz = sqrt(rough[k] / level[k]) * AP_SAMPLE_RATE / (2 * M_PI);
        assert_true(fabs(hertz / (k ? 2000 : 500) - 1) < 0.15);
    }
    free(tones);
}

static void grains_retriggered(void **state)
{
    fixture *f = *state;
    double v[AP_METRIC_COUNT];
    compose(f, AP_BASELINE_GRAINS, v);
    assert_true(v[AP_METRIC_ONSET_GAIN] > 0.3 && v[AP_METRIC_CHROMA] > 0.6 &&
                v[AP_METRIC_TIMBRE_RATIO] < 0.4 && v[AP_METRIC_MIX_SHARE] < 0.5);
    is_as_loud_as_the_target(f);
    grains_are_from_nearby(f);
    silence_stays_silent(f, AP_BASELINE_GRAINS);
}

/* The gain from t on, over 10 ms. */
static double gain_at(const fixture *f, int64_t t)
{
    double out = 0, in = 0;
    for (int64_t i = t; i < t + MILLISECONDS(10); i++) {
        out += fabs((double)f->output[i]);
        in += fabs((double)f->target[i]);
    }
    return out / in;
}

static void target_gated(void **state)
{
    fixture *f = *state;
    double v[AP_METRIC_COUNT];
    compose(f, AP_BASELINE_GATED, v);
    assert_true(v[AP_METRIC_ONSET_GAIN] > 0.2 && v[AP_METRIC_CHROMA] > 0.8 &&
                v[AP_METRIC_TIMBRE_RATIO] < 0.3);
    is_as_loud_as_the_target(f);
    int64_t first = llround(f->heard_input.onsets.times[0] * AP_SAMPLE_RATE);
    double open = gain_at(f, first + MILLISECONDS(10)), closed = gain_at(f, first - MILLISECONDS(20));
    assert_true(fabs(gain_at(f, first + MILLISECONDS(40)) / open - 1) < 1e-3);
    assert_true(fabs(20 * log10(closed / open) + 30) < 0.1);
    silence_stays_silent(f, AP_BASELINE_GATED);
}

static void vocoder(void **state)
{
    fixture *f = *state;
    double v[AP_METRIC_COUNT];
    compose(f, AP_BASELINE_VOCODER, v);
    assert_true(v[AP_METRIC_R0_INPUT] > 0.8 && fabs(v[AP_METRIC_R0_TARGET]) < 0.4);
    assert_true(v[AP_METRIC_CHROMA] > 0.6 && v[AP_METRIC_TIMBRE_RATIO] < 0.6);
    is_as_loud_as_the_target(f);
    silence_stays_silent(f, AP_BASELINE_VOCODER);
    /* the target played by itself keeps its notes */
    const ap_baseline_options options = {.seed = 3};
    ap_baseline_compose(AP_BASELINE_VOCODER, &options, N, f->target, f->target, f->output);
    assert_true(ap_mix_share(N, f->output, f->target, f->target) > 0.9);
}

/* With its own sounds to choose from, music of frames that are all different comes back: the frames in their
 * order, with their phases. */
static void musaicing_with_its_own_sounds(void **state)
{
    fixture *f = *state;
    const ap_baseline_options options = {.seed = 3};
    ap_baseline_compose(AP_BASELINE_MUSAICING, &options, N, f->input, f->input, f->output);
    assert_true(ap_mix_share(N, f->output, f->input, f->input) > 0.95);
}

static void double_round_trip(void *context, int64_t n, const ap_real *x, ap_real *y)
{
    for (int64_t t = 0; t < n; t++) y[t] = x[t] * *(const ap_real *)context;
}

static void silence_noise_and_codec(void **state)
{
    fixture *f = *state;
    double v[AP_METRIC_COUNT];
    compose(f, AP_BASELINE_SILENCE, v);
    assert_true(rms(f->output) == 0 && v[AP_METRIC_SILENT] == 1);
    compose(f, AP_BASELINE_NOISE, v);
    assert_true(v[AP_METRIC_NOISE] == 1 && fabs(rms(f->output) / rms(f->target) - 1) < 1e-3);

    compose(f, AP_BASELINE_CODEC, v);
    double rest = 0;
    for (int t = 0; t < N; t++) rest += pow((double)(f->output[t] - f->target[t]), 2);
    /* the chords lie below 4.8 kHz: what the codec leaves out is at least 20 dB down, and not nothing */
    assert_true(sqrt(rest / N) < rms(f->target) / 10 && rest > 0);
    ap_real two = 2;
    const ap_baseline_options own = {.round_trip = double_round_trip, .round_trip_context = &two};
    ap_baseline_compose(AP_BASELINE_CODEC, &own, N, f->input, f->target, f->output);
    for (int t = 0; t < N; t++) assert_true(f->output[t] == 2 * f->target[t]);
}

/* ---------------------------------------------------------------- the evaluation */

enum { ITEMS = 3 };

static ap_evaluation *evaluate_pairs(fixture *f)
{
    static const ap_baseline_options options = {.seed = 2};
    ap_evaluation *e = ap_evaluation_create();
    assert_int_equal(ap_evaluation_add_system(e, "model"), 0);
    ap_evaluation_add_baselines(e);
    for (int item = 0; item < ITEMS; item++) {
        char name[8];
        snprintf(name, sizeof name, "item %d", item);
        make_pair(1 + (uint64_t)item, f->input, f->target);
        ap_status status = ap_evaluation_begin(e, name, N, f->input, f->target);
        assert_false(ap_failed(&status));
        if (item < 2) status = ap_evaluation_score(e, 0, f->target);
        assert_false(ap_failed(&status));
        status = ap_evaluation_score_baselines(e, &options);
        assert_false(ap_failed(&status));
    }
    ap_evaluation_finish(e);
    make_pair(1, f->input, f->target);
    return e;
}

static const cJSON *follow(const cJSON *json, const char *a, int index, const char *b, const char *c)
{
    json = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, a), index);
    if (b) json = cJSON_GetObjectItemCaseSensitive(json, b);
    if (c) json = cJSON_GetObjectItemCaseSensitive(json, c);
    assert_non_null(json);
    return json;
}

static void check_json(const ap_evaluation *e, const char *path)
{
    char *text;
    size_t length;
    ap_status status = ap_file_read(path, FILE_LIMIT, &text, &length);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    assert_string_equal(follow(json, "items", 2, NULL, NULL)->valuestring, "item 2");
    assert_string_equal(follow(json, "metrics", AP_METRIC_LOUDNESS, "unit", NULL)->valuestring, "LU");
    assert_string_equal(follow(json, "systems", 1, "name", NULL)->valuestring, "input copy");
    const cJSON *values = follow(json, "systems", 0, "values", "r_input");
    assert_int_equal(cJSON_GetArraySize(values), ITEMS);
    assert_true(fabs(cJSON_GetArrayItem(values, 0)->valuedouble -
                     ap_evaluation_value(e, 0, 0, AP_METRIC_R0_INPUT)) < 1e-9);
    assert_true(cJSON_IsNull(cJSON_GetArrayItem(values, 2))); /* never scored */
    const cJSON *summary = follow(json, "systems", 0, "summary", "r_target");
    assert_int_equal(cJSON_GetObjectItem(summary, "count")->valueint, 2);
    assert_true(cJSON_GetObjectItem(summary, "mean")->valuedouble > 0.999);
    cJSON_Delete(json);
    free(text);
}

/* Unrelated music tells what chance gives: neither source's timing nor harmony, at the target's level, as
 * long as the pair however short it is. */
static void another_target(void **state)
{
    fixture *f = *state;
    double v[AP_METRIC_COUNT];
    ap_real *drums = ap_allocate(N, sizeof *drums), *other = ap_allocate(N, sizeof *other);
    make_pair(11, drums, other);
    for (int t = 0; t < N; t++) other[t] *= 3;
    const ap_baseline_options options = {.other = other, .other_count = N},
                              shorter = {.other = other, .other_count = N / 3};
    ap_baseline_compose(AP_BASELINE_OTHER, &options, N, f->input, f->target, f->output);
    assert_true(fabs(rms(f->output) / rms(f->target) - 1) < 1e-3);
    ap_analysis heard = ap_analyse(f->arena, N, f->output);
    ap_metrics_measure(f->arena, &f->heard_input, &f->heard_target, &heard, v);
    assert_true(v[AP_METRIC_MIX_SHARE] < 0.1 && v[AP_METRIC_CHROMA] < 0.95);
    assert_true(fabs(v[AP_METRIC_R0_INPUT]) < 0.5 && fabs(v[AP_METRIC_R0_TARGET]) < 0.5);
    assert_true(fabs(v[AP_METRIC_ONSET_GAIN]) < 0.3);
    ap_baseline_compose(AP_BASELINE_OTHER, &shorter, N, f->input, f->target, f->output);
    assert_true(f->output[N / 3 + 5] == f->output[5] && rms(f->output) > 0);
    free(other);
    free(drums);
}

static void evaluation_counts_and_summarises(void **state)
{
    fixture *f = *state;
    ap_evaluation *e = evaluate_pairs(f);
    assert_int_equal(ap_evaluation_systems(e), 1 + AP_BASELINE_COUNT);
    assert_int_equal(ap_evaluation_items(e), ITEMS);
    const int target_copy = 1 + AP_BASELINE_TARGET, noise = 1 + AP_BASELINE_NOISE;
    assert_string_equal(ap_evaluation_system(e, target_copy), ap_baseline_name(AP_BASELINE_TARGET));
    assert_string_equal(ap_evaluation_item(e, 1), "item 1");
    for (int item = 0; item < 2; item++)
        for (int m = 0; m < AP_METRIC_COUNT; m++)
            assert_true(m == AP_METRIC_OTHERS || /* of fewer others */
                        ap_evaluation_value(e, 0, item, m) == ap_evaluation_value(e, target_copy, item, m));
    for (int m = 0; m < AP_METRIC_COUNT; m++) assert_true(isnan(ap_evaluation_value(e, 0, 2, m)));
    /* nobody has said what the other target is */
    assert_true(isnan(ap_evaluation_value(e, 1 + AP_BASELINE_OTHER, 0, AP_METRIC_COST)));
    /* the target has its own harmony and not another's; noise has no one's */
    for (int item = 0; item < ITEMS; item++)
        assert_true(ap_evaluation_value(e, target_copy, item, AP_METRIC_CHROMA_GAIN) > 0.1);
    assert_true(fabs(ap_evaluation_summary(e, noise, AP_METRIC_CHROMA_GAIN).mean) < 0.1);
    assert_true(ap_evaluation_summary(e, noise, AP_METRIC_NOISE).mean == 1);
    /* pieces that have nothing to do with each other */
    assert_true(fabs(ap_evaluation_summary(e, target_copy, AP_METRIC_OTHERS).mean) < 0.4);

    char *table = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&table, &length);
    ap_evaluation_print(e, stream);
    fclose(stream);
    assert_non_null(strstr(table, "NMF musaicing"));
    assert_non_null(strstr(table, "chroma_gain"));
    free(table);

    assert_int_equal(folder_create(state), 0);
    const char *path = folder_path(state, "evaluation.json");
    ap_status status = ap_evaluation_write(e, path);
    assert_false(ap_failed(&status));
    check_json(e, path);
    assert_int_equal(folder_remove(state), 0);
    *state = f;
    ap_evaluation_free(e);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A metric of each item's sources beside every other item's target; what 95 % of them stay below. */
static double of_all_others(fixture *f, ap_metric metric)
{
    enum { PAIRS = ITEMS * (ITEMS - 1) };
    double found[PAIRS], v[AP_METRIC_COUNT], place = 0.95 * (PAIRS - 1);
    int count = 0;
    ap_real *other = ap_allocate(N, sizeof *other);
    for (int item = 0; item < ITEMS; item++)
        for (int of = 0; of < ITEMS; of++) {
            if (of == item) continue;
            make_pair(1 + (uint64_t)of, f->input, other);
            make_pair(1 + (uint64_t)item, f->input, f->target);
            ap_analysis input = ap_analyse(f->arena, N, f->input),
                        target = ap_analyse(f->arena, N, f->target), output = ap_analyse(f->arena, N, other);
            ap_metrics_measure(f->arena, &input, &target, &output, v);
            found[count++] = v[metric];
        }
    free(other);
    make_pair(1, f->input, f->target);
    qsort(found, PAIRS, sizeof *found, ascending);
    int below = (int)place;
    return found[below] + (place - below) * (found[below + 1] - found[below]);
}

static void unrelated_music_stays_below(void **state)
{
    fixture *f = *state;
    ap_evaluation *e = evaluate_pairs(f);
    const ap_metric both[] = {AP_METRIC_RMAX_INPUT, AP_METRIC_RMAX_TARGET};
    for (int i = 0; i < 2; i++) {
        double want = of_all_others(f, both[i]);
        assert_true(want > 0.01 && want < 1);
        assert_true(fabs(ap_evaluation_unrelated(e, both[i]) - want) < 1e-6);
    }
    assert_true(isnan(ap_evaluation_unrelated(e, AP_METRIC_COST)));
    ap_evaluation_free(e);

    e = ap_evaluation_create(); /* without baselines */
    assert_true(isnan(ap_evaluation_unrelated(e, AP_METRIC_RMAX_INPUT)));
    ap_evaluation_finish(e);
    assert_true(isnan(ap_evaluation_unrelated(e, AP_METRIC_RMAX_INPUT)));
    ap_evaluation_free(e);
}

/* Outputs that swell and fade with the clock, whatever they are made from, are found out. */
static void a_clock_is_heard(void **state)
{
    fixture *f = *state;
    ap_evaluation *e = ap_evaluation_create();
    ap_evaluation_add_system(e, "clock");
    ap_evaluation_add_system(e, "target");
    for (uint64_t seed = 0; seed < 4; seed++) {
        make_pair(seed + 50, f->input, f->target);
        for (int t = 0; t < N; t++)
            f->output[t] = f->target[t] * (ap_real)pow(10, 2 * sin(2 * M_PI * t / (double)MILLISECONDS(400)));
        ap_status status = ap_evaluation_begin(e, "item", N, f->input, f->target);
        if (!ap_failed(&status)) status = ap_evaluation_score(e, 0, f->output);
        if (!ap_failed(&status)) status = ap_evaluation_score(e, 1, f->target);
        assert_string_equal(status.message, "");
    }
    ap_evaluation_finish(e);
    for (int item = 0; item < 4; item++) assert_true(ap_evaluation_value(e, 0, item, AP_METRIC_OTHERS) > 0.5);
    assert_true(fabs(ap_evaluation_summary(e, 1, AP_METRIC_OTHERS).mean) < 0.2);
    ap_evaluation_free(e);
}

static void evaluation_refuses_what_cannot_be_measured(void **state)
{
    fixture *f = *state;
    ap_evaluation *e = ap_evaluation_create();
    ap_evaluation_add_system(e, "model");
    ap_status status = ap_evaluation_begin(e, "short", AP_METRICS_SAMPLES_LEAST - 1, f->input, f->target);
    assert_true(ap_failed(&status) && strstr(status.message, "short"));
    ap_real kept = f->target[77];
    f->target[77] = NAN;
    status = ap_evaluation_begin(e, "broken", N, f->input, f->target);
    assert_true(ap_failed(&status) && strstr(status.message, "broken"));
    f->target[77] = kept;
    assert_int_equal(ap_evaluation_items(e), 0);
    status = ap_evaluation_begin(e, "good", N, f->input, f->target);
    assert_false(ap_failed(&status));
    memcpy(f->output, f->target, sizeof f->output);
    f->output[5] = INFINITY;
    status = ap_evaluation_score(e, 0, f->output);
    assert_true(ap_failed(&status) && strstr(status.message, "good"));
    ap_evaluation_finish(e);
    assert_true(isnan(ap_evaluation_value(e, 0, 0, AP_METRIC_COST)));
    ap_evaluation_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_and_mix),
        cmocka_unit_test(delays),
        cmocka_unit_test(cross_synthesis),
        cmocka_unit_test(silence_is_not_imposed_on),
        cmocka_unit_test(activations_obey),
        cmocka_unit_test(musaicing),
        cmocka_unit_test(struck_anew),
        cmocka_unit_test(grains_retriggered),
        cmocka_unit_test(target_gated),
        cmocka_unit_test(vocoder),
        cmocka_unit_test(musaicing_with_its_own_sounds),
        cmocka_unit_test(silence_noise_and_codec),
        cmocka_unit_test(another_target),
        cmocka_unit_test(evaluation_counts_and_summarises),
        cmocka_unit_test(unrelated_music_stays_below),
        cmocka_unit_test(a_clock_is_heard),
        cmocka_unit_test(evaluation_refuses_what_cannot_be_measured),
    };
    return cmocka_run_group_tests_name("baselines", tests, set_up, tear_down);
}
