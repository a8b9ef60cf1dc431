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
