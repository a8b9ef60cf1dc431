/* Novelty and balance put together: their values where these are known, and latents without a direction. */
#include "antiphon/losses.h"

#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define D 4
#define T 5
#define COUNT (2 * D * T)

static double novelty(ap_real *z, ap_real *zi, ap_real *zt, ap_real *dz)
{
    ap_shape shape = AP_SHAPE(2, D, T);
    ap_tape *tape = ap_tape_create(0);
    memset(dz, 0, COUNT * sizeof *dz);
    ap_var *in[3] = {ap_tape_leaf(tape, (ap_tensor){shape, z}, dz),
                     ap_tape_constant(tape, (ap_tensor){shape, zi}),
                     ap_tape_constant(tape, (ap_tensor){shape, zt})};
    ap_var *y = ap_novelty(tape, in[0], in[1], in[2]);
    double value = (double)y->value.data[0];
    ap_tape_backward(tape, y, 1);
    ap_tape_free(tape);
    return value;
}

/* channel c of every frame set to value */
static void set_channel(ap_real *z, int c, ap_real value)
{
    for (int b = 0; b < 2; b++)
        for (int t = 0; t < T; t++) z[(b * D + c) * T + t] = value;
}

static void test_novelty(void **state)
{
    (void)state;
    ap_real z[COUNT] = {0}, zi[COUNT] = {0}, zt[COUNT] = {0}, dz[COUNT];
    set_channel(zi, 0, 2);
    set_channel(zt, 1, 3);
    set_channel(z, 2, 1); /* orthogonal to both */
    assert_true(novelty(z, zi, zt, dz) == 0);
    set_channel(z, 2, 0);
    set_channel(z, 0, -5); /* the input, turned round: its half counts in full */
    assert_true(fabs(novelty(z, zi, zt, dz) - 0.5) < 1e-6);
    set_channel(z, 1, 5); /* between the two: cosines of -1 and 1 over sqrt 2 */
    assert_true(fabs(novelty(z, zi, zt, dz) - sqrt(0.5)) < 1e-6);
}

static void test_latents_of_silence(void **state)
{
    (void)state;
    ap_real z[COUNT] = {0}, zi[COUNT] = {0}, zt[COUNT] = {0}, dz[COUNT];
    set_channel(zi, 0, 2);
    assert_true(novelty(z, zi, zt, dz) == 0);
    for (int i = 0; i < COUNT; i++) assert_true(dz[i] == 0);
    set_channel(z, 0, 1);
    assert_true(isfinite(novelty(z, zi, zt, dz)));
    for (int i = 0; i < COUNT; i++) assert_true(isfinite(dz[i]));
}

static ap_var *build_novelty(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_novelty(tape, in[0], in[1], in[2]);
}

static ap_var *build_balance(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_balance(tape, in[0]);
}

static void test_gradients(void **state)
{
    (void)state;
    gradient_case novel = {.name = "novelty", .build = build_novelty, .input_count = 3};
    for (int k = 0; k < 3; k++) novel.inputs[k] = random_tensor(1 + (uint64_t)k, 3, AP_SHAPE(2, D, T));
    check_gradient(&novel);
    free_inputs(&novel);
    gradient_case balance = {.name = "balance", .build = build_balance, .input_count = 1};
    balance.inputs[0] = random_tensor(4, 3, AP_SHAPE(2, 6, T));
    check_gradient(&balance);
    free_inputs(&balance);
}

static void test_balance(void **state)
{
    (void)state;
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(2, 6, T));
    double want = 0;
    for (int64_t i = 0; i < 12 * T; i++) want += (i / T % 6 < 3 ? 1 : -1) * (double)x.data[i] / (2 * T);
    want = 0.1 * fabs(want);
    ap_tape *tape = ap_tape_create(0);
    check_close("balance", 1, ap_balance(tape, ap_tape_constant(tape, x))->value.data, &want,
                forward_tolerance());
    ap_tape_free(tape);
    free(x.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_novelty),
        cmocka_unit_test(test_latents_of_silence),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_balance),
    };
    return cmocka_run_group_tests_name("novelty", tests, NULL, NULL);
}
