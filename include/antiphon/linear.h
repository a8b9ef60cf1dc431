/** @file linear.h
 * Matrix products.
 */
#ifndef ANTIPHON_LINEAR_H
#define ANTIPHON_LINEAR_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

/** y [..., N] = x [..., K] weight' + bias, with weight [N, K] and bias [N] (NULL: none). */
ap_var *ap_linear(ap_tape *tape, ap_var *x, ap_var *weight, ap_var *bias);

/** y [M, N] = a [M, K] b [K, N] */
ap_var *ap_matmul(ap_tape *tape, ap_var *a, ap_var *b);

AP_API_END

#endif
