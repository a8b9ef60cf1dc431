/* Filters of two or three neighbouring taps, for four neighbouring columns (a quad) at a time: by five or six
 * products, not eight or twelve (Winograd, "Arithmetic Complexity of Computations", 1980: F(4, 2) and
 * F(4, 3)). With W0, W1, W2 [M, J] and X of J rows,
 *
 *     y[m, q] = bias[m] + sum over j, k of Wk[m, j] x[j, q + k]
 *
 * The products are formed by tiles, of sums of weights and windows of sums of columns, one for each. */
#ifndef ANTIPHON_KERNELS_QUADS_H
#define ANTIPHON_KERNELS_QUADS_H

#include "kernels/panel.h"

#define AP_QUAD 4
/* So many columns fill panels. */
#define AP_QUADS_COLUMNS (AP_QUAD * AP_TILE_COLUMNS)
#define AP_QUADS_PRODUCTS(taps) ((taps) + AP_QUAD - 1)

/* So many quads hold n columns, and fill vectors. */
int64_t ap_quads_of(int64_t n);

/* How many numbers the weights of all products take, and their packing from what ap_panel_pack made of
 * [M, J / group, taps, group]. */
int64_t ap_quads_size(int taps, int64_t M, int64_t J);
void ap_quads_pack(int taps, int64_t M, int64_t J, int64_t group, const ap_real *packed, ap_real *quads);

/* The windows of all products, each [J, quads] in strips of tile.h. */
typedef struct ap_quads_window {
    int taps;
    int64_t J, quads;
    ap_real *data;
} ap_quads_window;

/* How many numbers that takes. */
int64_t ap_quads_window_size(int taps, int64_t J, int64_t quads);

/* Fills row j of each window for `quads` quads, at most those of the window, from x[0 .. 4 quads + taps - 2];
 * one number more is read. Once all rows are filled the window is to be finished. */
void ap_quads_fill(const ap_quads_window *window, int64_t j, int64_t quads, const ap_real *x);
void ap_quads_finish(const ap_quads_window *window, int64_t quads);

typedef struct ap_quads_task {
    int64_t M, quads;
    const ap_quads_window *x;
    const ap_real *packed; /* the first product's, from the first of the M rows on */
    int64_t packed_step;   /* numbers from one product's to the next's */
    const ap_real *bias;   /* NULL: none */
    ap_real *y;
    int64_t ldy;
} ap_quads_task;

/* y has room for all columns of all quads. */
void ap_quads_product(const ap_quads_task *task);

#endif
