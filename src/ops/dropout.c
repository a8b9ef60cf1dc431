#include "ops/dropout.h"

#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "kernels/array.h"
#include "ops/registry.h"

ap_dropout_mask ap_dropout_draw(ap_tape *tape, const char *operation, ap_real p, int64_t n)
{
    if (!(p >= 0 && p < 1)) ap_fatal("%s: probability %g is not in [0, 1)", operation, (double)p);
    if (!ap_tape_training(tape) || p <= 0) return (ap_dropout_mask){.factor = 1};
    return (ap_dropout_mask){.key = ap_rng_next(ap_tape_rng(tape)),
                             .origin = ap_tape_origin(tape, n),
                             .threshold = (uint32_t)((double)p * 0x1p32),
                             .factor = 1 / (1 - p)};
}

/* ---------------------------------------------------------------- dropout: y = x m, m = 0 or 1 / (1 - p) */

static void dropout_forward(const ap_dropout_mask *mask, int64_t n, const ap_real *x, ap_real *y)
{
    AP_FOR_EACH_BLOCK(n, at, length)
    ap_dropout_add(mask, (uint64_t)at, length, NULL, x + at, y + at);
}

static void dropout_backward(const ap_dropout_mask *mask, int64_t n, const ap_real *dy, ap_real *dx)
{
    if (!dx) return;
    AP_FOR_EACH_BLOCK(n, at, length)
    ap_dropout_add(mask, (uint64_t)at, length, dx + at, dy + at, dx + at);
}

static void dropout_node_backward(ap_tape *tape, ap_var *y)
{
    dropout_backward(y->saved, ap_var_count(y), y->grad, ap_var_grad(tape, y->inputs[0]));
}

AP_DEFINE_OP(dropout, .reads = AP_READS_NOTHING);

ap_var *ap_dropout(ap_tape *tape, ap_var *x, ap_real p)
{
    ap_dropout_mask mask = ap_dropout_draw(tape, "dropout", p, ap_var_count(x));
    if (!mask.threshold) return x;
    ap_var *y = ap_tape_push(tape, &op_dropout, x->value.shape, 1, &x);
    ap_dropout_mask *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = mask;
    dropout_forward(&mask, ap_var_count(x), x->value.data, y->value.data);
    return y;
}
