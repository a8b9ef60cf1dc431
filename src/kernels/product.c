#include "kernels/product.h"

#include "base/bounds.h"
#include "kernels/blas.h"
#include "kernels/flops.h"
#include "kernels/pack.h"
#include "kernels/tile.h"

#include <omp.h>
#include <string.h>
#include <unistd.h>

#define ROWS AP_TILE_ROWS
#define COLUMNS AP_TILE_COLUMNS
/* Depth packed at a time, in reused memory: a strip of B and a thread's block of A, at most this share of it,
 * stay in the second-level cache, all of B in the third. The wider the block, the less often B is read from
 * there; the sums are the same. */
#define DEPTH_MOST 768
#define CACHE_SHARE 3
#define CACHE_UNKNOWN ((long)1 << 20)
#define BLOCK_PANELS_LEAST 4
#define BLOCK_PANELS_MOST 24
/* OpenBLAS computes products with fewer multiplications on one thread. The rounding of larger ones may
 * depend on how they are divided among threads, so these are computed by tiles. */
#define MULTIPLICATIONS_LEAST ((int64_t)1 << 18)

ap_matrix ap_matrix_rows(const ap_real *data, int64_t pitch)
{
    return (ap_matrix){data, pitch, 1};
}

ap_matrix ap_matrix_turned(const ap_real *data, int64_t pitch)
{
    return (ap_matrix){data, 1, pitch};
}

/* One factor's packed panels, or strips. */
typedef struct side {
    ap_side of;
    int64_t groups, pitch; /* distance between packed groups */
} side;

static side side_of(ap_side of, int64_t K, int width)
{
    int64_t size = width * ap_tile_depth(ap_least(K, DEPTH_MOST));
    return (side){of, ap_divide_up(of.count, width), ap_round_up(size, AP_LANES)};
}

/* ---------------------------------------------------------------- threads */

/* A thread's panels and strips of C. */
typedef struct share {
    int64_t panel, panel_end, strip, strip_end;
} share;

/* Threads form a grid: the one, of all possible ones, whose largest share is smallest. */
static share share_of_thread(int64_t panels, int64_t strips)
{
    int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num(), down = 1, least = INT64_MAX;
    for (int64_t d = 1; d <= threads; d++) {
        if (threads % d != 0) continue;
        int64_t across = threads / d, size = ap_divide_up(panels, d) * ap_divide_up(strips, across);
        if (size <= least) {
            least = size;
            down = d;
        }
    }
    int64_t across = threads / down, row = thread / across, column = thread % across;
    return (share){panels * row / down, panels * (row + 1) / down, strips * column / across,
                   strips * (column + 1) / across};
}

/* How many panels of A are a block. */
static int64_t panels_a_block(const side *A)
{
    long cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
    int64_t bytes = (cache > 0 ? cache : CACHE_UNKNOWN) / CACHE_SHARE;
    int64_t fit = bytes / (A->pitch * (int64_t)sizeof(ap_real));
    return ap_least(ap_least(ap_most(fit, BLOCK_PANELS_LEAST), BLOCK_PANELS_MOST), A->groups);
}

/* block: the thread's own, of that many panels; strips: those of all of B */
static void multiply_share(const ap_product_task *t, const side *A, const side *B, int64_t from,
                           int64_t depth, int64_t panels, ap_real *block, const ap_real *strips)
{
    share own = share_of_thread(A->groups, B->groups);
    bool add = t->add || from > 0;
    for (int64_t top = own.panel; top < own.panel_end; top += panels) {
        int64_t end = ap_least(top + panels, own.panel_end);
        for (int64_t panel = top; panel < end; panel++)
            ap_pack_panel(&A->of, panel * ROWS, from, depth, block + (panel - top) * A->pitch);
        for (int64_t strip = own.strip; strip < own.strip_end; strip++) {
            int64_t m = top * ROWS, n = strip * COLUMNS;
            ap_tile_place place = {t->C + m * t->ldc + n, t->ldc, t->bias && !add ? t->bias + n : NULL, NULL,
                                   add};
            ap_tile_product(ap_least(end * ROWS, t->M) - m, ap_least(COLUMNS, t->N - n), &place, depth, block,
                            A->pitch, strips + strip * B->pitch);
        }
    }
}

/* The start of a portion of the depth. All are about equally deep, and whole vectors except the last. */
static int64_t depth_at(int64_t K, int64_t portion)
{
    int64_t portions = ap_divide_up(K, DEPTH_MOST);
    return ap_least(K, ap_round_up(ap_divide_up(K, portions), AP_LANES) * portion);
}

static void by_tiles(ap_arena *arena, const ap_product_task *t)
{
    side A = side_of((ap_side){t->A.data, t->M, t->A.row, t->A.column}, t->K, ROWS);
    side B = side_of((ap_side){t->B.data, t->N, t->B.column, t->B.row}, t->K, COLUMNS);
    int64_t panels = panels_a_block(&A), block = panels * A.pitch;
    size_t bytes = (size_t)(B.groups * B.pitch + omp_get_max_threads() * block) * sizeof(ap_real);
    ap_real *strips = ap_arena_alloc(arena, bytes), *blocks = strips + B.groups * B.pitch;
    ap_flops_add(2 * t->M * t->N * t->K);
#pragma omp parallel
    for (int64_t portion = 0; depth_at(t->K, portion) < t->K; portion++) {
        int64_t from = depth_at(t->K, portion), depth = depth_at(t->K, portion + 1) - from;
#pragma omp for schedule(static)
        for (int64_t strip = 0; strip < B.groups; strip++)
            ap_pack_strip(&B.of, strip * COLUMNS, from, depth, strips + strip * B.pitch);
        multiply_share(t, &A, &B, from, depth, panels, blocks + omp_get_thread_num() * block, strips);
#pragma omp barrier
    }
    ap_arena_recycle(arena, strips, bytes);
}

/* ---------------------------------------------------------------- by OpenBLAS */

static void by_openblas(const ap_product_task *t)
{
    bool turn_a = t->A.column != 1, turn_b = t->B.column != 1;
    /* the pitch of a single row or column is arbitrary, but OpenBLAS requires a valid one */
    int64_t lda = turn_a ? ap_most(t->A.column, t->M) : ap_most(t->A.row, t->K);
    int64_t ldb = turn_b ? ap_most(t->B.column, t->K) : ap_most(t->B.row, t->N);
    for (int64_t row = 0; row < t->M && t->bias; row++)
        memcpy(t->C + row * t->ldc, t->bias, (size_t)t->N * sizeof *t->C);
    ap_gemm(turn_a, turn_b, t->M, t->N, t->K, 1, t->A.data, lda, t->B.data, ldb, t->add || t->bias ? 1 : 0,
            t->C, t->ldc);
}

void ap_product(ap_arena *arena, const ap_product_task *t)
{
    if (t->M * t->N * t->K < MULTIPLICATIONS_LEAST)
        by_openblas(t);
    else
        by_tiles(arena, t);
}
