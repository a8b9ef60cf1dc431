/** @file modulation.h
 * The anti-modulation correlation cost: what an output pays when its loudness envelope follows that of a
 * source.
 *
 *     cost = mean over the batch of  -ln(1 - |r(e_in, e_out)|) - ln(1 - |r(e_tgt, e_out)|)
 *
 * In the original form, the envelope e is the maximum of |x| in each of 250 equal segments; samples beyond
 * 250 floor(S / 250) are dropped. r is Pearson's coefficient, cov / (sigma_x sigma_y + 1e-8), clamped to [-1,
 * 1], with covariance and standard deviations normalised by M - 1. |r| is limited to 0.999. Extended forms
 * use other envelopes, frequency bands, lags and tolerances.
 */
#ifndef ANTIPHON_MODULATION_H
#define ANTIPHON_MODULATION_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

/** M of the original cost. */
#define AP_MODULATION_SEGMENTS 250

/** The gradient of -ln(1 - |r|) for large |r|. */
typedef enum ap_barrier {
    AP_BARRIER_EXTENDED, /**< the same value; beyond |r| = 0.9 the gradient stays that at 0.9, so that it does
                            not vanish past the clamp at 0.999, where copying is worst */
    AP_BARRIER_ORIGINAL  /**< the gradient of the formula: none past the clamp */
} ap_barrier;

/** How a segment of |x| becomes one number: maximum, root mean square, or 8-norm (a smooth maximum). The
 * norms are (mean |x|^p + f^p)^(1 / p) with f = AP_ENVELOPE_FLOOR, which keeps their gradient finite in
 * silence. */
typedef enum ap_envelope_type { AP_ENVELOPE_MAX, AP_ENVELOPE_RMS, AP_ENVELOPE_P8 } ap_envelope_type;
#define AP_ENVELOPE_FLOOR 1e-4

/** The envelope e [B, M] of x [B, S], by maximum; M <= S. `where` [B, M] receives the index, within its row,
 * of the sample that is the maximum (the first of equals); NULL: not wanted. */
void ap_envelope(int64_t B, int64_t S, int64_t M, const ap_real *x, ap_real *e, int64_t *where);

/** Pearson's coefficient of x and y [M], as above; 0 when one is constant. */
double ap_pearson(int64_t M, const ap_real *x, const ap_real *y);

/** The standard deviation (normalised by M - 1) of an envelope e [M] divided by its mean: how much it moves.
 * 0 for silence. M > 1. */
double ap_variation_of(int64_t M, const ap_real *e);

/** Pearson's r, as above, of an envelope e [M] with itself. It is 1 unless e hardly moves: then the 1e-8 in
 * the denominator pulls it down, to 0 if e is constant, as it is for a recording that reaches full scale in
 * every segment. If it is below AP_COPY_R_LEAST, a low cost says nothing, because even a copy would cost
 * little. M > 1. */
double ap_copy_r(int64_t M, const ap_real *e);
#define AP_COPY_R_LEAST 0.9

/** A recording whose envelope varies less (sigma / mu) is silent, constant, steady, or at full scale in every
 * segment: there is nothing in it to follow. */
#define AP_STILL_MOST 0.01

/** The part of the cost that one source contributes at coefficient r: -ln(1 - min(|r|, 0.999)). */
double ap_modulation_cost_of(double r);

/** The original cost on plain arrays [B, S], with M segments, for programs that want nothing else.
 * r_input, r_target [B] receive the signed coefficients (NULL: not wanted). doutput [B, S] is overwritten
 * with the gradient of the cost with respect to output (NULL: not wanted). Never NaN for finite input. */
ap_real ap_modulation_cost_arrays(int64_t B, int64_t S, int64_t M, ap_barrier barrier, const ap_real *input,
                                  const ap_real *target, const ap_real *output, ap_real *r_input,
                                  ap_real *r_target, ap_real *doutput);

/** The settings of the cost. Start from AP_MODULATION_ORIGINAL.
 *
 *     cost = mean over batch and bands of  -ln(1 - v_in) - ln(1 - v_tgt),   v at most 0.999
 *     v = max(0, u - tolerance) / (1 - tolerance)
 *     u = sum_k w_k |r_k|,   w_k = e^(|r_k| / t) / sum_j e^(|r_j| / t),   t = AP_MODULATION_TEMPERATURE
 *
 * Bands: a zero-phase filter bank (crossfades in log frequency, 60 Hz to 12 kHz) splits x into bands that add
 * up to x. Each band has its own envelopes. A single band is x itself.
 *
 * Lags: r_k correlates the output's segments with the source's, shifted by k / AP_MODULATION_LAG_STEPS of a
 * segment, where both exist. k runs over -K .. K; K is the smallest number of steps that reaches lag_ms,
 * limited to a quarter of the signal, because over a few segments anything correlates. The weights w make u a
 * smooth maximum of the |r_k|; without lags, u is |r|. The maximum of many coefficients is well above 0 even
 * for independent envelopes, and a shared beat raises it further, so lags need a tolerance.
 */
typedef struct ap_modulation {
    int64_t segments;   /**< M, from 2 to S */
    ap_barrier barrier; /**< applied to v in place of |r| */
    ap_envelope_type envelope;
    int bands;                                /**< at least 1 */
    double lag_ms;                            /**< 0: no lags */
    double tolerance_input, tolerance_target; /**< in [0, 1) */
} ap_modulation;

/** The cost as first published: 250 maxima, one band, no lags, no tolerance, the gradient of the formula. */
#define AP_MODULATION_ORIGINAL                                                                               \
    ((ap_modulation){.segments = AP_MODULATION_SEGMENTS, .barrier = AP_BARRIER_ORIGINAL, .bands = 1})

/** Lags per segment, and t, the temperature of the weights. */
#define AP_MODULATION_LAG_STEPS 4
#define AP_MODULATION_TEMPERATURE 0.05

/** The cost on a tape: a scalar, differentiable in all three signals, with the same
 * number of items and samples ([B, S] or [B, 1, S]). */
ap_var *ap_modulation_cost(ap_tape *tape, ap_var *input, ap_var *target, ap_var *output,
                           const ap_modulation *settings);

AP_API_END

#endif
