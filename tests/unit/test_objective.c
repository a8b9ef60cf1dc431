/* The objective: what is optimised is what is shown. What the terms add makes up the loss, and the cost that
 * is reported is the original one whatever form the loss has. */
#include "antiphon/objective.h"

#include "antiphon/modulation.h"
#include "config/table.h"
#include "support/check.h"
#include "support/settings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 2
#define SAMPLES 6000
#define DIM 8
#define FRAMES 19

typedef struct scene {
    ap_tensor audio[3], latents[3], logits;
    ap_tape *tape;
    ap_heard heard;
} scene;

static scene scene_create(int64_t samples)
{
    scene s = {.tape = ap_tape_create(0)};
    ap_var *audio[3], *latents[3];
    for (int k = 0; k < 3; k++) {
        s.audio[k] = random_tensor(1 + (uint64_t)k, (ap_real)0.3, AP_SHAPE(BATCH, 1, samples));
        s.latents[k] = random_tensor(5 + (uint64_t)k, 1, AP_SHAPE(BATCH, DIM, FRAMES));
        audio[k] = ap_tape_constant(s.tape, s.audio[k]);
        latents[k] = ap_tape_constant(s.tape, s.latents[k]);
    }
    /* the output owes something to both, so that no term is zero */
    for (int64_t i = 0; i < BATCH * samples; i++)
        s.audio[2].data[i] += (ap_real)0.4 * s.audio[0].data[i] + (ap_real)0.6 * s.audio[1].data[i];
    for (int64_t i = 0; i < BATCH * samples; i += 500) s.audio[2].data[i] *= 4; /* and has peaks of its own */
    s.logits = random_tensor(9, 1, AP_SHAPE(BATCH, AP_COMPONENTS, FRAMES));
    s.heard = (ap_heard){
        .input = audio[0], .target = audio[1], .output = audio[2], .zi = latents[0], .zt = latents[1]};
    s.heard.composed.z = latents[2];
    s.heard.composed.logits = ap_tape_constant(s.tape, s.logits);
    return s;
}

static void scene_free(scene *s)
{
    ap_tape_free(s->tape);
    for (int k = 0; k < 3; k++) {
        free(s->audio[k].data);
        free(s->latents[k].data);
    }
    free(s->logits.data);
}

static ap_config all_terms(void)
{
    ap_config config = ap_config_default();
    const char *const settings[][2] = {
        {"loss.rms_input", "0.3"},  {"loss.rms_target", "0.2"},    {"loss.spectral", "0.1"},
        {"loss.mel", "0.05"},       {"loss.novelty", "0.7"},       {"loss.corr_weight", "6"},
        {"loss.onset", "13"},       {"loss.chroma", "16"},         {"loss.timbre", "3"},
        {"loss.variation", "1.5"},  {"loss.level", "1.1"},         {"loss.mixture", "2"},
        {"loss.mixture_most", "0"}, {"loss.variation_least", "2"}, {"loss.crest", "1.3"},
        {"loss.answer", "5"},
    };
    set_all(&config, sizeof settings / sizeof *settings, settings);
    return config;
}

static void what_terms_add_makes_up_the_loss(void **state)
{
    (void)state;
    scene s = scene_create(SAMPLES);
    ap_config config = all_terms();
    set(&config, "loss.corr_envelope", "rms");
    set(&config, "loss.corr_segments", "50");
    set(&config, "loss.corr_lag_ms", "20");
    ap_measures m;
    ap_var *loss = ap_objective(s.tape, &config, &s.heard, &m);
    double sum = 0;
    int terms = 0;
    const int answer = AP_MEASURE_ADDED + AP_MEASURE_ANSWER - AP_MEASURE_RMS_INPUT;
    for (int k = AP_MEASURE_ADDED; k < AP_MEASURE_R_INPUT; k++) {
        if (k == answer) continue; /* nobody knows it here */
        assert_true(m.present[k] && m.value[k] > 0);
        assert_memory_equal(ap_measure_name((ap_measure)k), "loss_", 5);
        sum += m.value[k];
        terms++;
    }
    assert_int_equal(terms, 13);
    assert_false(m.present[answer] || m.present[AP_MEASURE_ANSWER]);
    assert_true(fabs(sum - m.value[AP_MEASURE_LOSS]) < 1e-6 * sum);
    assert_true((ap_real)m.value[AP_MEASURE_LOSS] == loss->value.data[0]);
    scene_free(&s);
}

/* Where the answer is known, nothing else counts. */
static void an_answer_stands_alone(void **state)
{
    (void)state;
    scene s = scene_create(SAMPLES);
    ap_config config = all_terms();
    s.heard.answer = s.heard.target;
    ap_measures m;
    ap_var *loss = ap_objective(s.tape, &config, &s.heard, &m);
    for (int k = 0; k < AP_MEASURE_COUNT; k++) {
        bool answers = k == AP_MEASURE_LOSS || k == AP_MEASURE_ANSWER ||
                       k == AP_MEASURE_ADDED + AP_MEASURE_ANSWER - AP_MEASURE_RMS_INPUT;
        assert_int_equal(m.present[k], answers);
    }
    assert_true((ap_real)m.value[AP_MEASURE_LOSS] == loss->value.data[0]);
    assert_true(fabs(m.value[AP_MEASURE_LOSS] - 5 * m.value[AP_MEASURE_ANSWER]) <
                1e-5 * m.value[AP_MEASURE_LOSS]);
    double wrong = m.value[AP_MEASURE_ANSWER];
    s.heard.answer = s.heard.output;
    ap_objective(s.tape, &config, &s.heard, &m);
    assert_true(m.value[AP_MEASURE_ANSWER] < 1e-3 * wrong);
    scene_free(&s);
}

/* Two names for two things: what is charged, in its wider form, and the original cost. */
static void the_reported_cost_is_the_original(void **state)
{
    (void)state;
    scene s = scene_create(SAMPLES);
    ap_config config = ap_config_default();
    const char *const forms[][2] = {
        {"loss.corr_segments", "40"}, {"loss.corr_envelope", "rms"}, {"loss.corr_lag_ms", "30"}};
    ap_real r_input[BATCH], r_target[BATCH];
    double want =
        (double)ap_modulation_cost_arrays(BATCH, SAMPLES, 250, AP_BARRIER_ORIGINAL, s.audio[0].data,
                                          s.audio[1].data, s.audio[2].data, r_input, r_target, NULL);
    double last = NAN;
    set(&config, "loss.corr_weight", "2");
    for (size_t form = 0; form <= sizeof forms / sizeof *forms; form++) {
        if (form > 0) set(&config, forms[form - 1][0], forms[form - 1][1]);
        ap_measures m;
        ap_objective(s.tape, &config, &s.heard, &m);
        assert_true(fabs(m.value[AP_MEASURE_CORR_COST] - want) < 1e-6);
        assert_true(fabs(m.value[AP_MEASURE_R_INPUT] -
                         (fabs((double)r_input[0]) + fabs((double)r_input[1])) / 2) < 1e-6);
        assert_true(fabs(m.value[AP_MEASURE_R_TARGET] -
                         (fabs((double)r_target[0]) + fabs((double)r_target[1])) / 2) < 1e-6);
        const ap_modulation settings = {.segments = config.loss.corr_segments,
                                        .barrier = config.loss.corr_barrier,
                                        .envelope = config.loss.corr_envelope,
                                        .bands = 1,
                                        .lag_ms = config.loss.corr_lag_ms};
        double charged =
            2 * (double)ap_modulation_cost(s.tape, s.heard.input, s.heard.target, s.heard.output, &settings)
                    ->value.data[0];
        double added = m.value[AP_MEASURE_ADDED + AP_MEASURE_CORR_COST - AP_MEASURE_RMS_INPUT];
        assert_true(fabs(added - charged) < 1e-6 * charged);
        assert_true(form == 0 ? fabs(added - 2 * want) < 1e-5 : fabs(added - last) > 1e-3);
        last = added;
    }
    scene_free(&s);
}

/* What a term is made from does not outlive it where nothing goes back: validation takes the memory of the
 * largest term, not of all. */
static void terms_leave_scalars_alone_behind(void **state)
{
    (void)state;
    scene s = scene_create(SAMPLES);
    ap_config config = all_terms();
    ap_measures m;
    ap_tape_gradients_set(s.tape, false);
    size_t from = ap_tape_count(s.tape);
    ap_var *loss = ap_objective(s.tape, &config, &s.heard, &m);
    int larger = 0;
    for (size_t i = from; i < ap_tape_count(s.tape); i++) {
        const ap_var *x = ap_tape_at(s.tape, i);
        if (x->leaf || ap_var_count(x) == 1) continue;
        assert_true(x->gone);
        larger++;
    }
    assert_true(larger > 10);
    assert_false(loss->gone);
    scene_free(&s);
}

/* Fewer samples than segments: there is no such cost, and none is made up. */
static void short_items_have_no_original_cost(void **state)
{
    (void)state;
    ap_config config = ap_config_default();
    set(&config, "loss.corr_weight", "1");
    set(&config, "loss.corr_segments", "10");
    set(&config, "loss.spectral", "0");
    for (int64_t samples = 249; samples <= 250; samples++) {
        scene s = scene_create(samples);
        ap_measures m;
        ap_objective(s.tape, &config, &s.heard, &m);
        const ap_measure three[] = {AP_MEASURE_CORR_COST, AP_MEASURE_R_INPUT, AP_MEASURE_R_TARGET};
        for (int k = 0; k < 3; k++) assert_int_equal(m.present[three[k]], samples == 250);
        assert_true(m.present[AP_MEASURE_ADDED + AP_MEASURE_CORR_COST - AP_MEASURE_RMS_INPUT]);
        scene_free(&s);
    }
}

/* An output that is not a number has no coefficient: it is not reported as a copy, nor as independent. */
static void what_is_not_a_number_is_reported_so(void **state)
{
    (void)state;
    scene s = scene_create(SAMPLES);
    s.audio[2].data[17] = NAN;
    ap_config config = ap_config_default();
    set(&config, "loss.corr_weight", "1");
    ap_measures m;
    ap_objective(s.tape, &config, &s.heard, &m);
    assert_true(isnan(m.value[AP_MEASURE_CORR_COST]) && isnan(m.value[AP_MEASURE_R_INPUT]));
    assert_true(isnan(m.value[AP_MEASURE_LOSS]));
    scene_free(&s);
}

/* The table of keys and the objective agree on what the terms are: a run whose only term is one of these is
 * taken. */
static void terms_have_their_keys(void **state)
{
    (void)state;
    size_t terms = 0, keys = 0;
    for (size_t i = 0; i < ap_config_key_count; i++) keys += ap_config_keys[i].term;
    for (int k = 0; k < AP_MEASURE_COUNT; k++) {
        const char *name = ap_measure_key((ap_measure)k);
        if (!name) continue;
        terms++;
        assert_true(ap_config_key_find(name)->term);
    }
    assert_int_equal(terms, keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_terms_add_makes_up_the_loss),
        cmocka_unit_test(an_answer_stands_alone),
        cmocka_unit_test(the_reported_cost_is_the_original),
        cmocka_unit_test(terms_leave_scalars_alone_behind),
        cmocka_unit_test(short_items_have_no_original_cost),
        cmocka_unit_test(what_is_not_a_number_is_reported_so),
        cmocka_unit_test(terms_have_their_keys),
    };
    return cmocka_run_group_tests_name("objective", tests, NULL, NULL);
}
