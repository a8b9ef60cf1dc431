#include "kernels/blas.h"

#include "kernels/flops.h"

#include <cblas.h>

#ifdef AP_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
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

const char *ap_blas_fault(void)
{
    return openblas_get_parallel() == OPENBLAS_THREAD
               ? "the OpenBLAS found here is built for POSIX threads, which get in the way of OpenMP's: "
                 "training "
                 "is slower; install libopenblas0-openmp and remove libopenblas0-pthread"
               : NULL;
}
