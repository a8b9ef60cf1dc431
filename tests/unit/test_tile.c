/* Tiles of matrix products against a loop in double, and how exact they are where numbers of very different
 * sizes meet. */
#include "kernels/pack.h"
#include "kernels/tile.h"

#include "support/check.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS AP_TILE_ROWS
#define COLUMNS AP_TILE_COLUMNS
/* Errors are counted in roundings of the product of both norms. */
#define ROUNDING ((double)(sizeof(ap_real) == sizeof(float) ? FLT_EPSILON : DBL_EPSILON))
#define ROUNDINGS_MOST 12
/* Of columns whose neighbours are alike, root of the mean square; an ordinary sum's is about 0.15. */
#define ROUNDINGS_ALIKE_MOST 0.3

/* Factors a [rows, depth] and b [depth, columns], what C [ROWS_MOST, COLUMNS + 1] holds before and after, and
 * what it shall hold. */
typedef struct product {
    int64_t rows, columns, depth;
    ap_real *a, *b, *before, *c;
    double *want, *most; /* the sum and how far it may be off */
    ap_tile_place place;
} product;

#define PITCH (COLUMNS + 1)
/* Of three panels. */
#define ROWS_MOST (3 * ROWS)

static product product_of(int64_t rows, int64_t columns, int64_t depth)
{
    product p = {.rows = rows, .columns = columns, .depth = depth};
    p.a = random_tensor(1, 1, AP_SHAPE(rows, depth)).data;
    p.b = random_tensor(2, 1, AP_SHAPE(depth, columns)).data;
    p.before = random_tensor(3, 1, AP_SHAPE(ROWS_MOST, PITCH)).data;
    p.c = malloc(sizeof *p.c * ROWS_MOST * PITCH);
    p.want = malloc(sizeof *p.want * ROWS_MOST * PITCH);
    p.most = malloc(sizeof *p.most * ROWS_MOST * PITCH);
    assert_true(p.c && p.want && p.most);
    return p;
}

static void free_product(product *p)
{
    free(p->a);
    free(p->b);
    free(p->before);
    free(p->c);
    free(p->want);
    free(p->most);
}

static void multiply(product *p)
{
    ap_side A = {p->a, p->rows, p->depth, 1}, B = {p->b, p->columns, 1, p->columns};
    size_t depth = (size_t)ap_tile_depth(p->depth);
    ap_real *panels = malloc(sizeof *panels * depth * ROWS_MOST),
            *strip = malloc(sizeof *strip * depth * COLUMNS);
    const int64_t pitch = (int64_t)depth * ROWS;
    assert_true(panels && strip);
    for (int64_t m = 0; m < p->rows; m += ROWS) ap_pack_panel(&A, m, 0, p->depth, panels + m / ROWS * pitch);
    ap_pack_strip(&B, 0, 0, p->depth, strip);
    memcpy(p->c, p->before, sizeof *p->c * ROWS_MOST * PITCH);
    p->place.C = p->c;
    p->place.ldc = PITCH;
    ap_tile_product(p->rows, p->columns, &p->place, p->depth, panels, pitch, strip);
    free(panels);
    free(strip);
}

static void multiply_plainly(product *p)
{
    for (int64_t i = 0; i < ROWS_MOST * PITCH; i++) {
        p->want[i] = (double)p->before[i];
        p->most[i] = 0;
    }
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t c = 0; c < p->columns; c++) {
            double sum = 0, a2 = 0, b2 = 0;
            for (int64_t k = 0; k < p->depth; k++) {
                double a = (double)p->a[r * p->depth + k], b = (double)p->b[k * p->columns + c];
                sum += a * b;
                a2 += a * a;
                b2 += b * b;
            }
            double held = p->place.add ? p->want[r * PITCH + c] : 0;
            double bias = (p->place.bias ? (double)p->place.bias[c] : 0) +
                          (p->place.row_bias ? (double)p->place.row_bias[r] : 0);
            p->want[r * PITCH + c] = held + bias + sum;
            p->most[r * PITCH + c] =
                ROUNDINGS_MOST * ROUNDING * (sqrt(a2) * sqrt(b2) + fabs(bias) + fabs(held)) + DBL_MIN;
        }
}

static void check_product(product *p)
{
    multiply(p);
    multiply_plainly(p);
    for (int64_t i = 0; i < ROWS_MOST * PITCH; i++)
        if (!(fabs((double)p->c[i] - p->want[i]) <= p->most[i]))
            fail_msg("%lld x %lld x %lld, element %lld: %.9g is not %.9g within %.2g", (long long)p->rows,
                     (long long)p->columns, (long long)p->depth, (long long)i, (double)p->c[i], p->want[i],
                     p->most[i]);
}

static void tiles_of_any_size_are_those_of_double(void **state)
{
    (void)state;
    const int64_t depths[] = {1, 2, 3, 16, 65, 512, 1023};
    ap_real bias[COLUMNS], row_bias[ROWS_MOST];
    for (int i = 0; i < COLUMNS; i++) bias[i] = (ap_real)i;
    for (int i = 0; i < ROWS_MOST; i++) row_bias[i] = (ap_real)-i;
    for (size_t d = 0; d < sizeof depths / sizeof *depths; d++)
        for (int64_t rows = 1; rows <= ROWS_MOST; rows += rows < ROWS ? 1 : 5)
            for (int64_t columns = 1; columns <= COLUMNS; columns += columns == 1 ? COLUMNS - 2 : 1) {
                product p = product_of(rows, columns, depths[d]);
                int64_t way = (rows + columns + (int64_t)d) % 4;
                p.place.bias = way & 1 ? bias : NULL;
                p.place.row_bias = way & 2 ? row_bias : NULL;
                p.place.add = way == 3;
                check_product(&p);
                free_product(&p);
            }
}

/* Row r and column c are multiplied by powers of two that are far apart; what is then added up is as exact as
 * before, relative to the rows' and columns' own sizes. */
static void rows_and_columns_may_differ_in_size(void **state)
{
    (void)state;
    product p = product_of(ROWS, COLUMNS, 300);
    for (int64_t r = 0; r < ROWS; r++)
        for (int64_t k = 0; k < p.depth; k++)
            p.a[r * p.depth + k] = (ap_real)ldexp((double)p.a[r * p.depth + k], (int)(10 * r - 50));
    for (int64_t c = 0; c < COLUMNS; c++)
        for (int64_t k = 0; k < p.depth; k++)
            p.b[k * COLUMNS + c] = (ap_real)ldexp((double)p.b[k * COLUMNS + c], (int)(3 * c - 45));
    check_product(&p);
    free_product(&p);
}

/* Sums of many numbers of one sign, and of a few large ones among many that are small. */
static void one_sided_and_uneven_numbers(void **state)
{
    (void)state;
    product p = product_of(ROWS, COLUMNS, 768);
    for (int64_t i = 0; i < ROWS * p.depth; i++) p.a[i] = (ap_real)fabs((double)p.a[i]);
    for (int64_t i = 0; i < COLUMNS * p.depth; i++) p.b[i] = (ap_real)fabs((double)p.b[i]);
    check_product(&p);
    for (int64_t i = 0; i < ROWS * p.depth; i++) p.a[i] = (ap_real)exp(4 * ((double)p.a[i] - 3));
    check_product(&p);
    free_product(&p);
}

/* Columns whose neighbours are alike, as a filter's taps or weights of one sign are, against rows of both
 * signs: the sum is far below the product of the norms, and as the two forms of pairs take turns so is the
 * error. */
static void neighbours_that_are_alike(void **state)
{
    (void)state;
    product p = product_of(ROWS, COLUMNS, 1024);
    for (int64_t i = 0; i < COLUMNS * p.depth; i++) p.b[i] = 1 + (ap_real)0.1 * p.b[i];
    check_product(&p);
    double square = 0;
    for (int64_t r = 0; r < ROWS; r++)
        for (int64_t c = 0; c < COLUMNS; c++) {
            int64_t i = r * PITCH + c;
            double roundings = ROUNDINGS_MOST * ((double)p.c[i] - p.want[i]) / p.most[i];
            square += roundings * roundings;
        }
    assert_true(sqrt(square / (ROWS * COLUMNS)) < ROUNDINGS_ALIKE_MOST);
    free_product(&p);
}

static void zeros_stay_exact(void **state)
{
    (void)state;
    product p = product_of(ROWS, COLUMNS, 333);
    memset(p.a + 5 * p.depth, 0, (size_t)p.depth * sizeof *p.a);
    for (int64_t k = 0; k < p.depth; k++) p.b[k * COLUMNS + 3] = 0;
    multiply(&p);
    for (int64_t c = 0; c < COLUMNS; c++) assert_true(p.c[5 * PITCH + c] == 0);
    for (int64_t r = 0; r < ROWS; r++) assert_true(p.c[r * PITCH + 3] == 0);
    free_product(&p);
}

/* What is not finite shows in its own row or column and nowhere else. */
static void what_is_not_finite_stays_where_it_is(void **state)
{
    (void)state;
    const ap_real bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        product p = product_of(ROWS, COLUMNS, 64);
        p.a[4 * p.depth + 7] = bad[i];
        p.b[9 * COLUMNS + 6] = bad[i];
        multiply(&p);
        for (int64_t r = 0; r < ROWS; r++)
            for (int64_t c = 0; c < COLUMNS; c++)
                assert_true(isfinite((double)p.c[r * PITCH + c]) == (r != 4 && c != 6));
        free_product(&p);
    }
}

/* The largest and the smallest numbers: nothing overflows that need not, and what is too small is at most
 * lost. A matrix unit takes denormals for 0. */
static void the_ends_of_the_range(void **state)
{
    (void)state;
    const double large = sizeof(ap_real) == sizeof(float) ? 0x1p126 : 0x1p1022,
                 tiny = 1 / large / (ap_tile_parts() ? 1 : 0x1p10);
    product p = product_of(ROWS, COLUMNS, 2);
    for (int64_t r = 0; r < ROWS; r++)
        for (int64_t k = 0; k < 2; k++) p.a[r * 2 + k] = (ap_real)(r % 2 ? large : tiny);
    for (int64_t c = 0; c < COLUMNS; c++)
        for (int64_t k = 0; k < 2; k++) p.b[k * COLUMNS + c] = (ap_real)(c % 2 ? 0.5 : tiny);
    multiply(&p);
    for (int64_t r = 0; r < ROWS; r++)
        for (int64_t c = 0; c < COLUMNS; c++) {
            double want = 2 * (double)p.a[r * 2] * (double)p.b[c];
            assert_true(fabs((double)p.c[r * PITCH + c] - want) <= 1e-6 * want + 2 * tiny);
        }
    free_product(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_of_any_size_are_those_of_double),
        cmocka_unit_test(rows_and_columns_may_differ_in_size),
        cmocka_unit_test(one_sided_and_uneven_numbers),
        cmocka_unit_test(neighbours_that_are_alike),
        cmocka_unit_test(zeros_stay_exact),
        cmocka_unit_test(what_is_not_finite_stays_where_it_is),
        cmocka_unit_test(the_ends_of_the_range),
    };
    return cmocka_run_group_tests_name("tile", tests, NULL, NULL);
}
