/* The limiter: nothing goes beyond the ceiling, what is far from a peak stays, and the gain moves smoothly.
 */
#include "compose/limiter.h"

#include "support/check.h"

#include <math.h>
#include <stdlib.h>

#define COUNT 20011
#define CEILING 0.985
#define FACTOR 2.5
#define BLOCK ap_limiter_block(24000)

static void peaks_are_turned_down_for_their_moment(void **state)
{
    (void)state;
    const int64_t blocks = (COUNT + BLOCK - 1) / BLOCK;
    ap_real *x = malloc(COUNT * sizeof *x), *gains = calloc((size_t)blocks, sizeof *gains);
    assert_true(x && gains);
    /* a soft tone, with loud moments: at both ends, alone, close together, and for a while */
    for (int i = 0; i < COUNT; i++) x[i] = (ap_real)(0.2 * sin(0.05 * i));
    x[0] = 3;
    x[COUNT - 1] = -2;
    x[4000] = (ap_real)0.5;
    x[9000] = 1, x[9100] = -5;
    for (int i = 14000; i < 15500; i++) x[i] *= 8;
    for (int i = 0; i < COUNT; i++) {
        ap_real *peak = gains + i / BLOCK, size = (ap_real)fabs((double)x[i]);
        *peak = size > *peak ? size : *peak;
    }
    ap_limiter_gains(blocks, FACTOR, CEILING, gains);
    double before = (double)ap_limiter_gain(blocks, BLOCK, gains, 0);
    for (int i = 0; i < COUNT; i++) {
        double gain = (double)ap_limiter_gain(blocks, BLOCK, gains, i);
        assert_true(gain > 0 && gain <= 1);
        assert_true(FACTOR * gain * fabs((double)x[i]) <= CEILING * (1 + 1e-6));
        assert_true(fabs(gain - before) < 0.004);
        before = gain;
    }
    const int far[] = {2000, 7000, 12000, 18000};
    for (int k = 0; k < 4; k++) assert_true(ap_limiter_gain(blocks, BLOCK, gains, far[k]) == 1);
    free(x);
    free(gains);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(peaks_are_turned_down_for_their_moment)};
    return cmocka_run_group_tests_name("limiter", tests, NULL, NULL);
}
