/* Matrix products, small and large, in every way the factors may stand, against a loop
 * in double. */
#include "kernels/product.h"

#include "support/check.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define GAP 3 /* numbers between the rows of every matrix */

typedef struct product_case {
    int64_t M, N, K;
    bool turn_a, turn_b, bias, add;
} product_case;

/* A matrix [rows, columns] as it stands. */
static ap_tensor stored(uint64_t seed, bool turned, int64_t rows, int64_t columns)
{
    return turned ? random_tensor(seed, 1, AP_SHAPE(columns, rows + GAP))
                  : random_tensor(seed, 1, AP_SHAPE(rows, columns + GAP));
}

static ap_matrix matrix_of(ap_tensor x, bool turned)
{
    return turned ? ap_matrix_turned(x.data, x.shape.at[1]) : ap_matrix_rows(x.data, x.shape.at[1]);
}

static double at(ap_matrix x, int64_t i, int64_t k)
{
    return (double)x.data[i * x.row + k * x.column];
}

/* want [M, N + GAP]: what C shall hold; before [M, N + GAP] */
static void multiply_plainly(const ap_product_task *t, const ap_real *before, double *want)
{
    double *line = malloc((size_t)t->N * sizeof *line);
    assert_non_null(line);
    for (int64_t i = 0; i < t->M * t->ldc; i++) want[i] = (double)before[i];
    for (int64_t m = 0; m < t->M; m++) {
        for (int64_t n = 0; n < t->N; n++)
            line[n] = t->add ? want[m * t->ldc + n] : t->bias ? (double)t->bias[n] : 0;
        for (int64_t k = 0; k < t->K; k++) {
            double a = at(t->A, m, k);
            for (int64_t n = 0; n < t->N; n++) line[n] += a * at(t->B, k, n);
        }
        memcpy(want + m * t->ldc, line, (size_t)t->N * sizeof *line);
    }
    free(line);
}

static void check_product(product_case c)
{
    ap_arena *arena = ap_arena_create();
    ap_tensor a = stored(1, c.turn_a, c.M, c.K), b = stored(2, c.turn_b, c.K, c.N),
              bias = random_tensor(3, 1, AP_SHAPE(c.N));
    ap_tensor y = random_tensor(4, 1, AP_SHAPE(c.M, c.N + GAP));
    size_t bytes = (size_t)(c.M * (c.N + GAP)) * sizeof *y.data;
    ap_real *before = malloc(bytes), *first = malloc(bytes);
    double *want = malloc((size_t)(c.M * (c.N + GAP)) * sizeof *want);
    assert_true(before && first && want);
    memcpy(before, y.data, bytes);
    ap_product_task t = {
        c.M,    c.N,       c.K,  matrix_of(a, c.turn_a), matrix_of(b, c.turn_b), c.bias ? bias.data : NULL,
        y.data, c.N + GAP, c.add};
    multiply_plainly(&t, before, want);
    const int threads[] = {1, 2, 3};
    for (int i = 0; i < 3; i++) {
        omp_set_num_threads(threads[i]);
        memcpy(y.data, before, bytes);
        ap_product(arena, &t);
        check_close("product", c.M * t.ldc, y.data, want, 10 * forward_tolerance());
        if (i == 0) memcpy(first, y.data, bytes);
        assert_memory_equal(first, y.data, bytes);
    }
    omp_set_num_threads(omp_get_num_procs());
    free(before);
    free(first);
    free(want);
    free(a.data);
    free(b.data);
    free(bias.data);
    free(y.data);
    ap_arena_free(arena);
}

static void products_are_those_of_double(void **state)
{
    (void)state;
    /* of OpenBLAS alone; of tiles or blocks, whole ones and parts of them, with one portion of the depth and
     * several, the last one odd; and such that OpenBLAS would share among threads */
    const int64_t sizes[][3] = {{1, 1, 1},        {1, 9, 40},       {9, 1, 1},       {17, 33, 65},
                                {264, 288, 256},  {301, 333, 419},  {97, 130, 1543}, {700, 500, 49},
                                {13, 1400, 1000}, {1400, 13, 1000}, {90, 130, 40},   {700, 33, 65},
                                {33, 700, 65}};
    for (int way = 0; way < 4; way++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            check_product((product_case){sizes[i][0], sizes[i][1], sizes[i][2], .turn_a = way & 1,
                                         .turn_b = way & 2, .bias = way == 0, .add = way == 3});
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(products_are_those_of_double)};
    return cmocka_run_group_tests_name("product", tests, NULL, NULL);
}
