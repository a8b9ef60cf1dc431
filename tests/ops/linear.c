#include "antiphon/ops.h"

#include "ops/ops.h"
#include "support/check.h"

#include <stdlib.h>

static ap_var *build_linear(ap_tape *tape, ap_var *const *in, const void *context)
{
    const int *inputs = context;
    return ap_linear(tape, in[0], in[1], *inputs > 2 ? in[2] : NULL);
}

static ap_var *build_matmul(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_matmul(tape, in[0], in[1]);
}

/* y[m, n] = sum over k of a[m, k] b[k, n], b stored [N, K] where `turned`, plus bias[n] */
static void check_product(const char *what, ap_tensor y, const ap_real *a, const ap_real *b,
                          const ap_real *bias, int64_t K, bool turned)
{
    int64_t N = y.shape.at[y.shape.rank - 1], M = ap_shape_count(y.shape) / N;
    double *want = malloc((size_t)(M * N) * sizeof *want);
    assert_non_null(want);
    for (int64_t m = 0; m < M; m++)
        for (int64_t n = 0; n < N; n++) {
            double sum = bias ? (double)bias[n] : 0;
            for (int64_t k = 0; k < K; k++)
                sum += (double)a[m * K + k] * (double)b[turned ? n * K + k : k * N + n];
            want[m * N + n] = sum;
        }
    check_close(what, M * N, y.data, want, forward_tolerance());
    free(want);
}

static gradient_case linear_case(const int *inputs, ap_shape x, int64_t N)
{
    int64_t K = x.at[x.rank - 1];
    return (gradient_case){
        .name = "linear",
        .build = build_linear,
        .context = inputs,
        .input_count = *inputs,
        .inputs = {random_tensor(1, 1, x), random_tensor(2, 1, AP_SHAPE(N, K)),
                   *inputs > 2 ? random_tensor(3, 1, AP_SHAPE(N)) : (ap_tensor){.data = NULL}}};
}

void forward_linear(void **state)
{
    (void)state;
    const ap_shape shapes[] = {AP_SHAPE(7), AP_SHAPE(13, 5), AP_SHAPE(3, 67, 129), AP_SHAPE(2, 3, 5, 11)};
    ap_tape *tape = ap_tape_create(0);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int inputs = 2; inputs <= 3; inputs++) {
            gradient_case c = linear_case(&inputs, shapes[i], 71);
            ap_var *in[3] = {NULL};
            for (int k = 0; k < inputs; k++) in[k] = ap_tape_constant(tape, c.inputs[k]);
            ap_tensor y = build_linear(tape, in, &inputs)->value;
            assert_int_equal(y.shape.rank, shapes[i].rank);
            assert_int_equal(y.shape.at[y.shape.rank - 1], 71);
            check_product("linear", y, c.inputs[0].data, c.inputs[1].data, c.inputs[2].data,
                          shapes[i].at[shapes[i].rank - 1], true);
            free_inputs(&c);
        }
    ap_tape_free(tape);
}

void gradient_linear(void **state)
{
    (void)state;
    for (int inputs = 2; inputs <= 3; inputs++) {
        gradient_case c = linear_case(&inputs, AP_SHAPE(3, 5, 7), 9);
        check_gradient(&c);
        free_inputs(&c);
    }
    /* each of the three products large enough to go by tiles */
    const int with_bias = 3;
    gradient_case large = linear_case(&with_bias, AP_SHAPE(2, 301, 227), 131);
    check_threads(&large, forward_tolerance());
    free_inputs(&large);
}

void forward_matmul(void **state)
{
    (void)state;
    ap_tape *tape = ap_tape_create(0);
    ap_tensor a = random_tensor(1, 1, AP_SHAPE(37, 53)), b = random_tensor(2, 1, AP_SHAPE(53, 29));
    ap_tensor y = ap_matmul(tape, ap_tape_constant(tape, a), ap_tape_constant(tape, b))->value;
    assert_true(ap_shape_same(y.shape, AP_SHAPE(37, 29)));
    check_product("matmul", y, a.data, b.data, NULL, 53, false);
    ap_tape_free(tape);
    free(a.data);
    free(b.data);
}

void gradient_matmul(void **state)
{
    (void)state;
    gradient_case c = {.name = "matmul",
                       .build = build_matmul,
                       .input_count = 2,
                       .inputs = {random_tensor(1, 1, AP_SHAPE(5, 7)), random_tensor(2, 1, AP_SHAPE(7, 3))}};
    check_gradient(&c);
    free_inputs(&c);
}
