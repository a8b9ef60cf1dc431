/** @file objective.h
 * The training loss: the weighted sum of the terms whose weight is not zero, and the measures reported with
 * it.
 */
#ifndef ANTIPHON_OBJECTIVE_H
#define ANTIPHON_OBJECTIVE_H

#include "antiphon/agent.h"
#include "antiphon/api.h"
#include "antiphon/config.h"
#include "antiphon/model.h"

AP_API_BEGIN

/** Everything a step reports, in the order of the log. */
typedef enum ap_measure {
    AP_MEASURE_LOSS, /**< what is optimised: the sum of all contributions (AP_MEASURE_ADDED) */
    /* The terms without their weights. The correlation's entry is always the original cost. */
    AP_MEASURE_RMS_INPUT,
    AP_MEASURE_RMS_TARGET,
    AP_MEASURE_SPECTRAL,
    AP_MEASURE_MEL,
    AP_MEASURE_NOVELTY,
    AP_MEASURE_CORR_COST, /**< AP_MODULATION_ORIGINAL, whichever form the loss uses, even at weight 0; like
                             r_input and r_target absent for items of fewer than 250 samples */
    AP_MEASURE_ONSET,
    AP_MEASURE_CHROMA,
    AP_MEASURE_TIMBRE,
    AP_MEASURE_VARIATION,
    AP_MEASURE_LEVEL,
    AP_MEASURE_CREST,
    AP_MEASURE_MIXTURE,
    AP_MEASURE_ANSWER, /**< only where there is an answer; then no other term is there */
    AP_MEASURE_ADDED,  /**< the first of the contributions, one per term in the order above: weight times
                          value, for the correlation in the form that is optimised. They add up to
                          AP_MEASURE_LOSS. */
    AP_MEASURE_R_INPUT = AP_MEASURE_ADDED + AP_MEASURE_ADDED - AP_MEASURE_RMS_INPUT,
    /**< mean |r| of the output's and the input's envelope, as in AP_MEASURE_CORR_COST */
    AP_MEASURE_R_TARGET, /**< the same with the target's */
    AP_MEASURE_WEIGHTS,  /**< the first of AP_COMPONENTS entries: the mean weight of each component */
    AP_MEASURE_COUNT = AP_MEASURE_WEIGHTS + AP_COMPONENTS
} ap_measure;

/** The name in the log, without the prefix "train_" or "val_": "loss", "rms_input", ..., "loss_rms_input",
 * ..., "input_rhythm_weight", ... A string constant. */
const char *ap_measure_name(ap_measure measure);

/** The configuration key of a term's weight, such as "loss.onset", and the value of that weight. NULL and 0
 * for a measure that is not a term of the loss. */
const char *ap_measure_key(ap_measure measure);
double ap_measure_weight(const ap_config *config, ap_measure measure);

/** The values of a step or an epoch. */
typedef struct ap_measures {
    bool present[AP_MEASURE_COUNT]; /**< false: the term was not computed */
    double value[AP_MEASURE_COUNT];
    double weight[AP_MEASURE_COUNT]; /**< in a sum of several: what the values have been weighted by */
} ap_measures;

/** What a step compares: variables on one tape. */
typedef struct ap_heard {
    ap_var *input, *target, *output; /**< audio [B, 1, S] */
    const ap_onsets *input_onsets;   /**< of the input's items [B]; NULL: not yet known */
    ap_var *zi, *zt;                 /**< the sources' latents [B, D, T] */
    ap_var *answer;                  /**< what the output should be [B, 1, S]; NULL: nobody knows */
    ap_composition composed;
} ap_heard;

/** Pushes the terms, fills in `measures` and returns the weighted sum, a scalar variable; NULL if every
 * weight is 0. Each term is a section of the tape under its measure's name. Measures that need no gradient
 * are the section "measures". */
ap_var *ap_objective(ap_tape *tape, const ap_config *config, const ap_heard *heard, ap_measures *measures);

/** What EnCodec's balancer remembers (Défossez et al., "High Fidelity Neural Audio Compression", 2022,
 * section 3.4): the running mean of the norm of each term's gradient, sum / weight. All zeros before the
 * first step. */
typedef struct ap_balancer {
    double sum[AP_MEASURE_ADDED], weight[AP_MEASURE_ADDED];
} ap_balancer;

/** Puts the gradient of the balanced loss at heard->output; ap_tape_backward_all then goes on from there.
 * With g_k the gradient of term k at the output, w_k its weight and <n> the running mean (beta = 0.999) of
 * what n has been,
 *
 *     gradient = share sum_k  w_k / (w_1 + w_2 + ...)  g_k / <||g_k||>
 *
 * so that a weight is the share of the gradient that its term has, whatever the term's own size, and the
 * gradient's norm is about 1. `balancer` is moved on, but by no norm that is not finite. `terms` is a tape of
 * its own, which is reset. `measures` is filled in as by ap_objective; AP_MEASURE_LOSS is the plain weighted
 * sum. For terms of the audio alone: loss.novelty is misuse. */
void ap_objective_balanced(ap_tape *tape, ap_tape *terms, const ap_config *config, const ap_heard *heard,
                           ap_balancer *balancer, double share, ap_measures *measures);

AP_API_END

#endif
