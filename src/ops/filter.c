#include "ops/filter.h"

#include "core/vmath.h"
#include "ops/panel.h"
#include "ops/window.h"

#include <omp.h>
#include <string.h>

/* A tile of time is as wide as this many bytes of window allow: it stays in the second-level cache. */
#define WINDOW_BYTES ((int64_t)384 << 10)
/* But no wider than this many columns: wider tiles gain nothing. */
#define TILE_COLUMNS_MOST 1024
/* Rows that are not stored where they are computed are computed so many at a time, about. */
#define ROW_BLOCK 64

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* ---------------------------------------------------------------- tiles */

/* `columns` columns of each of B items, cut into `count` tiles an item of whole strips, a strip being what a
 * panel is wide; `widest` is the most columns a tile has, rounded up to strips. */
typedef struct tiling {
    int64_t columns, strips, count, widest;
} tiling;

static tiling cut(int64_t B, int64_t columns, int64_t wanted)
{
    tiling t = {.columns = columns, .strips = divide_up(columns, AP_PANEL_COLUMNS)};
    int64_t threads = omp_get_max_threads();
    t.count = divide_up(t.strips, most(1, least(wanted, TILE_COLUMNS_MOST) / AP_PANEL_COLUMNS));
    /* a few tiles are made to come out even among the threads */
    if (B % threads != 0) t.count = divide_up(t.count, threads) * threads;
    t.count = most(1, least(t.count, t.strips));
    t.widest = divide_up(t.strips, t.count) * AP_PANEL_COLUMNS;
    return t;
}

/* Tile `index` of an item: its first column and how many it has. */
static int64_t tile_begin(const tiling *t, int64_t index)
{
    return least(index * t->strips / t->count * AP_PANEL_COLUMNS, t->columns);
}

/* ---------------------------------------------------------------- correlation
 *
 * What both directions come down to:
 *     row[m, q] = bias[m] + sum over c, k of packed(m, c taps + k) x[c, q stride + tap[k] - lead]
 * and row o phases + p of frame q is stored at y[o, q phases + p - skip], where that is inside y. */

typedef struct correlation {
    int64_t B;
    ap_window_signal x; /* data: all items */
    int64_t stride, taps, lead;
    const int64_t *tap; /* ascending */
    int64_t rows;
    const ap_real *packed, *bias;
    ap_filter_target target;
    int64_t length, phases, skip; /* of y [B, rows / phases, length] */
} correlation;

/* Where the places of a correlation stand in a window. */
static int64_t *window_places(ap_arena *arena, const correlation *c, int64_t pitch)
{
    int64_t *at = ap_arena_alloc(arena, (size_t)(c->x.C * c->taps) * sizeof *at);
    for (int64_t i = 0; i < c->x.C; i++)
        for (int64_t k = 0; k < c->taps; k++)
            at[i * c->taps + k] = (i * c->stride + c->tap[k] % c->stride) * pitch + c->tap[k] / c->stride;
    return at;
}

static int64_t halo(const correlation *c)
{
    return c->tap[c->taps - 1] / c->stride;
}

/* Columns of a window in WINDOW_BYTES. */
static int64_t affordable(const correlation *c)
{
    return WINDOW_BYTES / (int64_t)sizeof(ap_real) / (c->x.C * c->stride) - halo(c);
}

/* line[i phases + p] = rows[p, i] */
static inline __attribute__((always_inline)) void
interleave_by(int64_t phases, int64_t n, const ap_real *rows, int64_t pitch, ap_real *line)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t p = 0; p < phases; p++) line[i * phases + p] = rows[p * pitch + i];
}

static const ap_real *interleave(int64_t phases, int64_t n, const ap_real *rows, int64_t pitch, ap_real *line)
{
    switch (phases) {
    case 1:
        return rows;
    case 2:
        interleave_by(2, n, rows, pitch, line);
        break;
    case 4:
        interleave_by(4, n, rows, pitch, line);
        break;
    case 5:
        interleave_by(5, n, rows, pitch, line);
        break;
    case 8:
        interleave_by(8, n, rows, pitch, line);
        break;
    default:
        interleave_by(phases, n, rows, pitch, line);
    }
    return line;
}

/* n numbers of y, from `at` on; slope: room for as many */
static void put(const ap_filter_target *target, int64_t at, int64_t n, const ap_real *line, ap_real *slope)
{
    ap_real *y = target->y + at;
    if (target->elu_at) {
        ap_velu_slope(n, target->elu_at + at, slope);
        for (int64_t i = 0; i < n; i++) slope[i] *= line[i];
        line = slope;
    }
    if (target->add)
        for (int64_t i = 0; i < n; i++) y[i] += line[i];
    else
        memcpy(y, line, (size_t)n * sizeof *y);
}

/* What a thread works in. */
typedef struct workspace {
    ap_real *window, *rows, *line, *slope;
    const int64_t *at;
    int64_t pitch, row_block, row_pitch;
} workspace;

static bool stored_in_place(const correlation *c)
{
    return c->phases == 1 && !c->target.elu_at;
}

/* One tile of item b: n frames from q on. */
static void correlate_tile(const correlation *c, const workspace *space, int64_t b, int64_t q, int64_t n)
{
    int64_t J = c->x.C * c->taps, channels = c->rows / c->phases;
    ap_window_signal x = c->x;
    x.data += b * x.C * x.T;
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
    int64_t from = most(q * c->phases, c->skip), to = least((q + n) * c->phases, c->skip + c->length);
    for (int64_t m = 0; m < c->rows; m += space->row_block) {
        task.M = least(space->row_block, c->rows - m);
        task.W = ap_panel_packed(c->packed, J, m);
        task.bias = c->bias ? c->bias + m : NULL;
        task.y = space->rows;
        task.ldy = space->row_pitch;
        ap_panel_product(&task);
        for (int64_t r = 0; r < task.M; r += c->phases) {
            const ap_real *line =
                interleave(c->phases, n, space->rows + r * space->row_pitch, space->row_pitch, space->line);
            int64_t row = b * channels + (m + r) / c->phases;
            put(&c->target, row * c->length + from - c->skip, to - from, line + from - q * c->phases,
                space->slope);
        }
    }
}

static void correlate(ap_arena *arena, const correlation *c)
{
    if (c->length <= 0) return;
    int64_t first = c->skip / c->phases, end = divide_up(c->skip + c->length, c->phases);
    tiling tiles = cut(c->B, end - first, affordable(c));
    workspace shape = {.pitch = ap_window_pitch(tiles.widest + halo(c)),
                       .row_pitch = ap_window_pitch(tiles.widest),
                       .row_block = AP_PANEL_ROWS * c->phases};
    shape.row_block *= divide_up(ROW_BLOCK, shape.row_block);
    shape.at = window_places(arena, c, shape.pitch);
    int64_t window = c->x.C * c->stride * shape.pitch, line = shape.row_pitch * c->phases;
    int64_t rows = stored_in_place(c) ? 0 : shape.row_block * shape.row_pitch + 2 * line;
    size_t bytes = (size_t)(omp_get_max_threads() * (window + rows)) * sizeof(ap_real);
    ap_real *scratch = ap_arena_alloc(arena, bytes);
#pragma omp parallel
    {
        workspace space = shape;
        space.window = scratch + omp_get_thread_num() * (window + rows);
        space.rows = space.window + window;
        space.line = space.rows + shape.row_block * shape.row_pitch;
        space.slope = space.line + line;
#pragma omp for schedule(static)
        for (int64_t i = 0; i < c->B * tiles.count; i++) {
            int64_t tile = i % tiles.count, begin = tile_begin(&tiles, tile);
            correlate_tile(c, &space, i / tiles.count, first + begin, tile_begin(&tiles, tile + 1) - begin);
        }
    }
    ap_arena_recycle(arena, scratch, bytes);
    ap_arena_recycle(arena, (void *)shape.at, (size_t)(c->x.C * c->taps) * sizeof *shape.at);
}

/* ---------------------------------------------------------------- analysis: fine to coarse */

/* The taps of the analysis, and the fine signal's side of it. */
static correlation analysis(ap_arena *arena, const ap_filter *f, ap_filter_source fine)
{
    int64_t *tap = ap_arena_alloc(arena, (size_t)f->K * sizeof *tap);
    for (int64_t k = 0; k < f->K; k++) tap[k] = k * f->dilation;
    return (correlation){
        .B = f->B,
        .x = {fine.data, f->fine, f->T, ap_window_mirror(f->mode, f->T, f->lead, f->tail), fine.elu},
        .stride = f->stride,
        .taps = f->K,
        .lead = f->lead,
        .tap = tap,
        .rows = f->coarse,
        .length = f->frames,
        .phases = 1};
}

void ap_filter_analyse(ap_arena *arena, const ap_filter *f, ap_filter_source fine, ap_filter_target coarse)
{
    correlation c = analysis(arena, f, fine);
    size_t bytes = (size_t)ap_panel_size(f->coarse, f->fine * f->K) * sizeof(ap_real);
    ap_real *packed = ap_arena_alloc(arena, bytes);
    int64_t J = f->fine * f->K;
    ap_panel_pack(f->coarse, J, 0, J, f->weight, J, 1, packed);
    c.packed = packed;
    c.bias = coarse.bias;
    c.target = coarse;
    correlate(arena, &c);
    ap_arena_recycle(arena, packed, bytes);
}

/* ---------------------------------------------------------------- synthesis: coarse to fine
 *
 * Position u = q stride + p of the fine signal (counted from `lead` before its first sample) collects the
 * taps k with k dilation = e stride + p from frame q - e. So each phase p is a correlation of the coarse
 * signal, and together they are one whose rows are (channel, phase) and whose places are the distinct e, with
 * weight 0 where a phase lacks a tap. */

typedef struct spread {
    int64_t taps, longest;
    int64_t *tap;    /* longest - e for the distinct e, ascending */
    int64_t *weight; /* [stride, taps]: the k that belongs there, or -1 */
} spread;

static spread spread_taps(ap_arena *arena, const ap_filter *f)
{
    spread s = {.longest = (f->K - 1) * f->dilation / f->stride};
    s.tap = ap_arena_alloc(arena, (size_t)f->K * sizeof *s.tap);
    s.weight = ap_arena_alloc(arena, (size_t)(f->stride * f->K) * sizeof *s.weight);
    for (int64_t k = f->K; k-- > 0;) {
        int64_t tap = s.longest - k * f->dilation / f->stride;
        if (s.taps == 0 || s.tap[s.taps - 1] != tap) s.tap[s.taps++] = tap;
    }
    for (int64_t i = 0; i < f->stride * s.taps; i++) s.weight[i] = -1;
    for (int64_t k = f->K, at = 0; k-- > 0;) {
        if (s.tap[at] != s.longest - k * f->dilation / f->stride) at++;
        s.weight[k * f->dilation % f->stride * s.taps + at] = k;
    }
    return s;
}

/* packed(i stride + p, o taps + e) = weight[o, i, the k of p and e] */
static void pack_synthesis(const ap_filter *f, const spread *s, ap_real *packed)
{
    int64_t M = f->fine * f->stride, J = f->coarse * s->taps;
#pragma omp parallel for schedule(static) if (M * J > 1 << 14)
    for (int64_t m = 0; m < divide_up(M, AP_PANEL_ROWS) * AP_PANEL_ROWS; m++) {
        int64_t i = m / f->stride;
        const int64_t *tap = s->weight + m % f->stride * s->taps;
        for (int64_t o = 0; o < f->coarse; o++)
            for (int64_t e = 0; e < s->taps; e++)
                packed[ap_panel_at(J, m, o * s->taps + e)] =
                    m < M && tap[e] >= 0 ? f->weight[(o * f->fine + i) * f->K + tap[e]] : 0;
    }
}

/* What reached the mirrored samples before and behind x belongs to those they mirror. */
static void fold(const ap_filter *f, ap_filter_target fine, const ap_real *edge, int64_t begin, int64_t count)
{
    const ap_window_signal x = {.T = f->T, .mirror = ap_window_mirror(f->mode, f->T, f->lead, f->tail)};
#pragma omp parallel for schedule(static) if (f->B * f->fine * count > 1 << 14)
    for (int64_t row = 0; row < f->B * f->fine; row++)
        for (int64_t i = 0; i < count; i++) {
            int64_t index = ap_window_index(&x, begin + i);
            ap_real slope = 1;
            if (index < 0) continue;
            if (fine.elu_at) ap_velu_slope(1, fine.elu_at + row * f->T + index, &slope);
            fine.y[row * f->T + index] += slope * edge[row * count + i];
        }
}

static void synthesise_edge(ap_arena *arena, const ap_filter *f, correlation c, int64_t begin, int64_t count)
{
    size_t bytes = (size_t)(f->B * f->fine * count) * sizeof(ap_real);
    ap_real *edge = ap_arena_alloc(arena, bytes);
    ap_filter_target fine = c.target;
    c.target = (ap_filter_target){.y = edge};
    c.skip = begin + f->lead;
    c.length = count;
    correlate(arena, &c);
    fold(f, fine, edge, begin, count);
    ap_arena_recycle(arena, edge, bytes);
}

void ap_filter_synthesise(ap_arena *arena, const ap_filter *f, ap_filter_source coarse, ap_filter_target fine)
{
    spread s = spread_taps(arena, f);
    int64_t rows = f->fine * f->stride;
    size_t bytes = (size_t)ap_panel_size(rows, f->coarse * s.taps) * sizeof(ap_real);
    ap_real *packed = ap_arena_alloc(arena, bytes);
    pack_synthesis(f, &s, packed);
    size_t bias_bytes = (size_t)rows * sizeof(ap_real);
    ap_real *bias = fine.bias ? ap_arena_alloc(arena, bias_bytes) : NULL;
    for (int64_t m = 0; bias && m < rows; m++) bias[m] = fine.bias[m / f->stride];
    correlation c = {.B = f->B,
                     .x = {coarse.data, f->coarse, f->frames, 0, coarse.elu},
                     .stride = 1,
                     .taps = s.taps,
                     .lead = s.longest,
                     .tap = s.tap,
                     .rows = rows,
                     .packed = packed,
                     .bias = bias,
                     .target = fine,
                     .length = f->T,
                     .phases = f->stride,
                     .skip = f->lead};
    correlate(arena, &c);
    if (f->mode == AP_PAD_REFLECT) {
        c.bias = NULL;
        synthesise_edge(arena, f, c, -f->lead, f->lead);
        synthesise_edge(arena, f, c, f->T, f->tail);
    }
    ap_arena_recycle(arena, bias, bias_bytes);
    ap_arena_recycle(arena, packed, bytes);
}
