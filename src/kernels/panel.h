/* The product at the bottom of every convolution: y [M, n] = W [M, J] X, where row j of X is the n numbers
 * from x + at[j] on, wherever that is. Rows may overlap, so a kernel's taps are the same signal read at
 * shifted places and no matrix of columns is ever built. One thread: callers split the work. */
#ifndef ANTIPHON_KERNELS_PANEL_H
#define ANTIPHON_KERNELS_PANEL_H

#include "antiphon/real.h"
#include "kernels/tile.h"

#include <stdbool.h>
#include <stdint.h>

/* n rounded up to what is read of each row of X: n numbers count, those behind them may be anything. */
int64_t ap_panel_columns(int64_t n);

/* How many numbers W takes when packed, and where W[m, j] then stands; the places of rows from M on must hold
 * 0. */
int64_t ap_panel_size(int64_t M, int64_t J);
int64_t ap_panel_at(int64_t J, int64_t m, int64_t j);

/* Packs `count` of the J columns of W, from column j on: W[m, j + i] = w[m row_pitch + i column_pitch]. */
void ap_panel_pack(int64_t M, int64_t J, int64_t j, int64_t count, const ap_real *w, int64_t row_pitch,
                   int64_t column_pitch, ap_real *packed);

/* Whether products with a packed W of this size are formed by tiles, from strips of X that are packed, too:
 * with fewer rows or columns that would take longer than it saves, and without products of pairs it would
 * save nothing. */
bool ap_panel_by_tiles(int64_t M, int64_t J);

/* Makes W ready for products once all of it is packed. */
void ap_panel_finish(int64_t M, int64_t J, ap_real *packed);

/* W as it is read: W[m, j] at data[m / AP_TILE_ROWS panel + m % AP_TILE_ROWS row + j column]. The places of
 * rows from M on, to a multiple of AP_TILE_ROWS, are read too, whatever they hold. */
typedef struct ap_panel_weight {
    const ap_real *data;
    int64_t panel, row, column;
    bool by_tiles;
} ap_panel_weight;

/* W [M, J] packed and finished, from row m on, a multiple of AP_TILE_ROWS; W [M, J] as it stands in rows of
 * `pitch` numbers; and W [M, J] standing transposed, as [J, pitch]. */
ap_panel_weight ap_panel_packed(const ap_real *packed, int64_t M, int64_t J, int64_t m);
ap_panel_weight ap_panel_rows(const ap_real *data, int64_t pitch);
ap_panel_weight ap_panel_transposed(const ap_real *data, int64_t pitch);

/* The order of summation depends on M and J alone. bias [M] (NULL: none). `add` adds to y instead of
 * overwriting it. */
typedef struct ap_panel_task {
    int64_t M, J, n;
    ap_panel_weight W;
    const ap_real *bias;
    const ap_real *x;
    const int64_t *at;
    ap_real *y;
    int64_t ldy;    /* numbers from one row of y to the next */
    ap_real *strip; /* with W packed: room for a strip of X, ap_tile_depth(J) AP_TILE_COLUMNS numbers */
    bool add;
} ap_panel_task;

void ap_panel_product(const ap_panel_task *task);

#endif
