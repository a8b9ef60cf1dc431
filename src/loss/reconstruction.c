#include "antiphon/losses.h"

#include "kernels/array.h"
#include "ops/registry.h"
#include "ops/signals.h"

#include <math.h>

/* ---------------------------------------------------------------- rms_loss: y = sqrt(mean of (a - b)^2)
 * over all rows of the batch; n is the number of samples here, as tape.h has it for backward. */

/* dy/da = (a - b) / (n y) = -dy/db. If the signals are equal this is 0 / 0, and 0 is a subgradient. */
static void rms_loss_backward(int64_t n, const ap_real *a, const ap_real *b, ap_real y, ap_real dy,
                              ap_real *da, ap_real *db)
{
    if (y == 0) return;
    const ap_real factor = (ap_real)((double)dy / ((double)n * (double)y));
    AP_FOR_EACH_BLOCK(n, at, length)
    {
        if (da)
            for (int64_t i = at; i < at + length; i++) da[i] += factor * (a[i] - b[i]);
        if (db)
            for (int64_t i = at; i < at + length; i++) db[i] -= factor * (a[i] - b[i]);
    }
}

static void rms_loss_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *a = y->inputs[0], *b = y->inputs[1];
    rms_loss_backward(ap_var_count(a), a->value.data, b->value.data, y->value.data[0], y->grad[0],
                      ap_var_grad(tape, a), ap_var_grad(tape, b));
}

AP_DEFINE_OP(rms_loss, .reads = AP_READS_INPUTS(2) | AP_READS_OUTPUT);

ap_var *ap_rms_loss(ap_tape *tape, ap_var *a, ap_var *b)
{
    ap_signals of = ap_signals_of_both("rms_loss", a, b);
    int64_t n = of.B * of.S;
    ap_var *y = ap_tape_push(tape, &op_rms_loss, AP_SHAPE_SCALAR, 2, (ap_var *[]){a, b});
    double squares = ap_array_distance_squared(n, a->value.data, b->value.data);
    ap_tape_sum(tape, 1, &squares);
    y->value.data[0] = (ap_real)sqrt(squares / ap_tape_total(tape, n));
    return y;
}
