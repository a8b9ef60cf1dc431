#include "ops/dropout.h"

#include "antiphon/norm.h"
#include "antiphon/status.h"
#include "core/array.h"
#include "ops/registry.h"

ap_dropout_mask ap_dropout_draw(ap_tape *tape, const char *operation, ap_real p)
{
    if (!(p >= 0 && p < 1)) ap_fatal("%s: probability %g is not in [0, 1)", operation, (double)p);
    if (!ap_tape_training(tape) || p <= 0) return (ap_dropout_mask){.factor = 1};
    return (ap_dropout_mask){ap_rng_next(ap_tape_rng(tape)), (uint32_t)((double)p * 0x1p32), 1 / (1 - p)};
}

void ap_dropout_factors(const ap_dropout_mask *mask, uint64_t first, int64_t n, ap_real *factors)
{
    uint32_t bits[AP_BLOCK];
    const uint32_t threshold = mask->threshold;
    const ap_real factor = mask->factor;
    for (int64_t at = 0; at < n; at += AP_BLOCK) {
        int64_t length = n - at < AP_BLOCK ? n - at : AP_BLOCK;
        ap_rng_hashes(mask->key, first + (uint64_t)at, length, bits);
        for (int64_t i = 0; i < length; i++) factors[at + i] = bits[i] < threshold ? 0 : factor;
    }
}

void ap_dropout_add(const ap_dropout_mask *mask, uint64_t first, int64_t n, const ap_real *x,
                    const ap_real *part, ap_real *y)
{
    for (int64_t at = 0; at < n; at += AP_BLOCK) {
        int64_t end = n - at < AP_BLOCK ? n : at + AP_BLOCK;
        ap_real m[AP_BLOCK];
        if (mask->threshold)
            ap_dropout_factors(mask, first + (uint64_t)at, end - at, m);
        else
            for (int64_t i = 0; i < AP_BLOCK; i++) m[i] = 1;
        if (x)
            for (int64_t i = at; i < end; i++) y[i] = x[i] + m[i - at] * part[i];
        else
            for (int64_t i = at; i < end; i++) y[i] = m[i - at] * part[i];
    }
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
    dropout_backward(y->saved, ap_shape_count(y->value.shape), y->grad, ap_var_grad(tape, y->inputs[0]));
}

AP_DEFINE_OP(dropout);

ap_var *ap_dropout(ap_tape *tape, ap_var *x, ap_real p)
{
    ap_dropout_mask mask = ap_dropout_draw(tape, "dropout", p);
    if (!mask.threshold) return x;
    ap_var *y = ap_tape_push(tape, &op_dropout, x->value.shape, 1, &x);
    ap_dropout_mask *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = mask;
    dropout_forward(&mask, ap_shape_count(x->value.shape), x->value.data, y->value.data);
    return y;
}
