#include "antiphon/ops.h"

#include "antiphon/status.h"
#include "kernels/array.h"
#include "kernels/vmath.h"
#include "ops/dropout.h"
#include "ops/registry.h"

#include <math.h>

static void require_same(const char *name, const ap_var *a, const ap_var *b)
{
    if (!ap_shape_same(a->value.shape, b->value.shape))
        ap_fatal("%s: shapes %s and %s differ", name, ap_shape_print(a->value.shape).text,
                 ap_shape_print(b->value.shape).text);
}

/* ---------------------------------------------------------------- add: y = a + b */

static void add_node_backward(ap_tape *tape, ap_var *y)
{
    for (int k = 0; k < 2; k++)
        ap_array_accumulate(ap_var_count(y), 1, y->grad, ap_var_grad(tape, y->inputs[k]));
}

AP_DEFINE_OP(add, .reads = AP_READS_NOTHING);

ap_var *ap_add(ap_tape *tape, ap_var *a, ap_var *b)
{
    require_same("add", a, b);
    ap_var *y = ap_tape_push(tape, &op_add, a->value.shape, 2, (ap_var *[]){a, b});
    const ap_real *pa = a->value.data, *pb = b->value.data;
    ap_real *py = y->value.data;
    int64_t n = ap_var_count(y);
    AP_FOR_EACH_BLOCK(n, at, length)
    for (int64_t i = at; i < at + length; i++) py[i] = pa[i] + pb[i];
    return y;
}

/* ---------------------------------------------------------------- mul: y = a b */

static void accumulate_product(int64_t n, const ap_real *dy, const ap_real *other, ap_real *dx)
{
    if (!dx) return;
    AP_FOR_EACH_BLOCK(n, at, length)
    for (int64_t i = at; i < at + length; i++) dx[i] += dy[i] * other[i];
}

static void mul_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *a = y->inputs[0], *b = y->inputs[1];
    accumulate_product(ap_var_count(y), y->grad, b->value.data, ap_var_grad(tape, a));
    accumulate_product(ap_var_count(y), y->grad, a->value.data, ap_var_grad(tape, b));
}

AP_DEFINE_OP(mul, .reads_of = ap_reads_of_product);

ap_var *ap_mul(ap_tape *tape, ap_var *a, ap_var *b)
{
    require_same("mul", a, b);
    ap_var *y = ap_tape_push(tape, &op_mul, a->value.shape, 2, (ap_var *[]){a, b});
    const ap_real *pa = a->value.data, *pb = b->value.data;
    ap_real *py = y->value.data;
    int64_t n = ap_var_count(y);
    AP_FOR_EACH_BLOCK(n, at, length)
    for (int64_t i = at; i < at + length; i++) py[i] = pa[i] * pb[i];
    return y;
}

/* ---------------------------------------------------------------- affine: y = factor x + offset */

static void affine_node_backward(ap_tape *tape, ap_var *y)
{
    ap_array_accumulate(ap_var_count(y), *(ap_real *)y->saved, y->grad, ap_var_grad(tape, y->inputs[0]));
}

AP_DEFINE_OP(affine, .reads = AP_READS_NOTHING);

ap_var *ap_affine(ap_tape *tape, ap_var *x, ap_real factor, ap_real offset)
{
    ap_var *y = ap_tape_push(tape, &op_affine, x->value.shape, 1, &x);
    ap_real *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = factor;
    const ap_real *px = x->value.data;
    ap_real *py = y->value.data;
    int64_t n = ap_var_count(y);
    AP_FOR_EACH_BLOCK(n, at, length)
    for (int64_t i = at; i < at + length; i++) py[i] = factor * px[i] + offset;
    return y;
}

ap_var *ap_scale(ap_tape *tape, ap_var *x, ap_real factor)
{
    return ap_affine(tape, x, factor, 0);
}

/* ---------------------------------------------------------------- abs: y = |x| */

static void abs_node_backward(ap_tape *tape, ap_var *y)
{
    const ap_real *x = y->inputs[0]->value.data, *dy = y->grad;
    ap_real *dx = ap_var_grad(tape, y->inputs[0]);
    int64_t n = ap_var_count(y);
    if (!dx) return;
    AP_FOR_EACH_BLOCK(n, at, length)
    for (int64_t i = at; i < at + length; i++) dx[i] += x[i] > 0 ? dy[i] : x[i] < 0 ? -dy[i] : 0;
}

AP_DEFINE_OP(abs, .reads = AP_READS_INPUT(0));

ap_var *ap_abs(ap_tape *tape, ap_var *x)
{
    ap_var *y = ap_tape_push(tape, &op_abs, x->value.shape, 1, &x);
    const ap_real *px = x->value.data;
    ap_real *py = y->value.data;
    int64_t n = ap_var_count(y);
    AP_FOR_EACH_BLOCK(n, at, length)
    for (int64_t i = at; i < at + length; i++) py[i] = px[i] < 0 ? -px[i] : px[i];
    return y;
}

/* ---------------------------------------------------------------- clamp: y = min(max(x, low), high) */

typedef struct bounds {
    ap_real low, high;
} bounds;

static void clamp_node_backward(ap_tape *tape, ap_var *y)
{
    const bounds *to = y->saved;
    const ap_real *x = y->inputs[0]->value.data, *dy = y->grad;
    ap_real *dx = ap_var_grad(tape, y->inputs[0]);
    int64_t n = ap_var_count(y);
    if (!dx) return;
    AP_FOR_EACH_BLOCK(n, at, length)
    for (int64_t i = at; i < at + length; i++) dx[i] += x[i] >= to->low && x[i] <= to->high ? dy[i] : 0;
}

AP_DEFINE_OP(clamp, .reads = AP_READS_INPUT(0));

ap_var *ap_clamp(ap_tape *tape, ap_var *x, ap_real low, ap_real high)
{
    ap_var *y = ap_tape_push(tape, &op_clamp, x->value.shape, 1, &x);
    bounds *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = (bounds){low, high};
    const ap_real *px = x->value.data;
    ap_real *py = y->value.data;
    int64_t n = ap_var_count(y);
    AP_FOR_EACH_BLOCK(n, at, length)
    for (int64_t i = at; i < at + length; i++) py[i] = px[i] < low ? low : px[i] > high ? high : px[i];
    return y;
}

/* ---------------------------------------------------------------- ELU: y = x > 0 ? x : e^x - 1 */

static void elu_forward(int64_t n, const ap_real *x, ap_real *y)
{
    AP_FOR_EACH_BLOCK(n, at, length)
    ap_velu(length, x + at, y + at);
}

/* dy/dx = 1 for x > 0, else e^x = y + 1: the output alone is enough */
static void elu_backward(int64_t n, const ap_real *y, const ap_real *dy, ap_real *dx)
{
    if (!dx) return;
    AP_FOR_EACH_BLOCK(n, at, length)
    ap_velu_back_of_add(length, y + at, dy + at, dx + at);
}

static void elu_node_backward(ap_tape *tape, ap_var *y)
{
    elu_backward(ap_var_count(y), y->value.data, y->grad, ap_var_grad(tape, y->inputs[0]));
}

AP_DEFINE_OP(elu, .reads = AP_READS_OUTPUT);

ap_var *ap_elu(ap_tape *tape, ap_var *x)
{
    ap_var *y = ap_tape_push(tape, &op_elu, x->value.shape, 1, &x);
    elu_forward(ap_var_count(y), x->value.data, y->value.data);
    return y;
}

/* ---------------------------------------------------------------- LeakyReLU: y = x > 0 ? x : slope x */

static void leaky_relu_forward(int64_t n, const ap_real *x, ap_real slope, ap_real *y)
{
    AP_FOR_EACH_BLOCK(n, at, length)
    ap_vleaky_relu(length, slope, x + at, y + at);
}

/* y has the sign of x */
static void leaky_relu_backward(int64_t n, const ap_real *y, const ap_real *dy, ap_real slope, ap_real *dx)
{
    if (!dx) return;
    AP_FOR_EACH_BLOCK(n, at, length)
    ap_vleaky_relu_back(length, slope, y + at, dy + at, dx + at);
}

static void leaky_relu_node_backward(ap_tape *tape, ap_var *y)
{
    leaky_relu_backward(ap_var_count(y), y->value.data, y->grad, *(ap_real *)y->saved,
                        ap_var_grad(tape, y->inputs[0]));
}

AP_DEFINE_OP(leaky_relu, .reads = AP_READS_OUTPUT);

ap_var *ap_leaky_relu(ap_tape *tape, ap_var *x, ap_real slope)
{
    if (!(slope > 0)) ap_fatal("leaky_relu: slope %g is not positive", (double)slope);
    ap_var *y = ap_tape_push(tape, &op_leaky_relu, x->value.shape, 1, &x);
    ap_real *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = slope;
    leaky_relu_forward(ap_var_count(y), x->value.data, slope, y->value.data);
    return y;
}

/* ---------------------------------------------------------------- GELU: y = dropout(x Phi(x)), Phi the
 * normal CDF */

static void gelu_forward(const ap_dropout_mask *mask, int64_t n, const ap_real *x, ap_real *y)
{
    AP_FOR_EACH_BLOCK(n, at, length)
    {
        ap_vgelu(length, x + at, y + at);
        if (mask->threshold) ap_dropout_add(mask, (uint64_t)at, length, NULL, y + at, y + at);
    }
}

/* dy/dx = m (Phi(x) + x phi(x)), phi(x) = e^(-x^2 / 2) / sqrt(2 pi), m the dropout factor. fresh: dx is
 * overwritten. */
static void gelu_backward(const ap_dropout_mask *mask, int64_t n, const ap_real *x, const ap_real *dy,
                          bool fresh, ap_real *dx)
{
    AP_FOR_EACH_BLOCK(n, at, length)
    {
        ap_real g[AP_BLOCK];
        ap_vgelu_back(length, x + at, dy + at, g);
        ap_dropout_add(mask, (uint64_t)at, length, fresh ? NULL : dx + at, g, dx + at);
    }
}

static void gelu_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0];
    const ap_real *dy = y->grad;
    bool fresh;
    ap_real *dx = ap_var_grad_fresh(tape, x, &fresh);
    if (dx) gelu_backward(y->saved, ap_var_count(y), x->value.data, dy, fresh, dx);
}

static void gelu_node_again(ap_tape *tape, ap_var *y)
{
    (void)tape;
    gelu_forward(y->saved, ap_var_count(y), y->inputs[0]->value.data, y->value.data);
}

AP_DEFINE_OP(gelu, .reads = AP_READS_INPUT(0), .again = gelu_node_again, .again_reads = AP_READS_INPUT(0),
             .in_place = true);

ap_var *ap_gelu(ap_tape *tape, ap_var *x, ap_real dropout)
{
    ap_dropout_mask mask = ap_dropout_draw(tape, "gelu", dropout, ap_var_count(x));
    ap_var *y = ap_tape_push(tape, &op_gelu, x->value.shape, 1, &x);
    ap_dropout_mask *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = mask;
    gelu_forward(&mask, ap_var_count(y), x->value.data, y->value.data);
    return y;
}

/* ---------------------------------------------------------------- plain functions of one number */

#define READS_x AP_READS_INPUT(0)
#define READS_y AP_READS_OUTPUT
#define NUMBERS_x node->inputs[0]->value.data
#define NUMBERS_y node->value.data

/* Defines the operation `name` from compute(n, x, y), which fills y, and its derivative, in `variable` alone,
 * which is x or y. */
#define DEFINE_FUNCTION(name, compute, variable, derivative)                                                 \
    static void name##_node_backward(ap_tape *tape, ap_var *node)                                            \
    {                                                                                                        \
        const ap_real *numbers = NUMBERS_##variable, *dy = node->grad;                                       \
        ap_real *dx = ap_var_grad(tape, node->inputs[0]);                                                    \
        int64_t n = ap_var_count(node);                                                                      \
        if (!dx) return;                                                                                     \
        AP_FOR_EACH_BLOCK(n, at, length)                                                                     \
        for (int64_t i = at; i < at + length; i++) {                                                         \
            const ap_real variable = numbers[i];                                                             \
            dx[i] += dy[i] * (derivative);                                                                   \
        }                                                                                                    \
    }                                                                                                        \
    AP_DEFINE_OP(name, .reads = READS_##variable);                                                           \
    ap_var *ap_##name(ap_tape *tape, ap_var *input)                                                          \
    {                                                                                                        \
        ap_var *node = ap_tape_push(tape, &op_##name, input->value.shape, 1, &input);                        \
        const ap_real *px = input->value.data;                                                               \
        ap_real *py = node->value.data;                                                                      \
        int64_t n = ap_var_count(node);                                                                      \
        AP_FOR_EACH_BLOCK(n, at, length) compute(length, px + at, py + at);                                  \
        return node;                                                                                         \
    }

#ifdef AP_DOUBLE
#define ROOT(x) sqrt(x)
#else
#define ROOT(x) sqrtf(x)
#endif

static void roots(int64_t n, const ap_real *x, ap_real *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = ROOT(x[i]);
}

static void reciprocals(int64_t n, const ap_real *x, ap_real *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = 1 / x[i];
}

DEFINE_FUNCTION(tanh, ap_vtanh, y, 1 - y * y)
DEFINE_FUNCTION(exp, ap_vexp, y, y)
DEFINE_FUNCTION(sqrt, roots, y, 1 / (2 * y))
DEFINE_FUNCTION(reciprocal, reciprocals, y, -(y *y))
DEFINE_FUNCTION(asinh, ap_vasinh, x, 1 / ROOT(1 + x * x))
