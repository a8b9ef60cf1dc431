/** @file compose.h
 * Composing with a trained model: two recordings in, a third out.
 */
#ifndef ANTIPHON_COMPOSE_H
#define ANTIPHON_COMPOSE_H

#include "antiphon/api.h"
#include "antiphon/config.h"
#include "antiphon/model.h"

AP_API_BEGIN

/** The shortest recording that can be composed from, in seconds. */
#define AP_COMPOSE_SECONDS_LEAST 0.25

typedef struct ap_composed {
    double seconds; /**< length of the output: that of the shorter source */
    double r_input,
        r_target; /**< Pearson's r of the output's envelope (250 segments of the whole) with the sources' */
    double cost;  /**< the modulation cost of the two */
    double variation_input, variation_target,
        variation_output;                     /**< sigma / mu of the envelopes: near 0 for a drone */
    double copy_r_input,
        copy_r_target; /**< r that a perfect copy of a source would have (ap_copy_r): below AP_COPY_R_LEAST its r
                          says nothing */
    double rms_input, rms_target, rms_output; /**< root mean squares, full scale 1 */
    double lowered; /**< decibels by which the output stays below the sources' level, lest its peaks be
                       clipped */
    double gain_input,
        gain_target; /**< of the sources' copies: below 1 where a source goes beyond full scale */
} ap_composed;

/** Where a composition's files go, and how; `output` is needed, the other two may be NULL. */
typedef struct ap_compose_paths {
    const char *output;
    const char *input_copy, *target_copy; /**< the sources as the model heard them: 24 kHz, mono; brought down
                                               to a peak within full scale where they go beyond it */
    bool limit; /**< peaks that the sources' level would clip are turned down for their moment, not the whole
                   output */
} ap_compose_paths;

/** Told, if not NULL, after each window: seconds composed of how many. */
typedef void ap_compose_watch(void *context, double done, double whole);

/** Composes from two recordings of any format, rate and length. Long ones are taken in windows of
 * data.seconds that overlap and are cross-faded, in bounded memory. The output is brought to the mean power
 * of the sources, lowered or limited where that would clip. Files appear whole or not at all. `composed` may
 * be NULL. */
ap_status ap_compose_files(const ap_config *config, ap_model *model, const char *input,
                           const char *target, const ap_compose_paths *paths, ap_compose_watch *watch,
                           void *context, ap_composed *composed);

/** Composes one window of memory: output [S] from input [S] and target [S], on `tape`, which is reset. */
void ap_compose_window(ap_model *model, ap_tape *tape, int64_t S, ap_real *input, ap_real *target,
                       ap_real *output);

AP_API_END

#endif
