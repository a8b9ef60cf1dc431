/** @file evaluate.h
 * An evaluation: systems x items x metrics. It measures the outputs of a model, and of the baselines, over a
 * set of pairs.
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

/** The number of resamples behind a bootstrap interval. */
#define AP_BOOTSTRAP_RESAMPLES 2000
/** The share of resampled means that lies inside the interval. */
#define AP_BOOTSTRAP_LEVEL 0.95

/** A mean and its percentile bootstrap interval (Efron, Tibshirani, 1993, ch. 13). NaN values are left out;
 * if nothing remains, the mean and the interval are NaN. */
typedef struct ap_summary {
    double mean, low, high;
    int64_t count; /**< values that are not NaN */
} ap_summary;
/** Summarises n values. The same seed gives the same interval. */
ap_summary ap_bootstrap(int64_t n, const double *values, uint64_t seed);

/** The quantile q (0 to 1) of n values, interpolated between neighbours. NaN values are left out; if nothing
 * remains, it is NaN. */
double ap_quantile(int64_t n, const double *values, double q);

/** The outputs of several systems, measured over several items. */
typedef struct ap_evaluation ap_evaluation;

/** An empty evaluation, owned by the caller. */
ap_evaluation *ap_evaluation_create(void);
/** Frees the evaluation. NULL is allowed. */
void ap_evaluation_free(ap_evaluation *evaluation);

/** Adds a system, a row of the table, and returns its index. The name is copied. Add all systems before the
 * first item. */
int ap_evaluation_add_system(ap_evaluation *evaluation, const char *name);

/** Adds all baselines as systems. Score them by ap_evaluation_score_baselines. */
void ap_evaluation_add_baselines(ap_evaluation *evaluation);

/** Begins the next item by analysing its sources, of n samples each. They are borrowed until the next item
 * begins or the evaluation is finished; the name is copied. Fails, and adds nothing, if the signals are too
 * short (AP_METRICS_SAMPLES_LEAST) or not finite. */
ap_status ap_evaluation_begin(ap_evaluation *evaluation, const char *item, int64_t n, const ap_real *input,
                              const ap_real *target);

/** Measures a system's output for the current item. It has as many samples as the sources. Fails if it is not
 * finite. The metrics of outputs that are never scored stay NaN. */
ap_status ap_evaluation_score(ap_evaluation *evaluation, int system, const ap_real *output);

/** Composes and measures every baseline for the current item. Without another target, the row of
 * AP_BASELINE_OTHER stays NaN. */
ap_status ap_evaluation_score_baselines(ap_evaluation *evaluation, const ap_baseline_options *options);

/** How far the stereo image of the composed output of the current item is from that of its target, for
 * recordings with two channels each: left and right, n samples at `rate`. Over 20 bands from 100 to 16000 Hz,
 * each weighing as the output's power in it: the mean difference of the inter-channel level differences, and
 * the mean distance of the complex inter-channel coherences (0: the same; 2: from in phase to antiphase). */
void ap_evaluation_score_image(ap_evaluation *evaluation, int rate, int64_t n, const ap_real *const output[2],
                               const ap_real *const target[2]);

/** To be called after the last item. Computes what needs the whole set: AP_METRIC_CHROMA_GAIN,
 * AP_METRIC_OTHERS and, with baselines, ap_evaluation_unrelated. */
void ap_evaluation_finish(ap_evaluation *evaluation);

/** The share of unrelated pairs that ap_evaluation_unrelated bounds. */
#define AP_UNRELATED_SHARE 0.95
/** The most other items that an item is compared with. */
#define AP_UNRELATED_OTHERS 60

/** The bound below which AP_UNRELATED_SHARE of unrelated pairs stay: for AP_METRIC_RMAX_INPUT, pairs of an
 * item's input and other items' targets; for AP_METRIC_RMAX_TARGET, pairs of two items' targets. NaN for any
 * other metric, with fewer than two items, without baselines, and before ap_evaluation_finish. */
double ap_evaluation_unrelated(const ap_evaluation *evaluation, ap_metric metric);

/** The number of systems and of items, and their names (borrowed). */
int ap_evaluation_systems(const ap_evaluation *evaluation);
int64_t ap_evaluation_items(const ap_evaluation *evaluation);
const char *ap_evaluation_system(const ap_evaluation *evaluation, int system);
const char *ap_evaluation_item(const ap_evaluation *evaluation, int64_t item);

/** The number of items in which the envelope of a source hardly moves (ap_copy_r below AP_COPY_R_LEAST:
 * steady, quiet or at full scale throughout), so that AP_METRIC_COST, AP_METRIC_R0_INPUT and
 * AP_METRIC_R0_TARGET say nothing. */
int64_t ap_evaluation_still(const ap_evaluation *evaluation);

/** One value; and the summary over all items (a bootstrap with a fixed seed: the same numbers every time). */
double ap_evaluation_value(const ap_evaluation *evaluation, int system, int64_t item, ap_metric metric);
ap_summary ap_evaluation_summary(const ap_evaluation *evaluation, int system, ap_metric metric);

/** The summaries of ap_evaluation_score_image over the items that have been scored by it: dB, and 0 to 2. */
ap_summary ap_evaluation_image_level(const ap_evaluation *evaluation);
ap_summary ap_evaluation_image_coherence(const ap_evaluation *evaluation);

/** The most metrics in a group. */
#define AP_METRIC_GROUP_MOST 9
/** Metrics that together answer one question. */
typedef struct ap_metric_group {
    const char *question;
    ap_metric columns[AP_METRIC_GROUP_MOST + 1]; /**< ended by AP_METRIC_COUNT */
} ap_metric_group;

/** The groups, in the order in which they are shown, as *first; returns their number. */
size_t ap_metric_groups(const ap_metric_group **first);

/** Prints aligned text: one table per question (does it copy? does it take the right things from each source?
 * is it music?), one row per system. Each cell is the mean and half the width of its interval. */
void ap_evaluation_print(const ap_evaluation *evaluation, FILE *stream);

/** Writes everything as JSON: {"sample_rate", "bootstrap": {"resamples", "level"}, "metrics": [{"name",
 * "unit", "meaning"}], "items": [names], "unrelated": {metric: ap_evaluation_unrelated}, "systems": [{"name",
 * "summary": {metric: {"mean", "low", "high", "count"}}, "values": {metric: [one per item]}}], "image":
 * {"level", "coherence"}}; the last two are summaries of ap_evaluation_score_image, and there only where an
 * item has been scored by it. NaN becomes null. The file appears whole or not at all. */
ap_status ap_evaluation_write(const ap_evaluation *evaluation, const char *path);

AP_API_END

#endif
