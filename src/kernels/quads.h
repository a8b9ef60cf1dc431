/* Filters of two or three adjacent taps for four adjacent columns (a quad) at a time, by five or six
 * products instead of eight or twelve (Winograd, "Arithmetic Complexity of Computations", 1980: F(4, 2) and
 * F(4, 3)). With W0, W1, W2 [M, J] and X of J rows,
 *
 *     y[m, q] = bias[m] + sum over j, k of Wk[m, j] x[j, q + k]
 *
 * Each product is computed by tiles, from sums of weights and a window of sums of columns. */
#ifndef ANTIPHON_KERNELS_QUADS_H
#define ANTIPHON_KERNELS_QUADS_H

#include "kernels/panel.h"

#define AP_QUAD 4
/* The number of columns that fill panels. */
#define AP_QUADS_COLUMNS (AP_QUAD * AP_TILE_COLUMNS)
#define AP_QUADS_PRODUCTS(taps) ((taps) + AP_QUAD - 1)

/* The number of quads that hold n columns, rounded up to whole vectors. */
static inline int64_t ap_quads_of(int64_t n)
{
    return ap_divide_up(n, AP_QUAD * AP_LANES) * AP_LANES;
}

/* The size of the weights of all products, in numbers; and their packing, from [M, J / group, taps, group]
 * packed by ap_panel_pack. */
static inline int64_t ap_quads_size(int taps, int64_t M, int64_t J)
{
    return AP_QUADS_PRODUCTS(taps) * ap_panel_size(M, J);
}

void ap_quads_pack(int taps, int64_t M, int64_t J, int64_t group, const ap_real *packed, ap_real *quads);

/* The windows of all products, each [J, quads] in strips of tile.h. */
typedef struct ap_quads_window {
    int taps;
    int64_t J, quads;
    ap_real *data;
} ap_quads_window;

/* The distance between the windows of successive products, and the size of all windows, in numbers. */
static inline int64_t ap_quads_window_step(int64_t J, int64_t quads)
{
    return ap_divide_up(quads, AP_TILE_COLUMNS) * ap_tile_depth(J) * AP_TILE_COLUMNS;
}

static inline int64_t ap_quads_window_size(int taps, int64_t J, int64_t quads)
{
    return AP_QUADS_PRODUCTS(taps) * ap_quads_window_step(J, quads);
}

/* Fills row j of each window for `quads` quads, at most those of the window, from x[0 .. 4 quads + taps -
 * 2]; one more number is read. Once all rows are filled, finish the window. */
void ap_quads_fill(const ap_quads_window *window, int64_t j, int64_t quads, const ap_real *x);
void ap_quads_finish(const ap_quads_window *window, int64_t quads);

typedef struct ap_quads_task {
    int64_t M, quads;
    const ap_quads_window *x;
    const ap_real *packed; /* weights of the first product, from the first of the M rows on */
    int64_t packed_step;   /* distance between the weights of successive products */
    const ap_real *bias;   /* NULL: none */
    ap_real *y;
    int64_t ldy;
} ap_quads_task;

/* Computes y, which has room for all columns of all quads. */
void ap_quads_product(const ap_quads_task *task);

#endif
