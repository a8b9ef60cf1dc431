#include "kernels/level/names.h"

#include "kernels/stream.h"

#include "base/bounds.h"
#include "kernels/level/vec.h"

#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* A larger array exceeds one thread's share of the last-level cache. */
#define LARGE_BYTES ((int64_t)8 << 20)

#ifdef __x86_64__

/* Stores one vector at an aligned address. */
static inline void store(const ap_real *from, ap_real *to)
{
#if VEC_BYTES == 64
    _mm512_stream_si512((__m512i *)to, _mm512_loadu_si512(from));
#elif VEC_BYTES == 32
    _mm256_stream_si256((__m256i *)to, _mm256_loadu_si256((const __m256i_u *)from));
#else
    _mm_stream_si128((__m128i *)to, _mm_loadu_si128((const __m128i_u *)from));
#endif
}

static void past_the_caches(int64_t n, const ap_real *from, ap_real *to)
{
    int64_t i = (int64_t)(-(uintptr_t)to % VEC_BYTES / sizeof *to);
    i = ap_least(i, n);
    memcpy(to, from, (size_t)i * sizeof *to);
    for (; i + VEC_LANES <= n; i += VEC_LANES) store(from + i, to + i);
    memcpy(to + i, from + i, (size_t)(n - i) * sizeof *to);
}

void ap_stream_end(void)
{
    _mm_sfence();
}

#else

static void past_the_caches(int64_t n, const ap_real *from, ap_real *to)
{
    memcpy(to, from, (size_t)n * sizeof *to);
}

void ap_stream_end(void)
{
}

#endif

void ap_stream(int64_t whole, int64_t n, const ap_real *from, ap_real *to)
{
    if (whole * (int64_t)sizeof *to >= LARGE_BYTES)
        past_the_caches(n, from, to);
    else
        memcpy(to, from, (size_t)n * sizeof *to);
}
