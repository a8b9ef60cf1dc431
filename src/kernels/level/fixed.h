/* Products of packed factors in fixed point, for train.precision=fast: in every block of STEPS_FIXED steps of
 * the depth, a row of a panel, or a column of a strip, is a scale times whole numbers of up to +-MOST_FIXED.
 * The processor (AVX-512 VNNI) multiplies two pairs of these and adds them to a sum in one instruction: twice
 * the products of a vector of floats. The sums of a block are exact: STEPS_FIXED * MOST_FIXED^2 is below
 * 2^31. They are then added up in float. (D. Das et al., "Mixed Precision Training of Convolutional Neural
 * Networks using Integer Operations", ICLR 2018, who share one scale in a whole tensor; B. Rouhani et al.,
 * "Microscaling Data Formats for Deep Learning", 2023, on scales for each block.)
 *
 * A number is off by up to half a step, its block's largest number / (2 MOST_FIXED). Of a product's norm that
 * is 3e-4 if the numbers are normally distributed, and 1.2e-3 if each block has just one number that is not 0
 * or tiny.
 *
 * A packed block has a row of words for each two steps, the earlier one in a word's lower half, and then a
 * row of scales. It is never larger than what it is made of, and is made in place. An infinite number or NaN
 * makes all sums of its row or column NaN. */
#ifndef ANTIPHON_KERNELS_LEVEL_FIXED_H
#define ANTIPHON_KERNELS_LEVEL_FIXED_H

#include "base/bounds.h"
#include "kernels/level/vec.h"
#include "kernels/tile.h"

#include <math.h>
#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
/* What follows runs only where the processor has these instructions (kernel.c). */
#define FIXED_TARGET __attribute__((target("avx512vnni")))
#else
#define FIXED_TARGET
#endif

#define STEPS_FIXED 128
#define MOST_FIXED 4095

typedef int32_t words __attribute__((vector_size(VEC_BYTES), aligned(sizeof(int32_t)), may_alias));
typedef int16_t halves __attribute__((vector_size(VEC_BYTES / 2), aligned(sizeof(int16_t)), may_alias));
typedef int32_t pair_word __attribute__((may_alias));

/* What stands for the largest number of a column that has none as large: there is an inverse. */
#define LEAST_LARGEST 0x1p-100f

/* ---------------------------------------------------------------- packing */

static ALWAYS_INLINE words larger(words a, words b)
{
#ifdef __AVX512F__
    return (words)_mm512_max_epi32((__m512i)a, (__m512i)b);
#else
    const words above = a > b;
    return (a & above) | (b & ~above);
#endif
}

/* The nearest whole numbers, of x up to 2^22. */
static ALWAYS_INLINE words nearest_whole(vec x)
{
    const vec shift = (vec){0} + 0x1.8p23f;
    return (words)(x + shift) - (words)shift;
}

static ALWAYS_INLINE words is_finite(words size)
{
    return size < (words)((vec){0} + INFINITY);
}

/* One block, from x [steps, width] to `to` [(steps + 1) / 2 + 1, width], for VEC_LANES columns from there on,
 * of which `lanes` are meant; `to` may be x. */
static ALWAYS_INLINE void finish_columns(int width, int lanes, int64_t steps, const ap_real *x, ap_real *to)
{
    const size_t bytes = (size_t)lanes * sizeof *to;
    words most = (words)((vec){0} + LEAST_LARGEST);
    for (int64_t k = 0; k < steps; k++)
        most = larger(most, (words) * (const vec *)(x + k * width) & INT32_MAX);
    const vec scale = (vec)most / MOST_FIXED, inverse = MOST_FIXED / (vec)most;
    for (int64_t k = 0; k < steps; k += 2) {
        words low = nearest_whole(*(const vec *)(x + k * width) * inverse), high = {0};
        if (k + 1 < steps) high = nearest_whole(*(const vec *)(x + (k + 1) * width) * inverse);
        low = ((low & 0xffff) | (high << 16)) & is_finite(most);
        memcpy(to + k / 2 * width, &low, bytes);
    }
    memcpy(to + (steps + 1) / 2 * width, &scale, bytes);
}

/* x [depth, width], with room for two rows more, becomes packed blocks. width: a constant where this is
 * inlined */
static ALWAYS_INLINE void finish_fixed(int width, int64_t depth, ap_real *x)
{
    ap_real *to = x;
    for (int64_t from = 0; from < depth; from += STEPS_FIXED) {
        const int64_t steps = ap_least(STEPS_FIXED, depth - from);
        for (int c = 0; c < width; c += VEC_LANES)
            finish_columns(width, width - c < VEC_LANES ? width - c : VEC_LANES, steps, x + from * width + c,
                           to + c);
        to += ((steps + 1) / 2 + 1) * width;
    }
}

/* One row x [count] alone: its words and the scales of its blocks. */
static inline void round_row(int64_t count, const ap_real *x, pair_word *to, ap_real *scales)
{
    for (int64_t from = 0; from < count; from += STEPS_FIXED) {
        const int64_t steps = ap_least(STEPS_FIXED, count - from);
        vec block[STEPS_FIXED / VEC_LANES] = {0};
        words most = (words)((vec){0} + LEAST_LARGEST);
        memcpy(block, x + from, (size_t)steps * sizeof *x);
        for (int i = 0; i < STEPS_FIXED / VEC_LANES; i++) most = larger(most, (words)block[i] & INT32_MAX);
        int32_t largest = most[0];
        for (int lane = 1; lane < VEC_LANES; lane++) largest = largest < most[lane] ? most[lane] : largest;
        most = (words){0} + largest;
        const vec inverse = MOST_FIXED / (vec)most;
        halves whole[STEPS_FIXED / VEC_LANES];
        for (int i = 0; i < STEPS_FIXED / VEC_LANES; i++)
            whole[i] = __builtin_convertvector(nearest_whole(block[i] * inverse) & is_finite(most), halves);
        memcpy(to + from / 2, whole, (size_t)ap_divide_up(steps, 2) * sizeof *to);
        scales[from / STEPS_FIXED] = ((vec)most / MOST_FIXED)[0];
    }
}

/* ---------------------------------------------------------------- sums */

/* sum + the products of the lower halves + those of the upper ones */
FIXED_TARGET static ALWAYS_INLINE words add_products(words sum, words a, words b)
{
#ifdef __AVX512F__
    return (words)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#else
    return sum + ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
#endif
}

/* total [rows, AP_TILE_VECS] = panel strip, of the widest vectors, from row a and column b on. rows: a
 * constant where this is inlined */
FIXED_TARGET static ALWAYS_INLINE void sum_fixed(int rows, int64_t depth, const ap_real *a, const ap_real *b,
                                                 vec total[][AP_TILE_VECS])
{
    words sum[AP_TILE_ROWS][AP_TILE_VECS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < AP_TILE_VECS; v++) total[r][v] = (vec){0};
    for (; depth > 0; depth -= STEPS_FIXED, a += AP_TILE_ROWS, b += AP_TILE_COLUMNS) {
        __asm__("" : : "r"(total) : "memory"); /* in memory, as the sums of the block fill the registers */
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
            for (int v = 0; v < AP_TILE_VECS; v++) sum[r][v] = (words){0};
        for (int64_t left = (ap_least(depth, STEPS_FIXED) + 1) / 2; left > 0;
             left--, a += AP_TILE_ROWS, b += AP_TILE_COLUMNS) {
            words line[AP_TILE_VECS];
#pragma GCC unroll 2
            for (int v = 0; v < AP_TILE_VECS; v++) line[v] = *(const words *)(b + v * VEC_LANES);
#pragma GCC unroll 12
            for (int r = 0; r < rows; r++) {
                const words pair = (words){0} + *(const pair_word *)(a + r);
#pragma GCC unroll 2
                for (int v = 0; v < AP_TILE_VECS; v++) sum[r][v] = add_products(sum[r][v], pair, line[v]);
            }
        }
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
            for (int v = 0; v < AP_TILE_VECS; v++)
                total[r][v] +=
                    __builtin_convertvector(sum[r][v], vec) * (a[r] * *(const vec *)(b + v * VEC_LANES));
    }
}

#endif
