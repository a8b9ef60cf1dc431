#include "antiphon/ops.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

/* Long enough for several blocks and threads, and no multiple of a block. */
#define LONG 40007

typedef double scalar_fn(double a, double b);

/* forward of an operation on long inputs against a plain function */
static void check_forward(const char *name, check_fn *build, int inputs, scalar_fn *want)
{
    ap_tensor a = random_tensor(1, 2, AP_SHAPE(LONG)), b = random_tensor(2, 2, AP_SHAPE(LONG));
    double *expected = malloc(LONG * sizeof *expected);
    ap_tape *tape = ap_tape_create(0);
    ap_var *in[2] = {ap_tape_constant(tape, a), ap_tape_constant(tape, b)};
    for (int i = 0; i < LONG; i++) expected[i] = want((double)a.data[i], inputs > 1 ? (double)b.data[i] : 0);
    check_close(name, LONG, build(tape, in, NULL)->value.data, expected, forward_tolerance());
    ap_tape_free(tape);
    free(expected);
    free(a.data);
    free(b.data);
}

static void check_backward(const char *name, check_fn *build, int inputs, int kinks, const ap_real *at)
{
    gradient_case c = {.name = name, .build = build, .input_count = inputs};
    for (int k = 0; k < inputs; k++) {
        c.inputs[k] = random_tensor(3 + (uint64_t)k, 2, AP_SHAPE(3, 5, 7));
        keep_from(c.inputs[k], at, kinks, (ap_real)0.05);
    }
    check_gradient(&c);
    free_inputs(&c);
}

/* One operation: how to build it, what it should compute, where it has kinks. */
#define TEST_ELEMENTWISE(name, inputs, build_expression, want_expression, ...)                               \
    static ap_var *build_##name(ap_tape *tape, ap_var *const *in, const void *context)                       \
    {                                                                                                        \
        (void)context;                                                                                       \
        return build_expression;                                                                             \
    }                                                                                                        \
    static double want_##name(double a, double b)                                                            \
    {                                                                                                        \
        (void)b;                                                                                             \
        return want_expression;                                                                              \
    }                                                                                                        \
    void forward_##name(void **state)                                                                        \
    {                                                                                                        \
        (void)state;                                                                                         \
        check_forward(#name, build_##name, inputs, want_##name);                                             \
    }                                                                                                        \
    void gradient_##name(void **state)                                                                       \
    {                                                                                                        \
        (void)state;                                                                                         \
        const ap_real kinks[] = {__VA_ARGS__};                                                               \
        check_backward(#name, build_##name, inputs, sizeof kinks / sizeof *kinks, kinks);                    \
    }

TEST_ELEMENTWISE(add, 2, ap_add(tape, in[0], in[1]), a + b)
TEST_ELEMENTWISE(mul, 2, ap_mul(tape, in[0], in[1]), a *b)
TEST_ELEMENTWISE(affine, 1, ap_affine(tape, in[0], (ap_real)-1.75, 3), -1.75 * a + 3)
TEST_ELEMENTWISE(abs, 1, ap_abs(tape, in[0]), fabs(a), 0)
TEST_ELEMENTWISE(clamp, 1, ap_clamp(tape, in[0], -1, (ap_real)1.5), fmin(fmax(a, -1), 1.5), -1, (ap_real)1.5)
TEST_ELEMENTWISE(elu, 1, ap_elu(tape, in[0]), a > 0 ? a : exp(a) - 1, 0)
TEST_ELEMENTWISE(leaky_relu, 1, ap_leaky_relu(tape, in[0], (ap_real)0.25), a > 0 ? a : 0.25 * a, 0)
TEST_ELEMENTWISE(gelu, 1, ap_gelu(tape, in[0], 0), 0.5 * a * (1 + erf(a / sqrt(2))))
TEST_ELEMENTWISE(tanh, 1, ap_tanh(tape, in[0]), tanh(a))
TEST_ELEMENTWISE(exp, 1, ap_exp(tape, in[0]), exp(a))
TEST_ELEMENTWISE(sqrt, 1, ap_sqrt(tape, ap_affine(tape, ap_mul(tape, in[0], in[0]), 1, 1)), sqrt(a *a + 1))
TEST_ELEMENTWISE(reciprocal, 1, ap_reciprocal(tape, ap_affine(tape, ap_mul(tape, in[0], in[0]), 1, 1)),
                 1 / (a * a + 1))
TEST_ELEMENTWISE(asinh, 1, ap_asinh(tape, in[0]), asinh(a))
