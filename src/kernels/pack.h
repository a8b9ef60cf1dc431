/* Factors of a matrix product C = A B copied to where tiles (tile.h) read them: panels of A's rows and strips
 * of B's columns, depth by depth. */
#ifndef ANTIPHON_KERNELS_PACK_H
#define ANTIPHON_KERNELS_PACK_H

#include "antiphon/real.h"

#include <stdint.h>

/* One factor as it stands: `count` rows of A, or columns of B, `along` apart; the steps of the depth are
 * `deep` apart, and one of the two is 1. */
typedef struct ap_side {
    const ap_real *data;
    int64_t count, along, deep;
} ap_side;

/* A panel of the rows, or a strip of the columns, from `first` on, over `depth` steps from `from` on;
 * finished, with zeros where there are no rows or columns any more. */
void ap_pack_panel(const ap_side *A, int64_t first, int64_t from, int64_t depth, ap_real *panel);
void ap_pack_strip(const ap_side *B, int64_t first, int64_t from, int64_t depth, ap_real *strip);

#endif
