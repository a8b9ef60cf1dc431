#include "train/training_step.h"

#include "base/bounds.h"
#include "base/clock.h"
#include "base/memory.h"
#include "train/divergence.h"
#include "train/measures.h"
#include "train/notes.h"
#include "train/order.h"
#include "train/step.h"
#include "train/together.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* This many successive steps without a finite gradient end the run. */
#define SKIPS_MOST 10

double ap_training_rate(const ap_trainer *trainer, int64_t step)
{
    return ap_learning_rate(&trainer->config, step,
                            ap_schedule_share(&trainer->config, &trainer->progress, step));
}

/* ---------------------------------------------------------------- the gradient */

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
        if (done > 0 && ap_training_asked_to_stop(trainer)) return ap_error(AP_INTERRUPTED, "interrupted");
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

/* ---------------------------------------------------------------- the update */

char *ap_training_explain(ap_trainer *trainer, const ap_dataset *set, int64_t count, const ap_choice *choices)
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
    char *trouble = ap_training_explain(trainer, &trainer->train, items, choices);
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
    report->learning_rate = ap_training_rate(trainer, p->step);
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
    int64_t size = trainer->config.train.batch_size, items = ap_training_items(trainer);
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

/* ---------------------------------------------------------------- a step */

/* Everything as it was before the step under way, which is to be taken again when training goes on. */
static void take_back_step(ap_trainer *trainer)
{
    ap_params *params = ap_model_params(trainer->model);
    ap_statistics_restore(&trainer->statistics, params);
    ap_params_zero_grads(params);
    trainer->progress.balancer = trainer->balancer;
    *ap_tape_rng(trainer->tape) = trainer->progress.rng;
}

ap_status ap_training_step(ap_trainer *trainer, bool *unread)
{
    ap_progress *p = &trainer->progress;
    double began = ap_clock_seconds(), waited = 0;
    int64_t most = (int64_t)trainer->config.train.accumulate * trainer->config.train.batch_size;
    int64_t total = ap_least(most, ap_training_items(trainer) - p->items);
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
