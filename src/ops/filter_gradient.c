#include "ops/filter.h"

#include "base/bounds.h"
#include "kernels/array.h"
#include "kernels/panel.h"
#include "ops/window.h"

#include <omp.h>

/* dweight[o, (k, i)] = sum over b, t of coarse[b, o, t] fine[b, i, t stride + k dilation - lead] is again a
 * product of a panel, now over time: with both signals transposed, row t of X is what frame t sees, all taps
 * and channels of it in one stretch if the dilation is 1, and a stretch a tap otherwise. */

/* The width of a tile in time is limited by this many bytes of both signals, ... */
#define TILE_BYTES ((int64_t)512 << 10)
/* ... but at least this many frames, because each tile reads and writes all of dweight. */
#define TILE_FRAMES_LEAST 160
#define TILE_FRAMES_MOST 1024

/* The division of the work, and the workspace of a thread. */
typedef struct plan {
    int64_t tiles;            /* of each item */
    int64_t frames, samples;  /* the most a tile has of the coarse and the fine signal */
    int64_t stretches, width; /* of X's rows */
    int64_t *at;              /* row t of X */
    int64_t coarse_size, fine_size, rows_size;
} plan;

static plan cut(ap_arena *arena, const ap_filter *f)
{
    int64_t threads = omp_get_max_threads();
    int64_t fit = TILE_BYTES / (int64_t)sizeof(ap_real) / (f->coarse + f->fine * f->stride);
    int64_t frames = ap_least(ap_most(fit, TILE_FRAMES_LEAST), TILE_FRAMES_MOST);
    plan p = {.tiles = ap_divide_up(f->frames, frames), .stretches = f->dilation == 1 ? 1 : f->K};
    /* a small number of tiles is rounded up so that threads have equal work */
    if (f->B % threads != 0) p.tiles = ap_least(ap_round_up(p.tiles, threads), f->frames);
    p.frames = ap_divide_up(f->frames, p.tiles);
    p.samples = (p.frames - 1) * f->stride + (f->K - 1) * f->dilation + 1;
    p.width = f->fine * f->K / p.stretches;
    p.at = ap_arena_alloc(arena, (size_t)p.frames * sizeof *p.at);
    for (int64_t t = 0; t < p.frames; t++) p.at[t] = t * f->stride * f->fine;
    /* both ends are read in whole panels */
    p.coarse_size = p.frames * f->coarse + AP_TILE_ROWS;
    p.fine_size = p.samples * f->fine + AP_TILE_COLUMNS;
    p.rows_size = ap_window_rows_size(ap_most(p.frames, p.samples));
    return p;
}

/* Adds the contribution of n frames from t on to sums [coarse, K, fine]. */
static void gradient_tile(const ap_filter *f, const plan *p, const ap_window_signal *coarse,
                          const ap_window_signal *fine, int64_t t, int64_t n, ap_real *memory, ap_real *sums)
{
    ap_real *dy = memory, *x = dy + p->coarse_size, *rows = x + p->fine_size;
    ap_window_fill_transposed(coarse, t, n, rows, dy);
    ap_window_fill_transposed(fine, t * f->stride - f->lead,
                              (n - 1) * f->stride + (f->K - 1) * f->dilation + 1, rows, x);
    for (int64_t k = 0; k < p->stretches; k++)
        ap_panel_product(&(ap_panel_task){.M = f->coarse,
                                          .J = n,
                                          .n = p->width,
                                          .W = ap_panel_transposed(dy, f->coarse),
                                          .x = x + k * f->dilation * f->fine,
                                          .at = p->at,
                                          .y = sums + k * p->width,
                                          .ldy = f->fine * f->K,
                                          .add = true});
}

void ap_filter_gradient(ap_arena *arena, const ap_filter *f, const ap_real *coarse, const ap_real *fine,
                        ap_real *dweight)
{
    plan p = cut(arena, f);
    int64_t threads = omp_get_max_threads(), count = f->coarse * f->fine * f->K;
    int64_t mirror = ap_window_mirror(f->mode, f->T, f->lead, f->tail);
    int64_t size = p.coarse_size + p.fine_size + p.rows_size;
    size_t bytes = (size_t)(threads * size) * sizeof(ap_real),
           sums_bytes = (size_t)(threads * count) * sizeof(ap_real);
    ap_real *memory = ap_arena_alloc(arena, bytes), *sums = ap_arena_zeros(arena, sums_bytes);
#pragma omp parallel
    {
        int64_t thread = omp_get_thread_num();
#pragma omp for schedule(static)
        for (int64_t i = 0; i < f->B * p.tiles; i++) {
            int64_t b = i / p.tiles, tile = i % p.tiles;
            int64_t t = tile * f->frames / p.tiles, n = (tile + 1) * f->frames / p.tiles - t;
            ap_window_signal y = {coarse + b * f->coarse * f->frames, f->coarse, f->frames, 0};
            ap_window_signal x = {fine + b * f->fine * f->T, f->fine, f->T, mirror};
            gradient_tile(f, &p, &y, &x, t, n, memory + thread * size, sums + thread * count);
        }
#pragma omp for schedule(static)
        for (int64_t row = 0; row < f->coarse * f->fine; row++)
            for (int64_t k = 0; k < f->K; k++)
                for (int64_t t = 0; t < threads; t++)
                    dweight[row * f->K + k] +=
                        sums[t * count + (row / f->fine * f->K + k) * f->fine + row % f->fine];
    }
    ap_arena_recycle(arena, sums, sums_bytes);
    ap_arena_recycle(arena, memory, bytes);
    ap_arena_recycle(arena, p.at, (size_t)p.frames * sizeof *p.at);
}

void ap_filter_bias_gradient(int64_t B, int64_t C, int64_t T, const ap_real *dy, ap_real *dbias)
{
    for (int64_t c = 0; dbias && c < C; c++) {
        double sum = 0;
        for (int64_t b = 0; b < B; b++) sum += ap_array_sum(T, dy + (b * C + c) * T);
        dbias[c] += (ap_real)sum;
    }
}
