#include "core/blas.h"

#include "core/flops.h"

#include <cblas.h>

#ifdef AP_DOUBLE
#define GEMM cblas_dgemm
#define GEMV cblas_dgemv
#else
#define GEMM cblas_sgemm
#define GEMV cblas_sgemv
#endif

static CBLAS_TRANSPOSE transposed(bool yes)
{
    return yes ? CblasTrans : CblasNoTrans;
}

void ap_gemm(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, ap_real alpha,
             const ap_real *A, int64_t lda, const ap_real *B, int64_t ldb, ap_real beta, ap_real *C,
             int64_t ldc)
{
    ap_flops_add(2 * M * N * K);
    GEMM(CblasRowMajor, transposed(transpose_a), transposed(transpose_b), (blasint)M, (blasint)N, (blasint)K,
         alpha, A, (blasint)lda, B, (blasint)ldb, beta, C, (blasint)ldc);
}

void ap_gemv(bool transpose, int64_t M, int64_t N, ap_real alpha, const ap_real *A, int64_t lda,
             const ap_real *x, ap_real beta, ap_real *y)
{
    ap_flops_add(2 * M * N);
    int64_t rows = transpose ? N : M, columns = transpose ? M : N;
    GEMV(CblasRowMajor, transposed(transpose), (blasint)rows, (blasint)columns, alpha, A, (blasint)lda, x, 1,
         beta, y, 1);
}

const char *ap_blas_fault(void)
{
    return openblas_get_parallel() == OPENBLAS_THREAD
               ? "the OpenBLAS found here is built for POSIX threads, which get in the way of OpenMP's: "
                 "training "
                 "is slower; install libopenblas0-openmp and remove libopenblas0-pthread"
               : NULL;
}
