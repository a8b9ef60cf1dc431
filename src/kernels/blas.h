/* Matrix products by OpenBLAS, in the precision of ap_real; row-major throughout. Models use
 * kernels/product.h instead.
 *
 * Outside a parallel region a product uses all threads, inside one only the calling thread. */
#ifndef ANTIPHON_KERNELS_BLAS_H
#define ANTIPHON_KERNELS_BLAS_H

#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>

/* C [M, N] = alpha op(A) op(B) + beta C, with op(A) [M, K] and op(B) [K, N]; op transposes on request. lda,
 * ldb, ldc: distance between stored rows. beta 0 overwrites C, whatever it contains. */
void ap_gemm(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, ap_real alpha,
             const ap_real *A, int64_t lda, const ap_real *B, int64_t ldb, ap_real beta, ap_real *C,
             int64_t ldc);

/* What is wrong with the installed OpenBLAS and how to mend it, in one line; NULL: nothing. A build for
 * POSIX threads runs its own threads beside OpenMP's on the same cores and, inside a parallel region,
 * serialises products. */
const char *ap_blas_fault(void);

#endif
