/** @file evaluate.h
 * Systems x items x metrics: every output of a model, and of the baselines beside it, measured over a set of
 * pairs.
 *
 *     ap_evaluation *e = ap_evaluation_create();
 *     int model = ap_evaluation_add_system(e, "model");
 *     for each pair:  ap_evaluation_begin(e, name, n, input, target);
 *                     ap_evaluation_score(e, model, output);
 *                     ap_evaluation_score_baselines(e, &options);
 *     ap_evaluation_finish(e);
 *     ap_evaluation_print(e, stdout); ap_evaluation_write(e, "evaluation.json"); ap_evaluation_free(e);
 */
#ifndef ANTIPHON_EVALUATE_H
#define ANTIPHON_EVALUATE_H

#include "antiphon/api.h"
#include "antiphon/baselines.h"
#include "antiphon/metrics.h"
#include "antiphon/status.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

AP_API_BEGIN

/** How many resamples a bootstrap interval is drawn from. */
#define AP_BOOTSTRAP_RESAMPLES 2000
/** The share of resampled means that lies inside the interval. */
#define AP_BOOTSTRAP_LEVEL 0.95

/** A mean and the percentile bootstrap interval of it (Efron, Tibshirani, 1993, ch. 13). NaN values are left
 * out; without any other the mean and the interval are NaN. */
typedef struct ap_summary {
    double mean, low, high;
    int64_t count; /**< values that are not NaN */
} ap_summary;
ap_summary ap_bootstrap(int64_t n, const double *values, uint64_t seed);

/** The quantile q (0 to 1) of n values, interpolated between neighbours; NaN values are left out, without any
 * other it is NaN. */
double ap_quantile(int64_t n, const double *values, double q);

typedef struct ap_evaluation ap_evaluation;

/** An empty evaluation, owned by the caller. */
ap_evaluation *ap_evaluation_create(void);
void ap_evaluation_free(ap_evaluation *evaluation);

/** A row of the table; its index. All systems are added before the first item begins. */
int ap_evaluation_add_system(ap_evaluation *evaluation, const char *name);

/** Rows for all baselines; they are then scored by ap_evaluation_score_baselines. */
void ap_evaluation_add_baselines(ap_evaluation *evaluation);

/** Analyses the sources of the next item; both are borrowed until the next begins or the evaluation is
 * finished. Fails, and adds nothing, when the signals are too short (AP_METRICS_SAMPLES_LEAST) or not finite.
 */
ap_status ap_evaluation_begin(ap_evaluation *evaluation, const char *item, int64_t n, const ap_real *input,
                              const ap_real *target);

/** Measures what a system made of the item that has begun: as many samples as its sources. Fails when they
 * are not finite. What is never scored stays NaN. */
ap_status ap_evaluation_score(ap_evaluation *evaluation, int system, const ap_real *output);

/** Composes and measures every baseline for the item that has begun; without another target its row stays
 * NaN. */
ap_status ap_evaluation_score_baselines(ap_evaluation *evaluation, const ap_baseline_options *options);

/** After the last item: what needs the whole set (AP_METRIC_CHROMA_GAIN, AP_METRIC_OTHERS and, with
 * baselines, ap_evaluation_unrelated). */
void ap_evaluation_finish(ap_evaluation *evaluation);

/** The share of unrelated pairs whose r_max counts as that of unrelated music, and how many others an item is
 * held beside, at most. */
#define AP_UNRELATED_SHARE 0.95
#define AP_UNRELATED_OTHERS 60

/** What AP_UNRELATED_SHARE of unrelated pairs stay below: of AP_METRIC_RMAX_INPUT, each item's input beside
 * the targets of others; of AP_METRIC_RMAX_TARGET, its target beside them. NaN of any other metric, of fewer
 * than two items, without baselines, and before the evaluation is finished. */
double ap_evaluation_unrelated(const ap_evaluation *evaluation, ap_metric metric);

/** How many systems and items there are, and their names (borrowed). */
int ap_evaluation_systems(const ap_evaluation *evaluation);
int64_t ap_evaluation_items(const ap_evaluation *evaluation);
const char *ap_evaluation_system(const ap_evaluation *evaluation, int system);
const char *ap_evaluation_item(const ap_evaluation *evaluation, int64_t item);

/** In how many items a source's maxima hardly move (ap_copy_r below AP_COPY_R_LEAST: full scale throughout,
 * steady or quiet), so that AP_METRIC_COST, AP_METRIC_R0_INPUT and AP_METRIC_R0_TARGET say nothing. */
int64_t ap_evaluation_still(const ap_evaluation *evaluation);

/** One number, and the summary over all items (bootstrap with a fixed seed: the same numbers every time). */
double ap_evaluation_value(const ap_evaluation *evaluation, int system, int64_t item, ap_metric metric);
ap_summary ap_evaluation_summary(const ap_evaluation *evaluation, int system, ap_metric metric);

#define AP_METRIC_GROUP_MOST 9
/** Metrics that together answer one question. */
typedef struct ap_metric_group {
    const char *question;
    ap_metric columns[AP_METRIC_GROUP_MOST + 1]; /**< ended by AP_METRIC_COUNT */
} ap_metric_group;

/** The groups, in the order in which they are shown; their number. */
size_t ap_metric_groups(const ap_metric_group **first);

/** Aligned text: one table for each question (does it copy? does it take what it should from whom? is it
 * music?), a row a system, each cell the mean and half the width of its interval. */
void ap_evaluation_print(const ap_evaluation *evaluation, FILE *stream);

/** Everything as JSON: {"sample_rate", "bootstrap": {"resamples", "level"}, "metrics": [{"name", "unit",
 * "meaning"}], "items": [names], "unrelated": {metric: ap_evaluation_unrelated}, "systems": [{"name",
 * "summary": {metric: {"mean", "low", "high", "count"}}, "values": {metric: [one for each item]}}]}; NaN is
 * null. The file appears whole or not at all. */
ap_status ap_evaluation_write(const ap_evaluation *evaluation, const char *path);

AP_API_END

#endif
