#include "kernels/denormals.h"

#include <stdint.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#if defined(__SSE2__)

/* Denormal results (FTZ) and operands (DAZ) become zero. */
#define FLUSH 0x8040u

static bool is_set(void)
{
    return (_mm_getcsr() & FLUSH) == FLUSH;
}

static void set(bool flush)
{
    _mm_setcsr(flush ? _mm_getcsr() | FLUSH : _mm_getcsr() & ~FLUSH);
}

#elif defined(__aarch64__)

/* FZ: both. */
#define FLUSH ((uint64_t)1 << 24)

static uint64_t control(void)
{
    uint64_t value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
}

static bool is_set(void)
{
    return (control() & FLUSH) != 0;
}

static void set(bool flush)
{
    uint64_t value = flush ? control() | FLUSH : control() & ~FLUSH;
    __asm__ volatile("msr fpcr, %0" : : "r"(value));
}

#else

static bool is_set(void)
{
    return false;
}

static void set(bool flush)
{
    (void)flush;
}

#endif

/* Threads that OpenMP starts later inherit the mode from the thread that starts them. */
static void set_all(bool flush)
{
    set(flush);
#pragma omp parallel
    set(flush);
}

bool ap_denormals_flush(void)
{
    bool before = is_set();
    if (!before) set_all(true);
    return before;
}

void ap_denormals_restore(bool flushed)
{
    if (!flushed) set_all(false);
}
