/* The product underlying every convolution: y [M, n] = W [M, J] X, where row j of X is the n numbers from x
 * + at[j] on. Rows may overlap, so the taps of a kernel read the same signal at shifted positions, and no
 * matrix of columns is built. One thread: callers split the work. */
#ifndef ANTIPHON_KERNELS_PANEL_H
#define ANTIPHON_KERNELS_PANEL_H

#include "antiphon/real.h"
#include "base/bounds.h"
#include "kernels/tile.h"

#include <stdbool.h>
#include <stdint.h>

/* n rounded up to the number of values read of each row of X. Those beyond n may be anything. */
int64_t ap_panel_columns(int64_t n);

/* The size of packed W in numbers, and the position of W[m, j] in it. Positions of rows from M on must hold
 * 0. */
static inline int64_t ap_panel_size(int64_t M, int64_t J)
{
    return ap_round_up(M, AP_TILE_ROWS) * ap_tile_depth(J);
}

static inline int64_t ap_panel_at(int64_t J, int64_t m, int64_t j)
{
    return m / AP_TILE_ROWS * AP_TILE_ROWS * ap_tile_depth(J) + j * AP_TILE_ROWS + m % AP_TILE_ROWS;
}

/* Packs `count` of the J columns of W, from column j on: W[m, j + i] = w[m row_pitch + i column_pitch]. */
void ap_panel_pack(int64_t M, int64_t J, int64_t j, int64_t count, const ap_real *w, int64_t row_pitch,
                   int64_t column_pitch, ap_real *packed);

/* Whether products with a packed W of this size are computed by tiles, from packed strips of X. With fewer
 * rows or columns this costs more than it saves; without products of pairs or parts it saves nothing. */
bool ap_panel_by_tiles(int64_t M, int64_t J);

/* Makes packed W ready for products. To be called once all of it is packed. */
void ap_panel_finish(int64_t M, int64_t J, ap_real *packed);

/* A layout of W: W[m, j] is at data[m / AP_TILE_ROWS panel + m % AP_TILE_ROWS row + j column]. Rows from M
 * to the next multiple of AP_TILE_ROWS are read, too, whatever they contain. */
typedef struct ap_panel_weight {
    const ap_real *data;
    int64_t panel, row, column;
    bool by_tiles;
} ap_panel_weight;

/* W [M, J] packed and finished, from row m on, a multiple of AP_TILE_ROWS; W [M, J] unpacked, in rows of
 * `pitch` numbers; and W [M, J] stored transposed, as [J, pitch]. */
ap_panel_weight ap_panel_packed(const ap_real *packed, int64_t M, int64_t J, int64_t m);
ap_panel_weight ap_panel_rows(const ap_real *data, int64_t pitch);
ap_panel_weight ap_panel_transposed(const ap_real *data, int64_t pitch);

/* A product. The order of summation depends only on M and J. bias [M] (NULL: none). `add` adds to y instead
 * of overwriting it. */
typedef struct ap_panel_task {
    int64_t M, J, n;
    ap_panel_weight W;
    const ap_real *bias;
    const ap_real *x;
    const int64_t *at;
    ap_real *y;
    int64_t ldy;    /* distance between rows of y */
    ap_real *strip; /* for packed W: room for a strip of X, ap_tile_depth(J) AP_TILE_COLUMNS numbers */
    bool add;
} ap_panel_task;

void ap_panel_product(const ap_panel_task *task);

#endif
