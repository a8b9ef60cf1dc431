/* The correlation cost of given envelopes, and its coefficients for reports. */
#ifndef ANTIPHON_LOSS_MODULATION_H
#define ANTIPHON_LOSS_MODULATION_H

#include "antiphon/modulation.h"

/* The cost, a scalar, from the envelopes of the sources [N, Q, M], row q starting q / Q of a segment after
 * row 0, and of the output [N, 1, M]; M > 1. N is batch times bands. The lags are -steps .. steps, in units
 * of 1 / Q of a segment; 4 steps <= Q M. Only the barrier and the tolerances of `settings` are used. */
ap_var *ap_correlation_cost(ap_tape *tape, ap_var *e_input, ap_var *e_target, ap_var *e_output, int64_t steps,
                            const ap_modulation *settings);

/* The gradient of ap_modulation_cost_of with respect to r for this barrier: sign(r) / (1 - |r|) up to the
 * clamp or the tangent; 0 at 0. */
double ap_barrier_slope(ap_barrier barrier, double r);

/* r[0], r[1]: the original cost's coefficients (maxima of M segments) of `output` with `input` and with
 * `target`, S samples each, 1 < M <= S. The arena is used for scratch only. */
void ap_modulation_coefficients(ap_arena *arena, int64_t S, int64_t M, const ap_real *input,
                                const ap_real *target, const ap_real *output, double r[2]);

#endif
