/** @file elementwise.h
 * Operations that treat every element alike: sums, products and activations.
 *
 * Shapes of two inputs must be the same.
 */
#ifndef ANTIPHON_ELEMENTWISE_H
#define ANTIPHON_ELEMENTWISE_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

/** y = a + b */
ap_var *ap_add(ap_tape *tape, ap_var *a, ap_var *b);

/** y = a b, element by element */
ap_var *ap_mul(ap_tape *tape, ap_var *a, ap_var *b);

/** y = factor x + offset */
ap_var *ap_affine(ap_tape *tape, ap_var *x, ap_real factor, ap_real offset);

/** y = factor x */
ap_var *ap_scale(ap_tape *tape, ap_var *x, ap_real factor);

/** y = |x|; no gradient where x is 0. */
ap_var *ap_abs(ap_tape *tape, ap_var *x);

/** y = min(max(x, low), high); no gradient where x is beyond a bound. */
ap_var *ap_clamp(ap_tape *tape, ap_var *x, ap_real low, ap_real high);

/** y = x for x > 0, e^x - 1 otherwise (Clevert, Unterthiner, Hochreiter, 2016; alpha = 1). */
ap_var *ap_elu(ap_tape *tape, ap_var *x);

/** y = x for x > 0, slope x otherwise; slope > 0. */
ap_var *ap_leaky_relu(ap_tape *tape, ap_var *x, ap_real slope);

/** y = x (1 + erf(x / sqrt 2)) / 2 (Hendrycks, Gimpel, 2016; the exact form, not the tanh approximation),
 * under dropout (norm.h) of probability `dropout`. */
ap_var *ap_gelu(ap_tape *tape, ap_var *x, ap_real dropout);

/** y = tanh(x), e^x, sqrt(x) (x > 0), 1 / x (x not 0), ln(x + sqrt(x^2 + 1)). */
ap_var *ap_tanh(ap_tape *tape, ap_var *x);
ap_var *ap_exp(ap_tape *tape, ap_var *x);
ap_var *ap_sqrt(ap_tape *tape, ap_var *x);
ap_var *ap_reciprocal(ap_tape *tape, ap_var *x);
ap_var *ap_asinh(ap_tape *tape, ap_var *x);

AP_API_END

#endif
