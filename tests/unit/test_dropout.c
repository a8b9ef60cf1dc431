/* Dropout's mask: every kernel draws the one that ap_rng_hash says, and its numbers look independent. */
#include "antiphon/rng.h"
#include "kernels/kernel.h"

#include "support/check.h"

#include <math.h>
#include <stdlib.h>

/* A matrix of attention's weights; no multiples of a vector. The pitch exceeds its rows and columns. */
enum { ROWS = 37, PITCH = 91, STRIP = ROWS * AP_TILE_COLUMNS };

typedef struct arrays {
    ap_real a[STRIP], b[STRIP], delta[ROWS];
} arrays;

static arrays random_arrays(void)
{
    static arrays x;
    ap_rng rng = ap_rng_init(3);
    for (int i = 0; i < STRIP; i++) {
        x.a[i] = (ap_real)(0.5 + ap_rng_uniform(&rng));
        x.b[i] = (ap_real)ap_rng_normal(&rng);
    }
    for (int r = 0; r < ROWS; r++) x.delta[r] = (ap_real)ap_rng_normal(&rng);
    return x;
}

static double factor_at(const ap_dropout_mask *mask, uint64_t element)
{
    return ap_rng_hash(mask->key, mask->origin + element) < mask->threshold ? 0 : (double)mask->factor;
}

static void check_add(const ap_kernel *kernel, const ap_dropout_mask *mask, uint64_t first)
{
    const arrays x = random_arrays();
    double alone[STRIP], sum[STRIP];
    for (int i = 0; i < STRIP; i++) {
        alone[i] = factor_at(mask, first + (uint64_t)i) * (double)x.a[i];
        sum[i] = alone[i] + (double)x.b[i];
    }
    arrays y = x;
    kernel->dropout_add(mask, first, STRIP, NULL, x.a, y.b);
    check_close("dropout, alone", STRIP, y.b, alone, forward_tolerance());
    for (int i = 0; i < STRIP; i++) assert_true((y.b[i] == 0) == (alone[i] == 0));
    kernel->dropout_add(mask, first, STRIP, NULL, y.a, y.a);
    check_close("dropout, alone, in its own place", STRIP, y.a, alone, forward_tolerance());
    y = x;
    kernel->dropout_add(mask, first, STRIP, x.b, y.a, y.a);
    check_close("dropout, in its own place", STRIP, y.a, sum, forward_tolerance());
    y = x;
    kernel->dropout_add(mask, first, STRIP, y.b, x.a, y.b);
    check_close("dropout, in the sum's place", STRIP, y.b, sum, forward_tolerance());
}

static void check_strips(const ap_kernel *kernel, const ap_dropout_mask *mask, uint64_t first)
{
    const arrays x = random_arrays();
    double cleared[STRIP], p[STRIP], dp[STRIP];
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < AP_TILE_COLUMNS; c++) {
            int i = r * AP_TILE_COLUMNS + c;
            double m = factor_at(mask, first + (uint64_t)(r * PITCH + c)), weight = (double)x.a[i];
            cleared[i] = factor_at(mask, first + (uint64_t)(c * PITCH + r)) == 0 ? 0 : weight;
            p[i] = m * weight;
            dp[i] = weight * (m * (double)x.b[i] - (double)x.delta[r]);
        }
    arrays y = x;
    kernel->dropout_clear_columns(mask, first, PITCH, ROWS, y.a);
    check_close("cleared columns", STRIP, y.a, cleared, 0);
    y = x;
    kernel->dropout_softmax_back(mask, first, PITCH, ROWS, x.delta, y.a, y.b);
    check_close("weights", STRIP, y.a, p, forward_tolerance());
    check_close("gradient of the scores", STRIP, y.b, dp, forward_tolerance());
}

/* Also where the index outgrows 32 bits on the way, and where that comes from the rows of other processes. */
static void every_kernel_draws_the_same_mask(void **state)
{
    (void)state;
    const uint64_t firsts[] = {0, 5, 0xFFFFFFFFu - 700, 7 * (UINT64_C(1) << 32) - 3};
    bool runs;
    for (int k = 0; ap_kernel_at(k, &runs); k++)
        for (int f = 0; f < 4 && runs; f++) {
            ap_dropout_mask mask = {
                .key = 0x123456789ABCDEF0u, .threshold = 1u << 30, .factor = (ap_real)1.5};
            check_add(ap_kernel_at(k, &runs), &mask, firsts[f]);
            check_strips(ap_kernel_at(k, &runs), &mask, firsts[f]);
            mask.origin = 0xFFFFFFFFu - 900;
            check_add(ap_kernel_at(k, &runs), &mask, firsts[f]);
            check_strips(ap_kernel_at(k, &runs), &mask, firsts[f]);
            mask.threshold = 0;
            mask.factor = 1;
            check_add(ap_kernel_at(k, &runs), &mask, firsts[f]);
        }
}

/* ---------------------------------------------------------------- statistics */

/* Elements in a sample, and weights in a row of attention and in a head. */
enum { COUNT = 1 << 20, ROW = 1200, HEAD = ROW * ROW };

static uint8_t *draw(uint64_t key, uint64_t first, double p)
{
    const ap_dropout_mask mask = {.key = key, .threshold = (uint32_t)(p * 0x1p32), .factor = 1};
    static ap_real ones[1024], kept[1024];
    for (int i = 0; i < 1024; i++) ones[i] = 1;
    uint8_t *dropped = malloc(COUNT);
    assert_non_null(dropped);
    for (int at = 0; at < COUNT; at += 1024) {
        ap_dropout_add(&mask, first + (uint64_t)at, 1024, NULL, ones, kept);
        for (int i = 0; i < 1024; i++) dropped[at + i] = kept[i] == 0;
    }
    return dropped;
}

/* Whether two samples, or one and itself `lag` elements on, are both dropped as often as independent ones:
 * within five standard deviations. */
static void check_independent(const char *what, const uint8_t *a, const uint8_t *b, int64_t lag, double p)
{
    int64_t n = COUNT - lag, both = 0;
    for (int64_t i = 0; i < n; i++) both += a[i] & b[i + lag];
    double q = p * p, off = fabs((double)both - (double)n * q);
    if (off > 5 * sqrt((double)n * q * (1 - q)))
        fail_msg("p = %g, %s, lag %lld: both of a pair dropped %lld of %lld times", p, what, (long long)lag,
                 (long long)both, (long long)n);
}

/* As many elements are dropped as p says, in all and in each stretch of 64: the numbers of the stretches are
 * spread as a binomial distribution's (chi squared, within five standard deviations). */
static void check_frequency(const uint8_t *dropped, double p)
{
    enum { STRETCH = 64 };
    double total = 0, spread = 0, variance = p * (1 - p);
    for (int at = 0; at < COUNT; at += STRETCH) {
        double here = 0;
        for (int i = 0; i < STRETCH; i++) here += dropped[at + i];
        total += here;
        spread += (here - STRETCH * p) * (here - STRETCH * p) / (STRETCH * variance);
    }
    if (fabs(total - COUNT * p) > 5 * sqrt(COUNT * variance)) fail_msg("%g of %d dropped", total, COUNT);
    double stretches = COUNT / STRETCH, of_one = 2 + (1 - 6 * variance) / (STRETCH * variance);
    if (fabs(spread - stretches) > 5 * sqrt(stretches * of_one))
        fail_msg("p = %g: the stretches' spread is %g times that of independent elements", p,
                 spread / stretches);
}

/* Neighbours, weights below each other, the same weight of other heads, steps and halves of a long batch. */
static void elements_of_a_mask_are_independent(void **state)
{
    (void)state;
    const double ps[] = {0.1, 0.5, 0.9};
    ap_rng rng = ap_rng_init(11);
    for (int k = 0; k < 3; k++) {
        double p = ps[k];
        uint64_t key = ap_rng_next(&rng);
        uint8_t *mask = draw(key, 0, p), *head = draw(key, HEAD, p), *step = draw(ap_rng_next(&rng), 0, p),
                *far = draw(key, UINT64_C(1) << 32, p);
        check_frequency(mask, p);
        for (int64_t lag = 1; lag <= 64; lag++) check_independent("a mask", mask, mask, lag, p);
        for (int64_t rows = 1; rows <= 64; rows++) check_independent("rows", mask, mask, rows * ROW, p);
        for (int64_t lag = 0; lag <= 2; lag++) {
            check_independent("heads", mask, head, lag, p);
            check_independent("steps", mask, step, lag, p);
            check_independent("beyond 32 bits", mask, far, lag, p);
        }
        free(mask);
        free(head);
        free(step);
        free(far);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_kernel_draws_the_same_mask),
                                       cmocka_unit_test(elements_of_a_mask_are_independent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
