#include "kernels/tile.h"

#include "base/bounds.h"
#include "kernels/winograd_pairs.h"

#if AP_PAIRS
#include <immintrin.h>
#endif
#include <string.h>

#define ROWS AP_TILE_ROWS
#define VECS AP_TILE_VECS
#define COLUMNS AP_TILE_COLUMNS
/* Tiles of fewer rows have this many, or twice as many. */
#define FEW (ROWS / 3)

#if AP_PAIRS

/* ---------------------------------------------------------------- factors for products of pairs */

/* Numbers as bits: where their exponent begins, what it is for 1, and which lanes of some are not 0. */
#ifdef AP_DOUBLE
typedef int64_t bits __attribute__((vector_size(AP_VEC_BYTES)));
#define EXPONENT 52
#define BIAS 1023
#define LARGER(a, b) (bits) _mm512_max_epi64((__m512i)(a), (__m512i)(b))
#define LANES_OF(a) _mm512_test_epi64_mask((__m512i)(a), (__m512i)(a))
#else
typedef int32_t bits __attribute__((vector_size(AP_VEC_BYTES)));
#define EXPONENT 23
#define BIAS 127
#define LARGER(a, b) (bits) _mm512_max_epi32((__m512i)(a), (__m512i)(b))
#define LANES_OF(a) _mm512_test_epi32_mask((__m512i)(a), (__m512i)(a))
#endif
/* Sums of squares between 2 to these powers have neither overflown nor lost more than is rounded away. */
#define SQUARES_MOST (BIAS * 3 / 4)

/* Steps of the depth in two pairs, one of each form (winograd_pairs.h). */
#define STEPS 4

int64_t ap_tile_depth(int64_t depth)
{
    return ap_round_up(depth, STEPS) + 2;
}

/* Stores the first `count` lanes, or all. */
static inline __attribute__((always_inline)) void put_lanes(int count, ap_vec value, ap_real *to)
{
    memcpy(to, &value, (size_t)(count < AP_LANES ? count : AP_LANES) * sizeof *to);
}

/* The exponent of the largest number of a column, for columns `width` apart; at most that of 2^126 (or 2^1022
 * in double), so that there is an inverse. Numbers without their sign are ordered as their bits are. */
static bits exponent_of_largest(int width, int64_t depth, const ap_real *x)
{
    const bits sign = (bits) - (ap_vec){0};
    bits most = ((bits){0} + 1) << EXPONENT;
    for (int64_t k = 0; k < depth; k++) most = LARGER((bits) * (const ap_vec *)(x + k * width) & ~sign, most);
    return -LARGER(-(most >> EXPONENT), (bits){0} - (2 * BIAS - 1));
}

/* About the exponent of the root of the sum of a column's squares, for `lanes` columns; lanes behind them may
 * be anything. */
static inline __attribute__((always_inline)) bits exponent_of_norm(int lanes, ap_vec squares, int width,
                                                                   int64_t depth, const ap_real *x)
{
    bits exponent = (bits)squares >> EXPONENT;
    bits off = LARGER(exponent - BIAS, BIAS - exponent) > SQUARES_MOST;
    exponent = (exponent + BIAS) >> 1;
    if (!(LANES_OF(off) & (lanes < AP_LANES ? (1u << lanes) - 1 : ~0u))) return exponent;
    return (exponent_of_largest(width, depth, x) & off) | (exponent & ~off);
}

/* Brings each column of x [depth, width] to a norm of about 1, and writes behind them what is to be taken
 * away from its sums of pairs, and what these are to be multiplied by then. width: a constant where this is
 * inlined. */
static inline __attribute__((always_inline)) void finish(int width, int64_t depth, ap_real *x)
{
    const int vecs = (int)ap_divide_up(width, AP_LANES);
    memset(x + depth * width, 0, (size_t)((ap_round_up(depth, STEPS) - depth) * width) * sizeof *x);
    depth = ap_round_up(depth, STEPS);
    ap_vec squares[2 * VECS], back[VECS], factor[VECS], taken[VECS];
#pragma GCC unroll 4
    for (int v = 0; v < 2 * vecs; v++) squares[v] = (ap_vec){0};
    for (int64_t k = 0; k < depth; k += 2)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) {
            const ap_real *from = x + k * width + v * AP_LANES;
            ap_vec first = *(const ap_vec *)from, second = *(const ap_vec *)(from + width);
            squares[2 * v] += first * first;
            squares[2 * v + 1] += second * second;
        }
#pragma GCC unroll 2
    for (int v = 0; v < vecs; v++) {
        bits exponent = exponent_of_norm(width - v * AP_LANES, squares[2 * v] + squares[2 * v + 1], width,
                                         depth, x + v * AP_LANES);
        back[v] = (ap_vec)(exponent << EXPONENT);
        factor[v] = (ap_vec)((2 * BIAS - exponent) << EXPONENT);
        taken[v] = (ap_vec){0};
    }
    for (int64_t k = 0; k < depth; k += 2)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) {
            ap_real *to = x + k * width + v * AP_LANES;
            ap_vec first = *(const ap_vec *)to * factor[v],
                   second = *(const ap_vec *)(to + width) * factor[v];
            taken[v] = k % STEPS == 0 ? taken[v] + first * second : taken[v] - first * second;
            put_lanes(width - v * AP_LANES, first, to);
            put_lanes(width - v * AP_LANES, second, to + width);
        }
#pragma GCC unroll 2
    for (int v = 0; v < vecs; v++) {
        put_lanes(width - v * AP_LANES, taken[v], x + depth * width + v * AP_LANES);
        put_lanes(width - v * AP_LANES, back[v], x + (depth + 1) * width + v * AP_LANES);
    }
}

void ap_tile_finish_panel(int64_t depth, ap_real *panel)
{
    finish(ROWS, depth, panel);
}

void ap_tile_finish_strip(int64_t depth, ap_real *strip)
{
    finish(COLUMNS, depth, strip);
}

/* ---------------------------------------------------------------- sums of pairs */

/* The correction of the sums after the whole depth, stored after both factors. */
typedef struct rest {
    const ap_real *a;
    ap_vec taken[VECS], factor[VECS];
} rest;

static inline __attribute__((always_inline)) ap_vec whole(const rest *left, int r, int v, ap_vec sum)
{
    return (sum - left->a[r] - left->taken[v]) * (left->a[ROWS + r] * left->factor[v]);
}

/* sum [rows, VECS] += two steps of panel and strip, in the one form or the other. rows, subtract: constants
 * where this is inlined, here and below. */
static inline __attribute__((always_inline)) void
add_pair(int rows, bool subtract, const ap_real *a, const ap_real *b, ap_vec one, ap_vec sum[ROWS][VECS])
{
    ap_vec first[VECS], second[VECS];
#pragma GCC unroll 2
    for (int v = 0; v < VECS; v++) {
        first[v] = *(const ap_vec *)(b + v * AP_LANES);
        second[v] = *(const ap_vec *)(b + COLUMNS + v * AP_LANES);
    }
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
        ap_scalar a0 = ap_scalar_at(a + r), a1 = ap_scalar_at(a + ROWS + r);
        ap_vec x = ap_add_scalar(subtract, second[0], a0) * ap_add_scalar(subtract, first[0], a1);
        ap_vec y =
            ap_add_scalar_multiplying(subtract, second[1], a0, one) * ap_add_scalar(subtract, first[1], a1);
        sum[r][0] = subtract ? sum[r][0] - x : sum[r][0] + x;
        sum[r][1] = subtract ? sum[r][1] - y : sum[r][1] + y;
    }
}

/* sum [rows, VECS] += panel strip */
static inline __attribute__((always_inline)) rest sum_up(int rows, int64_t depth, const ap_real *a,
                                                         const ap_real *b, ap_vec sum[ROWS][VECS])
{
    ap_vec one = (ap_vec){0} + 1;
    __asm__("" : "+v"(one)); /* or gcc would add after all */
    for (int64_t k = 0; k < depth; k += STEPS, a += STEPS * ROWS, b += STEPS * COLUMNS) {
        add_pair(rows, false, a, b, one, sum);
        add_pair(rows, true, a + 2 * ROWS, b + 2 * COLUMNS, one, sum);
    }
    rest left = {.a = a};
#pragma GCC unroll 2
    for (int v = 0; v < VECS; v++) {
        left.taken[v] = *(const ap_vec *)(b + v * AP_LANES);
        left.factor[v] = *(const ap_vec *)(b + COLUMNS + v * AP_LANES);
    }
    return left;
}

#else

/* ---------------------------------------------------------------- factors and sums as they are */

int64_t ap_tile_depth(int64_t depth)
{
    return depth;
}

void ap_tile_finish_panel(int64_t depth, ap_real *panel)
{
    (void)depth, (void)panel;
}

void ap_tile_finish_strip(int64_t depth, ap_real *strip)
{
    (void)depth, (void)strip;
}

typedef struct rest {
    char nothing;
} rest;

static inline ap_vec whole(const rest *left, int r, int v, ap_vec sum)
{
    (void)left, (void)r, (void)v;
    return sum;
}

/* sum [rows, VECS] += panel strip. rows: a constant where this is inlined, here and below. */
static inline __attribute__((always_inline)) rest sum_up(int rows, int64_t depth, const ap_real *a,
                                                         const ap_real *b, ap_vec sum[ROWS][VECS])
{
    for (int64_t k = 0; k < depth; k++, a += ROWS, b += COLUMNS) {
        ap_vec value[VECS];
#pragma GCC unroll 2
        for (int v = 0; v < VECS; v++) value[v] = *(const ap_vec *)(b + v * AP_LANES);
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
            for (int v = 0; v < VECS; v++) sum[r][v] += a[r] * value[v];
    }
    return (rest){0};
}

#endif

/* ---------------------------------------------------------------- tiles */

static const ap_real no_bias[ROWS > COLUMNS ? ROWS : COLUMNS];

/* biased, add: constants where this is inlined */
static inline __attribute__((always_inline)) void put(int rows, bool biased, bool add, ap_tile_place y,
                                                      const rest *left, ap_vec sum[ROWS][VECS])
{
    const ap_real *bias = y.bias ? y.bias : no_bias, *row_bias = y.row_bias ? y.row_bias : no_bias;
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++, y.C += y.ldc)
#pragma GCC unroll 2
        for (int v = 0; v < VECS; v++) {
            ap_vec *to = (ap_vec *)(y.C + v * AP_LANES), value = whole(left, r, v, sum[r][v]);
            if (biased) value += *(const ap_vec *)(bias + v * AP_LANES) + row_bias[r];
            if (add) value += *to;
            *to = value;
        }
}

/* C is prefetched while the sums are computed. */
static inline __attribute__((always_inline)) void tile(int rows, ap_tile_place y, int64_t depth,
                                                       const ap_real *a, const ap_real *b)
{
    ap_vec sum[ROWS][VECS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < VECS; v++) __builtin_prefetch(y.C + r * y.ldc + v * AP_LANES, 1);
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < VECS; v++) sum[r][v] = (ap_vec){0};
    rest left = sum_up(rows, depth, a, b, sum);
    /* otherwise gcc works out where all rows of C stand ahead of the loop, and keeps that in memory through
     * it */
    __asm__("" : "+r"(y.C), "+r"(y.ldc));
    if (y.add)
        put(rows, true, true, y, &left, sum);
    else if (y.bias || y.row_bias)
        put(rows, true, false, y, &left, sum);
    else
        put(rows, false, false, y, &left, sum);
}

static void any_tile(int64_t rows, ap_tile_place y, int64_t depth, const ap_real *a, const ap_real *b)
{
    if (rows <= FEW)
        tile(FEW, y, depth, a, b);
    else if (rows <= 2 * FEW)
        tile(2 * FEW, y, depth, a, b);
    else
        tile(ROWS, y, depth, a, b);
}

/* A tile across the right or lower edge of C is computed in a buffer. */
static void edge_tile(int64_t rows, int64_t columns, const ap_tile_place *y, int64_t depth, const ap_real *a,
                      const ap_real *b)
{
    ap_real sum[ROWS * COLUMNS];
    any_tile(rows, (ap_tile_place){.C = sum, .ldc = COLUMNS}, depth, a, b);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            ap_real *to = y->C + r * y->ldc + c;
            ap_real from = (y->bias ? y->bias[c] : 0) + (y->row_bias ? y->row_bias[r] : 0);
            *to = (y->add ? *to + from : from) + sum[r * COLUMNS + c];
        }
}

void ap_tile_product(int64_t rows, int64_t columns, const ap_tile_place *place, int64_t depth,
                     const ap_real *panel, const ap_real *strip)
{
    if (columns == COLUMNS && rows % FEW == 0)
        any_tile(rows, *place, depth, panel, strip);
    else
        edge_tile(rows, columns, place, depth, panel, strip);
}
