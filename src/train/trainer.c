#include "antiphon/trainer.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/replace.h"
#include "base/text.h"
#include "kernels/denormals.h"
#include "ranks/collect.h"
#include "train/measures.h"
#include "train/notes.h"
#include "train/precision.h"
#include "train/order.h"
#include "train/sets.h"
#include "train/step.h"
#include "train/stream.h"
#include "train/together.h"
#include "train/training_resume.h"
#include "train/training_step.h"
#include "train/transfer.h"
#include "train/validation.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- setting up */

static ap_status prepare(ap_trainer *trainer)
{
    trainer->tape = ap_tape_create(ap_stream(&trainer->config, AP_STREAM_TAPE, 0));
    if (trainer->config.loss.balancer) trainer->terms = ap_tape_create(0);
    trainer->progress.rng = *ap_tape_rng(trainer->tape);
    trainer->optimiser = ap_step_optimiser(&trainer->config, trainer->model);
    trainer->statistics = ap_statistics_init(ap_model_params(trainer->model));
    trainer->reducer = ap_reducer_create(ap_model_params(trainer->model), trainer->config.train.wire);
    AP_TRY(ap_dataset_fingerprint(&trainer->train, &trainer->set));
    trainer->progress.set = trainer->set;
    ap_schedule_begin(&trainer->progress, ap_training_steps_left(trainer));
    return ap_ok();
}

/* Computes the latents once the codec's weights are final, that is, after a checkpoint has been loaded. */
static ap_status start(ap_trainer *trainer)
{
    if (!trainer->feed) {
        ap_tape_gradients_set(trainer->tape, false);
        ap_status status = ap_sets_encode(&trainer->config, &trainer->observer, trainer->model, trainer->tape,
                                          trainer->stop, &trainer->train, &trainer->validation);
        if (ap_ranks_any(status.code == AP_INTERRUPTED)) return ap_error(AP_INTERRUPTED, "interrupted");
        AP_TRY(ap_ranks_agree(status));
        trainer->feed = ap_feed_create(&trainer->config, &trainer->train);
    }
    trainer->started = ap_clock_seconds();
    trainer->pairs_since = 0;
    return ap_ok();
}

/* A trainer whose model is built from `model` and which otherwise uses `config`. */
static ap_status create(const ap_config *config, const ap_config *model, const ap_observer *observer,
                        ap_trainer **out)
{
    *out = NULL;
    AP_TRY(ap_config_check(config));
    ap_trainer *trainer = ap_allocate(1, sizeof *trainer);
    trainer->config = *config;
    if (observer) trainer->observer = *observer;
    if (config->train.threads) omp_set_num_threads(config->train.threads);
    ap_precision_begin(config, &trainer->observer);
    ap_status status = ap_sets_load(config, &trainer->observer, &trainer->train, &trainer->validation);
    if (!ap_failed(&status))
        status = ap_model_create(model, ap_stream(&trainer->config, AP_STREAM_WEIGHTS, 0), &trainer->model);
    if (!ap_failed(&status)) status = prepare(trainer);
    if (ap_failed(&status)) {
        ap_trainer_free(trainer);
        return status;
    }
    *out = trainer;
    return status;
}

/* Whether all ranks have a trainer, and one on the same sets; they then go on from the state of rank 0.
 * Otherwise the trainer is freed. */
static ap_status join(ap_status status, ap_trainer **trainer)
{
    ap_trainer *t = *trainer;
    status = ap_ranks_agree(status);
    if (!ap_failed(&status)) {
        uint64_t validation = 0;
        if (ap_ranks_count() > 1) status = ap_dataset_fingerprint(&t->validation, &validation);
        status = ap_ranks_agree(status);
        if (!ap_failed(&status)) status = ap_together_sets(t->set, validation);
    }
    if (!ap_failed(&status)) {
        ap_together_begin(t->model, &t->optimiser, &t->progress, ap_tape_rng(t->tape));
        return status;
    }
    ap_trainer_free(t);
    *trainer = NULL;
    return status;
}

ap_status ap_trainer_create(const ap_config *config, const ap_observer *observer, ap_trainer **trainer)
{
    ap_config model = *config;
    if (ap_ranks_own() > 0) model.codec.weights[0] = '\0'; /* rank 0 reads them for all */
    return join(create(config, &model, observer, trainer), trainer);
}

void ap_trainer_free(ap_trainer *trainer)
{
    if (!trainer) return;
    ap_feed_free(trainer->feed); /* reads the sets */
    ap_precision_end();
    ap_statistics_free(&trainer->statistics);
    ap_tape_free(trainer->tape);
    ap_tape_free(trainer->terms);
    ap_model_free(trainer->model);
    ap_adamw_free(&trainer->optimiser);
    ap_dataset_free(&trainer->train);
    ap_dataset_free(&trainer->validation);
    ap_reducer_free(trainer->reducer);
    free(trainer->trouble);
    free(trainer);
}

ap_status ap_trainer_resume(const ap_config *config, const ap_observer *observer, const char *checkpoint,
                            ap_trainer **trainer)
{
    ap_config model = *config;
    if (ap_ranks_own() > 0) return ap_trainer_create(config, observer, trainer);
    model.codec.weights[0] = '\0'; /* the checkpoint contains them; the file may have moved since */
    ap_status status = create(config, &model, observer, trainer);
    if (!ap_failed(&status))
        status = ap_transfer_explain(ap_training_resume(*trainer, checkpoint), checkpoint, config,
                                     (*trainer)->model, "begin another run (another --out)");
    return join(status, trainer);
}

ap_status ap_trainer_create_from(const ap_config *config, const ap_observer *observer, const char *checkpoint,
                                 ap_trainer **trainer)
{
    ap_config model;
    *trainer = NULL;
    if (ap_ranks_own() > 0) return ap_trainer_create(config, observer, trainer);
    ap_status status = ap_transfer_config(checkpoint, config, &model);
    if (!ap_failed(&status)) status = create(config, &model, observer, trainer);
    if (!ap_failed(&status))
        status = ap_transfer_explain(
            ap_transfer_weights(checkpoint, (*trainer)->model, &(*trainer)->observer), checkpoint, config,
            (*trainer)->model, "begin without its weights (no --init)");
    return join(status, trainer);
}

int64_t ap_trainer_epoch(const ap_trainer *trainer)
{
    return trainer->progress.epoch;
}

int64_t ap_trainer_step(const ap_trainer *trainer)
{
    return trainer->progress.step;
}

bool ap_trainer_done(const ap_trainer *trainer)
{
    return ap_training_done(trainer);
}

/* ---------------------------------------------------------------- an epoch */

/* Puts the running mean of the weights in their place, or them back. */
static void exchange_weights(ap_trainer *trainer)
{
    ap_params *params = ap_model_params(trainer->model);
    ap_real *values = ap_params_trained_values(params), *average = trainer->optimiser.average;
    for (int64_t i = 0; average && i < ap_params_trained_count(params); i++) {
        ap_real value = values[i];
        values[i] = average[i];
        average[i] = value;
    }
}

/* Whether rank 0 has the file. */
static ap_status is_there(const char *folder, const char *name, bool *there)
{
    ap_status status = ap_ok();
    *there = false;
    if (ap_ranks_own() == 0) {
        char *path = ap_format_text("%s/%s", folder, name);
        status = ap_file_is_there(path, there);
        free(path);
    }
    ap_ranks_broadcast(sizeof *there, there);
    return ap_ranks_agree(status);
}

/* Rank 0 saves for all. */
static ap_status save(ap_trainer *trainer, const char *folder, const char *name)
{
    ap_status status = ap_ok();
    if (ap_ranks_own() == 0) {
        char *path = ap_format_text("%s/%s", folder, name);
        status = ap_checkpoint_save(path, &trainer->config, trainer->model, &trainer->optimiser,
                                    &trainer->progress);
        free(path);
    }
    return ap_ranks_agree(status);
}

static ap_status save_and_stop(ap_trainer *trainer, const char *folder)
{
    AP_TRY(save(trainer, folder, "last.safetensors"));
    return ap_ranks_agree(ap_error(AP_INTERRUPTED,
                                   "interrupted at step %" PRId64 ", saved in %s/last.safetensors",
                                   trainer->progress.step, folder ? folder : ""));
}

/* Saves all steps that were taken before `failure`, to which it adds where. */
static ap_status save_and_fail(ap_trainer *trainer, const char *folder, ap_status failure)
{
    ap_status saved = save(trainer, folder, "last.safetensors");
    if (ap_failed(&saved)) return failure;
    return ap_ranks_agree(ap_error(AP_FAILED, "%s; saved at step %" PRId64 " in %s/last.safetensors",
                                   failure.message, trainer->progress.step, folder ? folder : ""));
}

/* Explains why validation is not finite. To be freed. */
static char *explain_validation(ap_trainer *trainer)
{
    const ap_dataset *set = &trainer->validation;
    const ap_params *params = ap_model_params(trainer->model);
    ap_choice *choices = ap_allocate((size_t)set->windows, sizeof *choices);
    for (int64_t i = 0; i < set->windows; i++) choices[i] = ap_order_plain(&trainer->config, set, i);
    ap_statistics_keep(&trainer->statistics, params);
    char *text = ap_training_explain(trainer, set, set->windows, choices);
    ap_statistics_restore(&trainer->statistics, params);
    free(choices);
    return text;
}

/* The checkpoints that are due after an epoch. */
static ap_status save_epoch(ap_trainer *trainer, const char *folder, bool best)
{
    bool there;
    if (!ap_together_check(trainer->model, &trainer->optimiser))
        ap_observer_note(&trainer->observer, "the ranks' weights had come apart, as on processors that round "
                                             "differently: all go on with those of rank 0");
    AP_TRY(is_there(folder, "last.safetensors", &there));
    if (best) AP_TRY(save(trainer, folder, "best.safetensors"));
    /* the first epoch at once, so that a run that ends before the next can be resumed */
    bool due =
        ap_trainer_done(trainer) || trainer->progress.epoch % trainer->config.train.checkpoint_every == 0;
    return due || !there ? save(trainer, folder, "last.safetensors") : ap_ok();
}

/* Keeps the score of the epoch that `report` is about, tells the observer, and begins the next. */
static void conclude_epoch(ap_trainer *trainer, ap_epoch_report *report)
{
    ap_progress *p = &trainer->progress;
    double loss = report->validation.value[AP_MEASURE_LOSS];
    report->best = !ap_measures_not_finite(&report->validation) && (!p->has_best || loss < p->best);
    p->stale = report->best ? 0 : p->stale + 1;
    if (report->best) {
        p->has_best = true;
        p->best = loss;
    }
    p->epoch++;
    p->items = p->counted = 0;
    p->sums = (ap_measures){0};
    if (trainer->observer.epoch) trainer->observer.epoch(trainer->observer.context, report);
}

/* Validates, reports, and begins the next epoch. `shown` [3, S] is room for the input, the target and the
 * output of the window that is reported. *whole: false when it is asked to stop meanwhile; then the epoch is
 * not at its end. *best: whether it is the best so far. */
static ap_status validate(ap_trainer *trainer, double began, ap_real *shown, ap_measures *measures,
                          bool *whole, bool *best)
{
    const ap_progress *p = &trainer->progress;
    const ap_dataset *set = &trainer->validation;
    const ap_validation validation = {.config = &trainer->config,
                                      .model = trainer->model,
                                      .tape = trainer->tape,
                                      .set = set,
                                      .observer = &trainer->observer,
                                      .stop = trainer->stop};
    ap_real *input = shown, *target = shown + set->S, *output = shown + 2 * set->S;
    ap_pair_side second = trainer->config.data.unity_test ? AP_PAIR_INPUT : AP_PAIR_TARGET;
    ap_epoch_report report = {.epoch = p->epoch + 1,
                              .step = p->step,
                              .learning_rate = ap_training_rate(trainer, p->step - 1),
                              .train = ap_measures_mean(&p->sums, p->counted),
                              .S = set->S,
                              .input = input,
                              .target = target,
                              .output = output};
    AP_TRY(ap_dataset_read(set, ap_dataset_window(set, 0), AP_PAIR_INPUT, input));
    AP_TRY(ap_dataset_read(set, ap_dataset_window(set, 0), second, target));
    exchange_weights(trainer);
    ap_status status = ap_validate(&validation, &report.validation, output, whole);
    exchange_weights(trainer);
    if (ap_failed(&status) || !*whole) return status;
    report.seconds = ap_clock_seconds() - began;
    conclude_epoch(trainer, &report);
    *measures = report.validation;
    *best = report.best;
    return ap_ok();
}

/* Ends an epoch after its last batch: validation, report, checkpoints. */
static ap_status finish_epoch(ap_trainer *trainer, const char *folder, double began)
{
    ap_measures measures;
    bool whole, best = false;
    ap_real *shown = ap_allocate(3 * (size_t)trainer->validation.S, sizeof *shown);
    ap_status status = validate(trainer, began, shown, &measures, &whole, &best);
    free(shown);
    if (ap_failed(&status)) return save_and_fail(trainer, folder, status);
    if (!whole) return save_and_stop(trainer, folder);
    const char *broken = ap_measures_not_finite(&measures);
    if (!broken) return save_epoch(trainer, folder, best);
    char *why = explain_validation(trainer); /* earlier checkpoints stay */
    status = ap_error(AP_FAILED, "training has diverged: val_%s of epoch %" PRId64 " is not finite: %s",
                      broken, trainer->progress.epoch, why);
    free(why);
    return ap_ranks_agree(status);
}

static ap_status run_epoch(ap_trainer *trainer, const char *folder)
{
    double began = ap_clock_seconds();
    while (trainer->progress.items < ap_training_items(trainer)) {
        if (ap_training_asked_to_stop(trainer)) return save_and_stop(trainer, folder);
        bool unread;
        ap_status status = ap_training_step(trainer, &unread);
        if (unread) return save_and_fail(trainer, folder, status);
        AP_TRY(status);
    }
    return finish_epoch(trainer, folder, began);
}

/* A model none of whose steps was taken, in this run or before, has learnt nothing, however good its
 * validation looks. `first`: the step at which the run began. */
static ap_status check_learnt(const ap_trainer *trainer, int64_t first)
{
    int64_t steps = trainer->progress.step - first;
    if (steps == 0 || trainer->optimiser.step > 0) return ap_ok();
    return ap_ranks_agree(ap_error(
        AP_FAILED, "nothing was learnt: no finite gradient in %" PRId64 " step%s; in the first of them %s",
        steps, ap_plural(steps), trainer->trouble));
}

static ap_status run(ap_trainer *trainer, const char *folder)
{
    bool has_best;
    AP_TRY(ap_ranks_agree(ap_ranks_own() == 0 ? ap_make_folder(folder) : ap_ok()));
    AP_TRY(is_there(folder, "best.safetensors", &has_best));
    if (trainer->progress.has_best && !has_best)
        ap_training_forget_best(trainer, "there is no best checkpoint here");
    ap_status started = start(trainer);
    if (started.code == AP_INTERRUPTED) return save_and_stop(trainer, folder);
    AP_TRY(started);
    trainer->began = trainer->optimiser.step;
    int64_t first = trainer->progress.step;
    while (!ap_trainer_done(trainer)) AP_TRY(run_epoch(trainer, folder));
    if (trainer->progress.epoch < trainer->config.train.epochs)
        ap_observer_note(&trainer->observer,
                         "no better validation loss in %d epoch%s (train.patience): stopped early",
                         trainer->config.train.patience, ap_plural(trainer->config.train.patience));
    return check_learnt(trainer, first);
}

ap_status ap_trainer_run(ap_trainer *trainer, const char *folder, const volatile sig_atomic_t *stop)
{
    bool flushed = ap_denormals_flush();
    trainer->stop = stop;
    ap_status status = run(trainer, folder);
    ap_denormals_restore(flushed);
    return ap_ranks_confirm(status);
}
