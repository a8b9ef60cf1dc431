/* The filter bank that both convolutions share: one weight [coarse, fine, K] relates a fine signal [B, fine,
 * T] to a coarse one [B, coarse, frames], with `stride` samples of the first per frame of the second.
 *
 *     analyse:     coarse[o, t] = sum over i, k of weight[o, i, k] fine[i, t stride + k dilation - lead]
 *     synthesise:  its adjoint, from the coarse signal to the fine
 *     gradient:    the gradient of the weight, from both signals
 *
 * conv1d is analyse, with synthesise for dx; conv_transpose1d is synthesise, with analyse for dx. The
 * gradient of the weight is the same for both. */
#ifndef ANTIPHON_OPS_FILTER_H
#define ANTIPHON_OPS_FILTER_H

#include "antiphon/arena.h"
#include "antiphon/ops.h"

typedef struct ap_filter {
    int64_t B, coarse, fine, K;
    int64_t frames, T; /* lengths of the coarse and the fine signal */
    int64_t stride, dilation;
    int64_t lead, tail; /* padding before and after the fine signal: ... */
    ap_pad_mode mode;   /* ... zeros, or its mirror image */
    const ap_real *weight;
} ap_filter;

/* An output signal: y = the result + bias, or y += that if `add` is set. bias may be NULL. */
typedef struct ap_filter_target {
    ap_real *y;
    const ap_real *bias;
    bool add;
} ap_filter_target;

void ap_filter_analyse(ap_arena *arena, const ap_filter *filter, const ap_real *fine,
                       ap_filter_target coarse);
void ap_filter_synthesise(ap_arena *arena, const ap_filter *filter, const ap_real *coarse,
                          ap_filter_target fine);

/* dweight [coarse, fine, K] += the sum over B and frames of coarse[o, t] fine[i, t stride + k dilation -
 * lead] */
void ap_filter_gradient(ap_arena *arena, const ap_filter *filter, const ap_real *coarse, const ap_real *fine,
                        ap_real *dweight);

/* dbias [C] += the sum over B and T of dy [B, C, T]; NULL: not wanted. */
void ap_filter_bias_gradient(int64_t B, int64_t C, int64_t T, const ap_real *dy, ap_real *dbias);

#endif
