#include "antiphon/agent.h"
#include "antiphon/ops.h"
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

static ap_var *with_skip(ap_tape *tape, ap_head *head, ap_var *x)
{
    ap_tape_enter(tape);
    ap_var *y = rectified(tape, head, head->conv2, rectified(tape, head, head->conv1, x));
    return ap_tape_leave(tape, ap_add(tape, y, ap_conv_apply(tape, head->skip, x)));
}

ap_var *ap_head_apply(ap_tape *tape, ap_head *head, ap_var *x)
{
    ap_tape_enter(tape);
    ap_var *y = ap_batch_norm(tape, with_skip(tape, head, x), ap_tape_param(tape, head->norm.weight),
                              ap_tape_param(tape, head->norm.bias), head->running_mean->value.data,
                              head->running_var->value.data);
    return ap_tape_leave(tape, y);
}
