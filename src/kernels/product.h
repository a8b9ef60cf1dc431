/* Matrix products of the sizes that a model is made of, C = A B. A large one is formed tile by tile, from
 * factors packed into memory that the caches hold (K. Goto and R. van de Geijn, "Anatomy of high-performance
 * matrix multiplication", ACM TOMS 34, 2008): for these shapes that keeps nearer to the processor's peak than
 * OpenBLAS, most of all where others use the machine too, and goes beyond it where products of pairs pay
 * (kernels/winograd_pairs.h). A small one is OpenBLAS's. Called outside a parallel region.
 * Each element is summed up in the same order whatever the threads. */
#ifndef ANTIPHON_KERNELS_PRODUCT_H
#define ANTIPHON_KERNELS_PRODUCT_H

#include "antiphon/arena.h"
#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether large products are formed by tiles: they are OpenBLAS's, block by block, where this is not compiled for a processor
 * that multiplies and adds in one, which OpenBLAS looks for when it is run. */
#ifdef __FMA__
#define AP_PRODUCT_TILED true
#else
#define AP_PRODUCT_TILED false
#endif

/* A matrix as it is read: element (i, k) at data[i row + k column], one of the two strides being 1. */
typedef struct ap_matrix {
    const ap_real *data;
    int64_t row, column;
} ap_matrix;

/* A matrix that stands in rows of `pitch` numbers, as it is and transposed. */
ap_matrix ap_matrix_rows(const ap_real *data, int64_t pitch);
ap_matrix ap_matrix_turned(const ap_real *data, int64_t pitch);

/* C [M, N] = A [M, K] B [K, N] + bias [N] in every row (NULL: none); with `add` the product is added to what
 * C holds, and bias must be NULL. Rows of C lie ldc numbers apart. */
typedef struct ap_product_task {
    int64_t M, N, K;
    ap_matrix A, B;
    const ap_real *bias;
    ap_real *C;
    int64_t ldc;
    bool add;
} ap_product_task;

/* Scratch comes from the arena and is recycled. */
void ap_product(ap_arena *arena, const ap_product_task *task);

#endif
