#include "ops/cross_correlation.h"

#include "base/bounds.h"
#include "kernels/quads.h"
#include "kernels/stream.h"
#include "ops/workspace.h"

#include <omp.h>
#include <string.h>

/* The width of a tile in time is limited by this many bytes of window, which stay in the second-level cache.
 */
#define WINDOW_BYTES ((int64_t)384 << 10)
/* The widest tile in columns: wider ones gain nothing. */
#define TILE_COLUMNS_MOST 1024
/* Rows that are not stored directly are computed about this many at a time. */
#define ROW_BLOCK 64
/* Two taps use five products (quads.h) if each product sums at least this many numbers. With fewer, the
 * additional sums take longer than the three products saved. */
#define QUADS_LEAST 64
#define QUADS_TAPS 2

/* ---------------------------------------------------------------- tiles */

/* `columns` columns of each of B items, cut into `count` tiles an item of whole strips. A strip is what a
 * panel is wide, of columns or of quads, or, where a tile has no room for two of those and the ends of whole
 * ones would count, a vector of either; `widest` is the most columns a tile has, rounded up to panels. */
typedef struct tiling {
    int64_t columns, strip, strips, count, widest;
} tiling;

static tiling cut(int64_t B, int64_t columns, int64_t wanted, int64_t strip)
{
    tiling t = {.columns = columns, .strip = strip, .strips = ap_divide_up(columns, strip)};
    int64_t threads = omp_get_max_threads();
    int64_t strips_a_tile = ap_least(wanted, TILE_COLUMNS_MOST) / strip;
    if (strips_a_tile <= 1) {
        t.strip = strip / AP_TILE_VECS;
        t.strips = ap_divide_up(columns, t.strip);
        strips_a_tile = AP_TILE_VECS;
    }
    t.count = ap_divide_up(t.strips, strips_a_tile);
    /* a small number of tiles is rounded up so that threads have equal work */
    if (B % threads != 0) t.count = ap_round_up(t.count, threads);
    t.count = ap_most(1, ap_least(t.count, t.strips));
    t.widest = ap_round_up(ap_divide_up(t.strips, t.count) * t.strip, strip);
    return t;
}

/* Tile `index` of an item: its first column and how many it has. */
static int64_t tile_begin(const tiling *t, int64_t index)
{
    return ap_least(index * t->strips / t->count * t->strip, t->columns);
}

/* ---------------------------------------------------------------- windows */

/* The positions of a correlation's taps in a window. */
static int64_t *window_places(ap_arena *arena, const ap_cross_correlation *c, int64_t pitch)
{
    int64_t *at = ap_arena_alloc(arena, (size_t)(c->x.C * c->taps) * sizeof *at);
    for (int64_t i = 0; i < c->x.C; i++)
        for (int64_t k = 0; k < c->taps; k++)
            at[i * c->taps + k] = (i * c->stride + c->tap[k] % c->stride) * pitch + c->tap[k] / c->stride;
    return at;
}

static int64_t halo(const ap_cross_correlation *c)
{
    return c->tap[c->taps - 1] / c->stride;
}

/* The number of window columns that fit WINDOW_BYTES. */
static int64_t affordable(const ap_cross_correlation *c)
{
    int64_t numbers = WINDOW_BYTES / (int64_t)sizeof(ap_real) / (c->x.C * c->stride);
    return c->by_quads ? numbers * AP_QUAD / AP_QUADS_PRODUCTS(QUADS_TAPS) : numbers - halo(c);
}

/* line[i phases + p] = rows[p, i] */
static inline __attribute__((always_inline)) void
interleave_by(int64_t phases, int64_t n, const ap_real *rows, int64_t pitch, ap_real *line)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t p = 0; p < phases; p++) line[i * phases + p] = rows[p * pitch + i];
}

static void interleave(int64_t phases, int64_t n, const ap_real *rows, int64_t pitch, ap_real *line)
{
    switch (phases) {
    case 2:
        interleave_by(2, n, rows, pitch, line);
        return;
    case 4:
        interleave_by(4, n, rows, pitch, line);
        return;
    case 5:
        interleave_by(5, n, rows, pitch, line);
        return;
    case 8:
        interleave_by(8, n, rows, pitch, line);
        return;
    default:
        interleave_by(phases, n, rows, pitch, line);
    }
}

/* n numbers of y, from `at` on */
static void put(const ap_cross_correlation *c, int64_t at, int64_t n, const ap_real *line)
{
    ap_real *y = c->target.y + at;
    if (c->target.add)
        for (int64_t i = 0; i < n; i++) y[i] += line[i];
    else
        ap_stream(c->B * c->rows / c->phases * c->length, n, line, y);
}

/* The workspace of a thread. */
typedef struct workspace {
    ap_real *window, *strip, *rows, *line;
    const int64_t *at;
    int64_t pitch, row_block, row_pitch;
    /* for quads: theirs, and a window of few channels in full, from which it is made */
    ap_quads_window quads;
    ap_real *full;
    int64_t full_pitch;
} workspace;

static bool stored_in_place(const ap_cross_correlation *c)
{
    return c->phases == 1 && !c->by_quads;
}

/* ---------------------------------------------------------------- quads of columns */

/* Channels whose window is filled completely before it is sorted into quads. */
#define CHANNELS_AT_ONCE 8

/* Whether the taps, seen from the coarse side, are two next to each other, and there is enough to be summed
 * up. */
static bool quads_pay(const ap_cross_correlation *c)
{
    return c->taps == QUADS_TAPS * c->stride && c->tap[c->taps - 1] == c->taps - 1 &&
           c->x.C * c->stride >= QUADS_LEAST && c->length >= AP_QUADS_COLUMNS * c->phases;
}

static void fill_quads(const ap_cross_correlation *c, const workspace *space, ap_window_signal x, int64_t q,
                       int64_t quads)
{
    int64_t C = x.C, columns = AP_QUAD * quads + QUADS_TAPS;
    for (int64_t i = 0; i < C; i += CHANNELS_AT_ONCE, x.data += CHANNELS_AT_ONCE * x.T) {
        x.C = ap_least(CHANNELS_AT_ONCE, C - i);
        ap_window_fill(&x, q * c->stride - c->lead, c->stride, columns, space->full_pitch, space->full);
        for (int64_t r = 0; r < x.C * c->stride; r++)
            ap_quads_fill(&space->quads, i * c->stride + r, quads, space->full + r * space->full_pitch);
    }
    ap_quads_finish(&space->quads, quads);
}

/* M rows from m on, for the columns of the tile: into space->rows. */
static void quad_rows(const ap_cross_correlation *c, const workspace *space, int64_t m, int64_t M,
                      int64_t quads)
{
    int64_t J = c->x.C * c->stride;
    ap_quads_product(&(ap_quads_task){.M = M,
                                      .quads = quads,
                                      .x = &space->quads,
                                      .packed = c->packed + ap_panel_at(J, m, 0),
                                      .packed_step = ap_panel_size(c->rows, J),
                                      .bias = c->bias ? c->bias + m : NULL,
                                      .y = space->rows,
                                      .ldy = space->row_pitch});
}

/* ---------------------------------------------------------------- one tile */

/* One tile of item b: n frames from q on. */
static void correlate_tile(const ap_cross_correlation *c, const workspace *space, int64_t b, int64_t q,
                           int64_t n)
{
    int64_t J = c->x.C * c->taps, channels = c->rows / c->phases;
    ap_window_signal x = c->x;
    x.data += b * x.C * x.T;
    if (c->by_quads)
        fill_quads(c, space, x, q, ap_quads_of(n));
    else
        ap_window_fill(&x, q * c->stride - c->lead, c->stride, ap_panel_columns(n) + halo(c), space->pitch,
                       space->window);
    ap_panel_task task = {.J = J, .n = n, .x = space->window, .at = space->at, .strip = space->strip};
    if (stored_in_place(c)) {
        task.M = c->rows;
        task.W = ap_panel_packed(c->packed, c->rows, J, 0);
        task.bias = c->bias;
        task.y = c->target.y + b * channels * c->length + q - c->skip;
        task.ldy = c->length;
        task.add = c->target.add;
        ap_panel_product(&task);
        return;
    }
    int64_t from = ap_most(q * c->phases, c->skip), to = ap_least((q + n) * c->phases, c->skip + c->length);
    for (int64_t m = 0; m < c->rows; m += space->row_block) {
        task.M = ap_least(space->row_block, c->rows - m);
        task.W = ap_panel_packed(c->packed, c->rows, J, m);
        task.bias = c->bias ? c->bias + m : NULL;
        task.y = space->rows;
        task.ldy = space->row_pitch;
        if (c->by_quads)
            quad_rows(c, space, m, task.M, ap_quads_of(n));
        else
            ap_panel_product(&task);
        for (int64_t r = 0; r < task.M; r += c->phases) {
            const ap_real *rows = space->rows + r * space->row_pitch;
            if (c->phases > 1) interleave(c->phases, n, rows, space->row_pitch, space->line);
            int64_t row = b * channels + (m + r) / c->phases;
            put(c, row * c->length + from - c->skip, to - from,
                (c->phases > 1 ? space->line : rows) + from - q * c->phases);
        }
    }
    ap_stream_end();
}

/* The size of a thread's workspace in numbers. Laid out in `memory` unless that is NULL. */
static int64_t lay_out(const ap_cross_correlation *c, workspace *space, ap_real *memory)
{
    int64_t J = c->x.C * c->taps, rows = space->row_block * space->row_pitch;
    int64_t window = c->x.C * c->stride * space->pitch;
    int64_t quads = ap_quads_window_size(QUADS_TAPS, space->quads.J, space->quads.quads);
    const ap_workspace_part parts[] = {
        {&space->window, c->by_quads ? 0 : window},
        {&space->quads.data, c->by_quads ? quads : 0},
        {&space->strip,
         !c->by_quads && ap_panel_by_tiles(c->rows, J) ? ap_tile_depth(J) * AP_TILE_COLUMNS : 0},
        {&space->rows, stored_in_place(c) ? 0 : rows},
        {&space->line, c->phases > 1 ? space->row_pitch * c->phases : 0},
        {&space->full, c->by_quads ? CHANNELS_AT_ONCE * c->stride * space->full_pitch : 0}};
    return ap_workspace_lay_out(sizeof parts / sizeof *parts, parts, memory);
}

/* Prepares the weights for the products. */
static ap_real *ready_weights(ap_arena *arena, const ap_cross_correlation *c, size_t *bytes)
{
    int64_t channels = c->x.C * c->stride, J = c->x.C * c->taps;
    int64_t size = c->by_quads ? ap_quads_size(QUADS_TAPS, c->rows, channels) : ap_panel_size(c->rows, J);
    *bytes = (size_t)size * sizeof(ap_real);
    ap_real *ready = ap_arena_alloc(arena, *bytes);
    if (c->by_quads) {
        ap_quads_pack(QUADS_TAPS, c->rows, channels, c->stride, c->packed, ready);
    } else {
        memcpy(ready, c->packed, *bytes);
        ap_panel_finish(c->rows, J, ready);
    }
    return ready;
}

void ap_cross_correlate(ap_arena *arena, const ap_cross_correlation *whole)
{
    ap_cross_correlation copy = *whole;
    const ap_cross_correlation *c = &copy;
    if (c->length <= 0) return;
    copy.by_quads = quads_pay(c);
    int64_t first = c->skip / c->phases, end = ap_divide_up(c->skip + c->length, c->phases);
    tiling tiles = cut(c->B, end - first, affordable(c), c->by_quads ? AP_QUADS_COLUMNS : AP_TILE_COLUMNS);
    workspace shape = {
        .pitch = ap_window_pitch(tiles.widest + halo(c)),
        .quads = {.taps = QUADS_TAPS, .J = c->x.C * c->stride, .quads = tiles.widest / AP_QUAD},
        .row_pitch = ap_window_pitch(tiles.widest),
        .full_pitch = ap_window_pitch(tiles.widest + QUADS_TAPS),
        .row_block = AP_TILE_ROWS * c->phases};
    shape.row_block *= ap_divide_up(ROW_BLOCK, shape.row_block);
    if (!c->by_quads) shape.at = window_places(arena, c, shape.pitch);
    size_t ready_bytes;
    ap_real *ready = ready_weights(arena, c, &ready_bytes);
    copy.packed = ready;
    int64_t size = lay_out(c, &shape, NULL);
    size_t bytes = (size_t)(omp_get_max_threads() * size) * sizeof(ap_real);
    ap_real *scratch = ap_arena_alloc(arena, bytes);
#pragma omp parallel
    {
        workspace space = shape;
        lay_out(c, &space, scratch + omp_get_thread_num() * size);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < c->B * tiles.count; i++) {
            int64_t tile = i % tiles.count, begin = tile_begin(&tiles, tile);
            correlate_tile(c, &space, i / tiles.count, first + begin, tile_begin(&tiles, tile + 1) - begin);
        }
    }
    ap_arena_recycle(arena, scratch, bytes);
    ap_arena_recycle(arena, ready, ready_bytes);
    ap_arena_recycle(arena, (void *)shape.at, (size_t)(c->x.C * c->taps) * sizeof *shape.at);
}
