#include "antiphon/trainer.h"

#include "antiphon/audio.h"
#include "base/bounds.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/replace.h"
#include "base/text.h"
#include "kernels/denormals.h"
#include "ranks/collect.h"
#include "train/divergence.h"
#include "train/feed.h"
#include "train/measures.h"
#include "train/notes.h"
#include "train/order.h"
#include "train/reducer.h"
#include "train/schedule.h"
#include "train/sets.h"
#include "train/statistics.h"
#include "train/step.h"
#include "train/stream.h"
#include "train/together.h"
#include "train/transfer.h"
#include "train/validation.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* This many successive steps without a finite gradient end the run. */
#define SKIPS_MOST 10

struct ap_trainer {
    ap_config config;
    ap_observer observer;
    ap_model *model;
    ap_tape *tape;
    ap_tape *terms;       /* of the loss, where they are balanced; NULL: they are not */
    ap_balancer balancer; /* as it was before the step under way */
    ap_adamw optimiser;
    ap_statistics statistics; /* their state before the current step */
    ap_dataset train, validation;
    uint64_t set;        /* fingerprint of the training set */
    ap_feed *feed;       /* of the training set; NULL until the run starts */
    ap_reducer *reducer; /* of the gradients of several ranks; NULL: there is but one */
    ap_progress progress;
    double started;                    /* clock at the start of the run */
    int64_t pairs_since;               /* items done since then */
    int skipped;                       /* number of steps skipped in succession */
    char *trouble;                     /* what went wrong in the first of them; NULL: none was skipped */
    int64_t began;                     /* number of optimiser steps at the start of the run */
    const volatile sig_atomic_t *stop; /* nonzero: stop; NULL: never */
};

/* ---------------------------------------------------------------- setting up */

static int64_t items_per_epoch(const ap_trainer *trainer)
{
    return ap_schedule_items(&trainer->config, trainer->train.windows);
}

static int64_t steps_left(const ap_trainer *trainer)
{
    return ap_schedule_steps_left(&trainer->config, &trainer->progress, trainer->train.windows);
}

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
    ap_schedule_begin(&trainer->progress, steps_left(trainer));
    return ap_ok();
}

/* Whether a stop was requested, of any rank. */
static bool asked_to_stop(const ap_trainer *trainer)
{
    return ap_ranks_any(trainer->stop && *trainer->stop);
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

/* Forgets the best epoch, because validation losses can no longer be compared: the next epoch is the best so
 * far. */
static void forget_best(ap_trainer *trainer, const char *why)
{
    ap_observer_note(&trainer->observer, "%s: the best epoch is judged anew", why);
    trainer->progress.has_best = false;
    trainer->progress.stale = 0;
}

/* Whether a key determines the validation loss or its data. */
static bool says_what_is_best(const char *name)
{
    return strncmp(name, "loss.", 5) == 0 || strcmp(name, "data.path") == 0 ||
           strcmp(name, "data.seconds") == 0 || strcmp(name, "data.unity_test") == 0;
}

/* Why the order of the current epoch differs from the one that was begun; NULL: it does not. An older
 * checkpoint does not store its set, only the path. */
static char *why_another_order(const ap_trainer *trainer, const ap_config *before)
{
    const ap_config *now = &trainer->config;
    uint64_t set = trainer->progress.set;
    const char *key = ap_order_key_changed(before, now);
    if (set && set != trainer->set) return ap_copy_text("the training set");
    if (!set && strcmp(before->data.path, now->data.path) != 0) key = "data.path";
    if (!set && before->data.seconds != now->data.seconds) key = "data.seconds";
    return key ? ap_copy_text(key) : NULL;
}

/* Continues the current epoch with the item after the last one done, so that none is repeated or left out.
 * If that is impossible, tells so. */
static void go_on_in_epoch(ap_trainer *trainer, const ap_config *before)
{
    ap_progress *p = &trainer->progress;
    char *why = why_another_order(trainer, before);
    int64_t items = items_per_epoch(trainer);
    if (why && p->items > 0) {
        ap_observer_note(&trainer->observer,
                         "%s has changed: epoch %" PRId64 ", with %" PRId64 " item%s done, starts again", why,
                         p->epoch + 1, p->items, p->items == 1 ? "" : "s");
        p->items = p->counted = 0;
        p->sums = (ap_measures){0};
    } else if (p->items > items)
        ap_observer_note(&trainer->observer,
                         "epoch %" PRId64 " has %" PRId64 " items done, and an epoch has only %" PRId64
                         " now: it ends here",
                         p->epoch + 1, p->items, items);
    free(why);
}

/* Adjusts the progress to settings that differ from `before`. */
static void go_on(ap_trainer *trainer, const ap_config *before)
{
    ap_progress *p = &trainer->progress;
    if (p->steps == 0) ap_schedule_recover(before, trainer->train.windows, p);
    bool done = ap_trainer_done(trainer);
    if (!done) go_on_in_epoch(trainer, before);
    p->set = trainer->set;
    char *line = ap_schedule_resume(before, &trainer->config, steps_left(trainer), p);
    if (line && !done) ap_observer_note(&trainer->observer, "%s", line);
    free(line);
}

static ap_status load_checkpoint(ap_trainer *trainer, const char *checkpoint)
{
    ap_config before;
    AP_TRY(ap_checkpoint_config(checkpoint, &before));
    AP_TRY(ap_checkpoint_resume(checkpoint, trainer->model, &trainer->optimiser, &trainer->progress));
    *ap_tape_rng(trainer->tape) = trainer->progress.rng;
    for (size_t i = 0; trainer->progress.has_best && i < ap_config_count(); i++) {
        char was[AP_CONFIG_TEXT], is[AP_CONFIG_TEXT];
        ap_config_value(&before, i, was);
        ap_config_value(&trainer->config, i, is);
        if (strcmp(was, is) == 0 || !says_what_is_best(ap_config_name(i))) continue;
        char *why = ap_format_text("%s has changed", ap_config_name(i));
        forget_best(trainer, why);
        free(why);
    }
    go_on(trainer, &before);
    return ap_ok();
}

ap_status ap_trainer_resume(const ap_config *config, const ap_observer *observer, const char *checkpoint,
                            ap_trainer **trainer)
{
    ap_config model = *config;
    if (ap_ranks_own() > 0) return ap_trainer_create(config, observer, trainer);
    model.codec.weights[0] = '\0'; /* the checkpoint contains them; the file may have moved since */
    ap_status status = create(config, &model, observer, trainer);
    if (!ap_failed(&status)) status = load_checkpoint(*trainer, checkpoint);
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
        status = ap_transfer_weights(checkpoint, (*trainer)->model, &(*trainer)->observer);
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
    int patience = trainer->config.train.patience;
    return trainer->progress.epoch >= trainer->config.train.epochs ||
           (patience > 0 && trainer->progress.stale >= patience);
}

/* ---------------------------------------------------------------- a step */

static double learning_rate(const ap_trainer *trainer, int64_t step)
{
    return ap_learning_rate(&trainer->config, step,
                            ap_schedule_share(&trainer->config, &trainer->progress, step));
}

/* Forward and backward over this rank's part of a span of the current epoch; the gradient of the whole is
 * weighted by `share`. After the `last` one of a step those of all ranks are added up. *measures: of the
 * whole. */
static ap_status run_batch(ap_trainer *trainer, ap_span span, double share, bool last, ap_measures *measures,
                           double *waited)
{
    const ap_tape_rows rows = ap_together_rows(span.count);
    const ap_batch *batch;
    /* of several ranks none may leave the others alone: they stop together, later */
    ap_status status =
        ap_feed_take(trainer->feed, span, ap_ranks_count() == 1 ? trainer->stop : NULL, &batch, waited);
    if (ap_ranks_any(ap_failed(&status))) return ap_ranks_agree(status);
    ap_together_enter(trainer->tape, &rows);
    ap_together_enter(trainer->terms, &rows);
    if (last) ap_reducer_begin(trainer->reducer, trainer->tape);
    if (trainer->terms)
        *measures = ap_step_gradient_balanced(trainer->tape, trainer->terms, &trainer->config, trainer->model,
                                              batch, &trainer->progress.balancer, share);
    else
        *measures = ap_step_gradient(trainer->tape, &trainer->config, trainer->model, batch, share);
    ap_together_enter(trainer->tape, NULL);
    ap_together_enter(trainer->terms, NULL);
    ap_together_means(&rows, measures);
    return ap_ok();
}

/* Forward and backward over `total` items from `at` on, batch by batch, with the same weight for every item.
 * *means: over the items. AP_INTERRUPTED when it is asked to stop between batches. */
static ap_status run_batches(ap_trainer *trainer, int64_t at, int64_t total, ap_measures *means,
                             double *waited)
{
    for (int64_t done = 0, count; done < total; done += count) {
        if (done > 0 && asked_to_stop(trainer)) return ap_error(AP_INTERRUPTED, "interrupted");
        count = ap_least(trainer->config.train.batch_size, total - done);
        double share = (double)count / (double)total;
        ap_measures measures;
        AP_TRY(run_batch(trainer, (ap_span){trainer->progress.epoch, at + done, count}, share,
                         done + count == total, &measures, waited));
        ap_measures_add(means, &measures, share);
    }
    ap_reducer_end(trainer->reducer);
    return ap_ok();
}

/* Explains what goes wrong with these items of a set, by repeating a step over them. To be freed. */
static char *explain(ap_trainer *trainer, const ap_dataset *set, int64_t count, const ap_choice *choices)
{
    ap_rng after = *ap_tape_rng(trainer->tape);
    const ap_failed_step failed = {.config = &trainer->config,
                                   .model = trainer->model,
                                   .set = set,
                                   .choices = choices,
                                   .count = count,
                                   .rng = trainer->progress.rng,
                                   .trained = trainer->optimiser.step > trainer->began};
    char *text = ap_divergence_explain(trainer->tape, &failed);
    *ap_tape_rng(trainer->tape) = after;
    return text;
}

/* Handles a step over `items` without a finite gradient: undoes its traces and, after too many in
 * succession, ends the run. */
static ap_status skip_step(ap_trainer *trainer, int64_t items)
{
    ap_choice *choices = ap_allocate((size_t)items, sizeof *choices);
    ap_feed_draw(trainer->feed, (ap_span){trainer->progress.epoch, trainer->progress.items - items, items},
                 choices);
    char *trouble = explain(trainer, &trainer->train, items, choices);
    free(choices);
    ap_statistics_restore(&trainer->statistics, ap_model_params(trainer->model));
    trainer->progress.balancer = trainer->balancer;
    ap_observer_note(&trainer->observer,
                     "step %" PRId64 ": the gradient is not finite, the step is skipped: %s",
                     trainer->progress.step, trouble);
    if (trainer->skipped++ == 0) {
        free(trainer->trouble);
        trainer->trouble = trouble;
    } else
        free(trouble);
    if (trainer->skipped < SKIPS_MOST) return ap_ok();
    return ap_ranks_agree(
        ap_error(AP_FAILED, "training has diverged: no finite gradient in %d steps; in the first of them %s",
                 SKIPS_MOST, trainer->trouble));
}

/* Updates the weights and adds to the epoch's sums, unless the gradient is not finite. */
static ap_status update(ap_trainer *trainer, int64_t items, ap_step_report *report)
{
    ap_progress *p = &trainer->progress;
    report->learning_rate = learning_rate(trainer, p->step);
    report->gradient_norm =
        ap_step_update(&trainer->config, trainer->model, &trainer->optimiser, report->learning_rate);
    p->step++;
    if (isfinite(report->gradient_norm)) {
        ap_measures_add(&p->sums, &report->measures, (double)items);
        p->counted += items;
        trainer->skipped = 0;
        return ap_ok();
    }
    return skip_step(trainer, items);
}

static void report_step(ap_trainer *trainer, ap_step_report *report)
{
    const ap_progress *p = &trainer->progress;
    int64_t size = trainer->config.train.batch_size, items = items_per_epoch(trainer);
    double seconds = ap_clock_seconds() - trainer->started,
           rate = (double)trainer->pairs_since / fmax(seconds, 1e-9);
    double left = (double)(trainer->config.train.epochs - p->epoch) * (double)items - (double)p->items;
    report->epoch = p->epoch + 1;
    report->epochs = trainer->config.train.epochs;
    report->batch = ap_divide_up(p->items, size);
    report->batches = ap_divide_up(items, size);
    report->step = p->step;
    report->pairs_per_second = rate;
    report->seconds_left = left / fmax(rate, 1e-9);
    if (trainer->observer.step) trainer->observer.step(trainer->observer.context, report);
}

/* Everything as it was before the step under way, which is to be taken again when training goes on. */
static void take_back_step(ap_trainer *trainer)
{
    ap_params *params = ap_model_params(trainer->model);
    ap_statistics_restore(&trainer->statistics, params);
    ap_params_zero_grads(params);
    trainer->progress.balancer = trainer->balancer;
    *ap_tape_rng(trainer->tape) = trainer->progress.rng;
}

/* One optimiser step over the next group of batches; none when it is asked to stop meanwhile, or a file
 * cannot be read (*unread). */
static ap_status run_step(ap_trainer *trainer, bool *unread)
{
    ap_progress *p = &trainer->progress;
    double began = ap_clock_seconds(), waited = 0;
    int64_t most = (int64_t)trainer->config.train.accumulate * trainer->config.train.batch_size;
    int64_t total = ap_least(most, items_per_epoch(trainer) - p->items);
    ap_statistics_keep(&trainer->statistics, ap_model_params(trainer->model));
    trainer->balancer = p->balancer;
    ap_step_report report = {.epoch = 0};
    ap_status status = run_batches(trainer, p->items, total, &report.measures, &waited);
    *unread = status.code == AP_FAILED;
    if (ap_failed(&status)) {
        take_back_step(trainer);
        return *unread ? status : ap_ok();
    }
    p->items += total;
    trainer->pairs_since += total;
    AP_TRY(update(trainer, total, &report));
    p->rng = *ap_tape_rng(trainer->tape);
    report.waited = trainer->train.held ? NAN : waited / fmax(ap_clock_seconds() - began, 1e-9);
    report_step(trainer, &report);
    return ap_ok();
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
    char *text = explain(trainer, set, set->windows, choices);
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
                              .learning_rate = learning_rate(trainer, p->step - 1),
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
    while (trainer->progress.items < items_per_epoch(trainer)) {
        if (asked_to_stop(trainer)) return save_and_stop(trainer, folder);
        bool unread;
        ap_status status = run_step(trainer, &unread);
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
    if (trainer->progress.has_best && !has_best) forget_best(trainer, "there is no best checkpoint here");
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
