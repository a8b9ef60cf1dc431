/* The modulation cost of envelopes that are already there. */
#ifndef ANTIPHON_LOSS_MODULATION_H
#define ANTIPHON_LOSS_MODULATION_H

#include "antiphon/modulation.h"

/* The cost as a scalar from the three envelopes [B, M], M > 1. */
ap_var *ap_correlation_cost(ap_tape *tape, ap_var *e_input, ap_var *e_target, ap_var *e_output,
                            ap_barrier barrier);

/* The coefficients that such a cost was made of: of the input and of the target, for each item of the batch,
 * [B, 2]. NULL: `cost` is another operation's, or one that wants no gradient and kept nothing. */
const double *ap_correlation_cost_r(const ap_var *cost);

/* The gradient of ap_modulation_cost_of with respect to r as the barrier has it: sign(r) / (1 - |r|) up to
 * the clamp or the tangent; 0 at 0. */
double ap_barrier_slope(ap_barrier barrier, double r);

/* The wider cost from envelopes that are already there: of the sources [N, Q, M], row q beginning q / Q of a
 * segment later than row 0, and of the output [N, 1, M]. N: batch times bands; lags of up to `steps` Q-ths of
 * a segment either way, steps <= Q M / 4. Of `settings`, barrier and tolerances count. */
ap_var *ap_lagged_cost(ap_tape *tape, ap_var *e_input, ap_var *e_target, ap_var *e_output, int64_t steps,
                       const ap_modulation *settings);

#endif
