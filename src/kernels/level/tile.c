#include "kernels/level/names.h"

#include "kernels/tile.h"

#include "base/bounds.h"
#ifdef AP_FIXED
#include "kernels/level/fixed.h"
#endif
#include "kernels/level/winograd_pairs.h"

#if AP_PAIRS
#include <immintrin.h>
#endif
#include <string.h>

#define ROWS AP_TILE_ROWS
#define COLUMNS AP_TILE_COLUMNS
/* A block of a tile, whose sums are in registers: 24 of 32 (AVX-512, NEON), or 12 of 16. */
#if VEC_REGISTERS == 32
#define BLOCK_ROWS 12
#else
#define BLOCK_ROWS 6
#endif
#define VECS 2
#define BLOCK_COLUMNS (VECS * VEC_LANES)
/* Blocks of fewer rows have this many, twice as many, or one or two. */
#define FEW (BLOCK_ROWS / 3)
/* A is prefetched this many steps ahead where it is not packed for this product alone: a wide layer's comes
 * from beyond the second-level cache, and each line of B is used only briefly. */
#define AHEAD 64
/* A packed strip stands in the second-level cache, and is prefetched from there. */
#define AHEAD_STRIP 16

/* The factors of a block. packed: rows of A side by side, steps of the depth a panel or a strip apart; here
 * and below, a constant where it is inlined. */
typedef ap_tile_factors factors;

#if AP_PAIRS

/* ---------------------------------------------------------------- factors for products of pairs */

/* Numbers as bits: where their exponent begins, what it is for 1, and which lanes of some are not 0. */
#ifdef AP_DOUBLE
typedef int64_t bits __attribute__((vector_size(VEC_BYTES)));
#define EXPONENT 52
#define BIAS 1023
#define LARGER(a, b) (bits) _mm512_max_epi64((__m512i)(a), (__m512i)(b))
#define LANES_OF(a) _mm512_test_epi64_mask((__m512i)(a), (__m512i)(a))
#else
typedef int32_t bits __attribute__((vector_size(VEC_BYTES)));
#define EXPONENT 23
#define BIAS 127
#define LARGER(a, b) (bits) _mm512_max_epi32((__m512i)(a), (__m512i)(b))
#define LANES_OF(a) _mm512_test_epi32_mask((__m512i)(a), (__m512i)(a))
#endif
/* Sums of squares between 2 to these powers have neither overflown nor lost more than is rounded away. */
#define SQUARES_MOST (BIAS * 3 / 4)

/* Steps of the depth in two pairs, one of each form (winograd_pairs.h). */
#define STEPS 4

/* Stores the first `count` lanes, or all. */
static ALWAYS_INLINE void put_lanes(int count, vec value, ap_real *to)
{
    memcpy(to, &value, (size_t)(count < VEC_LANES ? count : VEC_LANES) * sizeof *to);
}

/* The exponent of the largest number of a column, for columns `width` apart; at most that of 2^126 (or 2^1022
 * in double), so that there is an inverse. Numbers without their sign are ordered as their bits are. */
static bits exponent_of_largest(int width, int64_t depth, const ap_real *x)
{
    const bits sign = (bits) - (vec){0};
    bits most = ((bits){0} + 1) << EXPONENT;
    for (int64_t k = 0; k < depth; k++) most = LARGER((bits) * (const vec *)(x + k * width) & ~sign, most);
    return -LARGER(-(most >> EXPONENT), (bits){0} - (2 * BIAS - 1));
}

/* About the exponent of the root of the sum of a column's squares, for `lanes` columns; lanes behind them may
 * be anything. */
static ALWAYS_INLINE bits exponent_of_norm(int lanes, vec squares, int width, int64_t depth, const ap_real *x)
{
    bits exponent = (bits)squares >> EXPONENT;
    bits off = LARGER(exponent - BIAS, BIAS - exponent) > SQUARES_MOST;
    exponent = (exponent + BIAS) >> 1;
    if (!(LANES_OF(off) & (lanes < VEC_LANES ? (1u << lanes) - 1 : ~0u))) return exponent;
    return (exponent_of_largest(width, depth, x) & off) | (exponent & ~off);
}

/* Brings each column of x [depth, width] to a norm of about 1, and writes behind them what is to be taken
 * away from its sums of pairs, and what these are to be multiplied by then. width: a constant where this is
 * inlined. */
static ALWAYS_INLINE void finish(int width, int64_t depth, ap_real *x)
{
    const int vecs = (int)ap_divide_up(width, VEC_LANES);
    memset(x + depth * width, 0, (size_t)((ap_round_up(depth, STEPS) - depth) * width) * sizeof *x);
    depth = ap_round_up(depth, STEPS);
    vec squares[2 * VECS], back[VECS], factor[VECS], taken[VECS];
#pragma GCC unroll 4
    for (int v = 0; v < 2 * vecs; v++) squares[v] = (vec){0};
    for (int64_t k = 0; k < depth; k += 2)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) {
            const ap_real *from = x + k * width + v * VEC_LANES;
            vec first = *(const vec *)from, second = *(const vec *)(from + width);
            squares[2 * v] += first * first;
            squares[2 * v + 1] += second * second;
        }
#pragma GCC unroll 2
    for (int v = 0; v < vecs; v++) {
        bits exponent = exponent_of_norm(width - v * VEC_LANES, squares[2 * v] + squares[2 * v + 1], width,
                                         depth, x + v * VEC_LANES);
        back[v] = (vec)(exponent << EXPONENT);
        factor[v] = (vec)((2 * BIAS - exponent) << EXPONENT);
        taken[v] = (vec){0};
    }
    for (int64_t k = 0; k < depth; k += 2)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) {
            ap_real *to = x + k * width + v * VEC_LANES;
            vec first = *(const vec *)to * factor[v], second = *(const vec *)(to + width) * factor[v];
            taken[v] = k % STEPS == 0 ? taken[v] + first * second : taken[v] - first * second;
            put_lanes(width - v * VEC_LANES, first, to);
            put_lanes(width - v * VEC_LANES, second, to + width);
        }
#pragma GCC unroll 2
    for (int v = 0; v < vecs; v++) {
        put_lanes(width - v * VEC_LANES, taken[v], x + depth * width + v * VEC_LANES);
        put_lanes(width - v * VEC_LANES, back[v], x + (depth + 1) * width + v * VEC_LANES);
    }
}

/* ---------------------------------------------------------------- sums of pairs */

/* The correction of the sums after the whole depth, stored after both factors. */
typedef struct rest {
    const ap_real *a;
    vec taken[VECS], factor[VECS];
} rest;

static ALWAYS_INLINE vec whole(const rest *left, int r, int v, vec sum)
{
    return (sum - left->a[r] - left->taken[v]) * (left->a[ROWS + r] * left->factor[v]);
}

/* sum [rows, VECS] += two steps of panel and strip, in the one form or the other. rows, subtract: constants
 * where this is inlined, here and below. */
static ALWAYS_INLINE void add_pair(int rows, bool subtract, const ap_real *a, const ap_real *b, vec one,
                                   vec sum[BLOCK_ROWS][VECS])
{
    vec first[VECS], second[VECS];
#pragma GCC unroll 2
    for (int v = 0; v < VECS; v++) {
        first[v] = *(const vec *)(b + v * VEC_LANES);
        second[v] = *(const vec *)(b + COLUMNS + v * VEC_LANES);
    }
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
        scalar a0 = scalar_at(a + r), a1 = scalar_at(a + ROWS + r);
        vec x0 = add_scalar(subtract, second[0], a0), x1 = add_scalar(subtract, first[0], a1);
        vec y0 = add_scalar_multiplying(subtract, second[1], a0, one),
            y1 = add_scalar(subtract, first[1], a1);
        /* one expression each, rounded once, as in `finish`: or zeros would leave a residue */
        sum[r][0] = subtract ? sum[r][0] - x0 * x1 : sum[r][0] + x0 * x1;
        sum[r][1] = subtract ? sum[r][1] - y0 * y1 : sum[r][1] + y0 * y1;
    }
}

/* sum [rows, VECS] += panel strip */
static ALWAYS_INLINE rest sum_pairs(int rows, int64_t depth, const ap_real *a, const ap_real *b,
                                    vec sum[BLOCK_ROWS][VECS])
{
    vec one = (vec){0} + 1;
    __asm__("" : "+v"(one)); /* or gcc would add after all */
    for (int64_t k = 0; k < depth; k += STEPS, a += STEPS * ROWS, b += STEPS * COLUMNS) {
        add_pair(rows, false, a, b, one, sum);
        add_pair(rows, true, a + 2 * ROWS, b + 2 * COLUMNS, one, sum);
    }
    rest left = {.a = a};
#pragma GCC unroll 2
    for (int v = 0; v < VECS; v++) {
        left.taken[v] = *(const vec *)(b + v * VEC_LANES);
        left.factor[v] = *(const vec *)(b + COLUMNS + v * VEC_LANES);
    }
    return left;
}

#endif

#ifndef AP_AMX /* or parts.c does it */

static ALWAYS_INLINE void finish_factor(int width, int64_t depth, ap_real *x)
{
#ifdef AP_FIXED
    if (ap_tile_form() == AP_TILE_FIXED) {
        finish_fixed(width, depth, x);
        return;
    }
#endif
#if AP_PAIRS
    finish(width, depth, x);
#else
    (void)width, (void)depth, (void)x;
#endif
}

void ap_tile_finish_panel(int64_t depth, ap_real *panel)
{
    finish_factor(ROWS, depth, panel);
}

void ap_tile_finish_strip(int64_t depth, ap_real *strip)
{
    finish_factor(COLUMNS, depth, strip);
}

#endif

/* ---------------------------------------------------------------- blocks */

/* sum [rows, vecs] += A B. rows, vecs: constants where this is inlined, here and below. */
static ALWAYS_INLINE void sum_up(int rows, int vecs, bool packed, factors f, vec sum[BLOCK_ROWS][VECS])
{
    for (int64_t k = 0; k < f.depth; k++) {
        const ap_real *line = packed ? f.b + k * COLUMNS : f.b + f.at[k], *a = f.a + k * f.column;
        vec value[VECS];
        if (!packed) __builtin_prefetch(a + AHEAD * f.column);
        for (int byte = 0; packed && byte < vecs * VEC_BYTES; byte += AP_LANES_BYTES)
            __builtin_prefetch((const char *)(line + AHEAD_STRIP * COLUMNS) + byte);
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) value[v] = *(const vec *)(line + v * VEC_LANES);
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
            for (int v = 0; v < vecs; v++) sum[r][v] += a[r * f.row] * value[v];
    }
}

static const ap_real no_bias[COLUMNS];

/* biased, add: constants where this is inlined */
static ALWAYS_INLINE void put(int rows, int vecs, bool biased, bool add, ap_tile_place y,
                              vec sum[BLOCK_ROWS][VECS])
{
    const ap_real *bias = y.bias ? y.bias : no_bias, *row_bias = y.row_bias ? y.row_bias : no_bias;
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++, y.C += y.ldc)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) {
            vec *to = (vec *)(y.C + v * VEC_LANES), value = sum[r][v];
            if (biased) value += *(const vec *)(bias + v * VEC_LANES) + row_bias[r];
            if (add) value += *to;
            *to = value;
        }
}

static ALWAYS_INLINE void put_where(int rows, int vecs, ap_tile_place y, vec sum[BLOCK_ROWS][VECS])
{
    if (y.add)
        put(rows, vecs, true, true, y, sum);
    else if (y.bias || y.row_bias)
        put(rows, vecs, true, false, y, sum);
    else
        put(rows, vecs, false, false, y, sum);
}

/* C is prefetched while the sums are computed. */
static ALWAYS_INLINE void block(int rows, int vecs, bool packed, factors f, ap_tile_place y)
{
    vec sum[BLOCK_ROWS][VECS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs; v++) __builtin_prefetch(y.C + r * y.ldc + v * VEC_LANES, 1);
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) sum[r][v] = (vec){0};
#if AP_PAIRS
    if (packed) {
        rest left = sum_pairs(rows, f.depth, f.a, f.b, sum);
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
            for (int v = 0; v < vecs; v++) sum[r][v] = whole(&left, r, v, sum[r][v]);
    } else
#endif
        sum_up(rows, vecs, packed, f, sum);
    /* otherwise gcc works out where all rows of C stand ahead of the loop, and keeps that in memory through
     * it */
    __asm__("" : "+r"(y.C), "+r"(y.ldc));
    put_where(rows, vecs, y, sum);
}

/* Rows of A side by side save the addresses of its rows. */
static ALWAYS_INLINE void in_columns(int rows, int vecs, bool packed, factors f, ap_tile_place y)
{
    if (packed) {
        f.row = 1;
        f.column = ROWS;
        block(rows, vecs, true, f, y);
    } else if (f.row == 1) {
        f.row = 1;
        block(rows, vecs, false, f, y);
    } else {
        block(rows, vecs, false, f, y);
    }
}

/* The smallest block for fewer rows than the largest has. */
static ALWAYS_INLINE int block_rows(bool packed, int64_t rows)
{
    if (rows <= 2 && !packed) return (int)rows;
    return rows <= FEW ? FEW : rows <= 2 * FEW ? 2 * FEW : BLOCK_ROWS;
}

static ALWAYS_INLINE void rows_block(int rows, int vecs, bool packed, const factors *f,
                                     const ap_tile_place *y)
{
    if (rows == 1 && !packed)
        in_columns(1, vecs, packed, *f, *y);
    else if (rows == 2 && !packed)
        in_columns(2, vecs, packed, *f, *y);
    else if (rows <= FEW)
        in_columns(FEW, vecs, packed, *f, *y);
    else if (rows <= 2 * FEW)
        in_columns(2 * FEW, vecs, packed, *f, *y);
    else
        in_columns(BLOCK_ROWS, vecs, packed, *f, *y);
}

#ifdef AP_FIXED

FIXED_TARGET static ALWAYS_INLINE void fixed_rows(int rows, const factors *f, const ap_tile_place *y)
{
    vec sum[BLOCK_ROWS][VECS];
    sum_fixed(rows, f->depth, f->a, f->b, sum);
    put_where(rows, VECS, *y, sum);
}

FIXED_TARGET static void fixed_block(int rows, const factors *f, const ap_tile_place *y)
{
    if (rows <= FEW)
        fixed_rows(FEW, f, y);
    else if (rows <= 2 * FEW)
        fixed_rows(2 * FEW, f, y);
    else
        fixed_rows(BLOCK_ROWS, f, y);
}

#endif

static void packed_block(int rows, const factors *f, const ap_tile_place *y)
{
#ifdef AP_FIXED
    if (ap_tile_form() == AP_TILE_FIXED) {
        fixed_block(rows, f, y);
        return;
    }
#endif
    rows_block(rows, VECS, true, f, y);
}

static void loose_block(int rows, int vecs, const factors *f, const ap_tile_place *y)
{
    if (vecs == 1)
        rows_block(rows, 1, false, f, y);
    else
        rows_block(rows, VECS, false, f, y);
}

static ALWAYS_INLINE void any_block(bool packed, int rows, int vecs, const factors *f, const ap_tile_place *y)
{
    if (packed)
        packed_block(rows, f, y);
    else
        loose_block(rows, vecs, f, y);
}

/* A block across the right or lower edge of C is computed in a buffer. */
static ALWAYS_INLINE void edge_block(bool packed, int64_t rows, int64_t columns, const factors *f,
                                     const ap_tile_place *y)
{
    ap_real sum[BLOCK_ROWS * BLOCK_COLUMNS];
    any_block(packed, block_rows(packed, rows), (int)ap_divide_up(columns, VEC_LANES), f,
              &(ap_tile_place){.C = sum, .ldc = BLOCK_COLUMNS});
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            ap_real *to = y->C + r * y->ldc + c;
            ap_real from = (y->bias ? y->bias[c] : 0) + (y->row_bias ? y->row_bias[r] : 0);
            *to = (y->add ? *to + from : from) + sum[r * BLOCK_COLUMNS + c];
        }
}

/* The block of a tile from row r and column c on. */
static ALWAYS_INLINE void block_at(bool packed, int64_t r, int64_t c, int64_t rows, int64_t columns,
                                   const ap_tile_place *place, factors f)
{
    ap_tile_place y = {place->C + r * place->ldc + c, place->ldc, place->bias ? place->bias + c : NULL,
                       place->row_bias ? place->row_bias + r : NULL, place->add};
    const int64_t whole_columns = packed ? BLOCK_COLUMNS : VEC_LANES;
    rows = ap_least(rows - r, BLOCK_ROWS);
    columns = ap_least(columns - c, BLOCK_COLUMNS);
    f.a += r * f.row;
    f.b += c;
    if (columns % whole_columns == 0 && rows == block_rows(packed, rows))
        any_block(packed, (int)rows, (int)(columns / VEC_LANES), &f, &y);
    else
        edge_block(packed, rows, columns, &f, &y);
}

#ifndef AP_AMX /* or parts.c does it */
void ap_tile_product(int64_t rows, int64_t columns, const ap_tile_place *place, int64_t depth,
                     const ap_real *panels, int64_t pitch, const ap_real *strip)
{
    ap_tile_place tile = *place;
    for (int64_t m = 0; m < rows; m += ROWS, panels += pitch) {
        const factors f = {depth, panels, 1, ROWS, strip, NULL};
        const int64_t count = ap_least(ROWS, rows - m);
        tile.C = place->C + m * place->ldc;
        tile.row_bias = place->row_bias ? place->row_bias + m : NULL;
        for (int64_t r = 0; r < count; r += BLOCK_ROWS)
            for (int64_t c = 0; c < columns; c += BLOCK_COLUMNS)
                block_at(true, r, c, count, columns, &tile, f);
    }
}
#endif

void ap_tile_loose_product(int64_t rows, int64_t columns, const ap_tile_place *place,
                           const ap_tile_factors *f)
{
    for (int64_t r = 0; r < rows; r += BLOCK_ROWS)
        for (int64_t c = 0; c < columns; c += BLOCK_COLUMNS) block_at(false, r, c, rows, columns, place, *f);
}
