#include "ops/residual_block.h"

#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "base/bounds.h"
#include "kernels/array.h"
#include "kernels/quads.h"
#include "kernels/stream.h"
#include "kernels/vmath.h"
#include "ops/registry.h"
#include "ops/window.h"

#include <omp.h>
#include <string.h>

/* With a = ELU(x) behind its mirrored front, h = squeeze(a), s = ELU(h):
 *     u = expand s + shortcut x + both biases        y = ELU(u)
 * and back, ' marking a transposed weight and * the product element by element:
 *     du = dy * ELU'(u)    dh = (expand' du) * ELU'(h)    dx = shortcut' du + (squeeze' dh) * ELU'(x)
 *     dexpand = du s'      dshortcut = du x'              dsqueeze = dh a' */

/* A tile's workspace stays in the second-level cache; wider tiles gain nothing. */
#define TILE_BYTES ((int64_t)512 << 10)
#define TILE_COLUMNS_MOST 1024
/* Squeeze and its backward use quads (quads.h) if they have this many taps and channels. */
#define QUADS_TAPS 3
#define QUADS_LEAST 64

typedef struct block_shape {
    int64_t B, C, H, K, T;
} block_shape;

/* The block's weights, or their gradients (each of which may be NULL: not wanted). */
typedef struct block_arrays {
    ap_real *squeeze, *squeeze_bias, *expand, *expand_bias, *shortcut, *shortcut_bias;
} block_arrays;

static bool quads_pay(const block_shape *s)
{
    return s->K == QUADS_TAPS && s->C >= QUADS_LEAST && s->T >= AP_QUADS_COLUMNS;
}

/* `length` positions, from -around on, cut into `count` tiles of `width`, which with the `around` columns
 * that a tile needs beside its own fill whole strips of a panel, or of quads. */
typedef struct block_tiles {
    int64_t around, length, width, count;
    int64_t strip;
    int64_t pitch; /* of the rows that a tile works in */
    bool by_quads;
} block_tiles;

static block_tiles cut(const block_shape *s, int64_t around, int64_t rows)
{
    block_tiles t = {.around = around, .length = s->T + around};
    t.by_quads = quads_pay(s);
    t.strip = t.by_quads ? AP_QUADS_COLUMNS : AP_TILE_COLUMNS;
    int64_t threads = omp_get_max_threads(), affordable = TILE_BYTES / (int64_t)sizeof(ap_real) / rows;
    int64_t strips = ap_least(affordable, TILE_COLUMNS_MOST) / t.strip;
    /* in backward, the first tile contains the positions before x and those that they mirror */
    int64_t fewest = ap_round_up(3 * around + 1, t.strip);
    int64_t width = ap_most(strips * t.strip, fewest) - around;
    int64_t count = ap_divide_up(t.length, width);
    /* a small number of tiles is rounded up so that threads have equal work */
    if (s->B % threads != 0) count = ap_round_up(count, threads);
    width = ap_divide_up(t.length, count);
    t.width = ap_most(ap_round_up(width + around, t.strip), fewest) - around;
    t.count = ap_divide_up(t.length, t.width);
    t.pitch = ap_window_pitch(t.width + around + s->K - 1);
    return t;
}

/* The number of columns computed when n are wanted. */
static int64_t computed(const block_tiles *t, int64_t n)
{
    return t->by_quads ? AP_QUAD * ap_quads_of(n) : ap_panel_columns(n);
}

/* The workspace of a tile: rows of the tiles' pitch. x and a = ELU(x) begin K - 1 columns before the others.
 */
typedef struct block_rows {
    ap_real *x, *a, *s, *du, *dh, *dx;
    ap_real *quads;      /* windows of taps_tile */
    ap_real *strip;      /* of the products, each of which has a depth of less than all K C + H */
    ap_real *transposed; /* of weights_tile */
} block_rows;

#define FORWARD_ROWS(shape) (2 * (shape)->C + (shape)->H)
#define BACKWARD_ROWS(shape) (4 * (shape)->C + 2 * (shape)->H)
/* du, dh, a, s and x transposed, and the padding that is read after them */
#define TRANSPOSED_ROWS(shape) (3 * (shape)->C + 2 * (shape)->H + 1)

/* places[c taps + k] = c pitch + k */
static int64_t *place(ap_arena *arena, int64_t channels, int64_t taps, int64_t pitch)
{
    int64_t *places = ap_arena_alloc(arena, (size_t)(channels * taps) * sizeof *places);
    for (int64_t i = 0; i < channels * taps; i++) places[i] = i / taps * pitch + i % taps;
    return places;
}

/* A filter of K taps in time, y [M, n] = sum over k of Wk x [J, n + K - 1] shifted by k. */
typedef struct block_taps {
    int64_t M, J, K;
    ap_real *packed;
    int64_t *at; /* where its rows, or those of a product's window, stand */
} block_taps;

/* The weights packed for the products of a tile, and the positions these read. */
typedef struct block_plan {
    block_shape shape;
    block_tiles tiles;
    block_taps squeeze, spread;           /* in a; back in dh */
    int64_t *expand_at, *du_at;           /* in s and x, as seen from x; in du */
    int64_t *a_at, *sx_at;                /* in a, and in s and x, transposed */
    ap_real *expand;                      /* [C, H + C], shortcut beside expand */
    ap_real *expand_back, *shortcut_back; /* [H, C]; [C, C]: the transposed */
    ap_real *bias;                        /* expand_bias + shortcut_bias */
    ap_real *memory;                      /* of all threads */
    int64_t rows;                         /* of a thread */
    int64_t quads_size, strip_size, size; /* numbers of its window, its strip and all that it has */
} block_plan;

static ap_real *take(ap_arena *arena, int64_t count)
{
    return ap_arena_alloc(arena, (size_t)count * sizeof(ap_real));
}

static void give(ap_arena *arena, ap_real *block, int64_t count)
{
    ap_arena_recycle(arena, block, (size_t)count * sizeof(ap_real));
}

static int64_t taps_size(const block_plan *p, const block_taps *t)
{
    return p->tiles.by_quads ? ap_quads_size(QUADS_TAPS, t->M, t->J) : ap_panel_size(t->M, t->J * t->K);
}

/* Wk[m, j] = w[m m_pitch + j j_pitch + k k_pitch] */
static block_taps plan_taps(ap_arena *arena, const block_plan *p, int64_t M, int64_t J, const ap_real *w,
                            int64_t m_pitch, int64_t j_pitch, int64_t k_pitch)
{
    block_taps t = {.M = M, .J = J, .K = p->shape.K};
    int64_t size = ap_panel_size(M, J * t.K);
    t.packed = take(arena, size);
    for (int64_t j = 0; j < J; j++)
        ap_panel_pack(M, J * t.K, j * t.K, t.K, w + j * j_pitch, m_pitch, k_pitch, t.packed);
    if (!p->tiles.by_quads) {
        ap_panel_finish(M, J * t.K, t.packed);
        t.at = place(arena, J, t.K, p->tiles.pitch);
        return t;
    }
    ap_real *packed = t.packed;
    t.packed = take(arena, taps_size(p, &t));
    ap_quads_pack(QUADS_TAPS, M, J, 1, packed, t.packed);
    give(arena, packed, size);
    return t;
}

/* The width of a tile is limited by its `rows` rows; `further` rows are used only once and need not stay in
 * the cache. */
static block_plan plan_forward(ap_arena *arena, const block_shape *s, const block_arrays *w, int64_t around,
                               int64_t rows, int64_t further)
{
    int64_t C = s->C, H = s->H, K = s->K;
    block_plan p = {.shape = *s, .tiles = cut(s, around, rows), .rows = rows};
    int64_t pitch = p.tiles.pitch;
    p.squeeze = plan_taps(arena, &p, H, C, w->squeeze, C * K, K, 1);
    p.expand_at = place(arena, H + C, 1, pitch);
    for (int64_t h = 0; h < H; h++) p.expand_at[h] = (2 * C + h) * pitch;
    for (int64_t c = 0; c < C; c++) p.expand_at[H + c] = c * pitch + K - 1;
    p.expand = take(arena, ap_panel_size(C, H + C));
    ap_panel_pack(C, H + C, 0, H, w->expand, H, 1, p.expand);
    ap_panel_pack(C, H + C, H, C, w->shortcut, C, 1, p.expand);
    ap_panel_finish(C, H + C, p.expand);
    p.quads_size = p.tiles.by_quads ? ap_quads_window_size(QUADS_TAPS, ap_most(C, H), AP_TILE_COLUMNS) : 0;
    p.strip_size = ap_tile_depth(K * ap_most(C, H) + H) * AP_TILE_COLUMNS;
    p.size = (rows + further) * pitch + p.quads_size + p.strip_size;
    p.memory = take(arena, omp_get_max_threads() * p.size);
    return p;
}

/* Prepares what expand_tile needs besides. */
static void plan_bias(ap_arena *arena, block_plan *p, const block_arrays *w)
{
    p->bias = take(arena, p->shape.C);
    for (int64_t c = 0; c < p->shape.C; c++) p->bias[c] = w->expand_bias[c] + w->shortcut_bias[c];
}

static void plan_backward(ap_arena *arena, block_plan *p, const block_arrays *w)
{
    int64_t C = p->shape.C, H = p->shape.H, K = p->shape.K;
    p->du_at = place(arena, C, 1, p->tiles.pitch);
    p->a_at = place(arena, p->tiles.width, 1, C);
    p->sx_at = place(arena, p->tiles.width, 1, H + C);
    p->expand_back = take(arena, ap_panel_size(H, C));
    ap_panel_pack(H, C, 0, C, w->expand, 1, H, p->expand_back);
    ap_panel_finish(H, C, p->expand_back);
    /* a[q] reached h[q .. q + K - 1], by the taps from the last to the first */
    p->spread = plan_taps(arena, p, C, H, w->squeeze + K - 1, K, C * K, -1);
    p->shortcut_back = take(arena, ap_panel_size(C, C));
    ap_panel_pack(C, C, 0, C, w->shortcut, 1, C, p->shortcut_back);
    ap_panel_finish(C, C, p->shortcut_back);
}

static void release(ap_arena *arena, const block_plan *p)
{
    int64_t C = p->shape.C, H = p->shape.H;
    give(arena, p->squeeze.packed, taps_size(p, &p->squeeze));
    give(arena, p->expand, ap_panel_size(C, H + C));
    give(arena, p->bias, C);
    give(arena, p->expand_back, ap_panel_size(H, C));
    give(arena, p->spread.packed, taps_size(p, &p->spread));
    give(arena, p->shortcut_back, ap_panel_size(C, C));
    give(arena, p->memory, omp_get_max_threads() * p->size);
}

/* The rows of the calling thread. */
static block_rows own_rows(const block_plan *p)
{
    int64_t C = p->shape.C, H = p->shape.H, pitch = p->tiles.pitch;
    ap_real *memory = p->memory + omp_get_thread_num() * p->size;
    block_rows r = {.x = memory, .a = memory + C * pitch, .s = memory + 2 * C * pitch};
    r.du = r.s + H * pitch;
    r.dh = r.du + C * pitch;
    r.dx = r.dh + H * pitch;
    r.quads = memory + p->rows * pitch;
    r.strip = r.quads + p->quads_size;
    r.transposed = r.strip + p->strip_size;
    return r;
}

static void elu_rows(int64_t rows, int64_t n, int64_t pitch, const ap_real *x, ap_real *y)
{
    for (int64_t r = 0; r < rows; r++) ap_velu(n, x + r * pitch, y + r * pitch);
}

/* y for n columns, into rows of the tile's pitch */
static void taps_tile(const block_plan *p, const block_taps *t, const block_rows *r, const ap_real *x,
                      const ap_real *bias, int64_t n, ap_real *y)
{
    int64_t pitch = p->tiles.pitch;
    if (!p->tiles.by_quads) {
        ap_panel_product(&(ap_panel_task){.M = t->M,
                                          .J = t->J * t->K,
                                          .n = n,
                                          .W = ap_panel_packed(t->packed, t->M, t->J * t->K, 0),
                                          .strip = r->strip,
                                          .bias = bias,
                                          .x = x,
                                          .at = t->at,
                                          .y = y,
                                          .ldy = pitch});
        return;
    }
    ap_quads_window window = {QUADS_TAPS, t->J, AP_TILE_COLUMNS, r->quads};
    for (int64_t at = 0; at < n; at += AP_QUADS_COLUMNS) {
        int64_t quads = ap_quads_of(ap_least(AP_QUADS_COLUMNS, n - at));
        for (int64_t j = 0; j < t->J; j++) ap_quads_fill(&window, j, quads, x + j * pitch + at);
        ap_quads_finish(&window, quads);
        ap_quads_product(&(ap_quads_task){.M = t->M,
                                          .quads = quads,
                                          .x = &window,
                                          .packed = t->packed,
                                          .packed_step = ap_panel_size(t->M, t->J),
                                          .bias = bias,
                                          .y = y + at,
                                          .ldy = pitch});
    }
}

/* x, a and s for n positions from `begin` on */
static void squeeze_tile(const block_plan *p, const block_arrays *w, const block_rows *r, const ap_real *x,
                         int64_t begin, int64_t n)
{
    const block_shape *s = &p->shape;
    int64_t before = s->K - 1, pitch = p->tiles.pitch, columns = computed(&p->tiles, n) + before;
    ap_window_signal signal = {x, s->C, s->T, ap_window_mirror(AP_PAD_REFLECT, s->T, before, 0)};
    ap_window_fill(&signal, begin - before, 1, columns, pitch, r->x);
    elu_rows(s->C, columns, pitch, r->x, r->a);
    taps_tile(p, &p->squeeze, r, r->a, w->squeeze_bias, n, r->s);
    elu_rows(s->H, n, pitch, r->s, r->s);
}

/* u for n columns of a tile, into rows of its pitch */
static void expand_tile(const block_plan *p, const block_rows *r, int64_t n, ap_real *u)
{
    const block_shape *s = &p->shape;
    ap_panel_product(&(ap_panel_task){.M = s->C,
                                      .J = s->H + s->C,
                                      .n = n,
                                      .W = ap_panel_packed(p->expand, s->C, s->H + s->C, 0),
                                      .strip = r->strip,
                                      .bias = p->bias,
                                      .x = r->x,
                                      .at = p->expand_at,
                                      .y = u,
                                      .ldy = p->tiles.pitch});
}

/* ---------------------------------------------------------------- forward */

static void residual_block_forward(ap_arena *arena, const block_shape *s, const block_arrays *w,
                                   const ap_real *x, ap_real *y)
{
    block_plan plan = plan_forward(arena, s, w, 0, FORWARD_ROWS(s), 0);
    plan_bias(arena, &plan, w);
    const block_plan *p = &plan;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < s->B * p->tiles.count; i++) {
        int64_t offset = i / p->tiles.count * s->C * s->T, begin = i % p->tiles.count * p->tiles.width;
        int64_t n = ap_least(p->tiles.width, s->T - begin);
        block_rows r = own_rows(p);
        squeeze_tile(p, w, &r, x + offset, begin, n);
        expand_tile(p, &r, n, r.a);
        for (int64_t c = 0; c < s->C; c++) {
            ap_real *row = r.a + c * p->tiles.pitch;
            ap_velu(n, row, row);
            ap_stream(s->B * s->C * s->T, n, row, y + offset + c * s->T + begin);
        }
        ap_stream_end();
    }
    release(arena, p);
}

/* ---------------------------------------------------------------- backward
 *
 * A tile of positions begin .. begin + n - 1 of dx (the first one begins with those before x) needs dh, and
 * so s, for the K - 1 positions behind it too. dx may take dy's place: what a tile needs of dy behind its own
 * positions is put aside before the first of them is written. */

/* heads [B, count + 1, C, K - 1]: where each tile of dy begins, and zeros behind the last. */
static ap_real *put_heads_aside(ap_arena *arena, const block_plan *p, const ap_real *dy)
{
    const block_shape *s = &p->shape;
    int64_t count = p->tiles.count + 1, around = p->tiles.around;
    ap_real *heads = take(arena, s->B * count * s->C * around);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < s->B * count; i++) {
        ap_window_signal item = {.data = dy + i / count * s->C * s->T, .C = s->C, .T = s->T};
        int64_t begin = i % count == p->tiles.count ? s->T : i % count * p->tiles.width - around;
        ap_window_fill(&item, begin, 1, around, around, heads + i * s->C * around);
    }
    return heads;
}

/* The number of a tile's n columns that are before x. */
static int64_t skipped_columns(int64_t begin, int64_t n)
{
    return begin < 0 ? ap_least(n, -begin) : 0;
}

/* du for n columns and those of `behind` [C, K - 1], the head of the next tile; y: ELU(u), or NULL: u is
 * computed again */
static void du_tile(const block_plan *p, const block_rows *r, const ap_real *y, const ap_real *dy,
                    const ap_real *behind, int64_t begin, int64_t n)
{
    const block_shape *s = &p->shape;
    int64_t pitch = p->tiles.pitch, around = p->tiles.around, skipped = skipped_columns(begin, n);
    int64_t left = ap_least(around, s->T - begin - n); /* of `behind`; zeros follow */
    ap_real *u = r->dx;                                /* not written yet */
    if (!y) expand_tile(p, r, ap_panel_columns(n + around), u);
    int64_t columns = computed(&p->tiles, n + around); /* for which dh is computed */
    void (*back)(int64_t, const ap_real *, const ap_real *, ap_real *) = y ? ap_velu_back_of : ap_velu_back;
    for (int64_t c = 0; c < s->C; c++) {
        const ap_real *through = y ? y + c * s->T + begin : u + c * pitch;
        ap_real *du = r->du + c * pitch;
        memset(du, 0, (size_t)skipped * sizeof *du);
        back(n - skipped, through + skipped, dy + c * s->T + begin + skipped, du + skipped);
        back(left, through + n, behind + c * around, du + n);
        memset(du + n + left, 0, (size_t)(columns - n - left) * sizeof *du);
    }
}

/* dh, over whole strips of columns */
static void dh_tile(const block_plan *p, const block_rows *r, int64_t columns)
{
    const block_shape *s = &p->shape;
    int64_t pitch = p->tiles.pitch;
    ap_panel_product(&(ap_panel_task){.M = s->H,
                                      .J = s->C,
                                      .n = columns,
                                      .W = ap_panel_packed(p->expand_back, s->H, s->C, 0),
                                      .strip = r->strip,
                                      .x = r->du,
                                      .at = p->du_at,
                                      .y = r->dh,
                                      .ldy = pitch});
    for (int64_t h = 0; h < s->H; h++) {
        ap_real *dh = r->dh + h * pitch;
        ap_velu_back_of(columns, r->s + h * pitch, dh, dh);
        /* a quad's columns count for all of it */
        memset(dh + columns, 0, (size_t)(s->K - 1) * sizeof *dh);
    }
}

/* dx, of which what comes by the shortcut stands in the place of x */
static void dx_tile(const block_plan *p, const block_rows *r, int64_t begin, int64_t n, bool fresh,
                    ap_real *dx)
{
    const block_shape *s = &p->shape;
    int64_t pitch = p->tiles.pitch, skipped = skipped_columns(begin, n);
    /* whole strips: what is computed behind the tile's own columns is not looked at */
    int64_t columns = computed(&p->tiles, n);
    taps_tile(p, &p->spread, r, r->dh, NULL, columns, r->dx);
    /* position -i before x mirrors position i */
    for (int64_t i = 1; i <= -begin && i < s->T; i++)
        for (int64_t c = 0; c < s->C; c++) r->dx[c * pitch + i - begin] += r->dx[c * pitch - i - begin];
    ap_panel_product(&(ap_panel_task){.M = s->C,
                                      .J = s->C,
                                      .n = columns,
                                      .W = ap_panel_packed(p->shortcut_back, s->C, s->C, 0),
                                      .strip = r->strip,
                                      .x = r->du,
                                      .at = p->du_at,
                                      .y = r->x,
                                      .ldy = pitch});
    for (int64_t c = 0; c < s->C; c++) {
        const ap_real *squeezed = r->dx + c * pitch, *a = r->a + c * pitch + s->K - 1;
        ap_real *both = r->x + c * pitch, *to = dx + c * s->T + begin;
        ap_velu_back_of_add(n, a, squeezed, both);
        if (fresh)
            memcpy(to + skipped, both + skipped, (size_t)(n - skipped) * sizeof *to);
        else
            ap_array_accumulate(n - skipped, 1, both + skipped, to + skipped);
    }
}

/* One thread's sums of the weights' gradients: squeeze as [H, K, C], expand and shortcut together as [C, H +
 * C]. */
typedef struct block_partial {
    ap_real *squeeze, *expand, *squeeze_bias, *bias;
} block_partial;

static int64_t partial_size(const block_shape *s)
{
    return s->H * s->C * s->K + s->C * (s->H + s->C) + s->H + s->C;
}

static block_partial partial_in(const block_shape *s, ap_real *memory)
{
    block_partial sum = {.squeeze = memory, .expand = memory + s->H * s->C * s->K};
    sum.squeeze_bias = sum.expand + s->C * (s->H + s->C);
    sum.bias = sum.squeeze_bias + s->H;
    return sum;
}

/* Over time, the gradients are products as well (filter_gradient.c), of transposed rows of a tile. */
static void weights_tile(const block_plan *p, const block_rows *r, int64_t n, const block_partial *sum)
{
    const block_shape *s = &p->shape;
    int64_t C = s->C, H = s->H, K = s->K, pitch = p->tiles.pitch;
    ap_real *du = r->transposed, *dh = du + C * n, *a = dh + H * n, *sx = a + C * (n + K - 1);
    ap_matrix_transpose(C, n, r->du, pitch, false, du, C);
    ap_matrix_transpose(H, n, r->dh, pitch, false, dh, H);
    ap_matrix_transpose(C, n + K - 1, r->a, pitch, false, a, C);
    ap_matrix_transpose(H, n, r->s, pitch, false, sx, H + C);
    ap_matrix_transpose(C, n, r->x + K - 1, pitch, false, sx + H, H + C);
    ap_panel_task task = {.M = H,
                          .J = n,
                          .n = K * C,
                          .W = ap_panel_transposed(dh, H),
                          .x = a,
                          .at = p->a_at,
                          .y = sum->squeeze,
                          .ldy = K * C,
                          .add = true};
    ap_panel_product(&task);
    task.M = C;
    task.W = ap_panel_transposed(du, C);
    task.x = sx;
    task.at = p->sx_at;
    task.y = sum->expand;
    task.n = task.ldy = H + C;
    ap_panel_product(&task);
    for (int64_t h = 0; h < H; h++) sum->squeeze_bias[h] += (ap_real)ap_array_sum(n, r->dh + h * pitch);
    for (int64_t c = 0; c < s->C; c++) sum->bias[c] += (ap_real)ap_array_sum(n, r->du + c * pitch);
}

static void add_partials(const block_shape *s, ap_real *partials, const block_arrays *d)
{
    int64_t size = partial_size(s), J = s->H + s->C;
    for (int64_t t = 1; t < omp_get_max_threads(); t++)
        ap_array_accumulate(size, 1, partials + t * size, partials);
    block_partial sum = partial_in(s, partials);
    for (int64_t h = 0; h < s->H && d->squeeze; h++)
        ap_matrix_transpose(s->K, s->C, sum.squeeze + h * s->K * s->C, s->C, true,
                            d->squeeze + h * s->C * s->K, s->K);
    ap_array_accumulate(s->H, 1, sum.squeeze_bias, d->squeeze_bias);
    ap_array_accumulate(s->C, 1, sum.bias, d->expand_bias);
    ap_array_accumulate(s->C, 1, sum.bias, d->shortcut_bias);
    for (int64_t c = 0; c < s->C; c++) {
        if (d->expand) ap_array_accumulate(s->H, 1, sum.expand + c * J, d->expand + c * s->H);
        if (d->shortcut) ap_array_accumulate(s->C, 1, sum.expand + c * J + s->H, d->shortcut + c * s->C);
    }
}

/* y: the output, or NULL if it is no longer available. d: which gradients of the weights are wanted; NULL:
 * none */
static void residual_block_backward(ap_arena *arena, const block_shape *s, const block_arrays *w,
                                    const ap_real *x, const ap_real *y, const ap_real *dy, bool fresh,
                                    ap_real *dx, const block_arrays *d)
{
    block_plan plan = plan_forward(arena, s, w, s->K - 1, BACKWARD_ROWS(s), d ? TRANSPOSED_ROWS(s) : 0);
    const block_plan *p = &plan;
    plan_backward(arena, &plan, w);
    if (!y) plan_bias(arena, &plan, w);
    int64_t head = s->C * p->tiles.around, heads_an_item = p->tiles.count + 1;
    ap_real *heads = put_heads_aside(arena, p, dy);
    int64_t size = d ? omp_get_max_threads() * partial_size(s) : 0;
    ap_real *partials = d ? ap_arena_zeros(arena, (size_t)size * sizeof *partials) : NULL;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < s->B * p->tiles.count; i++) {
        int64_t offset = i / p->tiles.count * s->C * s->T, from = i % p->tiles.count * p->tiles.width;
        int64_t begin = from - p->tiles.around, n = ap_least(p->tiles.width, p->tiles.length - from);
        int64_t columns = computed(&p->tiles, n + p->tiles.around);
        block_rows r = own_rows(p);
        squeeze_tile(p, w, &r, x + offset, begin, columns);
        du_tile(p, &r, y ? y + offset : NULL, dy + offset,
                heads + (i / p->tiles.count * heads_an_item + i % p->tiles.count + 1) * head, begin, n);
        dh_tile(p, &r, columns);
        if (d) {
            block_partial sum = partial_in(s, partials + omp_get_thread_num() * partial_size(s));
            weights_tile(p, &r, n, &sum);
        }
        if (dx) dx_tile(p, &r, begin, n, fresh, dx + offset);
    }
    if (d) add_partials(s, partials, d);
    give(arena, partials, size);
    give(arena, heads, s->B * heads_an_item * head);
    release(arena, p);
}

/* ---------------------------------------------------------------- on the tape */

enum { X, SQUEEZE, SQUEEZE_BIAS, EXPAND, EXPAND_BIAS, SHORTCUT, SHORTCUT_BIAS, INPUTS };

static block_shape shape_of(ap_var *const *in)
{
    const int64_t *x = in[X]->value.shape.at, *squeeze = in[SQUEEZE]->value.shape.at;
    return (block_shape){.B = x[0], .C = x[1], .H = squeeze[0], .K = squeeze[2], .T = x[2]};
}

static block_arrays values_of(ap_var *const *in)
{
    return (block_arrays){in[SQUEEZE]->value.data,  in[SQUEEZE_BIAS]->value.data,
                          in[EXPAND]->value.data,   in[EXPAND_BIAS]->value.data,
                          in[SHORTCUT]->value.data, in[SHORTCUT_BIAS]->value.data};
}

static void residual_block_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var **in = y->inputs;
    block_shape shape = shape_of(in);
    block_arrays values = values_of(in), grads = {0};
    ap_real **grad = (ap_real *[]){NULL, NULL, NULL, NULL, NULL, NULL, NULL};
    bool fresh, trained = false;
    for (int k = SQUEEZE; k < INPUTS; k++) {
        grad[k] = ap_var_grad(tape, in[k]);
        trained |= grad[k] != NULL;
    }
    grads = (block_arrays){grad[SQUEEZE],     grad[SQUEEZE_BIAS], grad[EXPAND],
                           grad[EXPAND_BIAS], grad[SHORTCUT],     grad[SHORTCUT_BIAS]};
    const ap_real *dy = y->grad;
    ap_real *dx = ap_var_grad_fresh(tape, in[X], &fresh);
    residual_block_backward(ap_tape_arena(tape), &shape, &values, in[X]->value.data,
                            y->reads & AP_READS_OUTPUT ? y->value.data : NULL, dy, fresh, dx,
                            trained ? &grads : NULL);
}

/* The output of a block with at most this many channels is computed again for its ELU: the fewer channels,
 * the fewer operations per number, and the more numbers there are. A block with trained weights keeps its
 * output, because the next operation is then probably trained, too, and reads it anyway. */
#define CHANNELS_AGAIN_MOST 64

static ap_reads residual_block_reads(const ap_var *y)
{
    ap_reads inner = AP_READS_INPUT(X) | AP_READS_INPUT(SQUEEZE) | AP_READS_INPUT(SQUEEZE_BIAS) |
                     AP_READS_INPUT(EXPAND) | AP_READS_INPUT(SHORTCUT);
    bool trained = false;
    for (int k = SQUEEZE; k < INPUTS; k++) trained |= y->inputs[k]->wants_grad;
    if (trained || y->value.shape.at[1] > CHANNELS_AGAIN_MOST) return inner | AP_READS_OUTPUT;
    return inner | AP_READS_INPUT(EXPAND_BIAS) | AP_READS_INPUT(SHORTCUT_BIAS);
}

AP_DEFINE_OP(residual_block, .reads_of = residual_block_reads, .in_place = true);

static void require(const char *name, const ap_var *got, ap_shape shape)
{
    if (ap_var_count(got) != ap_shape_count(shape))
        ap_fatal("residual_block: %s is %s, not %s", name, ap_shape_print(got->value.shape).text,
                 ap_shape_print(shape).text);
}

ap_var *ap_residual_block(ap_tape *tape, ap_var *x, ap_residual_weights w)
{
    ap_var *in[INPUTS] = {x, w.squeeze, w.squeeze_bias, w.expand, w.expand_bias, w.shortcut, w.shortcut_bias};
    if (x->value.shape.rank != 3 || w.squeeze->value.shape.rank != 3)
        ap_fatal("residual_block: x %s, squeeze %s", ap_shape_print(x->value.shape).text,
                 ap_shape_print(w.squeeze->value.shape).text);
    block_shape s = shape_of(in);
    if (s.K < 1 || s.K > AP_RESIDUAL_TAPS_MOST)
        ap_fatal("residual_block: squeeze %s has too many taps", ap_shape_print(w.squeeze->value.shape).text);
    require("squeeze", w.squeeze, AP_SHAPE(s.H, s.C, s.K));
    require("squeeze_bias", w.squeeze_bias, AP_SHAPE(s.H));
    require("expand", w.expand, AP_SHAPE(s.C, s.H, 1));
    require("expand_bias", w.expand_bias, AP_SHAPE(s.C));
    require("shortcut", w.shortcut, AP_SHAPE(s.C, s.C, 1));
    require("shortcut_bias", w.shortcut_bias, AP_SHAPE(s.C));
    ap_var *y = ap_tape_push(tape, &op_residual_block, x->value.shape, INPUTS, in);
    block_arrays values = values_of(in);
    residual_block_forward(ap_tape_arena(tape), &s, &values, x->value.data, y->value.data);
    return y;
}
