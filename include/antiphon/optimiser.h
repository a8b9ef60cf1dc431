/** @file optimiser.h
 * AdamW (Loshchilov, Hutter, 2019) over the flat arrays of an ap_params, and gradient clipping.
 */
#ifndef ANTIPHON_OPTIMISER_H
#define ANTIPHON_OPTIMISER_H

#include "antiphon/api.h"
#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>

AP_API_BEGIN

typedef struct ap_adamw {
    double beta1, beta2, eps, weight_decay; /**< set by the caller before the first step */
    int64_t count;                          /**< the number of optimised values */
    int64_t step;                           /**< steps taken so far */
    ap_real *m, *v;                         /**< running means of the gradient and of its square; owned */
    double averaging;                       /**< decay of `average`, below 1 */
    ap_real *average; /**< [count], running mean of the numbers themselves; NULL: none; owned */
    bool *spared; /**< [count]: true for values that weight decay leaves alone; NULL: none; owned, from malloc
                   */
} ap_adamw;

/** A state for `count` values, with both means at zero and PyTorch's defaults (0.9, 0.999, 1e-8, 0.01). */
ap_adamw ap_adamw_init(int64_t count);

/** Begins to keep a running mean of the numbers themselves, values [count] (Polyak, Juditsky, 1992), which is
 * smoother than they are: after step t, average = d average + (1 - d) values with d = min(decay, (1 + t) /
 * (10 + t)), so that what it began with does not outweigh the first steps. */
void ap_adamw_average(ap_adamw *state, double decay, const ap_real *values);

/** Frees the means and `spared`. */
void ap_adamw_free(ap_adamw *state);

/** One step in place, with t counted from 1: g = grad_scale grads; values *= 1 - lr weight_decay, except
 * those spared; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; values -= lr (m / (1 - beta1^t))
 * / (sqrt(v / (1 - beta2^t)) + eps). */
void ap_adamw_step(ap_adamw *state, double lr, double grad_scale, const ap_real *grads, ap_real *values);

/** The Euclidean norm of x [count]. Summed in double in fixed portions: the same bits for any number of
 * threads. */
double ap_norm(int64_t count, const ap_real *x);

/** The factor that limits gradients of this norm to `most`: min(1, most / (norm + 1e-6)), as in
 * torch.nn.utils.clip_grad_norm_; 1 if `most` is 0. If the norm is not finite it is 0, and the caller skips
 * the step. */
double ap_clip_scale(double norm, double most);

AP_API_END

#endif
