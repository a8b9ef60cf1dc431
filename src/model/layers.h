/* Layers of parameters with PyTorch's names, shapes and initial values. */
#ifndef ANTIPHON_MODEL_LAYERS_H
#define ANTIPHON_MODEL_LAYERS_H

#include "antiphon/params.h"

typedef struct ap_affine_params {
    ap_param *weight, *bias;
} ap_affine_params;

/* "<name>.weight" [out, in] and "<name>.bias" [out], uniform within 1 / sqrt(in) (torch.nn.Linear). */
ap_affine_params ap_linear_create(ap_params *params, int64_t in, int64_t out, const char *name);
ap_var *ap_linear_apply(ap_tape *tape, ap_affine_params linear, ap_var *x);

/* "<name>.weight" [out, in, taps] and "<name>.bias" [out], uniform within 1 / sqrt(in taps)
 * (torch.nn.Conv1d). */
ap_affine_params ap_conv_create(ap_params *params, int64_t in, int64_t out, int64_t taps, const char *name);

/* Pads x with zeros so that its length stays; taps is odd. Causal: on the left alone, so that no y comes
 * before the x that it needs. */
ap_var *ap_conv_apply(ap_tape *tape, ap_affine_params conv, ap_var *x);
ap_var *ap_conv_apply_causal(ap_tape *tape, ap_affine_params conv, ap_var *x);

/* "<name>.weight" [width] of ones and "<name>.bias" [width] of zeros (torch.nn.LayerNorm). */
ap_affine_params ap_layer_norm_create(ap_params *params, int64_t width, const char *name);
ap_var *ap_layer_norm_apply(ap_tape *tape, ap_affine_params norm, ap_var *x);

#endif
