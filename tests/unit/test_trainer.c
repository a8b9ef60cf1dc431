/* Training: it learns, it repeats, it allocates nothing once it runs; the schedule and the optimiser. */
#include "antiphon/audio.h"
#include "antiphon/optimiser.h"
#include "antiphon/trainer.h"
#include "base/memory.h"
#include "support/check.h"
#include "support/settings.h"
#include "support/folder.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECONDS 1
#define STEPS_MAX 400

static const char *folder; /* the pair set, and where runs are put */

/* a pair that rings and one that beats, as files */
static void write_pair(const char *split, int number)
{
    ap_real x[2][SECONDS * AP_SAMPLE_RATE];
    const char *const names[2] = {"input", "output"};
    ap_rng rng = ap_rng_init((uint64_t)number);
    for (int i = 0; i < SECONDS * AP_SAMPLE_RATE; i++) {
        double t = (double)i / AP_SAMPLE_RATE, beat = fmod(t, 0.25);
        x[0][i] = (ap_real)(0.4 * ap_rng_normal(&rng) * exp(-30 * beat));
        x[1][i] = (ap_real)(0.3 * sin(2 * M_PI * (220 + 55 * number) * t) * exp(-2 * fmod(t + 0.1, 0.5)));
    }
    for (int k = 0; k < 2; k++) {
        char *path = ap_format_text("%s/%s/pair_%04d_%s.wav", folder, split, number, names[k]);
        ap_audio audio = {.samples = x[k], .count = SECONDS * AP_SAMPLE_RATE, .rate = AP_SAMPLE_RATE};
        ap_status status = ap_audio_write(path, &audio);
        assert_string_equal(status.message, "");
        free(path);
    }
}

static int set_up(void **state)
{
    if (folder_create(state) != 0) return -1;
    folder = *state;
    const char *const splits[] = {"train", "val"};
    for (int k = 0; k < 2; k++) {
        char *path = ap_format_text("%s/%s", folder, splits[k]);
        assert_int_equal(mkdir(path, 0700), 0);
        free(path);
        write_pair(splits[k], 1 + k);
    }
    return 0;
}

/* the smallest model that has every part, on the one pair */
static ap_config small_config(const char *codec)
{
    ap_config config = ap_config_default();
    const char *const settings[][2] = {
        {"data.path", folder},     {"data.seconds", "1"},    {"codec.type", codec},
        {"codec.dim", "16"},       {"codec.width", "4"},     {"codec.ratios", "8,5,2"},
        {"codec.lstm", "1"},       {"agent.component", "4"}, {"agent.model", "32"},
        {"agent.heads", "2"},      {"agent.layers", "1"},    {"agent.ff", "64"},
        {"cascade.heads", "2"},    {"cascade.layers", "1"},  {"loss.corr_weight", "0"},
        {"loss.novelty", "0"},     {"loss.rms_target", "1"}, {"loss.rms_input", "0"},
        {"loss.spectral", "0.05"}, {"train.lr", "0.003"},    {"train.batch_size", "1"},
        {"train.epochs", "60"},    {"agent.dropout", "0"},   {"cascade.dropout", "0"},
    };
    set_all(&config, sizeof settings / sizeof *settings, settings);
    return config;
}

typedef struct record {
    int steps;
    double loss[STEPS_MAX], rms[STEPS_MAX], cost[STEPS_MAX], norm[STEPS_MAX];
    size_t memory[STEPS_MAX];
    double validation; /* loss after the last epoch */
} record;

static void on_step(void *context, const ap_step_report *report)
{
    record *r = context;
    struct mallinfo2 info = mallinfo2();
    assert_true(r->steps < STEPS_MAX);
    r->loss[r->steps] = report->measures.value[AP_MEASURE_LOSS];
    r->rms[r->steps] = report->measures.value[AP_MEASURE_RMS_TARGET];
    r->cost[r->steps] = report->measures.value[AP_MEASURE_CORR_COST];
    r->norm[r->steps] = report->gradient_norm;
    r->memory[r->steps++] = info.uordblks + info.hblkhd;
}

static void on_epoch(void *context, const ap_epoch_report *report)
{
    ((record *)context)->validation = report->validation.value[AP_MEASURE_LOSS];
}

static record run(const ap_config *config)
{
    record r = {0};
    ap_observer observer = {.context = &r, .step = on_step, .epoch = on_epoch};
    ap_trainer *trainer;
    ap_status status = ap_trainer_create(config, &observer, &trainer);
    assert_string_equal(status.message, "");
    char *path = ap_format_text("%s/checkpoints", folder);
    status = ap_trainer_run(trainer, path, NULL);
    assert_string_equal(status.message, "");
    free(path);
    ap_trainer_free(trainer);
    return r;
}

/* The untrained decoder of a seanet leaves the agent little room; a lapped transform all of it. */
static void one_pair_is_overfitted(void **state)
{
    (void)state;
    const struct {
        const char *codec, *epochs;
        double share;
    } cases[] = {{"mdct", "250", 0.75}, {"seanet", "60", 0.97}};
    for (int k = 0; k < 2; k++) {
        ap_config config = small_config(cases[k].codec);
        set(&config, "train.epochs", cases[k].epochs);
        record r = run(&config);
        double first = r.rms[0] + r.loss[0], last = r.rms[r.steps - 1] + r.loss[r.steps - 1];
        if (!(last < cases[k].share * first))
            fail_msg("%s: %g after %d steps, %g at first", cases[k].codec, last, r.steps, first);
    }
}

static void the_cost_is_brought_down_by_its_weight(void **state)
{
    (void)state;
    ap_config config = small_config("mdct");
    set(&config, "loss.corr_weight", "0.5");
    record r = run(&config);
    assert_true(r.cost[0] > 1);
    assert_true(r.cost[r.steps - 1] < 0.5);
}

/* What is reported is the formula's value for what was heard, with or without a weight, whatever the barrier.
 */
static void the_reported_cost_does_not_depend_on_the_weight(void **state)
{
    (void)state;
    const char *const settings[][2] = {
        {"loss.corr_weight", "0"}, {"loss.corr_weight", "0.5"}, {"loss.corr_barrier", "original"}};
    ap_config config = small_config("mdct");
    set(&config, "train.epochs", "1");
    double cost[3];
    for (int k = 0; k < 3; k++) {
        set(&config, settings[k][0], settings[k][1]);
        cost[k] = run(&config).cost[0];
    }
    assert_true(cost[0] > 0 && fabs(cost[1] - cost[0]) < 1e-5 * cost[0] &&
                fabs(cost[2] - cost[0]) < 1e-5 * cost[0]);
}

static void the_same_seed_gives_the_same_bits(void **state)
{
    (void)state;
    ap_config config = small_config("seanet");
    set(&config, "train.epochs", "4");
    set(&config, "agent.dropout", "0.1");
    record a = run(&config), b = run(&config);
    assert_memory_equal(a.loss, b.loss, sizeof a.loss);
    set(&config, "train.seed", "1");
    record c = run(&config);
    assert_true(a.loss[0] != c.loss[0]);
}

static void threads_change_no_more_than_rounding(void **state)
{
    (void)state;
    ap_config config = small_config("seanet");
    set(&config, "train.epochs", "2");
    set(&config, "train.threads", "1");
    record one = run(&config);
    set(&config, "train.threads", "3");
    record three = run(&config);
    assert_true(fabs(one.loss[0] - three.loss[0]) < 1e-4 * one.loss[0]);
    assert_true(fabs(one.loss[1] - three.loss[1]) < 1e-2 * one.loss[1]);
}

static void nothing_is_allocated_once_it_runs(void **state)
{
    (void)state;
    ap_config config = small_config("seanet");
    set(&config, "train.epochs", "1");
    set(&config, "train.accumulate", "1");
    set(&config, "data.seconds", "0.1"); /* ten windows of the pair: ten steps of one epoch */
    record r = run(&config);
    assert_int_equal(r.steps, 10);
    for (int k = 2; k < r.steps; k++) assert_int_equal(r.memory[k], r.memory[1]);
}

/* One step over four windows at once, and over four batches of one, comes to the same weights: shown by what
 * validation then gives. AdamW's first step is the same whatever the gradient's size, which is looked at by
 * itself. */
static void gradients_of_several_batches_add_up_to_the_whole(void **state)
{
    (void)state;
    ap_config config = small_config("mdct");
    const char *const settings[][2] = {
        {"data.seconds", "0.25"},
        {"train.epochs", "1"},
        {"agent.compositional", "false"}, /* no BatchNorm, whose statistics are the batch's */
        {"loss.rms_target", "0"},
        {"loss.spectral", "0"},
        {"loss.level", "1"}, /* a mean over items, as accumulating takes it over batches */
    };
    set_all(&config, sizeof settings / sizeof *settings, settings);
    set(&config, "train.batch_size", "4");
    record whole = run(&config);
    set(&config, "train.batch_size", "1");
    set(&config, "train.accumulate", "4");
    record parts = run(&config);
    set(&config, "train.lr", "0");
    record unmoved = run(&config);
    assert_int_equal(whole.steps, 1);
    assert_int_equal(parts.steps, 1);
    assert_true(fabs(whole.norm[0] - parts.norm[0]) < 1e-4 * whole.norm[0]);
    assert_true(fabs(whole.validation - unmoved.validation) > 1e-3);
    assert_true(fabs(whole.validation - parts.validation) <
                1e-3 * fabs(whole.validation - unmoved.validation) + 1e-5);
}

/* ---------------------------------------------------------------- how a run ends */

typedef struct ending {
    int64_t steps, epochs;
    int skipped, best; /* steps that were; epochs that were the best so far */
    bool stopped_early, best_saved, last_saved;
    ap_status status;
} ending;

static void on_ending_note(void *context, const char *line)
{
    ending *e = context;
    e->skipped += strstr(line, "the step is skipped") != NULL;
    e->stopped_early |= strstr(line, "stopped early") != NULL;
}

static void on_ending_epoch(void *context, const ap_epoch_report *report)
{
    ((ending *)context)->best += report->best;
}

/* Runs in a folder of its own, from a checkpoint if there is one. */
static ending run_to_the_end(const ap_config *config, const char *name, const char *checkpoint)
{
    ending e = {0};
    ap_observer observer = {.context = &e, .note = on_ending_note, .epoch = on_ending_epoch};
    ap_trainer *trainer;
    ap_status status = checkpoint ? ap_trainer_resume(config, &observer, checkpoint, &trainer)
                                  : ap_trainer_create(config, &observer, &trainer);
    assert_string_equal(status.message, "");
    char *path = ap_format_text("%s/%s", folder, name), *best = ap_format_text("%s/best.safetensors", path),
         *last = ap_format_text("%s/last.safetensors", path);
    e.status = ap_trainer_run(trainer, path, NULL);
    e.steps = ap_trainer_step(trainer);
    e.epochs = ap_trainer_epoch(trainer);
    e.best_saved = access(best, F_OK) == 0;
    e.last_saved = access(last, F_OK) == 0;
    free(last);
    free(best);
    free(path);
    ap_trainer_free(trainer);
    return e;
}

/* A model without BatchNorm: it comes to the same output as long as its weights stay. */
static ap_config steady_config(void)
{
    ap_config config = small_config("mdct");
    set(&config, "agent.compositional", "false");
    set(&config, "data.seconds", "0.1"); /* ten windows of the pair */
    return config;
}

/* A checkpoint before the first step, of weights so large that nothing finite comes out. The caller frees its
 * path. */
static char *save_hopeless(const ap_config *config)
{
    ap_model *model;
    ap_status status = ap_model_create(config, 0, &model);
    assert_string_equal(status.message, "");
    ap_real *values = ap_params_trained_values(ap_model_params(model));
    ap_adamw optimiser = ap_adamw_init(ap_params_trained_count(ap_model_params(model)));
    ap_progress progress = {0};
    for (int64_t i = 0; i < optimiser.count; i++) values[i] *= (ap_real)1e30;
    char *path = ap_format_text("%s/hopeless.safetensors", folder);
    status = ap_checkpoint_save(path, config, model, &optimiser, &progress);
    assert_string_equal(status.message, "");
    ap_adamw_free(&optimiser);
    ap_model_free(model);
    return path;
}

static void ten_steps_in_a_row_without_a_gradient_end_a_run(void **state)
{
    (void)state;
    if (sizeof(ap_real) == sizeof(double)) skip(); /* no weight of a checkpoint is large enough */
    ap_config config = steady_config();
    char *hopeless = save_hopeless(&config);
    ending e = run_to_the_end(&config, "diverged", hopeless);
    assert_int_equal(e.status.code, AP_FAILED);
    assert_non_null(strstr(e.status.message, "diverged"));
    assert_int_equal(e.skipped, 10);
    assert_int_equal(e.steps, 10);
    assert_int_equal(e.epochs, 0);

    /* as few as are in a short run do not, but its epoch ends without a finite result, and is not saved */
    set(&config, "train.steps_per_epoch", "3");
    set(&config, "train.epochs", "2");
    e = run_to_the_end(&config, "hopeless", hopeless);
    assert_int_equal(e.status.code, AP_FAILED);
    assert_non_null(strstr(e.status.message, "diverged: val_loss of epoch 1 is not finite"));
    assert_int_equal(e.skipped, 3);
    assert_int_equal(e.best, 0);
    assert_false(e.best_saved || e.last_saved);
    free(hopeless);
}

/* Without a learning rate every epoch ends alike: the first is the best, and those after it count. */
static void patience_is_how_many_epochs_may_be_no_better(void **state)
{
    (void)state;
    ap_config config = steady_config();
    const char *const settings[][2] = {
        {"train.lr", "0"}, {"train.steps_per_epoch", "1"}, {"train.epochs", "5"}, {"train.patience", "2"}};
    set_all(&config, sizeof settings / sizeof *settings, settings);
    ending e = run_to_the_end(&config, "patient", NULL);
    assert_string_equal(e.status.message, "");
    assert_int_equal(e.best, 1);
    assert_true(e.best_saved && e.stopped_early);
    assert_int_equal(e.epochs, 3);
    set(&config, "train.patience", "0");
    e = run_to_the_end(&config, "tireless", NULL);
    assert_int_equal(e.epochs, 5);
    assert_false(e.stopped_early);
}

/* ---------------------------------------------------------------- the optimiser and the schedule */

/* AdamW against its equations in double, two steps */
static void adamw_steps_by_its_equations(void **state)
{
    (void)state;
    ap_real x[2] = {1, -2}, g[2][2] = {{(ap_real)0.5, -1}, {(ap_real)-0.25, 3}};
    double want[2] = {1, -2}, m[2] = {0}, v[2] = {0};
    ap_adamw s = ap_adamw_init(2);
    for (int t = 1; t <= 2; t++) {
        ap_adamw_step(&s, 0.1, 0.5, g[t - 1], x);
        for (int i = 0; i < 2; i++) {
            double d = 0.5 * (double)g[t - 1][i];
            want[i] *= 1 - 0.1 * 0.01;
            m[i] = 0.9 * m[i] + 0.1 * d;
            v[i] = 0.999 * v[i] + 0.001 * d * d;
            want[i] -= 0.1 * (m[i] / (1 - pow(0.9, t))) / (sqrt(v[i] / (1 - pow(0.999, t))) + 1e-8);
        }
    }
    check_close("AdamW", 2, x, want, 1e-6);
    ap_adamw_free(&s);
}

static void gradients_are_clipped_by_their_norm(void **state)
{
    (void)state;
    ap_real g[2] = {3, 4};
    assert_true(fabs(ap_norm(2, g) - 5) < 1e-6);
    assert_true(fabs(ap_clip_scale(5, 10) - 1) < 1e-12);
    assert_true(fabs(ap_clip_scale(20, 10) - 0.5) < 1e-6);
    assert_true(ap_clip_scale(20, 0) == 1);
    assert_true(ap_clip_scale(NAN, 10) == 0 && ap_clip_scale(INFINITY, 10) == 0);
}

static void learning_rate_rises_then_falls(void **state)
{
    (void)state;
    ap_config config = ap_config_default();
    set(&config, "train.lr", "1");
    set(&config, "train.warmup_steps", "10");
    assert_true(fabs(ap_learning_rate(&config, 0, 0) - 0.1) < 1e-12);
    assert_true(ap_learning_rate(&config, 10, 0) == 1 && ap_learning_rate(&config, 99, 1) == 1);
    set(&config, "train.schedule", "cosine");
    set(&config, "train.min_lr", "0.2");
    assert_true(ap_learning_rate(&config, 10, 0) == 1);
    assert_true(fabs(ap_learning_rate(&config, 60, 0.5) - 0.6) < 1e-12);
    assert_true(fabs(ap_learning_rate(&config, 4, 0.5) - 0.3) < 1e-12);
    assert_true(fabs(ap_learning_rate(&config, 110, 1) - 0.2) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_pair_is_overfitted),
        cmocka_unit_test(the_cost_is_brought_down_by_its_weight),
        cmocka_unit_test(the_reported_cost_does_not_depend_on_the_weight),
        cmocka_unit_test(the_same_seed_gives_the_same_bits),
        cmocka_unit_test(threads_change_no_more_than_rounding),
        cmocka_unit_test(nothing_is_allocated_once_it_runs),
        cmocka_unit_test(gradients_of_several_batches_add_up_to_the_whole),
        cmocka_unit_test(ten_steps_in_a_row_without_a_gradient_end_a_run),
        cmocka_unit_test(patience_is_how_many_epochs_may_be_no_better),
        cmocka_unit_test(adamw_steps_by_its_equations),
        cmocka_unit_test(gradients_are_clipped_by_their_norm),
        cmocka_unit_test(learning_rate_rises_then_falls),
    };
    return cmocka_run_group_tests_name("trainer", tests, set_up, folder_remove);
}
