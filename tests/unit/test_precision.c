/* How exact the products of packed factors are, in either precision: sums of bfloat16 (level/parts.c) and
 * fixed point (level/fixed.h), by the chosen kernel and by the two that emulate what only some processors
 * can. */
#include "kernels/kernel.h"
#include "kernels/lstm_panels.h"
#include "kernels/pack.h"

#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS AP_TILE_COLUMNS
#define ROWS 30 /* three panels, the last one in part */
#define PANELS 3
#define DEPTH_MOST 300
/* The largest whole number of fixed point, and the steps that its sums have room for. */
#define MOST 4095
#define BLOCK 128

typedef struct factors {
    int64_t depth;
    ap_real a[ROWS * DEPTH_MOST], b[DEPTH_MOST * COLUMNS]; /* [ROWS, depth], [depth, COLUMNS] */
} factors;

static const ap_kernel *kernel_named(const char *name)
{
    const ap_kernel *kernel;
    bool runs;
    for (int i = 0; (kernel = ap_kernel_at(i, &runs)); i++)
        if (strcmp(kernel->name, name) == 0) return runs ? kernel : NULL;
    return NULL;
}

static factors normal_factors(int64_t depth)
{
    factors f = {.depth = depth};
    ap_tensor a = random_tensor(1, 1, AP_SHAPE(ROWS, depth)),
              b = random_tensor(2, 1, AP_SHAPE(depth, COLUMNS));
    memcpy(f.a, a.data, (size_t)(ROWS * depth) * sizeof *f.a);
    memcpy(f.b, b.data, (size_t)(depth * COLUMNS) * sizeof *f.b);
    free(a.data);
    free(b.data);
    return f;
}

/* y [ROWS, COLUMNS] by a kernel; NULL: the chosen one. Returns the error relative to the norm. */
static double product_by(const ap_kernel *kernel, const factors *f, ap_real *y)
{
    const int64_t pitch = ap_tile_depth(f->depth) * AP_TILE_ROWS;
    ap_real *panels = malloc((size_t)(PANELS * pitch) * sizeof *panels);
    ap_real *strip = malloc((size_t)(ap_tile_depth(f->depth) * COLUMNS) * sizeof *strip);
    ap_side A = {f->a, ROWS, f->depth, 1}, B = {f->b, COLUMNS, 1, COLUMNS};
    ap_tile_place place = {.C = y, .ldc = COLUMNS};
    double off = 0, norm = 0;
    assert_true(panels && strip);
    for (int64_t i = 0; i < PANELS; i++)
        (kernel ? kernel->pack_panel : ap_pack_panel)(&A, i * AP_TILE_ROWS, 0, f->depth, panels + i * pitch);
    (kernel ? kernel->pack_strip : ap_pack_strip)(&B, 0, 0, f->depth, strip);
    (kernel ? kernel->tile_product : ap_tile_product)(ROWS, COLUMNS, &place, f->depth, panels, pitch, strip);
    for (int64_t m = 0; m < ROWS; m++)
        for (int64_t n = 0; n < COLUMNS; n++) {
            double sum = 0;
            for (int64_t k = 0; k < f->depth; k++)
                sum += (double)f->a[m * f->depth + k] * (double)f->b[k * COLUMNS + n];
            double error = (double)y[m * COLUMNS + n] - sum;
            off += error * error;
            norm += sum * sum;
        }
    free(panels);
    free(strip);
    return sqrt(off / norm);
}

/* Calls `check` in fast precision with each kernel that can be fast here: the chosen one, and the emulation.
 */
static void with_fixed_kernels(void (*check)(const ap_kernel *kernel))
{
    const ap_tile_form_kind before = ap_tile_form();
    const ap_kernel *emulated = kernel_named("fixed_emulated");
    ap_kernel_set_fast(true);
    if (ap_tile_form() == AP_TILE_FIXED) check(NULL);
    ap_tile_set_form(AP_TILE_FIXED);
    if (emulated) check(emulated);
    ap_tile_set_form(before);
    if (!emulated) skip();
}

/* Float is to lose no more than plain sums in float do, and gives the same bits after fast as before. Fast is
 * to lose at most 1e-3, and more than float. */
static void what_is_lost(void **state)
{
    (void)state;
    ap_real y[ROWS * COLUMNS];
    const factors f = normal_factors(DEPTH_MOST);
    double exact = product_by(NULL, &f, y);
    assert_true(exact < (sizeof(ap_real) == sizeof(float) ? 4e-7 : 1e-15));
    ap_kernel_set_fast(true);
    const ap_tile_form_kind form = ap_tile_form();
    double fast = product_by(NULL, &f, y);
    bool is_fast = ap_kernel_is_fast();
    ap_kernel_set_fast(false);
    assert_true(product_by(NULL, &f, y) == exact);
    if (!is_fast) {
        assert_true(fast == exact);
        skip();
    }
    print_message("float loses %.2g of the norm, fast %.2g\n", exact, fast);
    assert_true(fast > 2 * exact && fast < (form == AP_TILE_2_PARTS ? 1e-5 : 4e-4));
}

/* ---------------------------------------------------------------- sums of bfloat16 */

/* Where the processor has the instructions, the emulation gives their bits. */
static void the_emulation_is_the_processor(void **state)
{
    (void)state;
    const ap_kernel *own = kernel_named("amx"), *emulated = kernel_named("amx_emulated");
    ap_real y[ROWS * COLUMNS], want[ROWS * COLUMNS];
    const factors f = normal_factors(DEPTH_MOST);
    if (!own || !emulated || !ap_tile_parts()) skip();
    product_by(own, &f, y);
    product_by(emulated, &f, want);
    assert_memory_equal(y, want, sizeof y);
}

/* ---------------------------------------------------------------- fixed point */

/* Whole numbers are exact, and so are their sums at their largest, for whole blocks, parts of them and a
 * single last step. */
static void check_whole_numbers(const ap_kernel *kernel)
{
    const int64_t depths[] = {1, 2, 3, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 44};
    ap_real y[ROWS * COLUMNS];
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        factors f = {.depth = depths[i]};
        for (int64_t k = 0; k < ROWS * f.depth; k++) f.a[k] = (ap_real)(k * 7919 % (2 * MOST + 1) - MOST);
        for (int64_t k = 0; k < f.depth * COLUMNS; k++)
            f.b[k] = (ap_real)(k * 104729 % (2 * MOST + 1) - MOST);
        for (int64_t k = 0; k < f.depth; k++) { /* the largest sums; and a largest number in every block */
            f.a[k] = MOST;
            f.b[k * COLUMNS] = k % BLOCK < BLOCK - 1 ? -MOST : MOST;
            for (int64_t m = 1; m < ROWS && k % BLOCK == 0; m++) f.a[m * f.depth + k] = -MOST;
            for (int64_t n = 1; n < COLUMNS && k % BLOCK == 0; n++) f.b[k * COLUMNS + n] = MOST;
        }
        assert_true(product_by(kernel, &f, y) < 2e-7);
        if (f.depth == 3) assert_true(y[0] == (ap_real)-3 * MOST * MOST);
        if (f.depth == BLOCK) assert_true(y[0] == (ap_real) - (BLOCK - 2) * MOST * MOST);
    }
}

/* Numbers of any size, from row to row and from block to block; and blocks with one large number, which are
 * the worst: all others are rounded by its step. */
static void check_sizes(const ap_kernel *kernel)
{
    ap_real y[ROWS * COLUMNS];
    factors f = normal_factors(DEPTH_MOST);
    for (int64_t m = 0; m < ROWS; m++)
        for (int64_t k = 0; k < f.depth; k++)
            f.a[m * f.depth + k] *= m % 2 ? 0x1p60f : 0x1p60f * (1 + k / BLOCK);
    for (int64_t k = 0; k < f.depth; k++)
        for (int64_t n = 0; n < COLUMNS; n++) f.b[k * COLUMNS + n] *= k / BLOCK == 1 ? 0x1p-60f : 0x1p-40f;
    assert_true(product_by(kernel, &f, y) < 4e-4);
    f = normal_factors(DEPTH_MOST);
    for (int64_t m = 0; m < ROWS; m++)
        for (int64_t k = m; k < f.depth; k += BLOCK) f.a[m * f.depth + k] = 20;
    double off = product_by(kernel, &f, y);
    assert_true(off < 1e-3 && off > 2e-4);
}

/* What is not finite makes its own row and column NaN and no other; zeros stay exact. */
static void check_not_finite(const ap_kernel *kernel)
{
    const ap_real bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        ap_real y[ROWS * COLUMNS];
        factors f = normal_factors(BLOCK + 2);
        f.a[4 * f.depth + BLOCK] = bad[i];
        f.b[9 * COLUMNS + 6] = bad[i];
        for (int64_t k = 0; k < f.depth; k++) f.a[7 * f.depth + k] = 0;
        product_by(kernel, &f, y);
        for (int64_t m = 0; m < ROWS; m++)
            for (int64_t n = 0; n < COLUMNS; n++) {
                assert_true(isfinite((double)y[m * COLUMNS + n]) == (m != 4 && n != 6));
                if (m == 7 && n != 6) assert_true(y[m * COLUMNS + n] == 0);
            }
    }
}

/* The recurrent products of an LSTM, against sums in double: for one item and several panels, and for several
 * items; forward, where all gates meet the same numbers, and back, where each meets its own. */
static void check_lstm(int64_t H, int64_t panels, int64_t items, bool back, const ap_kernel *kernel)
{
    const int64_t N = AP_LSTM_GATES * H, groups = ap_lstm_groups(H), item_step = back ? N : H;
    ap_tensor w = random_tensor(3, 1, AP_SHAPE(N, H)), v = random_tensor(4, 1, AP_SHAPE(items, item_step));
    ap_real *packed = malloc((size_t)(groups * ap_lstm_panel_count(H)) * sizeof *packed);
    ap_lstm_sums sums[AP_LSTM_TOGETHER];
    double off = 0, norm = 0;
    assert_true(packed && panels <= groups);
    (kernel ? kernel->lstm_panels_pack : ap_lstm_panels_pack)(H, w.data, back, packed);
    (kernel ? kernel->lstm_panel_product : ap_lstm_panel_product)(panels, items, back ? H : 0, H, packed,
                                                                  v.data, item_step, sums);
    for (int64_t i = 0; i < panels * items; i++)
        for (int64_t gate = 0; gate < AP_LSTM_GATES; gate++)
            for (int64_t unit = i / items * AP_LANES; unit < H && unit / AP_LANES == i / items; unit++) {
                double sum = 0;
                for (int64_t k = 0; k < H; k++)
                    sum += (double)w.data[back ? (gate * H + k) * H + unit : (gate * H + unit) * H + k] *
                           (double)v.data[i % items * item_step + (back ? gate * H : 0) + k];
                double error = (double)sums[i][gate][unit % AP_LANES] - sum;
                off += error * error;
                norm += sum * sum;
            }
    off = sqrt(off / norm);
    assert_true(off < 4e-4 && off > 1e-6);
    free(w.data);
    free(v.data);
    free(packed);
}

static void check_lstms(const ap_kernel *kernel)
{
    const int64_t sizes[] = {5, 130, 301};
    for (int i = 0; i < 3; i++)
        for (int back = 0; back < 2; back++)
            for (int64_t count = 1; count <= AP_LSTM_TOGETHER; count++) {
                check_lstm(sizes[i], 1, count, back, kernel);
                if (count <= ap_lstm_groups(sizes[i])) check_lstm(sizes[i], count, 1, back, kernel);
            }
}

static void an_lstm_remembers_almost_the_same(void **state)
{
    (void)state;
    with_fixed_kernels(check_lstms);
}

static void whole_numbers_are_exact(void **state)
{
    (void)state;
    with_fixed_kernels(check_whole_numbers);
}

static void numbers_may_have_any_size(void **state)
{
    (void)state;
    with_fixed_kernels(check_sizes);
}

static void what_is_not_finite_stays_where_it_is(void **state)
{
    (void)state;
    with_fixed_kernels(check_not_finite);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_lost),
        cmocka_unit_test(the_emulation_is_the_processor),
        cmocka_unit_test(whole_numbers_are_exact),
        cmocka_unit_test(numbers_may_have_any_size),
        cmocka_unit_test(what_is_not_finite_stays_where_it_is),
        cmocka_unit_test(an_lstm_remembers_almost_the_same),
    };
    return cmocka_run_group_tests_name("precision", tests, NULL, NULL);
}
