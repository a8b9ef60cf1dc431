/* Takes: the target struck anew where the input strikes. */
#include "model/score.h"

#include "antiphon/agent.h"
#include "antiphon/listen.h"
#include "antiphon/rate.h"
#include "assembly/arrangement.h"
#include "model/attacks.h"
#include "model/harmony.h"
#include "model/output.h"
#include "support/check.h"
#include "support/settings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH (3 * AP_SAMPLE_RATE)
#define STROKES 7

/* noise bursts at uneven times, and a steady chord */
static const double times[STROKES] = {0.2, 0.55, 1.0, 1.35, 1.8, 2.05, 2.6};

static void drums(int rate, int64_t n, ap_real *x)
{
    ap_rng rng = ap_rng_init(1);
    memset(x, 0, (size_t)n * sizeof *x);
    for (int k = 0; k < STROKES; k++)
        for (int64_t i = (int64_t)(times[k] * rate); i < n && i < (int64_t)((times[k] + 0.1) * rate); i++)
            x[i] = (ap_real)(0.5 * ap_rng_normal(&rng) * exp(-40 * ((double)i / rate - times[k])));
}

static void chord(int rate, int64_t n, ap_real *x)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = (ap_real)(0.1 *
                         (sin(2 * M_PI * 220 * (double)i / rate) + sin(2 * M_PI * 331 * (double)i / rate)));
}

typedef struct scene {
    ap_arena *arena;
    ap_real input[LENGTH], target[LENGTH], takes[AP_TAKES * LENGTH];
    ap_score score;
} scene;

static scene *scene_create(uint64_t seed, int64_t origin)
{
    scene *s = calloc(1, sizeof *s);
    s->arena = ap_arena_create();
    drums(AP_SAMPLE_RATE, LENGTH, s->input);
    chord(AP_SAMPLE_RATE, LENGTH, s->target);
    const ap_score_sources sources = {
        .S = LENGTH,
        .input = s->input,
        .target = s->target,
        .input_hits = ap_hits_at(s->arena, ap_onset_times(s->arena, LENGTH, s->input)),
        .target_hits = ap_hits_at(s->arena, ap_onset_times(s->arena, LENGTH, s->target))};
    s->score = ap_score_write(s->arena, &sources, seed, origin);
    ap_score_play(s->arena, &s->score, AP_SAMPLE_RATE, LENGTH, s->input, s->target, s->takes);
    return s;
}

static void scene_free(scene *s)
{
    ap_arena_free(s->arena);
    free(s);
}

/* A hit is where the sound begins, within 6 ms: a grain that starts later would lose its attack. */
static void hits_are_where_sounds_begin(void **state)
{
    (void)state;
    scene *s = scene_create(1, 0);
    ap_hits hits = ap_hits_at(s->arena, ap_onset_times(s->arena, LENGTH, s->input));
    assert_int_equal(hits.count, STROKES);
    for (int k = 0; k < STROKES; k++) assert_true(fabs(hits.at[k] / AP_SAMPLE_RATE - times[k]) < 0.006);
    scene_free(s);
}

/* The takes that strike every hit have the onsets of the input, and nothing but the target's sound. */
static void takes_strike_the_target_at_the_hits(void **state)
{
    (void)state;
    scene *s = scene_create(1, 0);
    for (int take = 1; take <= 3; take++) {
        ap_onsets of = ap_onset_times(s->arena, LENGTH, s->takes + take * LENGTH);
        int found = 0;
        for (int k = 0; k < STROKES; k++)
            for (int64_t i = 0; i < of.count; i++) found += fabs(of.times[i] - times[k]) < 0.03;
        assert_true(found >= STROKES - 1); /* a soft stroke may hide behind a loud one */
        assert_true(s->score.count[take] == STROKES);
    }
    assert_int_equal(s->score.count[5], (STROKES + 1) / 2);
    for (int64_t i = 0; i < LENGTH; i++)
        assert_true(s->takes[AP_TAKE_INPUT * LENGTH + i] == 0); /* no attacks were given */
    scene_free(s);
}

/* The evened-out target has no loudness of its own left. */
static void the_first_take_is_level(void **state)
{
    (void)state;
    scene *s = scene_create(1, 0);
    for (int64_t i = 0; i < LENGTH; i++)
        s->target[i] *= (ap_real)pow(10, -(double)(i / (LENGTH / 6)) / 4); /* 25 dB down */
    const ap_score_sources sources = {.S = LENGTH, .input = s->input, .target = s->target};
    ap_score score = ap_score_write(s->arena, &sources, 1, 0);
    ap_score_play(s->arena, &score, AP_SAMPLE_RATE, LENGTH, s->input, s->target, s->takes);
    double level[2] = {0, 0};
    for (int64_t i = 0; i < LENGTH / 8; i++) {
        level[0] += pow((double)s->takes[LENGTH / 8 + i], 2);
        level[1] += pow((double)s->takes[LENGTH * 6 / 8 + i], 2);
    }
    assert_true(fabs(10 * log10(level[0] / level[1])) < 2);
    scene_free(s);
}

/* A note of another place is one that sounds well here: where chords of C and of F sharp take turns, each
 * chord is answered by its own. By chance alone it would be every second note. */
static void notes_from_elsewhere_fit_the_harmony(void **state)
{
    (void)state;
    static const double chords[2][3] = {{261.6, 329.6, 392.0}, {370.0, 466.2, 554.4}};
    enum { NOTES = 10 };
    ap_arena *arena = ap_arena_create();
    ap_real *x = calloc(LENGTH, sizeof *x);
    double notes[NOTES];
    for (int k = 0; k < NOTES; k++) notes[k] = (double)LENGTH * k / NOTES;
    for (int64_t i = 0; i < LENGTH; i++)
        for (int j = 0; j < 3; j++)
            x[i] += (ap_real)(0.1 *
                              sin(2 * M_PI * chords[i * NOTES / LENGTH % 2][j] * (double)i / AP_SAMPLE_RATE));
    ap_harmony harmony = ap_harmony_find(arena, LENGTH, x);
    bool seen[NOTES] = {false};
    for (uint64_t seed = 0; seed < 20; seed++)
        for (int k = 2; k < NOTES - 2; k++) {
            double note = ap_harmony_note(harmony, NOTES, notes, notes[k], AP_SAMPLE_RATE, (ap_rng){seed, 0});
            int64_t which = llround(note * NOTES / LENGTH);
            assert_true(which % 2 == k % 2);
            assert_true(fabs(note - notes[k]) <= AP_SAMPLE_RATE);
            seen[which] |= which != k;
        }
    for (int k = 2; k < NOTES - 2; k++) assert_true(seen[k]); /* not always the same one */
    assert_true(ap_harmony_note(harmony, 0, NULL, 5, AP_SAMPLE_RATE, (ap_rng){0, 0}) == 5);
    free(x);
    ap_arena_free(arena);
}

/* The highs of a grain, which by themselves lose 5 dB between the two places, end before the target strikes
 * again, and its lows go on. */
static void highs_end_before_the_targets_next_note(void **state)
{
    (void)state;
    scene *s = scene_create(1, 0);
    double notes[] = {1.11 * AP_SAMPLE_RATE}, hits[] = {AP_SAMPLE_RATE};
    for (int64_t i = 0; i < LENGTH; i++)
        s->target[i] = (ap_real)(0.1 * (sin(2 * M_PI * 110 * (double)i / AP_SAMPLE_RATE) +
                                        sin(2 * M_PI * 6000 * (double)i / AP_SAMPLE_RATE)));
    const ap_score_sources sources = {.S = LENGTH,
                                      .input = s->input,
                                      .target = s->target,
                                      .input_hits = {1, hits},
                                      .target_hits = {1, notes}};
    ap_score score = ap_score_write(s->arena, &sources, 1, 0);
    ap_score_play(s->arena, &score, AP_SAMPLE_RATE, LENGTH, s->input, s->target, s->takes);
    /* twice the difference of neighbours leaves 6 kHz as it is, and all but removes 110 Hz */
    double highs[2] = {0, 0}, lows[2] = {0, 0};
    const ap_real *struck = s->takes + LENGTH;
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < AP_SAMPLE_RATE / 40; i++) {
            int64_t at = (int64_t)((k ? 1.11 : 1.02) * AP_SAMPLE_RATE) + i;
            highs[k] += pow((double)(struck[at] - struck[at - 1]), 2);
            lows[k] += pow((double)(struck[at] + struck[at - 2]), 2); /* no 6 kHz */
        }
    assert_true(highs[1] < 0.15 * highs[0]);
    assert_true(lows[1] > 0.4 * lows[0]);
    scene_free(s);
}

/* Chance depends on the seed and on the time in the recording, not on the window it is heard through. */
static void chance_belongs_to_the_place(void **state)
{
    (void)state;
    scene *a = scene_create(1, 0), *again = scene_create(1, 0), *other = scene_create(2, 0),
          *later = scene_create(1, 24000);
    assert_memory_equal(a->takes, again->takes, sizeof a->takes);
    for (int take = 1; take < AP_TAKE_INPUT; take++) {
        int same = 0, moved = 0;
        for (int64_t i = 0; i < a->score.count[take]; i++) {
            same += a->score.grains[take][i].height == other->score.grains[take][i].height;
            moved += a->score.grains[take][i].height == later->score.grains[take][i].height;
        }
        assert_int_equal(same, 0);
        assert_int_equal(moved, 0);
    }
    scene_free(a);
    scene_free(again);
    scene_free(other);
    scene_free(later);
}

/* Played at another rate, the same score gives the same sound: the chord is a sum of tones, which can be made
 * at any rate. */
static void a_score_sounds_the_same_at_any_rate(void **state)
{
    (void)state;
    scene *s = scene_create(3, 0);
    int64_t n = 2 * LENGTH;
    ap_real *x = calloc((size_t)n, sizeof *x), *d = calloc((size_t)n, sizeof *d),
            *takes = calloc((size_t)(AP_TAKES * n), sizeof *takes);
    chord(2 * AP_SAMPLE_RATE, n, x);
    ap_score_play(s->arena, &s->score, 2 * AP_SAMPLE_RATE, n, d, x, takes);
    for (int take = 0; take < AP_TAKE_INPUT; take++) {
        double error = 0, power = 0;
        for (int64_t i = 0; i < LENGTH; i++) {
            double want = (double)s->takes[take * LENGTH + i];
            error += pow((double)takes[take * n + 2 * i] - want, 2);
            power += want * want;
        }
        assert_true(error < 3e-3 * power);
    }
    free(x);
    free(d);
    free(takes);
    scene_free(s);
}

/* Strokes stay, a steady tone goes. */
static void attacks_leave_the_strokes(void **state)
{
    (void)state;
    ap_tape *tape = ap_tape_create(0);
    static ap_real x[2 * LENGTH];
    drums(AP_SAMPLE_RATE, LENGTH, x);
    chord(AP_SAMPLE_RATE, LENGTH, x + LENGTH);
    const ap_real *y =
        ap_attacks(tape, ap_tape_constant(tape, (ap_tensor){AP_SHAPE(2, 1, LENGTH), x}))->value.data;
    double before[2] = {0, 0}, after[2] = {0, 0};
    for (int64_t i = LENGTH / 20; i < LENGTH * 19 / 20; i++)
        for (int b = 0; b < 2; b++) {
            before[b] += pow((double)x[b * LENGTH + i], 2);
            after[b] += pow((double)y[b * LENGTH + i], 2);
        }
    assert_true(after[0] > 0.3 * before[0]);
    assert_true(after[1] < 1e-3 * before[1]);
    ap_tape_free(tape);
}

/* Each head writes what is its own: the rhythm moves fast, the harmony moves whole takes slowly, the timbre
 * all takes alike and bands apart; and what all are silent about is the rule. */
static void heads_write_parts_of_their_own(void **state)
{
    (void)state;
    enum { BANDS = 24, DIM = 8, COMPONENT = 2 };
    scene *s = scene_create(1, 0);
    ap_params *params = ap_params_create();
    ap_takes *takes = ap_takes_create(
        params, (ap_takes_config){.dim = DIM, .component = COMPONENT, .hop = 320, .bands = BANDS, .width = 8},
        "");
    ap_rng rng = ap_rng_init(3);
    ap_params_build(params, &rng);
    for (size_t i = 0; i < ap_params_count(params); i++) {
        ap_tensor value = ap_params_at(params, i)->value;
        for (int64_t k = 0; k < ap_shape_count(value.shape); k++)
            value.data[k] += (ap_real)(0.1 * ap_rng_normal(&rng));
    }
    ap_tape *tape = ap_tape_create(0);
    ap_tape_gradients_set(tape, false);
    int64_t T = LENGTH / 320;
    ap_var *z = ap_tape_constant(tape, random_tensor(1, 1, AP_SHAPE(1, DIM, T)));
    ap_var *components =
        ap_tape_constant(tape, random_tensor(2, 1, AP_SHAPE(1, AP_COMPONENTS * COMPONENT, T)));
    ap_tensor x = {AP_SHAPE(1, AP_TAKES, LENGTH), s->takes};
    for (int head = 0; head <= AP_COMPONENTS / 2; head++) { /* each alone, and none */
        ap_tensor g = ap_takes_gains(tape, takes, z, components, x, 7u & ~(1u << head))->value;
        int64_t columns = g.shape.at[2];
        double fast = 0, takes_apart = 0, bands_apart = 0;
        for (int64_t take = 0; take < AP_TAKES; take++)
            for (int64_t band = 0; band < BANDS; band++)
                for (int64_t t = 1; t < columns; t++) {
                    const ap_real *at = g.data + (take * BANDS + band) * columns + t;
                    fast = fmax(fast, fabs(log((double)(at[0] / at[-1]))));
                    if (band > 0) bands_apart = fmax(bands_apart, fabs(log((double)(at[0] / at[-columns]))));
                    if (take > 2) /* two of which the rule is the same */
                        takes_apart = fmax(takes_apart, fabs(log((double)(at[0] / at[-BANDS * columns]))));
                }
        if (head == AP_RHYTHM) assert_true(fast > 0.1 && takes_apart > 0.1);
        if (head == AP_HARMONY) assert_true(fast < 0.1 && takes_apart > 0.1 && bands_apart < 1e-5);
        if (head == AP_TIMBRE) assert_true(fast < 0.1 && takes_apart < 1e-5 && bands_apart > 0.1);
        if (head == AP_COMPONENTS / 2) assert_true(fast + takes_apart + bands_apart < 1e-5);
        print_message(
            "head %d alone: %.3f from column to column, %.3f from take to take, %.3f from band to band\n",
            head, fast, takes_apart, bands_apart);
    }
    ap_tape_free(tape);
    ap_params_free(params);
    scene_free(s);
}

/* The arrangement, played from the mono signals themselves, is what the model sounds like in training; from
 * two channels that differ by a factor, so do the outputs; and a window without a single onset or sample of
 * sound is silent, not NaN. */
static void an_arrangement_plays_every_channel(void **state)
{
    (void)state;
    scene *s = scene_create(1, 0);
    ap_config config = ap_config_default();
    const char *const settings[][2] = {
        {"agent.output", "takes"}, {"agent.component", "4"},  {"agent.model", "16"},
        {"agent.layers", "1"},     {"agent.ff", "16"},        {"agent.attention_heads", "2"},
        {"codec.dim", "64"},       {"agent.take_width", "8"}, {"data.seconds", "3"}};
    set_all(&config, sizeof settings / sizeof *settings, settings);
    ap_model *model;
    ap_status status = ap_model_create(&config, 1, &model);
    assert_false(ap_failed(&status));
    assert_true(ap_model_arranges(model));
    static ap_real left[LENGTH], right[LENGTH], quiet[LENGTH], want[LENGTH];
    ap_tape *tape = ap_tape_create(0);
    ap_tape_gradients_set(tape, false);
    for (int silent = 0; silent < 2; silent++) {
        if (silent) memset(s->target, 0, sizeof s->target);
        ap_tape_reset(tape);
        ap_var *input = ap_tape_constant(tape, (ap_tensor){AP_SHAPE(1, 1, LENGTH), s->input});
        ap_var *target = ap_tape_constant(tape, (ap_tensor){AP_SHAPE(1, 1, LENGTH), s->target});
        ap_codec *codec = ap_model_codec(model);
        ap_composition composed = ap_model_compose(tape, model, ap_codec_encode(tape, codec, input),
                                                   ap_codec_encode(tape, codec, target));
        memcpy(want, ap_model_sound(tape, model, &composed, input, NULL, target, 5)->value.data, sizeof want);
        const ap_arrangement *a = ap_model_arrange(tape, model, input, target, &(ap_knobs){.seed = 5}, 0);
        for (int64_t i = 0; i < LENGTH; i++) quiet[i] = s->target[i] / 4;
        const ap_real *const inputs[] = {s->input, s->input}, *const targets[] = {s->target, quiet};
        ap_real *const outputs[] = {left, right};
        ap_arrangement_play(ap_tape_arena(tape), a, AP_SAMPLE_RATE, 1, LENGTH, inputs, targets, outputs);
        for (int64_t i = 0; i < LENGTH; i++) assert_true(fabs((double)(left[i] - want[i])) < 1e-5);
        memset(s->input, 0, sizeof s->input); /* whose attacks would be the same in both */
        ap_arrangement_play(ap_tape_arena(tape), a, AP_SAMPLE_RATE, 2, LENGTH, inputs, targets, outputs);
        for (int64_t i = 0; i < LENGTH; i++) assert_true(fabs((double)(left[i] - 4 * right[i])) < 1e-5);
        if (silent)
            for (int64_t i = 0; i < LENGTH; i++) assert_true(left[i] == 0);
    }
    ap_tape_free(tape);
    ap_model_free(model);
    scene_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_are_where_sounds_begin),
        cmocka_unit_test(takes_strike_the_target_at_the_hits),
        cmocka_unit_test(the_first_take_is_level),
        cmocka_unit_test(notes_from_elsewhere_fit_the_harmony),
        cmocka_unit_test(highs_end_before_the_targets_next_note),
        cmocka_unit_test(chance_belongs_to_the_place),
        cmocka_unit_test(a_score_sounds_the_same_at_any_rate),
        cmocka_unit_test(attacks_leave_the_strokes),
        cmocka_unit_test(heads_write_parts_of_their_own),
        cmocka_unit_test(an_arrangement_plays_every_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
