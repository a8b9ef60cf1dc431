/** @file objective.h
 * The training loss: the weighted sum of the terms whose weight is not zero, and what is measured beside it.
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
    AP_MEASURE_LOSS, /**< what is optimised: the sum of all that the terms add */
    /* the terms, unweighted; the correlation's place holds the original cost */
    AP_MEASURE_RMS_INPUT,
    AP_MEASURE_RMS_TARGET,
    AP_MEASURE_SPECTRAL,
    AP_MEASURE_MEL,
    AP_MEASURE_NOVELTY,
    AP_MEASURE_CORR_COST, /**< AP_MODULATION_ORIGINAL, whatever form the loss has, and also at weight 0;
                             absent for items of fewer than 250 samples, as are r_input and r_target */
    AP_MEASURE_ONSET,
    AP_MEASURE_CHROMA,
    AP_MEASURE_TIMBRE,
    AP_MEASURE_VARIATION,
    AP_MEASURE_LEVEL,
    AP_MEASURE_MIXTURE,
    AP_MEASURE_ADDED, /**< the first of the terms once more: what each, in the order above, adds to the loss:
                         its weight times its value, the correlation's in the form that is optimised */
    AP_MEASURE_R_INPUT = AP_MEASURE_ADDED + AP_MEASURE_ADDED - AP_MEASURE_RMS_INPUT,
    /**< mean |r| of the output's envelope with the input's, as in AP_MEASURE_CORR_COST */
    AP_MEASURE_R_TARGET, /**< the same with the target's */
    AP_MEASURE_WEIGHTS,  /**< the first of AP_COMPONENTS: the mean weight of each */
    AP_MEASURE_COUNT = AP_MEASURE_WEIGHTS + AP_COMPONENTS
} ap_measure;

/** "loss", "rms_input", ..., "loss_rms_input", ..., "input_rhythm_weight", ...: the name in the log without
 * its "train_" or "val_". A string constant. */
const char *ap_measure_name(ap_measure measure);

/** The configuration key of a term's weight, such as "loss.onset", and that weight; NULL and 0 for a measure
 * that is no term of the loss. */
const char *ap_measure_key(ap_measure measure);
double ap_measure_weight(const ap_config *config, ap_measure measure);

typedef struct ap_measures {
    bool present[AP_MEASURE_COUNT]; /**< false: the term was not computed */
    double value[AP_MEASURE_COUNT];
} ap_measures;

/** What a step compares: variables on one tape. */
typedef struct ap_heard {
    ap_var *input, *target, *output; /**< audio [B, 1, S] */
    ap_var *zi, *zt;                 /**< the sources' latents [B, D, T] */
    ap_composition composed;
} ap_heard;

/** Pushes the terms and returns their weighted sum, a scalar variable, filling in `measures`. NULL when every
 * weight is 0. Each term is a section of the tape under its measure's name; what is measured without a
 * gradient is the section "measures". */
ap_var *ap_objective(ap_tape *tape, const ap_config *config, const ap_heard *heard, ap_measures *measures);

AP_API_END

#endif
