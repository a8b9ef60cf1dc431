#include "antiphon/ops.h"

#include "antiphon/status.h"
#include "ops/filter.h"
#include "ops/registry.h"

/* y[b, o, t] = bias[o] + sum over i, k of weight[o, i, k] padded_x[b, i, t stride + k dilation] */

int64_t ap_conv1d_length(int64_t T, int64_t K, ap_conv1d_geometry g)
{
    int64_t room = T + g.pad_left + g.pad_right - ((K - 1) * g.dilation + 1);
    return room < 0 ? 0 : room / g.stride + 1;
}

static ap_filter filter_of(const ap_var *x, const ap_var *weight, ap_conv1d_geometry g)
{
    const int64_t *shape = x->value.shape.at, *kernel = weight->value.shape.at;
    return (ap_filter){.B = shape[0],
                       .coarse = kernel[0],
                       .fine = kernel[1],
                       .K = kernel[2],
                       .frames = ap_conv1d_length(shape[2], kernel[2], g),
                       .T = shape[2],
                       .stride = g.stride,
                       .dilation = g.dilation,
                       .lead = g.pad_left,
                       .tail = g.pad_right,
                       .mode = g.mode,
                       .weight = weight->value.data};
}

static void conv1d_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *weight = y->inputs[1];
    ap_arena *arena = ap_tape_arena(tape);
    ap_filter filter = filter_of(x, weight, *(ap_conv1d_geometry *)y->saved);
    bool fresh;
    ap_real *dx = ap_var_grad_fresh(tape, x, &fresh), *dweight = ap_var_grad(tape, weight);
    if (dx) ap_filter_synthesise(arena, &filter, y->grad, (ap_filter_target){.y = dx, .add = !fresh});
    if (dweight) ap_filter_gradient(arena, &filter, y->grad, x->value.data, dweight);
    ap_filter_bias_gradient(filter.B, filter.coarse, filter.frames, y->grad, ap_var_grad(tape, y->inputs[2]));
}

AP_DEFINE_OP(conv1d, .reads_of = ap_reads_of_product);

static void check(const ap_var *x, const ap_var *weight, const ap_var *bias, ap_conv1d_geometry g)
{
    ap_shape xs = x->value.shape, ws = weight->value.shape;
    if (g.stride < 1 || g.dilation < 1 || g.pad_left < 0 || g.pad_right < 0)
        ap_fatal("conv1d: stride %lld, dilation %lld, pads %lld and %lld", (long long)g.stride,
                 (long long)g.dilation, (long long)g.pad_left, (long long)g.pad_right);
    if (xs.rank != 3 || ws.rank != 3 || xs.at[1] != ws.at[1] || ap_conv1d_length(xs.at[2], ws.at[2], g) < 1)
        ap_fatal("conv1d: x %s does not fit weight %s", ap_shape_print(xs).text, ap_shape_print(ws).text);
    if (bias && ap_var_count(bias) != ws.at[0])
        ap_fatal("conv1d: bias %s does not fit weight %s", ap_shape_print(bias->value.shape).text,
                 ap_shape_print(ws).text);
}

ap_var *ap_conv1d(ap_tape *tape, ap_var *x, ap_var *weight, ap_var *bias, ap_conv1d_geometry geometry)
{
    check(x, weight, bias, geometry);
    ap_filter filter = filter_of(x, weight, geometry);
    ap_var *y = ap_tape_push(tape, &op_conv1d, AP_SHAPE(filter.B, filter.coarse, filter.frames), 3,
                             (ap_var *[]){x, weight, bias});
    ap_conv1d_geometry *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = geometry;
    ap_filter_analyse(ap_tape_arena(tape), &filter, x->value.data,
                      (ap_filter_target){.y = y->value.data, .bias = bias ? bias->value.data : NULL});
    return y;
}
