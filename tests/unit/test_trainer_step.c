/* What a training step leaves behind, how its items weigh, and what an epoch is judged by. */
#include "antiphon/checkpoint.h"
#include "base/memory.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/settings.h"
#include "support/training.h"
#include "train/statistics.h"
#include "train/step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- a skipped step */

/* A model with BatchNorm in its heads. */
static ap_config composing_config(const char *set_path)
{
    ap_config config = training_config(set_path);
    set(&config, "agent.compositional", "true");
    return config;
}

static void infinite_samples_pass_through_the_statistics_only_until_they_are_restored(void **state)
{
    (void)state;
    ap_config config = composing_config("none");
    ap_model *model;
    ap_status status = ap_model_create(&config, 1, &model);
    assert_string_equal(status.message, "");
    ap_params *params = ap_model_params(model);
    ap_real samples[4800];
    for (int i = 0; i < 4800; i++) samples[i] = INFINITY;
    ap_dataset data = training_dataset(1, 2400, 2400, samples);
    const ap_choice choice = {{0, 0}, {0, 0}, false, false, 1, 1, false};
    ap_batch batch = ap_batch_init(&data, 1);
    assert_false(ap_batch_fill(&batch, &data, 1, &choice).code);
    ap_tape *tape = ap_tape_create(0);
    ap_adamw optimiser = ap_step_optimiser(&config, model);
    ap_statistics statistics = ap_statistics_init(params);
    ap_statistics_keep(&statistics, params);
    ap_step_gradient(tape, &config, model, &batch, 1);
    int buffers = 0;
    for (int restored = 0; restored < 2; restored++) {
        for (size_t i = 0; i < ap_params_count(params); i++) {
            const ap_param *param = ap_params_at(params, i);
            if (param->kind != AP_PARAM_BUFFER) continue;
            ap_real first = strstr(param->name, "running_var") ? 1 : 0;
            for (int64_t k = 0; k < ap_shape_count(param->value.shape); k++, buffers++)
                assert_true(restored ? param->value.data[k] == first : !isfinite(param->value.data[k]));
        }
        ap_statistics_restore(&statistics, params);
    }
    assert_true(buffers > 0);
    assert_false(isfinite(ap_step_update(&config, model, &optimiser, 0.1)));
    ap_statistics_free(&statistics);
    ap_adamw_free(&optimiser);
    ap_tape_free(tape);
    ap_batch_free(&batch);
    ap_dataset_free(&data);
    ap_model_free(model);
}

/* The one buffer or weight in which the models of two checkpoints differ, or NULL. The caller frees it. */
static char *first_difference(const char *a, const char *b)
{
    const char *const paths[2] = {a, b};
    ap_config config;
    ap_model *models[2];
    char *found = NULL;
    for (int k = 0; k < 2; k++) {
        ap_status status = ap_checkpoint_load(paths[k], &config, &models[k]);
        assert_string_equal(status.message, "");
    }
    const ap_params *params = ap_model_params(models[0]);
    for (size_t i = 0; i < ap_params_count(params) && !found; i++) {
        const ap_param *x = ap_params_at(params, i), *y = ap_params_at(ap_model_params(models[1]), i);
        size_t bytes = (size_t)ap_shape_count(x->value.shape) * sizeof(ap_real);
        if (memcmp(x->value.data, y->value.data, bytes) != 0) found = ap_copy_text(x->name);
    }
    for (int k = 0; k < 2; k++) ap_model_free(models[k]);
    return found;
}

/* Three windows that can be learnt from, and three whose squares are beyond a float: the run ends with the
 * model of one that never met the latter. */
static void a_skipped_step_leaves_no_trace(void **state)
{
    if (sizeof(ap_real) == sizeof(double)) skip(); /* no float is large enough */
    const char *both = folder_path(state, "both"), *good = folder_path(state, "good"),
               *run = folder_path(state, "skipping"), *other = folder_path(state, "untroubled");
    training_write_pair(both, "train", 1, 0.3, 1e32, 1e32);
    training_write_pair(both, "train", 2, 0.1, 0.1, 0.2);
    training_write_pair(both, "val", 3, 0.1, 0.1, 0.2);
    training_write_pair(good, "train", 2, 0.1, 0.1, 0.2);
    training_write_pair(good, "val", 3, 0.1, 0.1, 0.2);
    ap_config config = composing_config(both);
    set(&config, "train.epochs", "2");
    training_record skipping = training_run(&config, run, NULL, 0);
    assert_string_equal(skipping.status.message, "");
    assert_int_equal(skipping.steps, 8);
    set(&config, "data.path", good);
    training_record untroubled = training_run(&config, other, NULL, 0);
    assert_int_equal(untroubled.steps, 2);
    for (int e = 0; e < 2; e++) {
        assert_true(isfinite(skipping.train[e]) && skipping.train[e] == untroubled.train[e]);
        assert_true(skipping.validation[e] == untroubled.validation[e]);
    }
    char *a = ap_format_text("%s/last.safetensors", run), *b = ap_format_text("%s/last.safetensors", other);
    char *difference = first_difference(a, b);
    if (difference) fail_msg("%s differs", difference);
    free(b);
    free(a);
}

/* ---------------------------------------------------------------- what is to blame */

/* Runs to the tenth skipped step in a row, and gives how it ended. */
static training_record diverge(const ap_config *config, const char *run, const char *checkpoint)
{
    training_record r = training_run(config, run, checkpoint, 0);
    assert_int_equal(r.status.code, AP_FAILED);
    return r;
}

static void check_told(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("\"%s\" is not in: %s", part, text);
}

/* One recording among others is beyond what a float's square holds: it is named, with its peak, and the rate
 * is not blamed; nor is another pair of the same batch. */
static void samples_are_blamed_where_they_are_to_blame(void **state)
{
    if (sizeof(ap_real) == sizeof(double)) skip(); /* no float is large enough */
    const char *path = folder_path(state, "loud");
    for (int k = 1; k <= 3; k++) training_write_pair(path, "train", k, 0.1, 0.1, k == 2 ? 1e30 : 0.1);
    training_write_pair(path, "val", 4, 0.1, 0.1, 0.1);
    const char *const outputs[] = {"false", "true"};
    for (int k = 0; k < 2; k++) {
        ap_config config = training_config(path);
        set(&config, "agent.compositional", outputs[k]);
        set(&config, "train.batch_size", "3");
        set(&config, "train.epochs", "20");
        training_record r = diverge(&config, folder_path(state, "loud_run"), NULL);
        check_told(r.status.message, "in the part \"");
        check_told(r.status.message, " with pair_0002 from 0.0 s (peak ");
        check_told(r.status.message, "e+30)");
        check_told(r.status.message, "its samples are to blame, which reach");
        check_told(r.notes, "the step is skipped: ");
        assert_null(strstr(r.status.message, "train.lr"));
        assert_null(strstr(r.notes, "pair_0001"));
        assert_null(strstr(r.notes, "pair_0003"));
        /* too few steps for that, all of which were skipped */
        set(&config, "train.epochs", "3");
        r = diverge(&config, folder_path(state, "short_run"), NULL);
        check_told(r.status.message,
                   "nothing was learnt: no finite gradient in 3 steps; in the first of them ");
        check_told(r.status.message, "its samples are to blame, which reach");
    }
}

/* Weights that were too large from the start are not the rate's fault; those that a run has made so are. The
 * first operation that fails is named by its part of the step. */
static void the_rate_is_blamed_where_the_run_has_moved_the_weights(void **state)
{
    if (sizeof(ap_real) == sizeof(double)) skip();
    const char *path = folder_path(state, "quiet");
    training_write_pair(path, "train", 1, 2.0, 0.1, 0.1);
    training_write_pair(path, "val", 2, 0.1, 0.1, 0.1);
    ap_config config = training_config(path);
    set(&config, "train.epochs", "20");
    ap_model *model;
    ap_status status = ap_model_create(&config, 0, &model);
    assert_string_equal(status.message, "");
    ap_adamw optimiser = ap_step_optimiser(&config, model);
    ap_progress progress = {0};
    for (int64_t i = 0; i < optimiser.count; i++)
        ap_params_trained_values(ap_model_params(model))[i] *= (ap_real)1e30;
    char *hopeless = ap_copy_text(folder_path(state, "hopeless.safetensors"));
    status = ap_checkpoint_save(hopeless, &config, model, &optimiser, &progress);
    assert_string_equal(status.message, "");
    training_record r = diverge(&config, folder_path(state, "hopeless_run"), hopeless);
    check_told(r.status.message, "in the part \"cascade\" is not finite with pair_0001 from ");
    check_told(r.status.message, "it is not the learning rate");
    free(hopeless);
    ap_adamw_free(&optimiser);
    ap_model_free(model);

    /* a decay that multiplies the weights by -99 in each step */
    set(&config, "train.lr", "10");
    set(&config, "train.weight_decay", "10");
    r = diverge(&config, folder_path(state, "wild_run"), NULL);
    assert_true(r.steps > 0 && isfinite(r.norm[0]));
    check_told(r.status.message, " with pair_0001 from ");
    check_told(r.status.message, "in this run: lower train.lr");

    /* a recording that is only validated on */
    training_write_pair(path, "val", 3, 0.1, 3e37, 0.1);
    set(&config, "train.lr", "0.001");
    set(&config, "train.weight_decay", "0");
    set(&config, "train.steps_per_epoch", "1");
    r = diverge(&config, folder_path(state, "loud_val_run"), NULL);
    check_told(r.status.message, " of epoch 1 is not finite: ");
    check_told(r.status.message, " with pair_0003 from 0.0 s (peak ");
    check_told(r.status.message, "its samples are to blame");
}

/* ---------------------------------------------------------------- how items weigh */

/* Three items in one step, in micro-batches of one to three: the same gradient and the same means. The loss
 * is a mean over items, and the model has no BatchNorm, whose statistics are the micro-batch's. */
static void items_weigh_the_same_however_they_are_batched(void **state)
{
    const char *path = folder_path(state, "three");
    training_write_pair(path, "train", 1, 0.3, 0.01, 0.5); /* windows apart in level */
    training_write_pair(path, "val", 2, 0.1, 0.1, 0.1);
    const char *const sizes[][2] = {{"3", "1"}, {"1", "3"}, {"2", "2"}};
    training_record r[3];
    ap_config config = training_config(path);
    set(&config, "train.epochs", "1");
    set(&config, "train.clip", "0");
    for (int k = 0; k < 3; k++) {
        set(&config, "train.batch_size", sizes[k][0]);
        set(&config, "train.accumulate", sizes[k][1]);
        r[k] = training_run(&config, folder_path(state, "weighing"), NULL, 0);
        assert_int_equal(r[k].steps, 1);
        assert_true(r[k].norm[0] > 0 && fabs(r[k].norm[0] / r[0].norm[0] - 1) < 1e-5);
        assert_true(fabs(r[k].loss[0] / r[0].loss[0] - 1) < 1e-5);
        assert_true(fabs(r[k].train[0] / r[k].loss[0] - 1) < 1e-6);
    }
    /* two steps, the second of which is short: each item counts once in the epoch's means */
    set(&config, "train.lr", "0");
    set(&config, "train.batch_size", "1");
    set(&config, "train.accumulate", "2");
    training_record two = training_run(&config, folder_path(state, "weighing"), NULL, 0);
    assert_int_equal(two.steps, 2);
    assert_true(fabs(two.train[0] / r[0].loss[0] - 1) < 1e-5);
    assert_true(fabs((2 * two.loss[0] + two.loss[1]) / 3 / r[0].loss[0] - 1) < 1e-5);
}

/* ---------------------------------------------------------------- what weight decay shrinks */

/* Without a gradient a step is nothing but decay. Parameters with one number a channel are told by their
 * names here, and by their shapes there. */
static void decay_spares_biases_and_gains_where_it_is_to(void **state)
{
    (void)state;
    const char *const codecs[] = {"mdct", "seanet"}, *const decays[] = {"all", "weights"};
    for (int k = 0; k < 4; k++) {
        ap_config config = composing_config("none");
        const char *const settings[][2] = {
            {"codec.type", codecs[k / 2]}, {"codec.train", k / 2 ? "true" : "false"},
            {"codec.width", "4"},          {"codec.ratios", "8,5"},
            {"train.weight_decay", "0.5"}, {"train.decay", decays[k % 2]}};
        set_all(&config, sizeof settings / sizeof *settings, settings);
        ap_model *model;
        ap_status status = ap_model_create(&config, 1, &model);
        assert_string_equal(status.message, "");
        ap_params *params = ap_model_params(model);
        ap_real *values = ap_params_trained_values(params);
        int64_t n = ap_params_trained_count(params);
        for (int64_t i = 0; i < n; i++) values[i] = 1;
        ap_adamw optimiser = ap_step_optimiser(&config, model);
        ap_step_update(&config, model, &optimiser, 0.5);
        int spared = 0, shrunk = 0;
        for (size_t i = 0; i < ap_params_count(params); i++) {
            const ap_param *param = ap_params_at(params, i);
            if (param->kind != AP_PARAM_TRAINED) continue;
            const char *name = param->name;
            bool gain = strstr(name, "norm") || strstr(name, "weight_g");
            bool spares = k % 2 && (gain || strstr(name, "bias"));
            for (int64_t j = 0; j < ap_shape_count(param->value.shape); j++)
                if (param->value.data[j] != (spares ? 1 : (ap_real)0.75))
                    fail_msg("%s, %s", decays[k % 2], name);
            *(spares ? &spared : &shrunk) += 1;
        }
        assert_true(shrunk > 0 && (spared > 0) == (k % 2));
        ap_adamw_free(&optimiser);
        ap_model_free(model);
    }
}

/* ---------------------------------------------------------------- what validation is over */

/* A codec learns from both recordings of a pair: it is judged by the mean over both, whichever is which. */
static void a_codec_is_validated_on_both_recordings(void **state)
{
    const double levels[][2] = {{0.1, 0.1}, {0.1, 0.4}, {0.4, 0.1}, {0.4, 0.4}};
    double validation[4];
    for (int k = 0; k < 4; k++) {
        const char *path = folder_path(state, "codec");
        training_write_pair(path, "train", 1, 0.1, 0.1, 0.1);
        training_write_pair(path, "val", 1, 0.1, levels[k][0], levels[k][1]);
        ap_config config = training_config(path);
        const char *const settings[][2] = {
            {"codec.type", "seanet"},    {"codec.train", "true"}, {"codec.width", "4"},
            {"codec.ratios", "8,5"},     {"codec.lstm", "0"},     {"agent.output", "direct"},
            {"data.unity_test", "true"}, {"train.epochs", "1"},   {"train.lr", "0"},
            {"loss.rms_target", "1"},    {"loss.level", "0"}};
        set_all(&config, sizeof settings / sizeof *settings, settings);
        validation[k] = training_run(&config, folder_path(state, "codec_run"), NULL, 0).validation[0];
        /* a model that trains on the inputs alone is judged by them alone */
        set(&config, "codec.train", "false");
        double alone = training_run(&config, folder_path(state, "codec_run"), NULL, 0).validation[0];
        assert_true(levels[k][0] == levels[k][1] || fabs(alone / validation[k] - 1) > 0.1);
    }
    assert_true(validation[3] > 2 * validation[0]);
    for (int k = 1; k < 3; k++)
        assert_true(fabs(2 * validation[k] / (validation[0] + validation[3]) - 1) < 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(infinite_samples_pass_through_the_statistics_only_until_they_are_restored),
        cmocka_unit_test(a_skipped_step_leaves_no_trace),
        cmocka_unit_test(samples_are_blamed_where_they_are_to_blame),
        cmocka_unit_test(the_rate_is_blamed_where_the_run_has_moved_the_weights),
        cmocka_unit_test(items_weigh_the_same_however_they_are_batched),
        cmocka_unit_test(decay_spares_biases_and_gains_where_it_is_to),
        cmocka_unit_test(a_codec_is_validated_on_both_recordings),
    };
    return cmocka_run_group_tests_name("trainer_step", tests, folder_create, folder_remove);
}
