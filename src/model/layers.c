#include "model/layers.h"

#include "antiphon/ops.h"

#include <math.h>

/* weight and bias uniform within 1 / sqrt(fan_in) */
static ap_affine_params uniform(ap_params *params, ap_shape weight, int64_t fan_in, const char *name)
{
    ap_init init = {.kind = AP_INIT_UNIFORM, .a = 1 / sqrt((double)fan_in)};
    ap_affine_params p;
    p.weight = ap_params_add(params, AP_PARAM_TRAINED, weight, init, "%s.weight", name);
    p.bias = ap_params_add(params, AP_PARAM_TRAINED, AP_SHAPE(weight.at[0]), init, "%s.bias", name);
    return p;
}

ap_affine_params ap_linear_create(ap_params *params, int64_t in, int64_t out, const char *name)
{
    return uniform(params, AP_SHAPE(out, in), in, name);
}

ap_var *ap_linear_apply(ap_tape *tape, ap_affine_params linear, ap_var *x)
{
    return ap_linear(tape, x, ap_tape_param(tape, linear.weight), ap_tape_param(tape, linear.bias));
}

ap_affine_params ap_conv_create(ap_params *params, int64_t in, int64_t out, int64_t taps, const char *name)
{
    return uniform(params, AP_SHAPE(out, in, taps), in * taps, name);
}

static ap_var *convolve(ap_tape *tape, ap_affine_params conv, ap_var *x, int64_t left, int64_t right)
{
    ap_conv1d_geometry same = {.stride = 1, .dilation = 1, .pad_left = left, .pad_right = right};
    return ap_conv1d(tape, x, ap_tape_param(tape, conv.weight), ap_tape_param(tape, conv.bias), same);
}

static int64_t taps_of(ap_affine_params conv)
{
    return conv.weight->value.shape.at[2];
}

ap_var *ap_conv_apply(ap_tape *tape, ap_affine_params conv, ap_var *x)
{
    return convolve(tape, conv, x, taps_of(conv) / 2, taps_of(conv) / 2);
}

ap_var *ap_conv_apply_causal(ap_tape *tape, ap_affine_params conv, ap_var *x)
{
    return convolve(tape, conv, x, taps_of(conv) - 1, 0);
}

ap_affine_params ap_layer_norm_create(ap_params *params, int64_t width, const char *name)
{
    ap_init one = {.kind = AP_INIT_CONSTANT, .a = 1}, zero = {.kind = AP_INIT_CONSTANT, .a = 0};
    ap_affine_params p;
    p.weight = ap_params_add(params, AP_PARAM_TRAINED, AP_SHAPE(width), one, "%s.weight", name);
    p.bias = ap_params_add(params, AP_PARAM_TRAINED, AP_SHAPE(width), zero, "%s.bias", name);
    return p;
}

ap_var *ap_layer_norm_apply(ap_tape *tape, ap_affine_params norm, ap_var *x)
{
    return ap_layer_norm(tape, x, ap_tape_param(tape, norm.weight), ap_tape_param(tape, norm.bias));
}
