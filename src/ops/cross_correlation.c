#include "ops/cross_correlation.h"

#include "core/bounds.h"
#include "ops/panel.h"
#include "ops/workspace.h"

#include <omp.h>
#include <string.h>

/* A tile of time is as wide as this many bytes of window allow: it stays in the second-level cache. */
#define WINDOW_BYTES ((int64_t)384 << 10)
/* But no wider than this many columns: wider tiles gain nothing. */
#define TILE_COLUMNS_MOST 1024
/* Rows that are not stored where they are computed are computed so many at a time, about. */
#define ROW_BLOCK 64
/* Two taps go the way of three products (see below) where each is over so many numbers at least: with fewer,
 * the sums beside the products take longer than the fourth product would. */
#define PAIRED_LEAST 64
#define PAIRED_PRODUCTS 3

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* ---------------------------------------------------------------- tiles */

/* `columns` columns of each of B items, cut into `count` tiles an item of whole strips. A strip is what one
 * panel, or two, are wide, or, where a tile has no room for two of those and the ends of whole ones would
 * count, a vector of each; `widest` is the most columns a tile has, rounded up to panels. */
typedef struct tiling {
    int64_t columns, strip, strips, count, widest;
} tiling;

static tiling cut(int64_t B, int64_t columns, int64_t wanted, int64_t strip)
{
    tiling t = {.columns = columns, .strip = strip, .strips = divide_up(columns, strip)};
    int64_t threads = omp_get_max_threads();
    int64_t strips_a_tile = ap_least(wanted, TILE_COLUMNS_MOST) / strip;
    if (strips_a_tile <= 1) {
        t.strip = strip / AP_PANEL_VECS;
        t.strips = divide_up(columns, t.strip);
        strips_a_tile = AP_PANEL_VECS;
    }
    t.count = divide_up(t.strips, strips_a_tile);
    /* a few tiles are made to come out even among the threads */
    if (B % threads != 0) t.count = divide_up(t.count, threads) * threads;
    t.count = ap_most(1, ap_least(t.count, t.strips));
    t.widest = divide_up(divide_up(t.strips, t.count) * t.strip, strip) * strip;
    return t;
}

/* Tile `index` of an item: its first column and how many it has. */
static int64_t tile_begin(const tiling *t, int64_t index)
{
    return ap_least(index * t->strips / t->count * t->strip, t->columns);
}

/* ---------------------------------------------------------------- windows */

/* Where the places of a correlation's first `taps` taps stand in a window. */
static int64_t *window_places(ap_arena *arena, const ap_cross_correlation *c, int64_t taps, int64_t pitch)
{
    int64_t *at = ap_arena_alloc(arena, (size_t)(c->x.C * taps) * sizeof *at);
    for (int64_t i = 0; i < c->x.C; i++)
        for (int64_t k = 0; k < taps; k++)
            at[i * taps + k] = (i * c->stride + c->tap[k] % c->stride) * pitch + c->tap[k] / c->stride;
    return at;
}

static int64_t halo(const ap_cross_correlation *c)
{
    return c->tap[c->taps - 1] / c->stride;
}

/* Columns of a window in WINDOW_BYTES. */
static int64_t affordable(const ap_cross_correlation *c)
{
    int64_t numbers = WINDOW_BYTES / (int64_t)sizeof(ap_real) / (c->x.C * c->stride);
    return c->paired ? numbers * 2 / PAIRED_PRODUCTS : numbers - halo(c);
}

/* line[(i columns + j) phases + p] = rows[j, p, i]: each of `columns` neighbouring columns has a block of
 * rows. */
static inline __attribute__((always_inline)) void interleave_by(int64_t columns, int64_t phases, int64_t n,
                                                                const ap_real *rows, int64_t block,
                                                                int64_t pitch, ap_real *line)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < columns; j++)
            for (int64_t p = 0; p < phases; p++)
                line[(i * columns + j) * phases + p] = rows[j * block + p * pitch + i];
}

static inline __attribute__((always_inline)) void interleave(int64_t columns, int64_t phases, int64_t n,
                                                             const ap_real *rows, int64_t block,
                                                             int64_t pitch, ap_real *line)
{
    switch (phases) {
    case 1:
        interleave_by(columns, 1, n, rows, block, pitch, line);
        return;
    case 2:
        interleave_by(columns, 2, n, rows, block, pitch, line);
        return;
    case 4:
        interleave_by(columns, 4, n, rows, block, pitch, line);
        return;
    case 5:
        interleave_by(columns, 5, n, rows, block, pitch, line);
        return;
    case 8:
        interleave_by(columns, 8, n, rows, block, pitch, line);
        return;
    default:
        interleave_by(columns, phases, n, rows, block, pitch, line);
    }
}

/* n numbers of y, from `at` on */
static void put(const ap_filter_target *target, int64_t at, int64_t n, const ap_real *line)
{
    ap_real *y = target->y + at;
    if (target->add)
        for (int64_t i = 0; i < n; i++) y[i] += line[i];
    else
        memcpy(y, line, (size_t)n * sizeof *y);
}

/* What a thread works in. Of paired columns the first have one block of rows, the second another. */
typedef struct workspace {
    ap_real *window, *rows, *line;
    const int64_t *at;
    int64_t pitch, row_block, row_pitch;
    ap_real *full; /* for paired columns: a window of few channels, which are as long as two of `window` */
    int64_t full_pitch;
} workspace;

static bool stored_in_place(const ap_cross_correlation *c)
{
    return c->phases == 1 && !c->paired;
}

/* ---------------------------------------------------------------- paired columns
 *
 * A filter of two taps gives each pair of neighbouring columns by three products, not four (Winograd,
 * "Arithmetic Complexity of Computations", 1980: F(2, 2)). With weights V and W and columns x0, x1, x2:
 *     y0 = V x0 + W x1 = V (x0 - x1) + (V + W) x1
 *     y1 = V x1 + W x2 = W (x2 - x1) + (V + W) x1 */

/* Channels whose window stands in full before it is sorted into pairs. */
#define CHANNELS_AT_ONCE 8

/* Whether the taps, seen from the coarse side, are two next to each other, and there is enough to be summed
 * up. */
static bool pairs_pay(const ap_cross_correlation *c)
{
    return c->taps == 2 * c->stride && c->tap[c->taps - 1] == c->taps - 1 &&
           c->x.C * c->stride >= PAIRED_LEAST && c->length >= 2 * AP_PANEL_COLUMNS * c->phases;
}

/* So many pairs hold n columns, and fill vectors. */
static int64_t pairs_of(int64_t n)
{
    return divide_up(n, 2 * AP_LANES) * AP_LANES;
}

/* packed becomes V + W, V and W, one behind the other. */
static ap_real *pack_paired(ap_arena *arena, const ap_cross_correlation *c)
{
    int64_t half = c->x.C * c->stride, size = ap_panel_size(c->rows, half);
    ap_real *both = ap_arena_alloc(arena, (size_t)(PAIRED_PRODUCTS * size) * sizeof *both);
    const int64_t block = AP_PANEL_ROWS * c->stride; /* numbers of one channel and one of the taps */
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < size / block; i++) {
        const ap_real *v = c->packed + 2 * i * block, *w = v + block;
        ap_real *sum = both + i * block;
        for (int64_t k = 0; k < block; k++) {
            sum[k] = v[k] + w[k];
            sum[size + k] = v[k];
            sum[2 * size + k] = w[k];
        }
    }
    return both;
}

/* x1, x0 - x1 and x2 - x1 of every pair, each as a window of `pairs` columns. */
static void fill_pairs(const ap_cross_correlation *c, const workspace *space, ap_window_signal x, int64_t q,
                       int64_t pairs)
{
    int64_t C = x.C, pitch = space->pitch, window = C * c->stride * pitch;
    for (int64_t i = 0; i < C; i += CHANNELS_AT_ONCE, x.data += CHANNELS_AT_ONCE * x.T) {
        x.C = ap_least(CHANNELS_AT_ONCE, C - i);
        ap_window_fill(&x, q * c->stride - c->lead, c->stride, 2 * pairs + 1, space->full_pitch, space->full);
        for (int64_t r = 0; r < x.C * c->stride; r++) {
            const ap_real *from = space->full + r * space->full_pitch;
            ap_real *middle = space->window + (i * c->stride + r) * pitch;
            for (int64_t k = 0; k < pairs; k++) {
                ap_real x1 = from[2 * k + 1];
                middle[k] = x1;
                middle[window + k] = from[2 * k] - x1;
                middle[2 * window + k] = from[2 * k + 2] - x1;
            }
        }
    }
}

/* M rows from m on, for the columns of the tile: into space->rows. */
static void paired_rows(const ap_cross_correlation *c, const workspace *space, int64_t m, int64_t M,
                        int64_t n)
{
    int64_t half = c->x.C * c->stride, pairs = pairs_of(n), pitch = space->row_pitch;
    int64_t size = ap_panel_size(c->rows, half), window = half * space->pitch;
    ap_real *first = space->rows, *second = first + space->row_block * pitch;
    ap_panel_task task = {.M = M,
                          .J = half,
                          .n = pairs,
                          .W = ap_panel_packed(c->packed, half, m),
                          .bias = c->bias ? c->bias + m : NULL,
                          .x = space->window,
                          .at = space->at,
                          .y = first,
                          .ldy = pitch};
    ap_panel_product(&task);
    memcpy(second, first, (size_t)(M * pitch) * sizeof *second);
    task.add = true;
    task.W = ap_panel_packed(c->packed + size, half, m);
    task.x = space->window + window;
    ap_panel_product(&task);
    task.W = ap_panel_packed(c->packed + 2 * size, half, m);
    task.x = space->window + 2 * window;
    task.y = second;
    ap_panel_product(&task);
}

/* ---------------------------------------------------------------- one tile */

/* One tile of item b: n frames from q on. */
static void correlate_tile(const ap_cross_correlation *c, const workspace *space, int64_t b, int64_t q,
                           int64_t n)
{
    int64_t J = c->x.C * c->taps, channels = c->rows / c->phases;
    ap_window_signal x = c->x;
    x.data += b * x.C * x.T;
    if (c->paired)
        fill_pairs(c, space, x, q, pairs_of(n));
    else
        ap_window_fill(&x, q * c->stride - c->lead, c->stride, ap_panel_columns(n) + halo(c), space->pitch,
                       space->window);
    ap_panel_task task = {.J = J, .n = n, .x = space->window, .at = space->at};
    if (stored_in_place(c)) {
        task.M = c->rows;
        task.W = ap_panel_packed(c->packed, J, 0);
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
        task.W = ap_panel_packed(c->packed, J, m);
        task.bias = c->bias ? c->bias + m : NULL;
        task.y = space->rows;
        task.ldy = space->row_pitch;
        if (c->paired)
            paired_rows(c, space, m, task.M, n);
        else
            ap_panel_product(&task);
        for (int64_t r = 0; r < task.M; r += c->phases) {
            const ap_real *rows = space->rows + r * space->row_pitch;
            if (c->paired)
                interleave(2, c->phases, divide_up(n, 2), rows, space->row_block * space->row_pitch,
                           space->row_pitch, space->line);
            else
                interleave(1, c->phases, n, rows, 0, space->row_pitch, space->line);
            int64_t row = b * channels + (m + r) / c->phases;
            put(&c->target, row * c->length + from - c->skip, to - from, space->line + from - q * c->phases);
        }
    }
}

/* How many numbers a thread's workspace takes; it is laid out in `memory` unless that is NULL. */
static int64_t lay_out(const ap_cross_correlation *c, workspace *space, ap_real *memory)
{
    int64_t window = c->x.C * c->stride * space->pitch, rows = space->row_block * space->row_pitch;
    bool staged = !stored_in_place(c), paired = c->paired;
    const ap_workspace_part parts[] = {
        {&space->window, paired ? PAIRED_PRODUCTS * window : window},
        {&space->rows, staged ? (paired ? 2 * rows : rows) : 0},
        {&space->line, staged ? (paired ? 2 : 1) * space->row_pitch * c->phases : 0},
        {&space->full, paired ? CHANNELS_AT_ONCE * c->stride * space->full_pitch : 0}};
    return ap_workspace_lay_out(sizeof parts / sizeof *parts, parts, memory);
}

void ap_cross_correlate(ap_arena *arena, const ap_cross_correlation *whole)
{
    ap_cross_correlation copy = *whole;
    const ap_cross_correlation *c = &copy;
    if (c->length <= 0) return;
    copy.paired = pairs_pay(c);
    int64_t first = c->skip / c->phases, end = divide_up(c->skip + c->length, c->phases);
    tiling tiles = cut(c->B, end - first, affordable(c), c->paired ? 2 * AP_PANEL_COLUMNS : AP_PANEL_COLUMNS);
    int64_t columns = c->paired ? tiles.widest / 2 : tiles.widest;
    workspace shape = {.pitch = ap_window_pitch(c->paired ? columns : columns + halo(c)),
                       .row_pitch = ap_window_pitch(columns),
                       .full_pitch = ap_window_pitch(tiles.widest + halo(c)),
                       .row_block = AP_PANEL_ROWS * c->phases};
    shape.row_block *= divide_up(ROW_BLOCK, shape.row_block);
    int64_t taps = c->paired ? c->stride : c->taps, places = c->x.C * taps;
    shape.at = window_places(arena, c, taps, shape.pitch);
    size_t packed_bytes = (size_t)(PAIRED_PRODUCTS * ap_panel_size(c->rows, places)) * sizeof(ap_real);
    if (c->paired) copy.packed = pack_paired(arena, c);
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
    if (c->paired) ap_arena_recycle(arena, (void *)c->packed, packed_bytes);
    ap_arena_recycle(arena, (void *)shape.at, (size_t)places * sizeof *shape.at);
}
