/* Training by balanced terms and averaged weights: the formulas, and that a run which is gone on with has the
 * same bits as one that was not interrupted. */
#include "antiphon/checkpoint.h"
#include "antiphon/objective.h"
#include "antiphon/optimiser.h"
#include "antiphon/safetensors.h"
#include "base/memory.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/settings.h"
#include "support/training.h"
#include "train/batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 3000

static const ap_measure TERMS[] = {AP_MEASURE_RMS_TARGET, AP_MEASURE_SPECTRAL, AP_MEASURE_MEL};
#define TERM_COUNT 3

/* An output against a target, both for the caller to free. */
typedef struct scene {
    ap_tensor target, output;
    ap_tape *tape, *terms;
} scene;

static scene scene_create(void)
{
    return (scene){.target = random_tensor(1, (ap_real)0.1, AP_SHAPE(1, 1, SAMPLES)),
                   .output = random_tensor(2, (ap_real)0.1, AP_SHAPE(1, 1, SAMPLES)),
                   .tape = ap_tape_create(0),
                   .terms = ap_tape_create(0)};
}

static void scene_free(scene *s)
{
    free(s->target.data);
    free(s->output.data);
    ap_tape_free(s->tape);
    ap_tape_free(s->terms);
}

static ap_config weights_of(double rms, double spectral, double mel)
{
    ap_config config = ap_config_default();
    config.loss.rms_input = config.loss.novelty = 0;
    config.loss.rms_target = rms;
    config.loss.spectral = spectral;
    config.loss.mel = mel;
    return config;
}

static ap_heard hear(scene *s, ap_real *grad)
{
    ap_tape_reset(s->tape);
    ap_var *target = ap_tape_constant(s->tape, s->target);
    memset(grad, 0, SAMPLES * sizeof *grad);
    return (ap_heard){.input = target, .target = target, .output = ap_tape_leaf(s->tape, s->output, grad)};
}

/* The gradient of one term at the output, by the plain objective. */
static double plain_gradient(scene *s, int term, ap_real *grad)
{
    ap_config config = weights_of(term == 0, term == 1, term == 2);
    ap_heard heard = hear(s, grad);
    ap_measures measures;
    ap_tape_backward(s->tape, ap_objective(s->tape, &config, &heard, &measures), 1);
    return ap_norm(SAMPLES, grad);
}

/* Over steps in which the output's level changes, and with it the size of each term's gradient. */
static void a_weight_is_a_share_of_the_gradient(void **state)
{
    (void)state;
    const double weights[TERM_COUNT] = {2, 1, 5}, share = 0.5, beta = 0.999;
    scene s = scene_create();
    ap_config config = weights_of(weights[0], weights[1], weights[2]);
    ap_balancer balancer = {0};
    double sums[TERM_COUNT] = {0}, counts = 0;
    ap_real grad[SAMPLES], got[SAMPLES];
    for (int step = 0; step < 3; step++) {
        double want[SAMPLES] = {0}, loss = 0;
        counts = beta * counts + 1;
        for (int k = 0; k < TERM_COUNT; k++) {
            double norm = plain_gradient(&s, k, grad);
            sums[k] = beta * sums[k] + norm;
            for (int i = 0; i < SAMPLES; i++)
                want[i] += share * weights[k] / 8 * (double)grad[i] / (sums[k] / counts);
        }
        ap_heard heard = hear(&s, got);
        ap_measures measures;
        ap_objective_balanced(s.tape, s.terms, &config, &heard, &balancer, share, &measures);
        double size = sqrt(SAMPLES); /* a number of the gradient is about 1 over that */
        for (int i = 0; i < SAMPLES; i++) {
            want[i] *= size;
            got[i] *= (ap_real)size;
        }
        check_close("gradient", SAMPLES, got, want, 20 * forward_tolerance());
        for (int k = 0; k < TERM_COUNT; k++) loss += weights[k] * measures.value[TERMS[k]];
        assert_true(fabs(measures.value[AP_MEASURE_LOSS] - loss) < 1e-6 * loss);
        for (int i = 0; i < SAMPLES; i++) s.output.data[i] *= 3;
    }
    scene_free(&s);
}

/* What is not a number goes no further than the step. */
static void a_broken_step_does_not_stay_in_the_mean(void **state)
{
    (void)state;
    scene s = scene_create();
    ap_config config = weights_of(1, 0, 0);
    ap_balancer balancer = {0};
    ap_real grad[SAMPLES], first = s.output.data[0];
    s.output.data[0] = (ap_real)NAN;
    ap_measures measures;
    ap_heard heard = hear(&s, grad);
    ap_objective_balanced(s.tape, s.terms, &config, &heard, &balancer, 1, &measures);
    assert_false(isfinite(ap_norm(SAMPLES, grad)));
    s.output.data[0] = first;
    heard = hear(&s, grad);
    ap_objective_balanced(s.tape, s.terms, &config, &heard, &balancer, 1, &measures);
    assert_true(fabs(ap_norm(SAMPLES, grad) - 1) < 1e-3);
    scene_free(&s);
}

static void the_average_moves_by_its_equation(void **state)
{
    (void)state;
    ap_real values[2] = {1, -2}, grads[2] = {1, 1};
    double want[2] = {1, -2};
    ap_adamw optimiser = ap_adamw_init(2);
    ap_adamw_average(&optimiser, 0.5, values);
    for (int t = 1; t <= 12; t++) {
        ap_adamw_step(&optimiser, 0.1, 1, grads, values);
        double keep = fmin(0.5, (1.0 + t) / (10.0 + t));
        for (int i = 0; i < 2; i++) want[i] = keep * want[i] + (1 - keep) * (double)values[i];
    }
    check_close("average", 2, optimiser.average, want, forward_tolerance());
    assert_true(fabs((double)optimiser.average[0] - (double)values[0]) > 0.05);
    ap_adamw_free(&optimiser);
}

/* ---------------------------------------------------------------- a run */

static ap_config recipe(const char *set_folder)
{
    ap_config config = training_config(set_folder);
    const char *const settings[][2] = {{"loss.rms_target", "1"}, {"loss.balancer", "true"},
                                       {"train.ema", "0.9"},     {"train.epochs", "2"},
                                       {"train.lr", "0.01"},     {"train.threads", "1"}};
    set_all(&config, sizeof settings / sizeof *settings, settings);
    return config;
}

/* Whether a checkpoint holds less than the numbers in memory. */
#define ROUNDED (sizeof(ap_real) > sizeof(float))

/* Every tensor of the one file in the other: bit for bit, or in double precision, which a checkpoint rounds
 * to floats, within what that makes of the steps behind it. */
static void check_same_file(const char *a, const char *b)
{
    ap_safetensors *first, *second;
    assert_string_equal(ap_safetensors_open(a, &first).message, "");
    assert_string_equal(ap_safetensors_open(b, &second).message, "");
    assert_int_equal(ap_safetensors_count(first), ap_safetensors_count(second));
    for (size_t i = 0; i < ap_safetensors_count(first); i++) {
        const char *name = ap_safetensors_name(first, i);
        ap_tensor x = random_tensor(0, 0, ap_safetensors_shape(first, i)), y = random_tensor(0, 0, x.shape);
        assert_string_equal(ap_safetensors_load(first, name, x).message, "");
        assert_string_equal(ap_safetensors_load(second, name, y).message, "");
        for (int64_t k = 0; k < ap_shape_count(x.shape); k++) {
            double difference = fabs((double)(x.data[k] - y.data[k])), most = ROUNDED ? 1e-4 : 0;
            if (!(difference <= most * (1 + fabs((double)x.data[k])))) fail_msg("%s", name);
        }
        free(x.data);
        free(y.data);
    }
    if (!ROUNDED)
        assert_string_equal(ap_safetensors_metadata(first, "state"),
                            ap_safetensors_metadata(second, "state"));
    ap_safetensors_close(first);
    ap_safetensors_close(second);
}

static void an_interrupted_run_has_the_same_bits(void **state)
{
    char *pairs = ap_copy_text(folder_path(state, "pairs")),
         *whole = ap_copy_text(folder_path(state, "whole")),
         *parts = ap_copy_text(folder_path(state, "parts"));
    training_write_pair(pairs, "train", 1, 0.6, 0.1, 0.2);
    training_write_pair(pairs, "val", 2, 0.1, 0.1, 0.2);
    ap_config config = recipe(pairs);
    assert_int_equal(training_run(&config, whole, NULL, 0).status.code, AP_OK);
    assert_int_equal(training_run(&config, parts, NULL, 4).status.code, AP_INTERRUPTED);
    char *last = ap_format_text("%s/last.safetensors", parts),
         *of_whole = ap_format_text("%s/last.safetensors", whole);
    training_record rest = training_run(&config, parts, last, 0);
    assert_int_equal(rest.status.code, AP_OK);
    assert_int_equal(rest.steps, 8);
    check_same_file(of_whole, last);
    free(of_whole);
    free(last);
    free(parts);
    free(whole);
    free(pairs);
}

/* The loss of a model over the set's one validation item. */
static double validation_loss(const char *pairs, const ap_config *config, ap_model *model)
{
    ap_dataset set;
    assert_string_equal(ap_dataset_load(pairs, "val", 2400, &set).message, "");
    const ap_choice own = {{0, 0}, {0, 0}, false, false, 1, 1, false};
    ap_batch batch = ap_batch_init(&set, 1);
    assert_false(ap_batch_fill(&batch, &set, 1, &own).code);
    ap_tape *tape = ap_tape_create(0);
    ap_measures measures;
    ap_heard heard = ap_batch_forward(tape, model, &batch);
    ap_objective(tape, config, &heard, &measures);
    ap_tape_free(tape);
    ap_batch_free(&batch);
    ap_dataset_free(&set);
    return measures.value[AP_MEASURE_LOSS];
}

/* What validation hears and the model of a checkpoint is the average, and its weights in training stand
 * beside it. */
static void a_checkpoint_is_the_average(void **state)
{
    char *pairs = ap_copy_text(folder_path(state, "pairs")), *run = ap_copy_text(folder_path(state, "run"));
    training_write_pair(pairs, "train", 1, 0.6, 0.1, 0.2);
    training_write_pair(pairs, "val", 2, 0.1, 0.1, 0.2);
    ap_config config = recipe(pairs), loaded;
    config.train.epochs = 1;
    training_record record = training_run(&config, run, NULL, 0);
    assert_int_equal(record.status.code, AP_OK);
    char *last = ap_format_text("%s/last.safetensors", run);
    ap_model *model;
    assert_string_equal(ap_checkpoint_load(last, &loaded, &model).message, "");
    ap_params *params = ap_model_params(model);
    ap_safetensors *file;
    assert_string_equal(ap_safetensors_open(last, &file).message, "");
    double apart = 0;
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *p = ap_params_at(params, i);
        if (p->kind != AP_PARAM_TRAINED) continue;
        char *name = ap_format_text("optimiser.w.%s", p->name);
        ap_tensor raw = random_tensor(0, 0, p->value.shape);
        assert_string_equal(ap_safetensors_load(file, name, raw).message, "");
        for (int64_t n = 0; n < ap_shape_count(raw.shape); n++)
            apart = fmax(apart, fabs((double)raw.data[n] - (double)p->value.data[n]));
        free(raw.data);
        free(name);
    }
    assert_true(apart > 0.001);
    double loss = validation_loss(pairs, &config, model);
    assert_true(fabs(loss - record.validation[0]) < 1e-5 * loss);
    ap_safetensors_close(file);
    ap_model_free(model);
    /* without an average, training goes on with the weights in training; and begins one where there was none
     */
    set(&config, "train.ema", "0");
    set(&config, "train.epochs", "2");
    assert_int_equal(training_run(&config, run, last, 0).status.code, AP_OK);
    set(&config, "train.ema", "0.9");
    set(&config, "train.epochs", "3");
    assert_int_equal(training_run(&config, run, last, 0).status.code, AP_OK);
    free(last);
    free(run);
    free(pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_weight_is_a_share_of_the_gradient),
        cmocka_unit_test(a_broken_step_does_not_stay_in_the_mean),
        cmocka_unit_test(the_average_moves_by_its_equation),
        cmocka_unit_test_setup_teardown(an_interrupted_run_has_the_same_bits, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(a_checkpoint_is_the_average, folder_create, folder_remove),
    };
    return cmocka_run_group_tests_name("balancer", tests, NULL, NULL);
}
