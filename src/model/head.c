#include "model/head.h"

#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "model/layers.h"

#include <stdio.h>

#define SLOPE ((ap_real)0.2)

struct ap_head {
    ap_affine_params conv1, conv2, skip, norm;
    ap_param *running_mean, *running_var;
    bool causal;
};

ap_head *ap_head_create(ap_params *params, int64_t dim, int64_t out, int64_t k1, int64_t k2, bool causal,
                        const char *prefix)
{
    char name[160];
    ap_head *head = ap_params_alloc(params, sizeof *head);
    ap_init zero = {.kind = AP_INIT_CONSTANT, .a = 0}, one = {.kind = AP_INIT_CONSTANT, .a = 1};
#define NAME(part) (snprintf(name, sizeof name, "%s%s", prefix, part), name)
    head->causal = causal;
    head->conv1 = ap_conv_create(params, dim, 2 * out, k1, NAME("conv1"));
    head->conv2 = ap_conv_create(params, 2 * out, out, k2, NAME("conv2"));
    head->skip = ap_conv_create(params, dim, out, 1, NAME("skip"));
    head->norm = ap_layer_norm_create(params, out, NAME("norm"));
#undef NAME
    head->running_mean =
        ap_params_add(params, AP_PARAM_BUFFER, AP_SHAPE(out), zero, "%snorm.running_mean", prefix);
    head->running_var =
        ap_params_add(params, AP_PARAM_BUFFER, AP_SHAPE(out), one, "%snorm.running_var", prefix);
    return head;
}

static ap_var *rectified(ap_tape *tape, const ap_head *head, ap_affine_params conv, ap_var *x)
{
    ap_tape_enter(tape);
    ap_var *y = head->causal ? ap_conv_apply_causal(tape, conv, x) : ap_conv_apply(tape, conv, x);
    return ap_tape_leave(tape, ap_leaky_relu(tape, y, SLOPE));
}

/* The skip connections of all heads, [B, heads out, T]. */
static ap_var *skip_all(ap_tape *tape, int count, ap_head *const *heads, ap_var *x)
{
    ap_var *weights[AP_HEADS_EACH], *biases[AP_HEADS_EACH];
    if (count == 1) return ap_conv_apply(tape, heads[0]->skip, x);
    ap_tape_enter(tape);
    for (int k = 0; k < count; k++) {
        weights[k] = ap_tape_param(tape, heads[k]->skip.weight);
        biases[k] = ap_tape_param(tape, heads[k]->skip.bias);
    }
    return ap_tape_leave(tape, ap_conv1d(tape, x, ap_concat(tape, 0, count, weights),
                                         ap_concat(tape, 0, count, biases),
                                         (ap_conv1d_geometry){.stride = 1, .dilation = 1}));
}

static ap_var *with_skip(ap_tape *tape, const ap_head *head, ap_var *x, ap_var *skip)
{
    ap_tape_enter(tape);
    ap_var *y = rectified(tape, head, head->conv2, rectified(tape, head, head->conv1, x));
    return ap_tape_leave(tape, ap_add(tape, y, skip));
}

static ap_var *apply(ap_tape *tape, ap_head *head, ap_var *x, ap_var *skip)
{
    ap_tape_enter(tape);
    ap_var *y = ap_batch_norm(tape, with_skip(tape, head, x, skip), ap_tape_param(tape, head->norm.weight),
                              ap_tape_param(tape, head->norm.bias), head->running_mean->value.data,
                              head->running_var->value.data);
    return ap_tape_leave(tape, y);
}

void ap_heads_apply(ap_tape *tape, int count, ap_head *const *heads, ap_var *x, ap_var **y)
{
    if (count < 1 || count > AP_HEADS_EACH) ap_fatal("heads: %d of them", count);
    int64_t at = 0;
    ap_tape_enter(tape);
    ap_var *skips = skip_all(tape, count, heads, x);
    for (int k = 0; k < count; k++) {
        int64_t out = heads[k]->skip.weight->value.shape.at[0];
        y[k] = apply(tape, heads[k], x, count == 1 ? skips : ap_slice(tape, skips, 1, at, out));
        at += out;
    }
    ap_tape_leave_all(tape, count, y);
}

ap_var *ap_head_apply(ap_tape *tape, ap_head *head, ap_var *x)
{
    ap_var *y;
    ap_heads_apply(tape, 1, &head, x, &y);
    return y;
}
