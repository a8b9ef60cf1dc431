/* The residual block of SEANet (Tagliasacchi et al., 2020) and the activation after it, as one operation. */
#ifndef ANTIPHON_OPS_RESIDUAL_BLOCK_H
#define ANTIPHON_OPS_RESIDUAL_BLOCK_H

#include "antiphon/tape.h"

/** Three convolutions with C channels, and H channels inside. */
typedef struct ap_residual_weights {
    ap_var *squeeze, *squeeze_bias;   /**< [H, C, K], [H] */
    ap_var *expand, *expand_bias;     /**< [C, H, 1], [C] */
    ap_var *shortcut, *shortcut_bias; /**< [C, C, 1], [C] */
} ap_residual_weights;

/** y [B, C, T] = ELU(shortcut(x) + expand(ELU(squeeze(ELU(x))))), with K - 1 mirrored samples before x
 * (AP_PAD_REFLECT of ops.h).
 *
 * Values between the convolutions exist for one tile of time only, and the backward pass computes them
 * again: only x and y are stored. If the weights are constants and there are few channels, y is computed
 * again, too. K is at most AP_RESIDUAL_TAPS_MOST. */
ap_var *ap_residual_block(ap_tape *tape, ap_var *x, ap_residual_weights weights);
#define AP_RESIDUAL_TAPS_MOST 4

#endif
