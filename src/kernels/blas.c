#include "kernels/blas.h"

#include "antiphon/status.h"
#include "base/memory.h"
#include "kernels/flops.h"

#include <cblas.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifdef AP_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif

static CBLAS_TRANSPOSE transposed(bool yes)
{
    return yes ? CblasTrans : CblasNoTrans;
}

/* Internal functions of OpenBLAS, not in its headers. They allocate BUFFER_BYTES for a running product and
 * keep it for the next. If the system has no memory, OpenBLAS retries forever. */
void *blas_memory_alloc(int) __attribute__((weak));
void blas_memory_free(void *) __attribute__((weak));
#define BUFFER_BYTES ((size_t)128 << 20)

static void check_room(void)
{
    void *room =
        mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) ap_fatal("out of memory: OpenBLAS needs %zu MiB per thread", BUFFER_BYTES >> 20);
    munmap(room, BUFFER_BYTES);
}

/* Makes OpenBLAS allocate the buffers of all threads before the first product. */
static void reserve_buffers(void)
{
    int threads = omp_get_max_threads();
    if (!blas_memory_alloc || !blas_memory_free) return;
    void **buffers = ap_allocate((size_t)threads, sizeof *buffers);
    for (int k = 0; k < threads; k++) {
        check_room();
        buffers[k] = blas_memory_alloc(0);
    }
    for (int k = 0; k < threads; k++) blas_memory_free(buffers[k]);
    free(buffers);
}

void ap_gemm(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, ap_real alpha,
             const ap_real *A, int64_t lda, const ap_real *B, int64_t ldb, ap_real beta, ap_real *C,
             int64_t ldc)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, reserve_buffers);
    ap_flops_add(2 * M * N * K);
    GEMM(CblasRowMajor, transposed(transpose_a), transposed(transpose_b), (blasint)M, (blasint)N, (blasint)K,
         alpha, A, (blasint)lda, B, (blasint)ldb, beta, C, (blasint)ldc);
}

const char *ap_blas_fault(void)
{
    return openblas_get_parallel() == OPENBLAS_THREAD
               ? "the installed OpenBLAS is built for POSIX threads, which interfere with OpenMP: "
                 "training "
                 "is slower; install libopenblas0-openmp and remove libopenblas0-pthread"
               : NULL;
}
