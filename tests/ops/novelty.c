#include "loss/cosine.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

#define LEAST 1e-8

static ap_var *build(ap_tape *tape, ap_var *const *in, const void *context)
{
    return ap_cosine(tape, in[0], in[1], *(const int *)context, LEAST);
}

void forward_cosine(void **state)
{
    (void)state;
    /* more columns than a stripe, each dimension in turn */
    const int64_t at[3] = {4, 7, 131};
    ap_tensor a = random_tensor(1, 1, AP_SHAPE(at[0], at[1], at[2])), b = random_tensor(2, 1, a.shape);
    for (int axis = 0; axis < 3; axis++) {
        int64_t outer = 1, inner = 1, N = at[axis];
        for (int k = 0; k < axis; k++) outer *= at[k];
        for (int k = axis + 1; k < 3; k++) inner *= at[k];
        double *want = malloc((size_t)(outer * inner) * sizeof *want);
        for (int64_t i = 0; i < outer * inner; i++) {
            double ab = 0, aa = 0, bb = 0;
            for (int64_t n = 0; n < N; n++) {
                int64_t e = (i / inner * N + n) * inner + i % inner;
                ab += (double)a.data[e] * (double)b.data[e];
                aa += (double)a.data[e] * (double)a.data[e];
                bb += (double)b.data[e] * (double)b.data[e];
            }
            want[i] = ab / sqrt(aa * bb);
        }
        ap_tape *tape = ap_tape_create(0);
        ap_var *in[2] = {ap_tape_constant(tape, a), ap_tape_constant(tape, b)}, *y = build(tape, in, &axis);
        assert_int_equal(y->value.shape.rank, 2);
        assert_int_equal(ap_shape_count(y->value.shape), outer * inner);
        check_close("cosine", outer * inner, y->value.data, want, forward_tolerance());
        ap_tape_free(tape);
        free(want);
    }
    free(a.data);
    free(b.data);
}

void gradient_cosine(void **state)
{
    (void)state;
    for (int axis = 0; axis < 3; axis++) {
        gradient_case c = {.name = "cosine", .build = build, .context = &axis, .input_count = 2};
        for (int k = 0; k < 2; k++) c.inputs[k] = random_tensor(3 + (uint64_t)k, 3, AP_SHAPE(4, 5, 6));
        check_gradient(&c);
        free_inputs(&c);
    }
}

/* As if another process had two of three rows, whose mean is 5. */
static void add_other(void *context, int64_t n, double *x)
{
    (void)context;
    assert_int_equal(n, 1);
    *x += 5 * 2 / 3.0;
}

static ap_var *build_mean_of_all(ap_tape *tape, ap_var *const *in, const void *context)
{
    if (context) ap_tape_rows_set(tape, context);
    return ap_mean_of_all(tape, in[0]);
}

void forward_mean_of_all(void **state)
{
    (void)state;
    const ap_tape_rows rows[] = {{0, 1, 3, add_other, NULL}, {1, 0, 3, add_other, NULL}};
    ap_real two = 2;
    const double want[] = {2 / 3.0 + 10 / 3.0, 10 / 3.0, 2};
    for (int k = 0; k < 3; k++) {
        ap_tape *tape = ap_tape_create(0);
        ap_var *x = ap_tape_constant(tape, (ap_tensor){AP_SHAPE_SCALAR, &two});
        check_close("mean_of_all", 1, build_mean_of_all(tape, &x, k < 2 ? &rows[k] : NULL)->value.data,
                    &want[k], forward_tolerance());
        ap_tape_free(tape);
    }
}

void gradient_mean_of_all(void **state)
{
    (void)state;
    gradient_case c = {.name = "mean_of_all", .build = build_mean_of_all, .input_count = 1};
    c.inputs[0] = random_tensor(5, 1, AP_SHAPE_SCALAR);
    check_gradient(&c);
    free_inputs(&c);
}
