/* The lapped transform as a pair: all coefficients give the signal back, fewer lose what is above them and
 * nothing else, and without the gain decoding is the adjoint of encoding. */
#include "antiphon/ops.h"

#include "antiphon/audio.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

#define HOP 320
#define SAMPLES 10007

static double exactness(void)
{
    return sizeof(ap_real) == sizeof(double) ? 1e-12 : 1e-5;
}

/* energy of what is lost by encoding and decoding a signal, as a share of its own */
static double loss_of(int dim, ap_tensor x)
{
    ap_mdct *mdct = ap_mdct_create(dim, HOP, 8);
    ap_tape *tape = ap_tape_create(0);
    ap_var *z = ap_mdct_encode(tape, mdct, ap_tape_constant(tape, x));
    ap_var *y = ap_mdct_decode(tape, mdct, z, SAMPLES);
    double lost = 0, all = 0;
    for (int t = 0; t < SAMPLES; t++) {
        double difference = (double)y->value.data[t] - (double)x.data[t];
        lost += difference * difference;
        all += (double)x.data[t] * (double)x.data[t];
    }
    ap_tape_free(tape);
    ap_mdct_free(mdct);
    return lost / all;
}

static void test_all_coefficients_reconstruct(void **state)
{
    (void)state;
    ap_tensor noise = random_tensor(1, 1, AP_SHAPE(1, 1, SAMPLES));
    assert_true(loss_of(HOP, noise) < exactness() * exactness());
    free(noise.data);
}

static ap_tensor tone(double hertz)
{
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(1, 1, SAMPLES));
    for (int t = 0; t < SAMPLES; t++) {
        double fade = sin(M_PI * (t + 0.5) / SAMPLES);
        x.data[t] = (ap_real)(fade * fade * sin(2 * M_PI * hertz * t / AP_SAMPLE_RATE));
    }
    return x;
}

static void test_fewer_keep_the_lower_band(void **state)
{
    (void)state;
    ap_tensor low = tone(1000), high = tone(9000); /* 128 of 320 coefficients reach to 4800 Hz */
    assert_true(loss_of(128, low) < 1e-4);
    assert_true(loss_of(128, high) > 0.999);
    free(low.data);
    free(high.data);
}

static void test_adjoint(void **state)
{
    (void)state;
    ap_mdct *mdct = ap_mdct_create(48, 64, 1);
    int64_t S = 1000, frames = ap_mdct_frames(mdct, S);
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(2, 1, S)), z = random_tensor(2, 1, AP_SHAPE(2, 48, frames));
    ap_tape *tape = ap_tape_create(0);
    ap_var *Ax = ap_mdct_encode(tape, mdct, ap_tape_constant(tape, x));
    ap_var *Atz = ap_mdct_decode(tape, mdct, ap_tape_constant(tape, z), S);
    double left = 0, right = 0, size = 0;
    for (int64_t i = 0; i < ap_shape_count(z.shape); i++) {
        left += (double)Ax->value.data[i] * (double)z.data[i];
        size += (double)Ax->value.data[i] * (double)Ax->value.data[i];
    }
    for (int64_t i = 0; i < ap_shape_count(x.shape); i++)
        right += (double)x.data[i] * (double)Atz->value.data[i];
    if (!(fabs(left - right) <= exactness() * sqrt(size)))
        fail_msg("<A x, z> = %.12g, <x, A' z> = %.12g", left, right);
    ap_tape_free(tape);
    ap_mdct_free(mdct);
    free(x.data);
    free(z.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_coefficients_reconstruct),
        cmocka_unit_test(test_fewer_keep_the_lower_band),
        cmocka_unit_test(test_adjoint),
    };
    return cmocka_run_group_tests_name("mdct", tests, NULL, NULL);
}
