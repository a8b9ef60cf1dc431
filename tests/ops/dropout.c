#include "antiphon/ops.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

#define LONG 100003

static ap_var *build_dropout(ap_tape *tape, ap_var *const *in, const void *context)
{
    return ap_dropout(tape, in[0], *(const ap_real *)context);
}

static ap_var *build_gelu(ap_tape *tape, ap_var *const *in, const void *context)
{
    return ap_gelu(tape, in[0], *(const ap_real *)context);
}

/* Every element is 0 or x / (1 - p), and as many are 0 as p says, within five standard deviations. */
static void check_kept(const ap_tensor x, const ap_real *y, double p)
{
    int64_t n = ap_shape_count(x.shape), dropped = 0;
    for (int64_t i = 0; i < n; i++) {
        if (y[i] == 0)
            dropped++;
        else
            assert_true(fabs((double)y[i] * (1 - p) / (double)x.data[i] - 1) < 1e-6);
    }
    double off = fabs((double)dropped - (double)n * p), deviation = sqrt((double)n * p * (1 - p));
    if (off > 5 * deviation) fail_msg("%lld of %lld dropped at p = %g", (long long)dropped, (long long)n, p);
}

void forward_dropout(void **state)
{
    (void)state;
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(LONG));
    ap_tape *tape = ap_tape_create(7);
    ap_var *in = ap_tape_constant(tape, x);
    assert_ptr_equal(ap_dropout(tape, in, (ap_real)0.5), in); /* not in training mode */
    assert_int_equal(ap_tape_rng(tape)->counter, 0);
    ap_tape_training_set(tape, true);
    assert_ptr_equal(ap_dropout(tape, in, 0), in);
    const double p[] = {0.1, 0.5, 0.875};
    for (int k = 0; k < 3; k++) check_kept(x, ap_dropout(tape, in, (ap_real)p[k])->value.data, p[k]);

    /* a new mask at each call, the same one from the same state of the stream */
    *ap_tape_rng(tape) = ap_rng_init(3);
    const ap_real *first = ap_dropout(tape, in, (ap_real)0.5)->value.data;
    const ap_real *second = ap_dropout(tape, in, (ap_real)0.5)->value.data;
    *ap_tape_rng(tape) = ap_rng_init(3);
    const ap_real *again = ap_dropout(tape, in, (ap_real)0.5)->value.data;
    int64_t both = 0;
    for (int64_t i = 0; i < LONG; i++) {
        assert_true(first[i] == again[i]);
        both += first[i] == 0 && second[i] == 0;
    }
    assert_true(fabs((double)both / LONG - 0.25) < 5 * sqrt(0.25 * 0.75 / LONG));
    ap_tape_free(tape);
    free(x.data);
}

/* GELU under dropout is dropout of GELU, by the same key. */
static void check_gelu(ap_real p)
{
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(LONG));
    ap_tape *tape = ap_tape_create(7);
    ap_var *in = ap_tape_constant(tape, x);
    ap_tape_training_set(tape, true);
    *ap_tape_rng(tape) = ap_rng_init(3);
    const ap_real *want = ap_dropout(tape, ap_gelu(tape, in, 0), p)->value.data;
    *ap_tape_rng(tape) = ap_rng_init(3);
    const ap_real *got = ap_gelu(tape, in, p)->value.data;
    for (int64_t i = 0; i < LONG; i++) assert_true(got[i] == want[i]);
    ap_tape_free(tape);
    free(x.data);
}

void gradient_dropout(void **state)
{
    (void)state;
    const ap_real p = (ap_real)0.4;
    gradient_case c = {.name = "dropout", .build = build_dropout, .context = &p, .input_count = 1};
    gradient_case large = c;
    c.training = large.training = true;
    c.inputs[0] = random_tensor(1, 1, AP_SHAPE(3, 5, 7));
    large.inputs[0] = random_tensor(1, 1, AP_SHAPE(LONG));
    check_gradient(&c);
    check_threads(&large, 0);
    check_gelu(p);
    c.build = large.build = build_gelu;
    check_gradient(&c);
    check_threads(&large, 0);
    free_inputs(&c);
    free_inputs(&large);
}
