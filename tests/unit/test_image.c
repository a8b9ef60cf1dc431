/* The stereo image: what is panned, turned or decorrelated is told from what is not. */
#include "evaluate/image.h"

#include "support/check.h"

#include <math.h>
#include <stdlib.h>

#define RATE 44100
#define N (2 * RATE)

typedef struct stereo {
    ap_tensor side[2];
} stereo;

/* Noise, whose right side is gain times the left one, and of which a share is noise of its own. */
static stereo make(uint64_t seed, double gain, double own)
{
    stereo x;
    for (int c = 0; c < 2; c++) x.side[c] = random_tensor(seed + (uint64_t)c, (ap_real)0.1, AP_SHAPE(N));
    for (int i = 0; i < N; i++)
        x.side[1].data[i] = (ap_real)(gain * (sqrt(1 - own) * (double)x.side[0].data[i] +
                                              sqrt(own) * (double)x.side[1].data[i]));
    return x;
}

static void check(stereo x, stereo y, double level, double coherence)
{
    const ap_real *a[2] = {x.side[0].data, x.side[1].data}, *b[2] = {y.side[0].data, y.side[1].data};
    ap_image_distance d = ap_image_compare(RATE, N, a, b);
    if (fabs(d.level - level) > 0.5 || fabs(d.coherence - coherence) > 0.05)
        fail_msg("%g dB and %g, not %g and %g", d.level, d.coherence, level, coherence);
    for (int c = 0; c < 2; c++) {
        free(x.side[c].data);
        free(y.side[c].data);
    }
}

static void images_are_compared(void **state)
{
    (void)state;
    check(make(1, 1, 0), make(5, 1, 0), 0, 0); /* other noise, the same image */
    check(make(1, 0.5, 0), make(5, 0.5, 0), 0, 0);
    check(make(1, 0.5, 0), make(5, 1, 0), 6.02, 0); /* panned */
    check(make(1, -1, 0), make(5, 1, 0), 0, 2);     /* turned */
    check(make(1, 1, 0.75), make(5, 1, 0), 0, 0.5); /* the coherence of one is a half */
    check(make(1, 1e-5, 0), make(5, 1, 0), 40, 0);  /* all of it left */
}

static void silence_has_no_image(void **state)
{
    (void)state;
    ap_real *nothing = calloc(N, sizeof *nothing);
    const ap_real *x[2] = {nothing, nothing};
    assert_true(isnan(ap_image_compare(RATE, N, x, x).level));
    free(nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_compared),
        cmocka_unit_test(silence_has_no_image),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
