#include "kernels/level/names.h"

#include "kernels/quads.h"

#include "base/bounds.h"
#include "kernels/flops.h"
#include "kernels/level/vec.h"

/* Polynomials are multiplied by way of their values at 0, +-A, +-B and infinity; a filter is the transpose
 * of that. Two taps are three with a last tap of 0, which drops the product at infinity. These points are
 * exact in binary and give an error in float hardly larger than that of a plain sum; with 1 and 2 it would
 * be up to half as large again. */
#define A ((ap_real)0.75)
#define B ((ap_real)1.5)
#define A2 (A * A)
#define B2 (B * B)

/* ---------------------------------------------------------------- weights */

static ALWAYS_INLINE void pack(int taps, int64_t n, const ap_real *w, ap_real *to, int64_t step)
{
    const ap_real a = 1 / (2 * A2 * (A2 - B2)), b = 1 / (2 * B2 * (B2 - A2)), zero = 1 / (A2 * B2);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        ap_real w0 = w[i], w1 = w[n + i], w2 = taps == 3 ? w[2 * n + i] : 0;
        to[i] = zero * w0;
        to[step + i] = a * ((w0 + A2 * w2) + A * w1);
        to[2 * step + i] = a * ((w0 + A2 * w2) - A * w1);
        to[3 * step + i] = b * ((w0 + B2 * w2) + B * w1);
        to[4 * step + i] = b * ((w0 + B2 * w2) - B * w1);
        if (taps == 3) to[5 * step + i] = w2;
    }
}

void ap_quads_pack(int taps, int64_t M, int64_t J, int64_t group, const ap_real *packed, ap_real *quads)
{
    int64_t size = ap_panel_size(M, J), block = AP_TILE_ROWS * group;
#pragma omp parallel for schedule(static)
    for (int64_t m = 0; m < M; m += AP_TILE_ROWS) {
        const ap_real *from = packed + ap_panel_at(taps * J, m, 0);
        ap_real *to = quads + ap_panel_at(J, m, 0);
        for (int64_t i = 0; i < J / group; i++)
            if (taps == 3)
                pack(3, block, from + 3 * i * block, to + i * block, size);
            else
                pack(2, block, from + 2 * i * block, to + i * block, size);
        for (int p = 0; p < AP_QUADS_PRODUCTS(taps); p++) ap_tile_finish_panel(J, to + p * size);
    }
}

/* ---------------------------------------------------------------- columns */

/* Quads sorted at a time: those of a strip. */
#define SORTED AP_TILE_COLUMNS

static ALWAYS_INLINE void fill(int taps, int64_t n, const ap_real *x, ap_real *to, int64_t step)
{
    ap_real sorted[AP_QUAD][SORTED + AP_LANES];
    for (int64_t i = 0; i < n; i++)
        for (int j = 0; j < AP_QUAD; j++) sorted[j][i] = x[AP_QUAD * i + j];
    /* the first columns of the next quad */
    sorted[0][n] = x[AP_QUAD * n];
    sorted[1][n] = x[AP_QUAD * n + 1];
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        ap_real x0 = sorted[0][i], x1 = sorted[1][i], x2 = sorted[2][i], x3 = sorted[3][i];
        ap_real x4 = sorted[0][i + 1], x5 = sorted[1][i + 1];
        ap_real even_a = x4 - B2 * x2, odd_a = x3 - B2 * x1;
        ap_real even_b = x4 - A2 * x2, odd_b = x3 - A2 * x1;
        to[i] = even_b + B2 * (A2 * x0 - x2);
        to[step + i] = even_a + A * odd_a;
        to[2 * step + i] = even_a - A * odd_a;
        to[3 * step + i] = even_b + B * odd_b;
        to[4 * step + i] = even_b - B * odd_b;
        if (taps == 3) to[5 * step + i] = x5 - A2 * x3 + B2 * (A2 * x1 - x3);
    }
}

static int64_t strip_size(int64_t J)
{
    return ap_tile_depth(J) * AP_TILE_COLUMNS;
}

void ap_quads_fill(const ap_quads_window *window, int64_t j, int64_t quads, const ap_real *x)
{
    int64_t step = ap_quads_window_step(window->J, window->quads);
    ap_real *to = window->data + j * AP_TILE_COLUMNS;
    for (int64_t i = 0; i < quads; i += SORTED, x += AP_QUAD * SORTED, to += strip_size(window->J)) {
        int64_t n = ap_least(SORTED, quads - i);
        if (window->taps == 3)
            fill(3, n, x, to, step);
        else
            fill(2, n, x, to, step);
    }
}

void ap_quads_finish(const ap_quads_window *window, int64_t quads)
{
    int64_t step = ap_quads_window_step(window->J, window->quads);
    for (int p = 0; p < AP_QUADS_PRODUCTS(window->taps); p++)
        for (int64_t strip = 0; strip * AP_TILE_COLUMNS < quads; strip++)
            ap_tile_finish_strip(window->J, window->data + p * step + strip * strip_size(window->J));
}

/* ---------------------------------------------------------------- products */

/* This many rows of this many quads' products stay in the first-level cache until they are summed. */
#define ROWS (2 * AP_TILE_ROWS)

static ALWAYS_INLINE void sum_up(int taps, int64_t n, const ap_real *product, ap_real bias, ap_real *y)
{
    const int64_t step = ROWS * AP_TILE_COLUMNS;
    for (int64_t i = 0; i < n; i++) {
        ap_real even_a = product[step + i] + product[2 * step + i];
        ap_real odd_a = A * (product[step + i] - product[2 * step + i]);
        ap_real even_b = product[3 * step + i] + product[4 * step + i];
        ap_real odd_b = B * (product[3 * step + i] - product[4 * step + i]);
        ap_real last = A2 * odd_a + B2 * odd_b + bias;
        y[AP_QUAD * i] = product[i] + even_a + even_b + bias;
        y[AP_QUAD * i + 1] = odd_a + odd_b + bias;
        y[AP_QUAD * i + 2] = A2 * even_a + B2 * even_b + bias;
        y[AP_QUAD * i + 3] = taps == 3 ? last + product[5 * step + i] : last;
    }
}

/* Strip `strip` of quads, rows from m on. */
static void product_block(const ap_quads_task *task, int64_t strip, int64_t m)
{
    const ap_quads_window *x = task->x;
    ap_real product[AP_QUADS_PRODUCTS(3) * ROWS * AP_TILE_COLUMNS];
    int64_t J = x->J, M = ap_least(ROWS, task->M - m), first = strip * AP_TILE_COLUMNS;
    int64_t step = ap_quads_window_step(J, x->quads), n = ap_least(AP_TILE_COLUMNS, task->quads - first);
    for (int p = 0; p < AP_QUADS_PRODUCTS(x->taps); p++) {
        ap_tile_place place = {.C = product + p * ROWS * AP_TILE_COLUMNS, .ldc = AP_TILE_COLUMNS};
        ap_tile_product(M, AP_TILE_COLUMNS, &place, J,
                        task->packed + p * task->packed_step + ap_panel_at(J, m, 0),
                        ap_panel_size(AP_TILE_ROWS, J), x->data + p * step + strip * strip_size(J));
    }
    for (int64_t r = 0; r < M; r++) {
        const ap_real *row = product + r * AP_TILE_COLUMNS;
        ap_real bias = task->bias ? task->bias[m + r] : 0;
        ap_real *y = task->y + (m + r) * task->ldy + AP_QUAD * first;
        if (x->taps == 3)
            sum_up(3, n, row, bias, y);
        else
            sum_up(2, n, row, bias, y);
    }
}

void ap_quads_product(const ap_quads_task *task)
{
    ap_flops_add(2 * AP_QUADS_PRODUCTS(task->x->taps) * task->M * task->x->J * task->quads);
    for (int64_t strip = 0; strip * AP_TILE_COLUMNS < task->quads; strip++)
        for (int64_t m = 0; m < task->M; m += ROWS) product_block(task, strip, m);
}
