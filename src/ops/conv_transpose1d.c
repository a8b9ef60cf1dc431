#include "antiphon/ops.h"

#include "antiphon/status.h"
#include "ops/filter.h"
#include "ops/registry.h"

/* y[b, o, t stride + k - trim_left] collects weight[i, o, k] x[b, i, t], then bias[o] is added: the adjoint
 * of a conv1d from y to x with trim_left zeros before y. */

typedef struct conv_transpose1d_saved {
    int64_t stride, trim_left;
} conv_transpose1d_saved;

static ap_filter filter_of(const ap_var *x, const ap_var *weight, int64_t T, int64_t stride,
                           int64_t trim_left)
{
    const int64_t *shape = x->value.shape.at, *kernel = weight->value.shape.at;
    return (ap_filter){.B = shape[0],
                       .coarse = kernel[0],
                       .fine = kernel[1],
                       .K = kernel[2],
                       .frames = shape[2],
                       .T = T,
                       .stride = stride,
                       .dilation = 1,
                       .lead = trim_left,
                       .mode = AP_PAD_ZERO,
                       .weight = weight->value.data};
}

static void conv_transpose1d_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *weight = y->inputs[1];
    const conv_transpose1d_saved *saved = y->saved;
    ap_arena *arena = ap_tape_arena(tape);
    ap_filter filter = filter_of(x, weight, y->value.shape.at[2], saved->stride, saved->trim_left);
    bool fresh;
    ap_real *dx = ap_var_grad_fresh(tape, x, &fresh), *dweight = ap_var_grad(tape, weight);
    if (dx) ap_filter_analyse(arena, &filter, y->grad, (ap_filter_target){.y = dx, .add = !fresh});
    if (dweight) ap_filter_gradient(arena, &filter, x->value.data, y->grad, dweight);
    ap_filter_bias_gradient(filter.B, filter.fine, filter.T, y->grad, ap_var_grad(tape, y->inputs[2]));
}

AP_DEFINE_OP(conv_transpose1d, .reads_of = ap_reads_of_product);

ap_var *ap_conv_transpose1d(ap_tape *tape, ap_var *x, ap_var *weight, ap_var *bias, int64_t stride,
                            int64_t trim_left, int64_t trim_right)
{
    ap_shape xs = x->value.shape, ws = weight->value.shape;
    if (stride < 1 || trim_left < 0 || trim_right < 0)
        ap_fatal("conv_transpose1d: stride %lld, trims %lld and %lld", (long long)stride,
                 (long long)trim_left, (long long)trim_right);
    if (xs.rank != 3 || ws.rank != 3 || xs.at[1] != ws.at[0])
        ap_fatal("conv_transpose1d: x %s does not fit weight %s", ap_shape_print(xs).text,
                 ap_shape_print(ws).text);
    if (bias && ap_var_count(bias) != ws.at[1])
        ap_fatal("conv_transpose1d: bias %s does not fit weight %s", ap_shape_print(bias->value.shape).text,
                 ap_shape_print(ws).text);
    int64_t T = (xs.at[2] - 1) * stride + ws.at[2] - trim_left - trim_right;
    if (T < 1) ap_fatal("conv_transpose1d: nothing is left of x %s", ap_shape_print(xs).text);
    ap_filter filter = filter_of(x, weight, T, stride, trim_left);
    ap_var *y = ap_tape_push(tape, &op_conv_transpose1d, AP_SHAPE(filter.B, filter.fine, T), 3,
                             (ap_var *[]){x, weight, bias});
    conv_transpose1d_saved *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = (conv_transpose1d_saved){stride, trim_left};
    ap_filter_synthesise(ap_tape_arena(tape), &filter, x->value.data,
                         (ap_filter_target){.y = y->value.data, .bias = bias ? bias->value.data : NULL});
    return y;
}
