/* Matrix products by OpenBLAS, in the precision of ap_real; those of a model go by core/product.h. Row-major
 * throughout.
 *
 * Called outside a parallel region a product uses all threads; inside one, the calling thread alone. */
#ifndef ANTIPHON_KERNELS_BLAS_H
#define ANTIPHON_KERNELS_BLAS_H

#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>

/* C [M, N] = alpha op(A) op(B) + beta C, with op(A) [M, K] and op(B) [K, N]; op transposes where asked.
 * lda, ldb, ldc: numbers from one stored row to the next. beta 0 overwrites C, whatever it holds. */
void ap_gemm(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, ap_real alpha,
             const ap_real *A, int64_t lda, const ap_real *B, int64_t ldb, ap_real beta, ap_real *C,
             int64_t ldc);

/* What is wrong with the OpenBLAS that was found at run time, in one line that says how to mend it; NULL:
 * nothing. A build for POSIX threads runs its own beside OpenMP's, on the same cores, and inside a parallel
 * region takes turns. */
const char *ap_blas_fault(void);

#endif
