/* Copies the factors of a matrix product C = A B into the layout that tiles (tile.h) read: panels of A's
 * rows and strips of B's columns, depth by depth. */
#ifndef ANTIPHON_KERNELS_PACK_H
#define ANTIPHON_KERNELS_PACK_H

#include "antiphon/real.h"

#include <stdint.h>

/* One factor in its original layout: `count` rows of A, or columns of B, `along` apart; steps of the depth
 * are `deep` apart. One of the two distances is 1. */
typedef struct ap_side {
    const ap_real *data;
    int64_t count, along, deep;
} ap_side;

/* A panel of the rows, or a strip of the columns, from `first` on, over `depth` steps from `from` on;
 * finished, and padded with zeros beyond the last row or column. */
void ap_pack_panel(const ap_side *A, int64_t first, int64_t from, int64_t depth, ap_real *panel);
void ap_pack_strip(const ap_side *B, int64_t first, int64_t from, int64_t depth, ap_real *strip);

#endif
