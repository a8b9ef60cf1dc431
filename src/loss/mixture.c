#include "loss/mixture.h"

#include "antiphon/guidance.h"
#include "antiphon/ops.h"
#include "kernels/array.h"
#include "ops/registry.h"
#include "ops/signals.h"

/* Sources with a lower mean power explain nothing. */
#define POWER_FLOOR 1e-6

typedef struct fit {
    double a, b; /* weights of input and target */
    double share;
    double scale; /* P + d */
} fit;

/* The normal equations of |o - a i - b t|^2 + d (a^2 + b^2); at their solution a <o,i> + b <o,t> = P - E. */
static fit fit_of(int64_t S, const ap_real *o, const ap_real *i, const ap_real *t)
{
    const double d = POWER_FLOOR * (double)S;
    double ii = ap_array_dot(S, i, i) + d, tt = ap_array_dot(S, t, t) + d, it = ap_array_dot(S, i, t);
    double oi = ap_array_dot(S, o, i), ot = ap_array_dot(S, o, t), determinant = ii * tt - it * it;
    fit f = {.a = (oi * tt - ot * it) / determinant,
             .b = (ot * ii - oi * it) / determinant,
             .scale = ap_array_dot(S, o, o) + d};
    f.share = (f.a * oi + f.b * ot) / f.scale;
    return f;
}

static void mixture_share_forward(int64_t B, int64_t S, const ap_real *o, const ap_real *i, const ap_real *t,
                                  ap_real *y)
{
    for (int64_t b = 0; b < B; b++) y[b] = (ap_real)fit_of(S, o + b * S, i + b * S, t + b * S).share;
}

/* With m = a i + b t and e = o - m, E being at its minimum over a and b:
 * dy/do = 2 (m - y o) / (P + d), dy/di = 2 a e / (P + d), dy/dt = 2 b e / (P + d) */
static void mixture_share_backward(int64_t B, int64_t S, const ap_real *o, const ap_real *i, const ap_real *t,
                                   const ap_real *dy, ap_real *d_o, ap_real *d_i, ap_real *d_t)
{
    for (int64_t b = 0; b < B; b++) {
        int64_t at = b * S;
        fit f = fit_of(S, o + at, i + at, t + at);
        double g = 2 * (double)dy[b] / f.scale;
        const struct {
            ap_real *into;
            double o, i, t;
        } part[3] = {
            {d_o, -g * f.share, g * f.a, g * f.b},
            {d_i, g * f.a, -g * f.a * f.a, -g * f.a * f.b},
            {d_t, g * f.b, -g * f.b * f.a, -g * f.b * f.b},
        };
        for (int k = 0; k < 3; k++) {
            ap_real *into = part[k].into ? part[k].into + at : NULL;
            ap_array_accumulate(S, (ap_real)part[k].o, o + at, into);
            ap_array_accumulate(S, (ap_real)part[k].i, i + at, into);
            ap_array_accumulate(S, (ap_real)part[k].t, t + at, into);
        }
    }
}

static void mixture_share_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *o = y->inputs[0], *i = y->inputs[1], *t = y->inputs[2];
    ap_signals of = ap_signals_of("mixture_share", o);
    mixture_share_backward(of.B, of.S, o->value.data, i->value.data, t->value.data, y->grad,
                           ap_var_grad(tape, o), ap_var_grad(tape, i), ap_var_grad(tape, t));
}

AP_DEFINE_OP(mixture_share, .reads = AP_READS_INPUTS(3));

ap_var *ap_mixture_share(ap_tape *tape, ap_var *output, ap_var *input, ap_var *target)
{
    ap_signals of = ap_signals_of_both("mixture_share", output, input);
    ap_signals_of_both("mixture_share", output, target);
    ap_var *y = ap_tape_push(tape, &op_mixture_share, AP_SHAPE(of.B), 3, (ap_var *[]){output, input, target});
    mixture_share_forward(of.B, of.S, output->value.data, input->value.data, target->value.data,
                          y->value.data);
    return y;
}

ap_var *ap_mixture_loss(ap_tape *tape, ap_var *output, ap_var *input, ap_var *target, ap_real most)
{
    ap_var *excess = ap_affine(tape, ap_mixture_share(tape, output, input, target), 1, -most);
    return ap_mean(tape, ap_clamp(tape, excess, 0, 1));
}
