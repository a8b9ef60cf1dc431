/* The short-time transform as a linear map A and its adjoint A': <A x, Y> = <x, A' Y>, real and imaginary
 * parts being so many real numbers. And the colours by which groups of frames may run side by side. */
#include "antiphon/ops.h"

#include "ops/stft_frames.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

typedef struct geometry {
    int64_t S;
    int n, hop;
} geometry;

static const geometry CASES[] = {{1000, 64, 16}, {33, 64, 16},      {257, 512, 64},
                                 {700, 50, 7},   {4000, 1024, 240}, {300, 16, 1}};
#define CASE_COUNT (sizeof CASES / sizeof *CASES)

static int live_lanes(int64_t frames, int64_t first)
{
    return frames - first < AP_LANES ? (int)(frames - first) : AP_LANES;
}

static void check_adjoint(bool zeros)
{
    for (size_t c = 0; c < CASE_COUNT; c++) {
        int64_t S = CASES[c].S, frames = ap_stft_frames(S, CASES[c].hop);
        ap_stft stft = ap_stft_of(CASES[c].n, CASES[c].hop);
        stft.zeros = zeros;
        size_t lanes = (size_t)stft.n + 2;
        ap_lanes *X = aligned_alloc(AP_LANES_BYTES, lanes * sizeof *X),
                 *Y = aligned_alloc(AP_LANES_BYTES, lanes * sizeof *Y);
        ap_lanes *scratch = aligned_alloc(AP_LANES_BYTES, lanes * sizeof *scratch);
        ap_tensor x = random_tensor(c, 1, AP_SHAPE(S));
        ap_real *back = calloc((size_t)S, sizeof *back);
        ap_rng rng = ap_rng_init(7);
        double left = 0, right = 0, size = 0;
        for (int64_t first = 0; first < frames; first += AP_LANES) {
            int live = live_lanes(frames, first);
            ap_stft_forward_group(&stft, S, x.data, first, live, X, scratch);
            for (size_t k = 0; k < lanes; k++)
                for (int i = 0; i < AP_LANES; i++) {
                    Y[k][i] = (ap_real)ap_rng_normal(&rng);
                    if (i < live) left += (double)X[k][i] * (double)Y[k][i];
                    if (i < live) size += (double)X[k][i] * (double)X[k][i];
                }
            for (size_t k = 2; k < lanes - 2; k++) Y[k] *= (ap_real)0.5;
            ap_stft_adjoint_group(&stft, S, Y, first, live, back, scratch);
        }
        for (int64_t t = 0; t < S; t++) right += (double)x.data[t] * (double)back[t];
        double tolerance = (sizeof(ap_real) == sizeof(double) ? 1e-12 : 1e-5) * sqrt(size);
        if (!(fabs(left - right) <= tolerance))
            fail_msg("S %lld, n %d, hop %d: <A x, Y> = %.12g, <x, A' Y> = %.12g", (long long)S, stft.n,
                     stft.hop, left, right);
        free(X);
        free(Y);
        free(scratch);
        free(x.data);
        free(back);
    }
}

static void test_adjoint(void **state)
{
    (void)state;
    check_adjoint(false);
    check_adjoint(true);
}

/* One sample that is not 0 is heard by the groups whose frames reach it, and by no other. */
static void test_silence_is_where_nothing_sounds(void **state)
{
    (void)state;
    enum { S = 5000, AT = 3001, N = 64, HOP = 16 };
    static ap_real x[S];
    x[AT] = (ap_real)1e-30;
    ap_stft stft = ap_stft_of(N, HOP);
    int64_t frames = ap_stft_frames(S, HOP), loud = 0;
    for (int64_t first = 0; first < frames; first += AP_LANES) {
        int live = live_lanes(frames, first);
        bool reaches = first * HOP - N / 2 <= AT && AT < (first + live - 1) * HOP + N / 2;
        assert_int_equal(ap_stft_silent_group(&stft, S, x, first, live), !reaches);
        loud += reaches;
    }
    assert_true(loud > 0);
}

/* first and one beyond the last sample that a group touches, mirrored ends included */
static void touched(const geometry *g, int64_t group, int64_t frames, int64_t *low, int64_t *high)
{
    *low = g->S, *high = 0;
    for (int64_t f = group * AP_LANES; f < (group + 1) * AP_LANES && f < frames; f++)
        for (int t = 0; t < g->n; t++) {
            int64_t at = llabs(f * g->hop - g->n / 2 + t);
            if (at >= g->S) at = 2 * (g->S - 1) - at;
            if (at < *low) *low = at;
            if (at >= *high) *high = at + 1;
        }
}

static void test_groups_of_a_colour_do_not_meet(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASE_COUNT; c++) {
        const geometry *g = &CASES[c];
        ap_stft stft = ap_stft_of(g->n, g->hop);
        int64_t frames = ap_stft_frames(g->S, g->hop), colours = ap_stft_group_colours(&stft);
        for (int64_t group = 0; (group + colours) * AP_LANES < frames; group++) {
            int64_t low, high, next_low, next_high;
            touched(g, group, frames, &low, &high);
            touched(g, group + colours, frames, &next_low, &next_high);
            assert_true(high <= next_low);
        }
    }
}

static void test_table_is_shared(void **state)
{
    (void)state;
    ap_stft a = ap_stft_of(64, 16), b = ap_stft_of(64, 8);
    assert_ptr_equal(a.window, b.window);
    assert_ptr_equal(a.fft, b.fft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adjoint),
        cmocka_unit_test(test_silence_is_where_nothing_sounds),
        cmocka_unit_test(test_groups_of_a_colour_do_not_meet),
        cmocka_unit_test(test_table_is_shared),
    };
    return cmocka_run_group_tests_name("stft", tests, NULL, NULL);
}
