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

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

#define AP_MODULATION_SEGMENTS 250

typedef enum ap_barrier {
    AP_BARRIER_EXTENDED, /**< value as below; the gradient goes on beyond u = 0.9 as that of the tangent there, so
                              that it does not vanish where copying is worst (past the clamp) */
    AP_BARRIER_SEED      /**< the formula's own gradient: none past the clamp */
} ap_barrier;

/** What of |x| in a segment is the envelope: the largest, the root mean square, or the 8-norm
 * (mean |x|^8)^(1/8), a smooth maximum. */
typedef enum ap_envelope_type { AP_ENVELOPE_MAX, AP_ENVELOPE_RMS, AP_ENVELOPE_P8 } ap_envelope_type;

/** e [B, M] of x [B, S]; in parallel over B x M. `where` [B, M] (or NULL) receives the index in its row of the sample
 * that is the maximum (the first of equals). M <= S. */
void ap_envelope(int64_t B, int64_t S, int64_t M, const ap_real *x, ap_real *e, int64_t *where);

/** Pearson's coefficient of x and y [M], as above; 0 when one is constant. */
double ap_pearson(int64_t M, const ap_real *x, const ap_real *y);

/** The standard deviation (M - 1 normalised) of an envelope e [M] over its mean: how much it moves; 0 for
 * silence. M > 1. */
double ap_variation_of(int64_t M, const ap_real *e);

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

/** The cost in its wider sense, which a delayed copy, an average level or a single loud band cannot win:
 *
 *     cost = mean over batch and bands of  -ln(1 - v_in) - ln(1 - v_tgt),   v clamped to 0.999
 *     v = max(0, u - tolerance) / (1 - tolerance)
 *     u = sum_k w_k |r_k|,   w_k = e^(|r_k| / t) / sum_j e^(|r_j| / t),   t = AP_MODULATION_TEMPERATURE
 *     r_k = cov / sqrt((var_out + f^2) (var_src + f^2)),   f = AP_MODULATION_FLOOR
 *
 * Bands: x is split by a zero-phase bank whose bands add up to x again (crossfades in log frequency, 60 Hz to 12 kHz); each band has
 * its own envelopes. One band is x itself.
 *
 * Envelope: as ap_envelope_type says, over segments of floor(S / M) samples. Norms are floored inside the
 * root, (mean |x|^p + f^p)^(1 / p), and so are the deviations in r: the gradient of a flat envelope is
 * bounded.
 *
 * Lags: r_k compares the output's segments with the source's shifted by k / AP_MODULATION_LAG_STEPS of a
 * segment (16 ms in 16 s of 250 segments), over the segments that both have; k runs over -K .. K, where K
 * steps are the first to reach lag_ms, but no further than a quarter of the signal: where only few segments
 * overlap, some always agree. u, a softmax-weighted mean, is a smooth maximum between mean and maximum of
 * the |r_k|; without lags it is |r|. The coefficients at many lags of independent envelopes have a maximum
 * well above 0, and a shared beat is a high one: lags ask for a tolerance.
 */
typedef struct ap_modulation {
    int64_t segments;
    ap_barrier barrier; /**< of v instead of |r| */
    ap_envelope_type envelope;
    int bands;
    double lag_ms;                             /**< 0: none */
    double tolerance_input, tolerance_target; /**< in [0, 1) */
} ap_modulation;

#define AP_MODULATION_LAG_STEPS 4
#define AP_MODULATION_TEMPERATURE 0.05
#define AP_MODULATION_FLOOR 1e-4

/** The same on a tape, differentiable in all three. With the maximum, one band, no lags and no tolerances it
 * is ap_modulation_cost itself, to the last bit. */
ap_var *ap_modulation_cost_with(ap_tape *tape, ap_var *input, ap_var *target, ap_var *output,
                                const ap_modulation *settings);

AP_API_END

#endif
