/* The Fourier transforms, one signal at a time and one a lane, against the definition summed in double, and
 * there and back again. */
#include "kernels/fft.h"

#include "kernels/fft_lanes.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* powers of two with an even and an odd number of halvings, the smallest, and lengths that are none */
static const int LENGTHS[] = {2, 4, 6, 8, 16, 30, 32, 50, 64, 128, 512, 1024};
#define LENGTH_COUNT ((int)(sizeof LENGTHS / sizeof *LENGTHS))

static double tolerance(void)
{
    return sizeof(ap_real) == sizeof(double) ? 1e-11 : 2e-5;
}

static void *lanes_alloc(int count)
{
    void *block = aligned_alloc(AP_LANES_BYTES, (size_t)count * AP_LANES_BYTES);
    assert_non_null(block);
    return block;
}

static void definition(int n, const ap_real *x, double *X)
{
    for (int k = 0; k <= n / 2; k++) {
        X[2 * k] = X[2 * k + 1] = 0;
        for (int t = 0; t < n; t++) {
            double angle = 2 * M_PI * (double)((int64_t)k * t % n) / n;
            X[2 * k] += (double)x[t] * cos(angle);
            X[2 * k + 1] -= (double)x[t] * sin(angle);
        }
    }
}

static void test_one_signal(void **state)
{
    (void)state;
    for (int l = 0; l < LENGTH_COUNT; l++) {
        int n = LENGTHS[l];
        ap_fft *fft = ap_fft_create(n);
        ap_tensor x = random_tensor((uint64_t)n, 1, AP_SHAPE(n)), back = random_tensor(1, 1, AP_SHAPE(n));
        ap_complex *X = malloc(((size_t)n / 2 + 1) * sizeof *X);
        double *want = malloc((size_t)(n + 2) * sizeof *want);
        definition(n, x.data, want);
        ap_fft_forward(fft, x.data, X);
        check_close("forward", n + 2, &X[0].re, want, tolerance() * sqrt(n));
        X[0].im = X[n / 2].im = 3; /* must not count */
        ap_fft_inverse(fft, X, back.data);
        for (int t = 0; t < n; t++) want[t] = n * (double)x.data[t];
        check_close("forward and inverse", n, back.data, want, tolerance() * sqrt(n));
        ap_fft_free(fft);
        free(x.data);
        free(back.data);
        free(X);
        free(want);
    }
}

static void test_lanes(void **state)
{
    (void)state;
    for (int l = 0; l < LENGTH_COUNT; l++) {
        int n = LENGTHS[l];
        ap_fft *fft = ap_fft_create(n);
        ap_tensor signals = random_tensor((uint64_t)n, 1, AP_SHAPE(AP_LANES, n));
        ap_real *row = malloc((size_t)(n + 2) * sizeof *row);
        double *want = malloc((size_t)(n + 2) * sizeof *want);
        ap_lanes *x = lanes_alloc(n), *X = lanes_alloc(n + 2);
        for (int i = 0; i < AP_LANES; i++)
            for (int t = 0; t < n; t++) x[t][i] = signals.data[i * n + t];
        ap_fft_forward_lanes(fft, x, X);
        for (int i = 0; i < AP_LANES; i++) {
            for (int k = 0; k < n + 2; k++) row[k] = X[k][i];
            definition(n, signals.data + i * n, want);
            check_close("forward in lanes", n + 2, row, want, tolerance() * sqrt(n));
            X[1][i] = X[n + 1][i] = (ap_real)i; /* must not count */
        }
        ap_fft_inverse_lanes(fft, X, x);
        for (int i = 0; i < AP_LANES; i++) {
            for (int t = 0; t < n; t++) row[t] = x[t][i], want[t] = n * (double)signals.data[i * n + t];
            check_close("forward and inverse in lanes", n, row, want, tolerance() * sqrt(n));
        }
        ap_fft_free(fft);
        free(signals.data);
        free(row);
        free(want);
        free(x);
        free(X);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_signal),
        cmocka_unit_test(test_lanes),
    };
    return cmocka_run_group_tests_name("fft", tests, NULL, NULL);
}
