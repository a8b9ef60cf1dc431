/* Matrix products C = A B of the sizes that models use. Large ones are computed tile by tile, from factors
 * packed into cache-sized memory (K. Goto and R. van de Geijn, "Anatomy of high-performance matrix
 * multiplication", ACM TOMS 34, 2008). For these shapes this is closer to the processor's peak than
 * OpenBLAS, above all when other programs use the machine, and exceeds it where products of pairs pay
 * (kernels/level/winograd_pairs.h). Small ones are left to OpenBLAS. Called outside a parallel region. Each
 * element is summed in the same order for any number of threads. */
#ifndef ANTIPHON_KERNELS_PRODUCT_H
#define ANTIPHON_KERNELS_PRODUCT_H

#include "antiphon/arena.h"
#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>

/* A matrix view: element (i, k) is at data[i row + k column]. One of the two strides is 1. */
typedef struct ap_matrix {
    const ap_real *data;
    int64_t row, column;
} ap_matrix;

/* A matrix stored in rows of `pitch` numbers, as it is and transposed. */
ap_matrix ap_matrix_rows(const ap_real *data, int64_t pitch);
ap_matrix ap_matrix_turned(const ap_real *data, int64_t pitch);

/* C [M, N] = A [M, K] B [K, N] + bias [N] in every row (NULL: none). With `add` the product is added to C,
 * and bias must be NULL. Rows of C are ldc numbers apart. */
typedef struct ap_product_task {
    int64_t M, N, K;
    ap_matrix A, B;
    const ap_real *bias;
    ap_real *C;
    int64_t ldc;
    bool add;
} ap_product_task;

/* Computes the product. Scratch comes from the arena and is recycled. */
void ap_product(ap_arena *arena, const ap_product_task *task);

#endif
