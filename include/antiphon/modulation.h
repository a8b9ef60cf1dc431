/** @file modulation.h
 * The anti-modulation correlation cost: what an output pays for following the loudness envelope of its sources.
 *
 *     cost = mean over the batch of  -ln(1 - |r(e_in, e_out)|) - ln(1 - |r(e_tgt, e_out)|)
 *
 * e: the maximum of |x| in each of M equal segments, samples beyond M floor(S / M) dropped; r: Pearson's coefficient,
 * 1e-8 added to the product of the standard deviations (M - 1 normalised), clamped to [-1, 1]; |r| clamped to 0.999.
 */
#ifndef ANTIPHON_MODULATION_H
#define ANTIPHON_MODULATION_H

#include "antiphon/tape.h"

#define AP_MODULATION_SEGMENTS 250

typedef enum ap_barrier {
    AP_BARRIER_EXTENDED, /**< value as below; the gradient goes on beyond u = 0.9 as that of the tangent there, so
                              that it does not vanish where copying is worst (past the clamp) */
    AP_BARRIER_SEED      /**< the formula's own gradient: none past the clamp */
} ap_barrier;

/** e [B, M] of x [B, S]; in parallel over B x M. `where` [B, M] (or NULL) receives the index in its row of the sample
 * that is the maximum (the first of equals). M <= S. */
void ap_envelope(int64_t B, int64_t S, int64_t M, const ap_real *x, ap_real *e, int64_t *where);

/** Pearson's coefficient of x and y [M], as above; 0 when one is constant. */
double ap_pearson(int64_t M, const ap_real *x, const ap_real *y);

/** What one source charges for a coefficient r: -ln(1 - min(|r|, 0.999)). */
double ap_modulation_cost_of(double r);

/** The cost of plain arrays [B, S] in one call, for programs that want only this.
 * r_input, r_target [B] receive the signed coefficients (NULL: not wanted). doutput [B, S] is overwritten with the
 * gradient of the cost with respect to output (NULL: not wanted). Never NaN for finite input. */
ap_real ap_modulation_cost_arrays(int64_t B, int64_t S, int64_t M, ap_barrier barrier, const ap_real *input,
                                  const ap_real *target, const ap_real *output, ap_real *r_input, ap_real *r_target,
                                  ap_real *doutput);

/** The same on a tape: a scalar from three variables of the same number of items and samples ([B, S] or [B, 1, S]),
 * differentiable in each. */
ap_var *ap_modulation_cost(ap_tape *tape, ap_var *input, ap_var *target, ap_var *output, int64_t M,
                           ap_barrier barrier);

#endif
