/** @file norm.h
 * Normalisations and softmax.
 */
#ifndef ANTIPHON_NORM_H
#define ANTIPHON_NORM_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

/** y = (x - mean) / sqrt(variance + 1e-5) gamma + beta over the last dimension of x [..., C]; gamma and beta
 * [C]; the variance is that of C samples, not C - 1 (Ba, Kiros, Hinton, 2016). */
ap_var *ap_layer_norm(ap_tape *tape, ap_var *x, ap_var *gamma, ap_var *beta);

/** y = layer_norm(x + dropout(part)): the join of a residual branch. Backward reads neither x nor part. */
ap_var *ap_residual_norm(ap_tape *tape, ap_var *x, ap_var *part, ap_var *gamma, ap_var *beta,
                         ap_real dropout);

/** Layer normalisation's equation over B and T for each channel of x [B, C, T] (Ioffe, Szegedy, 2015). In
 * training mode the batch's statistics serve, and running_mean and running_var [C] (the caller's, never NULL)
 * move a tenth of the way to them, the variance there being that of BT - 1 samples; otherwise the running
 * ones serve. */
ap_var *ap_batch_norm(ap_tape *tape, ap_var *x, ap_var *gamma, ap_var *beta, ap_real *running_mean,
                      ap_real *running_var);

/** e^x normalised to sum 1 along `axis`. */
ap_var *ap_softmax(ap_tape *tape, ap_var *x, int axis);

/** In training mode each element is zero with probability p, the others divided by 1 - p; which ones is drawn
 * anew from the tape's stream at every call. Otherwise, and for p = 0, x itself is returned. 0 <= p < 1. */
ap_var *ap_dropout(ap_tape *tape, ap_var *x, ap_real p);

AP_API_END

#endif
