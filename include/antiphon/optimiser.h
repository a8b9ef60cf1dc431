/** @file optimiser.h
 * AdamW (Loshchilov, Hutter, 2019) over the flat arrays of an ap_params, and what goes with it.
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
    int64_t count;                          /**< how many numbers are optimised */
    int64_t step;                           /**< how many steps were taken */
    ap_real *m, *v;                         /**< running means of the gradient and of its square; owned */
    bool *spared; /**< [count], which numbers weight decay leaves alone; NULL: none; owned, from malloc */
} ap_adamw;

/** State for `count` numbers, means at zero, with PyTorch's defaults (0.9, 0.999, 1e-8, 0.01). */
ap_adamw ap_adamw_init(int64_t count);

/** Frees the means and `spared`. */
void ap_adamw_free(ap_adamw *state);

/** One step in place: g = grad_scale grads; values *= 1 - lr weight_decay, but for those spared; m, v move
 * towards g and g^2; values -= lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps). */
void ap_adamw_step(ap_adamw *state, double lr, double grad_scale, const ap_real *grads, ap_real *values);

/** The Euclidean norm, added up in double in fixed portions: the same bits for any number of threads. */
double ap_norm(int64_t count, const ap_real *x);

/** By what to multiply gradients of this norm so that it does not exceed `most` (0: no limit): most / (norm +
 * 1e-6), at most 1, as torch.nn.utils.clip_grad_norm_. A norm that is not finite gives 0: the step is
 * skipped. */
double ap_clip_scale(double norm, double most);

AP_API_END

#endif
