#include "evaluate/evaluation.h"

#include "antiphon/modulation.h"
#include "antiphon/status.h"
#include "antiphon/stop.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "kernels/denormals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Seed of the bootstrap: the same for every system and metric, so that all resample the same items. */
#define BOOTSTRAP_SEED 1

ap_evaluation *ap_evaluation_create(void)
{
    ap_evaluation *e = ap_allocate(1, sizeof *e);
    e->kept = ap_arena_create();
    e->heard = ap_arena_create();
    e->baselines = -1;
    for (ap_metric m = 0; m < AP_METRIC_COUNT; m++) e->unrelated[m] = NAN;
    return e;
}

void ap_evaluation_free(ap_evaluation *evaluation)
{
    if (!evaluation) return;
    ap_arena_free(evaluation->kept);
    ap_arena_free(evaluation->heard);
    free(evaluation->systems);
    free(evaluation->items);
    free(evaluation);
}

static const char *keep_text(ap_evaluation *e, const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(ap_arena_alloc(e->kept, bytes), text, bytes);
}

int ap_evaluation_add_system(ap_evaluation *evaluation, const char *name)
{
    ap_evaluation *e = evaluation;
    if (e->item_count) ap_fatal("evaluation: system %s added after the first item", name);
    e->systems = ap_reallocate(e->systems, (size_t)e->system_count + 1, sizeof *e->systems);
    e->systems[e->system_count] = keep_text(e, name);
    return e->system_count++;
}

void ap_evaluation_add_baselines(ap_evaluation *evaluation)
{
    evaluation->baselines = evaluation->system_count;
    for (int b = 0; b < AP_BASELINE_COUNT; b++) ap_evaluation_add_system(evaluation, ap_baseline_name(b));
}

static ap_status check_finite(const char *item, const char *what, int64_t n, const ap_real *x)
{
    for (int64_t t = 0; t < n; t++)
        if (!isfinite(x[t]))
            return ap_error(AP_FAILED, "%s: sample %lld of the %s is not finite", item, (long long)t, what);
    return ap_ok();
}

static ap_chroma keep_chroma(ap_evaluation *e, ap_chroma chroma)
{
    size_t bytes = (size_t)(chroma.count * AP_CHROMA_CLASSES) * sizeof *chroma.rows;
    chroma.rows = memcpy(ap_arena_alloc(e->kept, bytes), chroma.rows, bytes);
    return chroma;
}

static ap_levels keep_levels(ap_evaluation *e, const ap_analysis *heard)
{
    size_t bytes = (size_t)heard->level_count * sizeof *heard->level;
    return (ap_levels){heard->level_count, memcpy(ap_arena_alloc(e->kept, bytes), heard->level, bytes)};
}

/* Whether the maxima hardly move, so that even a perfect copy would not show. */
static bool hardly_moves(int64_t n, const ap_real *x)
{
    ap_real maxima[AP_MODULATION_SEGMENTS];
    ap_envelope(1, n, AP_MODULATION_SEGMENTS, x, maxima, NULL);
    return ap_copy_r(AP_MODULATION_SEGMENTS, maxima) < AP_COPY_R_LEAST;
}

ap_status ap_evaluation_begin(ap_evaluation *evaluation, const char *item, int64_t n, const ap_real *input,
                              const ap_real *target)
{
    ap_evaluation *e = evaluation;
    if (n < AP_METRICS_SAMPLES_LEAST)
        return ap_error(AP_FAILED, "%s: %lld samples are too few to measure: at least %d are needed", item,
                        (long long)n, AP_METRICS_SAMPLES_LEAST);
    AP_TRY(check_finite(item, "input", n, input));
    AP_TRY(check_finite(item, "target", n, target));
    ap_arena_reset(e->heard);
    e->input = ap_analyse(e->heard, n, input);
    e->target = ap_analyse(e->heard, n, target);
    e->items = ap_reallocate(e->items, (size_t)e->item_count + 1, sizeof *e->items);
    ap_evaluated_item *at = &e->items[e->item_count++];
    size_t values = (size_t)(e->system_count * AP_METRIC_COUNT);
    at->name = keep_text(e, item);
    at->still = hardly_moves(n, input) || hardly_moves(n, target);
    at->image = (ap_image_distance){NAN, NAN};
    at->target = keep_chroma(e, e->target.chroma);
    at->input_levels = keep_levels(e, &e->input);
    at->target_levels = keep_levels(e, &e->target);
    at->chroma = ap_arena_zeros(e->kept, (size_t)e->system_count * sizeof *at->chroma);
    at->levels = ap_arena_zeros(e->kept, (size_t)e->system_count * sizeof *at->levels);
    at->values = ap_arena_alloc(e->kept, values * sizeof *at->values);
    for (size_t i = 0; i < values; i++) at->values[i] = NAN;
    return ap_ok();
}

ap_status ap_evaluation_score(ap_evaluation *evaluation, int system, const ap_real *output)
{
    ap_evaluation *e = evaluation;
    if (!e->input.samples) ap_fatal("evaluation: scored before any item has begun");
    if (system < 0 || system >= e->system_count)
        ap_fatal("evaluation: system %d of %d", system, e->system_count);
    ap_evaluated_item *at = &e->items[e->item_count - 1];
    AP_TRY(ap_stop_check());
    AP_TRY(check_finite(at->name, "output", e->input.samples, output));
    ap_analysis heard = ap_analyse(e->heard, e->input.samples, output);
    ap_metrics_measure(e->heard, &e->input, &e->target, &heard, at->values + system * AP_METRIC_COUNT);
    at->chroma[system] = keep_chroma(e, heard.chroma);
    at->levels[system] = keep_levels(e, &heard);
    return ap_ok();
}

ap_status ap_evaluation_score_baselines(ap_evaluation *evaluation, const ap_baseline_options *options)
{
    ap_evaluation *e = evaluation;
    if (e->baselines < 0) ap_fatal("evaluation: baselines scored that were never added");
    int64_t n = e->input.samples;
    ap_real *output = ap_allocate((size_t)n, sizeof *output);
    ap_status status = ap_ok();
    bool flushed = ap_denormals_flush(); /* musaicing's activations decay towards zero */
    for (int b = 0; b < AP_BASELINE_COUNT && !ap_failed(&status); b++) {
        if (b == AP_BASELINE_OTHER && !options->other) continue;
        ap_baseline_compose(b, options, n, e->input.audio, e->target.audio, output);
        status = ap_evaluation_score(e, e->baselines + b, output);
        if (options->keep && !ap_failed(&status)) status = options->keep(options->keep_context, b, n, output);
    }
    ap_denormals_restore(flushed);
    free(output);
    return status;
}

void ap_evaluation_score_image(ap_evaluation *evaluation, int rate, int64_t n, const ap_real *const output[2],
                               const ap_real *const target[2])
{
    if (!evaluation->item_count) ap_fatal("evaluation: an image scored before any item has begun");
    evaluation->items[evaluation->item_count - 1].image = ap_image_compare(rate, n, output, target);
}

/* The mean cosine of an output's chroma and that of the targets of all other items. */
static double chroma_to_others(const ap_evaluation *e, ap_chroma chroma, int64_t own)
{
    double sum = 0;
    for (int64_t i = 0; i < e->item_count; i++)
        if (i != own) sum += ap_chroma_cosine(chroma, e->items[i].target);
    return sum / (double)(e->item_count - 1);
}

/* The mean correlation of a system's output for item `own` and its outputs for the other items. */
static double level_to_others(const ap_evaluation *e, int system, int64_t own)
{
    ap_levels mine = e->items[own].levels[system];
    double sum = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < e->item_count; i++) {
        ap_levels other = e->items[i].levels[system];
        if (i == own || !other.count) continue;
        sum += ap_pearson(ap_least(mine.count, other.count), mine.at, other.at);
        count++;
    }
    return count ? sum / (double)count : NAN;
}

static double r_max_of(ap_levels a, ap_levels b)
{
    return ap_level_r_max(ap_least(a.count, b.count), a.at, b.at);
}

/* Compares every item's sources with the targets of the items after it, wrapping around at the end. */
static void measure_unrelated(ap_evaluation *e)
{
    int64_t others = ap_least(e->item_count - 1, AP_UNRELATED_OTHERS), pairs = e->item_count * others;
    double *of_inputs = ap_allocate((size_t)pairs, sizeof *of_inputs),
           *of_targets = ap_allocate((size_t)pairs, sizeof *of_targets);
#pragma omp parallel for schedule(dynamic)
    for (int64_t pair = 0; pair < pairs; pair++) {
        if (ap_stop_asked()) continue;
        int64_t i = pair / others, j = (i + 1 + pair % others) % e->item_count;
        of_inputs[pair] = r_max_of(e->items[i].input_levels, e->items[j].target_levels);
        of_targets[pair] = r_max_of(e->items[i].target_levels, e->items[j].target_levels);
    }
    e->unrelated[AP_METRIC_RMAX_INPUT] = ap_quantile(pairs, of_inputs, AP_UNRELATED_SHARE);
    e->unrelated[AP_METRIC_RMAX_TARGET] = ap_quantile(pairs, of_targets, AP_UNRELATED_SHARE);
    free(of_inputs);
    free(of_targets);
}

double ap_evaluation_unrelated(const ap_evaluation *evaluation, ap_metric metric)
{
    return evaluation->unrelated[metric];
}

void ap_evaluation_finish(ap_evaluation *evaluation)
{
    ap_evaluation *e = evaluation;
    e->input = e->target = (ap_analysis){.samples = 0};
    if (e->item_count < 2) return;
    if (e->baselines >= 0) measure_unrelated(e);
    for (int64_t i = 0; i < e->item_count && !ap_stop_asked(); i++) {
#pragma omp parallel for schedule(dynamic)
        for (int s = 0; s < e->system_count; s++) {
            double *values = e->items[i].values + s * AP_METRIC_COUNT;
            if (!e->items[i].chroma[s].count) continue;
            values[AP_METRIC_CHROMA_GAIN] =
                values[AP_METRIC_CHROMA] - chroma_to_others(e, e->items[i].chroma[s], i);
            values[AP_METRIC_OTHERS] = level_to_others(e, s, i);
        }
    }
}

int ap_evaluation_systems(const ap_evaluation *evaluation)
{
    return evaluation->system_count;
}

int64_t ap_evaluation_items(const ap_evaluation *evaluation)
{
    return evaluation->item_count;
}

int64_t ap_evaluation_still(const ap_evaluation *evaluation)
{
    int64_t still = 0;
    for (int64_t i = 0; i < evaluation->item_count; i++) still += evaluation->items[i].still;
    return still;
}

const char *ap_evaluation_system(const ap_evaluation *evaluation, int system)
{
    return evaluation->systems[system];
}

const char *ap_evaluation_item(const ap_evaluation *evaluation, int64_t item)
{
    return evaluation->items[item].name;
}

double ap_evaluation_value(const ap_evaluation *evaluation, int system, int64_t item, ap_metric metric)
{
    return evaluation->items[item].values[system * AP_METRIC_COUNT + (int)metric];
}

static ap_summary image_summary(const ap_evaluation *e, bool level)
{
    double *values = ap_allocate((size_t)e->item_count, sizeof *values);
    for (int64_t i = 0; i < e->item_count; i++)
        values[i] = level ? e->items[i].image.level : e->items[i].image.coherence;
    ap_summary summary = ap_bootstrap(e->item_count, values, BOOTSTRAP_SEED);
    free(values);
    return summary;
}

ap_summary ap_evaluation_image_level(const ap_evaluation *evaluation)
{
    return image_summary(evaluation, true);
}

ap_summary ap_evaluation_image_coherence(const ap_evaluation *evaluation)
{
    return image_summary(evaluation, false);
}

ap_summary ap_evaluation_summary(const ap_evaluation *evaluation, int system, ap_metric metric)
{
    int64_t n = evaluation->item_count;
    double *values = ap_allocate((size_t)n, sizeof *values);
    for (int64_t i = 0; i < n; i++) values[i] = ap_evaluation_value(evaluation, system, i, metric);
    ap_summary summary = ap_bootstrap(n, values, BOOTSTRAP_SEED);
    free(values);
    return summary;
}
