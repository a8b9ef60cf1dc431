/* The emulated instructions on matrix tiles: their roundings one by one, against the processor's own where it
 * has some of them. */
#ifdef __x86_64__
#include <immintrin.h> /* first: the emulation takes its names */
#endif

#include "kernels/level/amx_emulated.h"

#include "support/check.h"
#include "support/fatal.h"

#include <stdlib.h>

#define ROWS 12
#define PAIRS 16
#define SUMS 16

typedef struct tiles {
    float a[ROWS * 2 * PAIRS], b[2 * PAIRS * SUMS], c[ROWS * SUMS];
} tiles;

static uint16_t bfloat16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)(bits >> 16);
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void configure(void)
{
    amx_config config = {.palette = 1, .row_bytes = {64, 64, 64}, .rows = {ROWS, ROWS, PAIRS}};
    _tile_loadconfig(&config);
}

/* c += a b by tiles; all of a and b are bfloat16. */
static void multiply(tiles *t)
{
    uint16_t a[ROWS][2 * PAIRS], b[PAIRS][2 * SUMS];
    for (int m = 0; m < ROWS; m++)
        for (int k = 0; k < 2 * PAIRS; k++) a[m][k] = bfloat16(t->a[m * 2 * PAIRS + k]);
    for (int k = 0; k < 2 * PAIRS; k++)
        for (int n = 0; n < SUMS; n++) b[k / 2][2 * n + k % 2] = bfloat16(t->b[k * SUMS + n]);
    configure();
    _tile_loadd(0, t->c, 64);
    _tile_loadd(1, a, 64);
    _tile_loadd(2, b, 64);
    _tile_dpbf16ps(0, 1, 2);
    _tile_stored(0, t->c, 64);
    _tile_release();
}

static tiles random_tiles(void)
{
    tiles t;
    ap_tensor a = random_tensor(1, 1, AP_SHAPE(ROWS, 2 * PAIRS)),
              b = random_tensor(2, 1, AP_SHAPE(2 * PAIRS, SUMS));
    for (int i = 0; i < ROWS * 2 * PAIRS; i++) t.a[i] = float_of((uint32_t)bfloat16((float)a.data[i]) << 16);
    for (int i = 0; i < SUMS * 2 * PAIRS; i++) t.b[i] = float_of((uint32_t)bfloat16((float)b.data[i]) << 16);
    for (int i = 0; i < ROWS * SUMS; i++) t.c[i] = (float)i / 7;
    free(a.data);
    free(b.data);
    return t;
}

static void a_product_is_that_of_double(void **state)
{
    (void)state;
    tiles t = random_tiles(), before = t;
    multiply(&t);
    for (int m = 0; m < ROWS; m++)
        for (int n = 0; n < SUMS; n++) {
            double sum = (double)before.c[m * SUMS + n];
            for (int k = 0; k < 2 * PAIRS; k++)
                sum += (double)t.a[m * 2 * PAIRS + k] * (double)t.b[k * SUMS + n];
            assert_true(fabs((double)t.c[m * SUMS + n] - sum) < 1e-5);
            assert_true(t.c[m * SUMS + n] != before.c[m * SUMS + n]);
        }
}

/* The short way for ordinary numbers gives the bits of the long one, which smaller numbers take. */
static void small_numbers_round_like_others(void **state)
{
    (void)state;
    tiles t = random_tiles(), small = t;
    for (int i = 0; i < ROWS * 2 * PAIRS; i++) small.a[i] *= 0x1p-45f;
    for (int i = 0; i < SUMS * 2 * PAIRS; i++) small.b[i] *= 0x1p-45f;
    for (int i = 0; i < ROWS * SUMS; i++) small.c[i] *= 0x1p-90f;
    multiply(&t);
    multiply(&small);
    for (int i = 0; i < ROWS * SUMS; i++) assert_true(small.c[i] == t.c[i] * 0x1p-90f);
}

/* One element: the sum of two even products and two odd ones, and what was there. */
static float sum_of(float c, float even0, float odd0, float even1, float odd1)
{
    tiles t = {.c = {c}, .a = {even0, odd0, even1, odd1}};
    for (int k = 0; k < 4; k++) t.b[k * SUMS] = 1;
    multiply(&t);
    return t.c[0];
}

static void sums_round_as_the_manual_says(void **state)
{
    (void)state;
    const float last = 0x1p-23f, half = 0x1p-24f;
    /* to the nearest, or to even */
    assert_true(sum_of(1, half, 0, 0, 0) == 1);
    assert_true(sum_of(1 + last, half, 0, 0, 0) == 1 + 2 * last);
    assert_true(sum_of(1, half + half / 128, 0, 0, 0) == 1 + last);
    /* from 0 on, and only then to what was there */
    assert_true(sum_of(1, half, 0, half, 0) == 1 + last);
    assert_true(sum_of(0, 1, 0, half, 0) == 1);
    /* even and odd ones apart */
    assert_true(sum_of(0, 1, half, 0, half) == 1 + last);
    /* what is no longer normal becomes 0 at once, and was 0 if it came so */
    assert_true(sum_of(0, 0x1p-126f, 0, 0, 0) == 0x1p-126f);
    assert_true(sum_of(0, 0x1p-127f, 0, 0x1p-126f, 0) == 0x1p-126f);
    assert_true(sum_of(0x1p-127f, 0, 0, 0, 0) == 0);
    tiles t = {.a = {0x1p-64f, 0, 0x1p-64f}, .b = {[0] = -0x1p-63f, [2 * SUMS] = -0x1p-63f}};
    multiply(&t);
    assert_true(t.c[0] == 0);
    assert_true(isnan(sum_of(0, INFINITY, -INFINITY, 0, 0)) && isinf(sum_of(0, INFINITY, 0, 0, 0)));
}

static void what_the_processor_would_not_do(void **state)
{
    (void)state;
    const amx_config unknown = {.palette = 2},
                     odd = {.palette = 1, .row_bytes = {64, 64, 64}, .rows = {ROWS, ROWS, PAIRS - 1}};
    assert_fatal(_tile_loadconfig(&unknown));
    assert_non_null(strstr(fatal_said, "palette"));
    assert_fatal(_tile_dpbf16ps(0, 1, 2));
    assert_non_null(strstr(fatal_said, "not configured"));
    _tile_loadconfig(&odd);
    assert_fatal(_tile_dpbf16ps(0, 1, 2));
    assert_non_null(strstr(fatal_said, "do not fit"));
    _tile_release();
}

/* ---------------------------------------------------------------- the processor's own */

#ifdef __x86_64__

/* sum + a b by VDPBF16PS, which rounds and loses denormals in the same way. */
__attribute__((target("avx512f,avx512bf16"))) static float processor_multiply_add(float a, float b, float sum)
{
    __m512i pairs_a = _mm512_set1_epi32(bfloat16(a)), pairs_b = _mm512_set1_epi32(bfloat16(b));
    float sums[16];
    _mm512_storeu_ps(sums, _mm512_dpbf16_ps(_mm512_set1_ps(sum), (__m512bh)pairs_a, (__m512bh)pairs_b));
    return sums[0];
}

static void sums_are_those_of_the_processor(void **state)
{
    (void)state;
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx512bf16")) skip();
    uint32_t seed = 1;
    for (int i = 0; i < 1000000; i++) {
        /* exponents near one another, and every third time at the end of the range */
        uint32_t bits[3];
        for (int k = 0; k < 3; k++) bits[k] = (seed = seed * 1664525 + 1013904223);
        uint32_t middle = i % 3 ? 127 : 64;
        for (int k = 0; k < 2; k++)
            bits[k] = ((bits[k] & 0x807f0000) | (middle + (bits[k] >> 8) % 13 - 6) << 23) & 0xffff0000;
        bits[2] = (bits[2] & 0x807fffff) | ((i % 3 ? 127 : 1) + (bits[2] >> 8) % 9) << 23;
        float a = float_of(bits[0]), b = float_of(bits[1]), sum = float_of(bits[2]);
        float got = amx_multiply_add(a, b, amx_without_denormal(sum)),
              want = processor_multiply_add(a, b, sum);
        if (memcmp(&got, &want, sizeof got) != 0)
            fail_msg("%a * %a + %a: %a is not the processor's %a", (double)a, (double)b, (double)sum,
                     (double)got, (double)want);
    }
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_is_that_of_double),     cmocka_unit_test(small_numbers_round_like_others),
        cmocka_unit_test(sums_round_as_the_manual_says),   cmocka_unit_test(what_the_processor_would_not_do),
#ifdef __x86_64__
        cmocka_unit_test(sums_are_those_of_the_processor),
#endif
    };
    return cmocka_run_group_tests_name("amx", tests, NULL, NULL);
}
