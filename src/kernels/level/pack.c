#include "kernels/level/names.h"

#include "kernels/pack.h"

#include "base/bounds.h"
#include "kernels/level/square.h"
#include "kernels/tile.h"

#include <string.h>

/* Rows of a factor are far apart, which defeats the hardware prefetcher: memory is prefetched this far ahead
 * along a row, or this many rows ahead. */
#define AHEAD (4 * VEC_LANES)
#define AHEAD_ROWS 8

/* to[k width + i] = element first + i at depth from + k, for k from `begin` on; 0 beyond the last element.
 */
static void pack_slowly(int width, const ap_side *f, int64_t first, int64_t from, int64_t begin,
                        int64_t depth, ap_real *to)
{
    for (int64_t k = begin; k < depth; k++)
        for (int64_t i = 0; i < width; i++)
            to[k * width + i] =
                first + i < f->count ? f->data[(first + i) * f->along + (from + k) * f->deep] : 0;
}

/* Elements are contiguous: x [depth, width] in rows `deep` apart. Here and below, width is a constant when
 * inlined. */
static ALWAYS_INLINE void pack_copied(int width, int64_t depth, const ap_real *x, int64_t deep, ap_real *to)
{
    for (int64_t k = 0; k < depth; k++, x += deep, to += width) {
        __builtin_prefetch(x + AHEAD_ROWS * deep, 0, 2);
        __builtin_prefetch(x + AHEAD_ROWS * deep + width - 1, 0, 2);
        memcpy(to, x, (size_t)width * sizeof *to);
    }
}

/* The depth is contiguous: x [width, depth], the depth a multiple of VEC_LANES, in rows `along` apart.
 * Squares are transposed. */
static ALWAYS_INLINE void pack_turned(int width, int64_t depth, const ap_real *x, int64_t along, ap_real *to)
{
    for (int64_t k = 0; k < depth; k += VEC_LANES)
#pragma GCC unroll 4
        for (int i = 0; i < width; i += VEC_LANES) {
            const int rows = width - i < VEC_LANES ? width - i : VEC_LANES;
            vec square[VEC_LANES];
#pragma GCC unroll 16
            for (int r = 0; r < VEC_LANES; r++) {
                const ap_real *row = x + (i + r) * along + k;
                square[r] = r < rows ? *(const vec *)row : (vec){0};
                if (r < rows) __builtin_prefetch(row + AHEAD, 0, 2);
            }
            square_turn(square);
#pragma GCC unroll 16
            for (int r = 0; r < VEC_LANES; r++)
                memcpy(to + (k + r) * width + i, &square[r], (size_t)rows * sizeof *to);
        }
}

/* How much of the depth was packed by a fast path; 0 for an incomplete group. */
static ALWAYS_INLINE int64_t pack_fast(int width, const ap_side *f, int64_t first, int64_t from,
                                       int64_t depth, ap_real *to)
{
    const ap_real *x = f->data + first * f->along + from * f->deep;
    int64_t whole = depth / VEC_LANES * VEC_LANES;
    if (first + width > f->count) return 0;
    if (f->deep != 1) {
        pack_copied(width, depth, x, f->deep, to);
        return depth;
    }
    pack_turned(width, whole, x, f->along, to);
    return whole;
}

static ALWAYS_INLINE void pack_group(int width, const ap_side *f, int64_t first, int64_t from, int64_t depth,
                                     ap_real *to)
{
    int64_t done = pack_fast(width, f, first, from, depth, to);
    pack_slowly(width, f, first, from, done, depth, to);
}

void ap_pack_panel(const ap_side *A, int64_t first, int64_t from, int64_t depth, ap_real *panel)
{
    pack_group(AP_TILE_ROWS, A, first, from, depth, panel);
    ap_tile_finish_panel(depth, panel);
}

void ap_pack_strip(const ap_side *B, int64_t first, int64_t from, int64_t depth, ap_real *strip)
{
    pack_group(AP_TILE_COLUMNS, B, first, from, depth, strip);
    ap_tile_finish_strip(depth, strip);
}
