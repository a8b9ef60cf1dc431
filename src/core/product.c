#include "core/product.h"

#include "core/array.h"
#include "core/blas.h"
#include "core/bounds.h"
#include "core/flops.h"
#include "core/tile.h"

#include <omp.h>
#include <string.h>

#define ROWS AP_TILE_ROWS
#define COLUMNS AP_TILE_COLUMNS
/* So much of the depth is packed at a time, in memory that is used again and again: a strip of B and a block
 * of A, which a thread has to itself, stay in the second-level cache, all of B in the third. */
#define DEPTH_MOST 768
#define BLOCK_PANELS 8
/* Rows of a factor lie far apart, which the processor does not see coming: memory is asked for so far ahead
 * along a row, or so many rows ahead. */
#define AHEAD (4 * AP_LANES)
#define AHEAD_ROWS 8
/* Products with fewer multiplications go to OpenBLAS. */
#define MULTIPLICATIONS_LEAST ((int64_t)1 << 24)

ap_matrix ap_matrix_rows(const ap_real *data, int64_t pitch)
{
    return (ap_matrix){data, pitch, 1};
}

ap_matrix ap_matrix_turned(const ap_real *data, int64_t pitch)
{
    return (ap_matrix){data, 1, pitch};
}

/* ---------------------------------------------------------------- packing */

/* One factor as it is read and packed: `count` rows of A, or columns of B, `along` apart; the steps of the
 * depth are `deep` apart, and one of the two is 1. Groups of `width` are packed depth by depth. */
typedef struct side {
    const ap_real *data;
    int64_t count, along, deep;
    int width;
    int64_t groups, pitch; /* numbers from one packed group to the next */
} side;

/* to[k width + i] = element first + i at depth from + k, for k from `begin` on; 0 behind the last element. */
static void pack_slowly(const side *f, int64_t first, int64_t from, int64_t begin, int64_t depth, ap_real *to)
{
    for (int64_t k = begin; k < depth; k++)
        for (int64_t i = 0; i < f->width; i++)
            to[k * f->width + i] =
                first + i < f->count ? f->data[(first + i) * f->along + (from + k) * f->deep] : 0;
}

/* Elements lie side by side: x [depth, width] in rows `deep` apart. width: a constant where this is inlined,
 * here and below. */
static inline __attribute__((always_inline)) void pack_copied(int width, int64_t depth, const ap_real *x,
                                                              int64_t deep, ap_real *to)
{
    for (int64_t k = 0; k < depth; k++, x += deep, to += width) {
        __builtin_prefetch(x + AHEAD_ROWS * deep, 0, 2);
        __builtin_prefetch(x + AHEAD_ROWS * deep + width - 1, 0, 2);
        memcpy(to, x, (size_t)width * sizeof *to);
    }
}

/* The depth lies side by side: x [present, depth], the depth a multiple of AP_LANES, in rows `along` apart.
 * They come in squares that are turned. */
static inline __attribute__((always_inline)) void pack_turned(int width, int64_t present, int64_t depth,
                                                              const ap_real *x, int64_t along, ap_real *to)
{
    for (int i = 0; i < width; i += AP_LANES) {
        int64_t rows = ap_least(AP_LANES, present - i);
        size_t bytes = (size_t)(width - i < AP_LANES ? width - i : AP_LANES) * sizeof *to;
        for (int64_t k = 0; k < depth; k += AP_LANES) {
            ap_vec square[AP_LANES] = {0};
            for (int64_t r = 0; r < rows; r++) {
                const ap_real *row = x + (i + r) * along + k;
                __builtin_prefetch(row + AHEAD, 0, 2);
                square[r] = *(const ap_vec *)row;
            }
            ap_square_turn(square);
            for (int64_t r = 0; r < AP_LANES; r++) memcpy(to + (k + r) * width + i, &square[r], bytes);
        }
    }
}

/* How much of the depth could be packed fast: none of a group that is not whole and would have to be copied.
 */
static inline __attribute__((always_inline)) int64_t pack_fast(int width, const side *f, int64_t first,
                                                               int64_t from, int64_t depth, ap_real *to)
{
    const ap_real *x = f->data + first * f->along + from * f->deep;
    int64_t present = ap_least(width, f->count - first), whole = depth / AP_LANES * AP_LANES;
    if (f->deep == 1) {
        pack_turned(width, present, whole, x, f->along, to);
        return whole;
    }
    if (present < width) return 0;
    pack_copied(width, depth, x, f->deep, to);
    return depth;
}

static inline __attribute__((always_inline)) void pack_group(int width, const side *f, int64_t first,
                                                             int64_t from, int64_t depth, ap_real *to)
{
    int64_t done = pack_fast(width, f, first, from, depth, to);
    pack_slowly(f, first, from, done, depth, to);
}

static void pack_panel(const side *A, int64_t panel, int64_t from, int64_t depth, ap_real *to)
{
    pack_group(ROWS, A, panel * ROWS, from, depth, to);
    ap_tile_finish_panel(depth, to);
}

static void pack_strip(const side *B, int64_t strip, int64_t from, int64_t depth, ap_real *to)
{
    pack_group(COLUMNS, B, strip * COLUMNS, from, depth, to);
    ap_tile_finish_strip(depth, to);
}

static side side_of(const ap_real *data, int64_t count, int64_t along, int64_t K, int64_t deep, int width)
{
    int64_t size = width * ap_tile_depth(ap_least(K, DEPTH_MOST));
    return (side){data,
                  count,
                  along,
                  deep,
                  width,
                  (count + width - 1) / width,
                  (size + AP_LANES - 1) / AP_LANES * AP_LANES};
}

static void place_tile(const ap_product_task *t, int64_t m, int64_t n, bool add, int64_t depth,
                       const ap_real *panel, const ap_real *strip)
{
    ap_tile_place place = {t->C + m * t->ldc + n, t->ldc, t->bias && !add ? t->bias + n : NULL, NULL, add};
    ap_tile_product(ap_least(ROWS, t->M - m), ap_least(COLUMNS, t->N - n), &place, depth, panel, strip);
}

/* ---------------------------------------------------------------- threads */

/* Panels and strips of C. */
typedef struct share {
    int64_t panel, panel_end, strip, strip_end;
} share;

/* Threads stand in a grid: of those that there can be the one whose largest share is the smallest. */
static share share_of_thread(int64_t panels, int64_t strips)
{
    int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num(), down = 1, least = INT64_MAX;
    for (int64_t d = 1; d <= threads; d++) {
        if (threads % d != 0) continue;
        int64_t across = threads / d, size = (panels + d - 1) / d * ((strips + across - 1) / across);
        if (size <= least) {
            least = size;
            down = d;
        }
    }
    int64_t across = threads / down, row = thread / across, column = thread % across;
    return (share){panels * row / down, panels * (row + 1) / down, strips * column / across,
                   strips * (column + 1) / across};
}

/* block: the thread's own; strips: all of B */
static void multiply_share(const ap_product_task *t, const side *A, const side *B, int64_t from,
                           int64_t depth, ap_real *block, const ap_real *strips)
{
    share own = share_of_thread(A->groups, B->groups);
    for (int64_t top = own.panel; top < own.panel_end; top += BLOCK_PANELS) {
        int64_t end = ap_least(top + BLOCK_PANELS, own.panel_end);
        for (int64_t panel = top; panel < end; panel++)
            pack_panel(A, panel, from, depth, block + (panel - top) * A->pitch);
        for (int64_t strip = own.strip; strip < own.strip_end; strip++)
            for (int64_t panel = top; panel < end; panel++)
                place_tile(t, panel * ROWS, strip * COLUMNS, t->add || from > 0, depth,
                           block + (panel - top) * A->pitch, strips + strip * B->pitch);
    }
}

/* Where a portion of the depth begins: all are about as deep, and whole vectors but for the last. */
static int64_t depth_at(int64_t K, int64_t portion)
{
    int64_t portions = (K + DEPTH_MOST - 1) / DEPTH_MOST;
    return ap_least(K, ((K - 1) / portions / AP_LANES + 1) * AP_LANES * portion);
}

static void by_tiles(ap_arena *arena, const ap_product_task *t)
{
    side A = side_of(t->A.data, t->M, t->A.row, t->K, t->A.column, ROWS);
    side B = side_of(t->B.data, t->N, t->B.column, t->K, t->B.row, COLUMNS);
    int64_t block = BLOCK_PANELS * A.pitch;
    size_t bytes = (size_t)(B.groups * B.pitch + omp_get_max_threads() * block) * sizeof(ap_real);
    ap_real *strips = ap_arena_alloc(arena, bytes), *blocks = strips + B.groups * B.pitch;
    ap_flops_add(2 * t->M * t->N * t->K);
#pragma omp parallel
    for (int64_t portion = 0; depth_at(t->K, portion) < t->K; portion++) {
        int64_t from = depth_at(t->K, portion), depth = depth_at(t->K, portion + 1) - from;
#pragma omp for schedule(static)
        for (int64_t strip = 0; strip < B.groups; strip++)
            pack_strip(&B, strip, from, depth, strips + strip * B.pitch);
        multiply_share(t, &A, &B, from, depth, blocks + omp_get_thread_num() * block, strips);
#pragma omp barrier
    }
    ap_arena_recycle(arena, strips, bytes);
}

static void by_openblas(const ap_product_task *t)
{
    bool turn_a = t->A.column != 1, turn_b = t->B.column != 1;
    /* of a single row or column the pitch says nothing, but OpenBLAS wants one that could be */
    int64_t lda = turn_a ? ap_most(t->A.column, t->M) : ap_most(t->A.row, t->K);
    int64_t ldb = turn_b ? ap_most(t->B.column, t->K) : ap_most(t->B.row, t->N);
    for (int64_t m = 0; m < t->M && t->bias; m++)
        memcpy(t->C + m * t->ldc, t->bias, (size_t)t->N * sizeof *t->C);
    ap_gemm(turn_a, turn_b, t->M, t->N, t->K, 1, t->A.data, lda, t->B.data, ldb, t->add || t->bias ? 1 : 0,
            t->C, t->ldc);
}

void ap_product(ap_arena *arena, const ap_product_task *t)
{
    if (AP_PRODUCT_TILED && t->M * t->N * t->K >= MULTIPLICATIONS_LEAST)
        by_tiles(arena, t);
    else
        by_openblas(t);
}
