/* The innermost part of a matrix product: a tile of C = A B passes over a panel of A's rows and a strip of
 * B's columns, both packed so that each step of the depth reads contiguous memory. The layout is the same for
 * every kernel until it is finished; each computes the tile in blocks whose sums stay in its registers. Where
 * the processor gains by it, two steps of the depth take one multiplication (level/winograd_pairs.h), or
 * numbers are split for a matrix unit (level/parts.c); or, less precisely, they are rounded to whole numbers
 * (level/fixed.h). */
#ifndef ANTIPHON_KERNELS_TILE_H
#define ANTIPHON_KERNELS_TILE_H

#include "kernels/simd.h"

#include <stdbool.h>
#include <stdint.h>

/* Rows and columns of a tile: its sums fill 24 of AVX-512's 32 vector registers. */
#define AP_TILE_ROWS 12
#define AP_TILE_VECS 2
#define AP_TILE_COLUMNS (AP_TILE_VECS * AP_LANES)

/* Steps of the depth that kernels of parts multiply at a time. */
#define AP_TILE_STEPS 32

/* What finished factors consist of. Set by kernel.c, while nothing is packed. */
typedef enum ap_tile_form_kind {
    AP_TILE_FLOATS,  /* or what pairs make of them (level/winograd_pairs.h) */
    AP_TILE_FIXED,   /* whole numbers with scales (level/fixed.h) */
    AP_TILE_2_PARTS, /* sums of bfloat16 (level/parts.c) */
    AP_TILE_3_PARTS
} ap_tile_form_kind;

ap_tile_form_kind ap_tile_form(void);
void ap_tile_set_form(ap_tile_form_kind form);

/* How many bfloat16 a packed number is the sum of; 0: it is not. */
int ap_tile_parts(void);

/* The depth for which to allocate a panel [depth, AP_TILE_ROWS] and a strip [depth, AP_TILE_COLUMNS]. */
int64_t ap_tile_depth(int64_t depth);

/* Make a panel or a strip ready for products once it is completely written, with zeros beyond the rows or
 * columns of C. */
void ap_tile_finish_panel(int64_t depth, ap_real *panel);
void ap_tile_finish_strip(int64_t depth, ap_real *strip);

/* The destination of a tile: rows of C are ldc numbers apart. bias has a number for each column and row_bias
 * one for each row; either may be NULL. `add` adds to C. */
typedef struct ap_tile_place {
    ap_real *C;
    int64_t ldc;
    const ap_real *bias, *row_bias;
    bool add;
} ap_tile_place;

/* C [rows, columns] = panels strip + both biases, for at most a tile's columns and any number of rows, whose
 * panels are `pitch` apart. The order of summation depends only on the depth. */
void ap_tile_product(int64_t rows, int64_t columns, const ap_tile_place *place, int64_t depth,
                     const ap_real *panels, int64_t pitch, const ap_real *strip);

/* Factors that are not finished, or not packed: A[r, k] is at a[r row + k column], and row k of B at b +
 * at[k]. Rows of A are read up to a tile's, and columns of B up to whole AP_LANES, whatever stands there. */
typedef struct ap_tile_factors {
    int64_t depth;
    const ap_real *a;
    int64_t row, column;
    const ap_real *b;
    const int64_t *at;
} ap_tile_factors;

/* The same for those, by plain sums. */
void ap_tile_loose_product(int64_t rows, int64_t columns, const ap_tile_place *place,
                           const ap_tile_factors *factors);

#endif
