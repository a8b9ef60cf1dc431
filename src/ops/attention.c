#include "antiphon/attention.h"

#include "antiphon/status.h"
#include "core/array.h"
#include "core/bounds.h"
#include "core/vmath.h"
#include "ops/dropout.h"
#include "ops/panel.h"
#include "ops/registry.h"
#include "ops/window.h"
#include "ops/workspace.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* ---------------------------------------------------------------- attention: y = dropout(softmax(q k' /
 * sqrt(D))) v
 *
 * Never more than a block of queries has its scores in memory. What the products of a head read again and
 * again, block after block, is copied once to where they read it fastest: rows that lie side by side, and the
 * transposed where time runs along the columns. On the way back, where the maximum of each row is known, the
 * keys are gone through in tiles too, so that all that a tile's products read and write stays in the
 * second-level cache. */

/* Queries whose scores stand in memory at a time: enough rows for the products to run at full speed, few
 * enough for a block of scores to stay in the second-level cache at the lengths of training. */
#define QUERIES 64

/* Keys of a tile of the way back, at most. */
#define KEYS 432

typedef struct geometry {
    int64_t B, T, C, heads, D; /* D = C / heads */
    int64_t tile;              /* keys that are gone through at a time: forward T */
    int64_t pitch;             /* from one row of so many numbers to the next */
    ap_real scale;             /* 1 / sqrt(D) */
} geometry;

typedef struct attention_saved {
    geometry of;
    ap_dropout_mask mask;
    ap_real logsumexp[]; /* of each row of scores: [B, heads, T] */
} attention_saved;

/* A block of queries of one head of one item. */
typedef struct block {
    int64_t item, head, first, count;
} block;

/* Keys of one head. */
typedef struct span {
    int64_t first, count;
} span;

static int64_t blocks_per_head(const geometry *g)
{
    return (g->T + QUERIES - 1) / QUERIES;
}

static block block_at(const geometry *g, int64_t index)
{
    int64_t per_head = blocks_per_head(g), head = index / per_head, first = index % per_head * QUERIES;
    return (block){head / g->heads, head % g->heads, first, ap_least(QUERIES, g->T - first)};
}

/* The head's part in row t of qkv (its queries; keys stand C further, values 2C) and in row t of y. */
static int64_t qkv_at(const geometry *g, const block *of, int64_t t)
{
    return (of->item * g->T + t) * 3 * g->C + of->head * g->D;
}

static int64_t y_at(const geometry *g, const block *of, int64_t t)
{
    return (of->item * g->T + t) * g->C + of->head * g->D;
}

/* Row `row` of the block among the rows of all scores [B, heads, T, T]. */
static int64_t row_at(const geometry *g, const block *of, int64_t row)
{
    return (of->item * g->heads + of->head) * g->T + of->first + row;
}

/* ---------------------------------------------------------------- what a thread works in */

/* Matrices of a tile of keys, [D, tile] in rows of the pitch and [tile, D]; of a head, [T, D]; of a block,
 * [QUERIES, tile] in rows of the pitch. Forward has one tile, and the queries of one block: [QUERIES, D]. */
typedef struct workspace {
    ap_real *keys;    /* [D, tile], scaled */
    ap_real *across;  /* [tile, D]: the values; on the way back the keys, scaled */
    ap_real *queries; /* [T, D] */
    ap_real *scores;  /* [QUERIES, tile] */
    /* backward */
    ap_real *values, *dkeys, *dvalues; /* [D, tile]; [tile, D] */
    ap_real *dy, *dqueries, *delta;    /* [T, D]; of each row of scores, the sum of dy y */
    ap_real *dscores;                  /* [QUERIES, tile] */
} workspace;

#define FORWARD_PARTS 4

/* Where the rows of these matrices begin: line[i] = i pitch, across[t] = t D. */
typedef struct places {
    int64_t *line, *across;
    size_t bytes;
} places;

static places place(ap_arena *arena, const geometry *g)
{
    int64_t rows = ap_most(g->tile, QUERIES);
    places p = {.bytes = (size_t)(g->D + rows) * sizeof *p.line};
    p.line = ap_arena_alloc(arena, p.bytes);
    p.across = p.line + g->D;
    for (int64_t i = 0; i < g->D; i++) p.line[i] = i * g->pitch;
    for (int64_t t = 0; t < rows; t++) p.across[t] = t * g->D;
    return p;
}

/* How many numbers a workspace takes; it is laid out in `memory` unless that is NULL. */
static int64_t lay_out(const geometry *g, bool back, ap_real *memory, workspace *w)
{
    /* the products read whole panels, over the end of a row and of a row's panel */
    int64_t along = g->D * g->pitch, across = g->tile * g->D + AP_TILE_COLUMNS, scores = QUERIES * g->pitch;
    int64_t queries = ((back ? g->T : QUERIES) + AP_TILE_ROWS) * g->D + AP_TILE_COLUMNS;
    const ap_workspace_part parts[] = {{&w->keys, along},     {&w->across, across}, {&w->queries, queries},
                                       {&w->scores, scores},  {&w->values, along},  {&w->dkeys, across},
                                       {&w->dvalues, across}, {&w->dy, queries},    {&w->dqueries, queries},
                                       {&w->delta, g->T},     {&w->dscores, scores}};
    return ap_workspace_lay_out(back ? sizeof parts / sizeof *parts : FORWARD_PARTS, parts, memory);
}

static size_t workspaces_bytes(const geometry *g, bool back)
{
    return (size_t)(omp_get_max_threads() * lay_out(g, back, NULL, &(workspace){0})) * sizeof(ap_real);
}

/* to = factor x, or with `add` to += that: `count` rows of D numbers, which lie ldx and ldto apart */
static void copy_rows(const geometry *g, int64_t count, ap_real factor, const ap_real *x, int64_t ldx,
                      bool add, ap_real *to, int64_t ldto)
{
    for (int64_t t = 0; t < count; t++)
        for (int64_t d = 0; d < g->D; d++)
            to[t * ldto + d] = (add ? to[t * ldto + d] : 0) + factor * x[t * ldx + d];
}

/* y [count, keys] = rows x, for rows [count, D] and x [D, keys] */
static void product_along(const geometry *g, const places *at, int64_t count, int64_t keys,
                          const ap_real *rows, const ap_real *x, ap_real *y)
{
    ap_panel_product(&(ap_panel_task){.M = count,
                                      .J = g->D,
                                      .n = keys,
                                      .W = ap_panel_rows(rows, g->D),
                                      .x = x,
                                      .at = at->line,
                                      .y = y,
                                      .ldy = g->pitch});
}

/* y [count, D] = weights x, or with `add` y += that, for weights [count, keys] and x [keys, D]; rows of y lie
 * ldy apart */
static void product_across(const geometry *g, const places *at, int64_t count, int64_t keys,
                           const ap_real *weights, const ap_real *x, bool add, ap_real *y, int64_t ldy)
{
    ap_panel_product(&(ap_panel_task){.M = count,
                                      .J = keys,
                                      .n = g->D,
                                      .W = ap_panel_rows(weights, g->pitch),
                                      .x = x,
                                      .at = at->across,
                                      .y = y,
                                      .ldy = ldy,
                                      .add = add});
}

/* The first element of row `row` of the block among those that dropout draws for. */
static uint64_t drawn_at(const geometry *g, const block *of, int64_t row)
{
    return (uint64_t)(row_at(g, of, row) * g->T);
}

/* The weights are left unnormalised, and without dropout's factor, until they have met the values: D numbers
 * a row to multiply instead of T. logsumexp NULL: not wanted. */
static void block_forward(const geometry *g, const places *at, const block *of, const ap_dropout_mask *mask,
                          const ap_real *qkv, const workspace *w, ap_real *logsumexp, ap_real *y)
{
    ap_real normal[QUERIES], *to = y + y_at(g, of, of->first);
    copy_rows(g, of->count, 1, qkv + qkv_at(g, of, of->first), 3 * g->C, false, w->queries, g->D);
    product_along(g, at, of->count, g->T, w->queries, w->keys, w->scores);
    for (int64_t row = 0; row < of->count; row++) {
        ap_real *weights = w->scores + row * g->pitch, most = ap_vmax(g->T, weights);
        double sum = ap_vexp_sum(g->T, weights, most, weights);
        normal[row] = mask->factor / (ap_real)sum;
        if (logsumexp) logsumexp[row_at(g, of, row)] = most + (ap_real)log(sum);
        if (mask->threshold) ap_dropout_clear(mask, drawn_at(g, of, row), g->T, weights);
    }
    product_across(g, at, of->count, g->T, w->scores, w->across, false, to, g->C);
    for (int64_t row = 0; row < of->count; row++)
        for (int64_t d = 0; d < g->D; d++) to[row * g->C + d] *= normal[row];
}

/* memory: a workspace for each thread, which has its blocks in a row and so most of them of the same head */
static void attention_forward(const geometry *g, const places *at, const ap_dropout_mask *mask,
                              const ap_real *qkv, ap_real *memory, ap_real *logsumexp, ap_real *y)
{
    int64_t blocks = g->B * g->heads * blocks_per_head(g);
#pragma omp parallel
    {
        workspace w;
        int64_t size = lay_out(g, false, NULL, &w), held = -1;
        lay_out(g, false, memory + omp_get_thread_num() * size, &w);
#pragma omp for schedule(static)
        for (int64_t index = 0; index < blocks; index++) {
            block of = block_at(g, index);
            if (held != index / blocks_per_head(g)) {
                const ap_real *keys = qkv + qkv_at(g, &of, 0) + g->C;
                copy_rows(g, g->T, g->scale, keys, 3 * g->C, false, w.across, g->D);
                ap_matrix_transpose(g->T, g->D, w.across, g->D, false, w.keys, g->pitch);
                copy_rows(g, g->T, 1, keys + g->C, 3 * g->C, false, w.across, g->D);
                held = index / blocks_per_head(g);
            }
            block_forward(g, at, &of, mask, qkv, &w, logsumexp, y);
        }
    }
}

/* From scores and dscores = dy v' to the weights after dropout and the gradient of the scores, in place. With
 * p the softmax and m the dropout factors: weights = p m, dscores = p (m dweights - sum of dy y), as the sum
 * over t of weights dweights is that of dy y. */
static void row_backward(const ap_dropout_mask *mask, uint64_t first, int64_t T, ap_real delta, ap_real *p,
                         ap_real *dp)
{
    const ap_dropout_mask drop = *mask;
    if (!drop.threshold)
        for (int64_t t = 0; t < T; t++) dp[t] = p[t] * (dp[t] - delta);
    else
        AP_DROPOUT_FOR_EACH_RUN(&drop, first, T, run)
            for (int32_t t = run.begin; t < run.end; t++) {
                ap_real m = ap_dropout_drops(&drop, run, t) ? 0 : drop.factor;
                dp[t] = p[t] * (m * dp[t] - delta);
                p[t] *= m;
            }
}

static void rows_backward(const block *of, const span *keys, const attention_saved *saved, const workspace *w)
{
    const geometry *g = &saved->of;
    for (int64_t row = 0; row < of->count; row++) {
        ap_real *p = w->scores + row * g->pitch;
        ap_vexp_sum(keys->count, p, saved->logsumexp[row_at(g, of, row)], p);
        row_backward(&saved->mask, drawn_at(g, of, row) + (uint64_t)keys->first, keys->count,
                     w->delta[of->first + row], p, w->dscores + row * g->pitch);
    }
}

/* dv += weights' dy and dk += dscores' q, with the first block of queries overwritten; dq += dscores k /
 * sqrt(D), with the first tile of keys overwritten */
static void products_backward(const geometry *g, const places *at, const block *of, const span *keys,
                              const workspace *w)
{
    int64_t rows = of->first * g->D;
    ap_panel_task task = {.M = keys->count,
                          .J = of->count,
                          .n = g->D,
                          .W = ap_panel_transposed(w->scores, g->pitch),
                          .x = w->dy + rows,
                          .at = at->across,
                          .y = w->dvalues,
                          .ldy = g->D,
                          .add = of->first > 0};
    ap_panel_product(&task);
    task.W = ap_panel_transposed(w->dscores, g->pitch);
    task.x = w->queries + rows;
    task.y = w->dkeys;
    ap_panel_product(&task);
    product_across(g, at, of->count, keys->count, w->dscores, w->across, keys->first > 0, w->dqueries + rows,
                   g->D);
}

/* All queries of a head with a tile of its keys; dk and dv are complete after it. kv and dkv: the head's
 * first key and its gradient. */
static void tile_backward(const attention_saved *saved, const places *at, int64_t head, const span *keys,
                          const ap_real *kv, const workspace *w, bool fresh, ap_real *dkv)
{
    const geometry *g = &saved->of;
    int64_t count = keys->count, C = g->C, D = g->D, row = 3 * C, begin = keys->first * row;
    copy_rows(g, count, 1, kv + begin + C, row, false, w->across, D);
    ap_matrix_transpose(count, D, w->across, D, false, w->values, g->pitch);
    copy_rows(g, count, g->scale, kv + begin, row, false, w->across, D);
    ap_matrix_transpose(count, D, w->across, D, false, w->keys, g->pitch);
    for (int64_t index = 0; index < blocks_per_head(g); index++) {
        block of = block_at(g, head * blocks_per_head(g) + index);
        product_along(g, at, of.count, count, w->queries + of.first * D, w->keys, w->scores);
        product_along(g, at, of.count, count, w->dy + of.first * D, w->values, w->dscores);
        rows_backward(&of, keys, saved, w);
        products_backward(g, at, &of, keys, w);
    }
    copy_rows(g, count, g->scale, w->dkeys, D, !fresh, dkv + begin, row);
    copy_rows(g, count, 1, w->dvalues, D, !fresh, dkv + begin + C, row);
}

/* One head of one item: its tiles and blocks follow one another, so that what each adds to dq, dk and dv
 * comes in the same order whatever the threads. */
static void head_backward(const attention_saved *saved, const places *at, int64_t head, const ap_real *qkv,
                          const ap_real *y, const ap_real *dy, const workspace *w, bool fresh, ap_real *dqkv)
{
    const geometry *g = &saved->of;
    int64_t T = g->T, C = g->C, D = g->D;
    block of = block_at(g, head * blocks_per_head(g));
    int64_t queries = qkv_at(g, &of, 0), outputs = y_at(g, &of, 0);
    copy_rows(g, T, 1, qkv + queries, 3 * C, false, w->queries, D);
    copy_rows(g, T, 1, dy + outputs, C, false, w->dy, D);
    for (int64_t t = 0; t < T; t++) {
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t d = 0; d < D; d++) sum += (double)w->dy[t * D + d] * (double)y[outputs + t * C + d];
        w->delta[t] = (ap_real)sum;
    }
    for (int64_t first = 0; first < T; first += g->tile)
        tile_backward(saved, at, head, &(span){first, ap_least(g->tile, T - first)}, qkv + queries + C, w,
                      fresh, dqkv + queries + C);
    copy_rows(g, T, 1, w->dqueries, D, !fresh, dqkv + queries, 3 * C);
}

/* memory: a workspace for each thread */
static void attention_backward(const attention_saved *saved, const places *at, const ap_real *qkv,
                               const ap_real *y, const ap_real *dy, ap_real *memory, bool fresh,
                               ap_real *dqkv)
{
    const geometry *g = &saved->of;
#pragma omp parallel
    {
        workspace w;
        int64_t size = lay_out(g, true, NULL, &w);
        lay_out(g, true, memory + omp_get_thread_num() * size, &w);
#pragma omp for schedule(dynamic)
        for (int64_t head = 0; head < g->B * g->heads; head++)
            head_backward(saved, at, head, qkv, y, dy, &w, fresh, dqkv);
    }
}

static void attention_node_backward(ap_tape *tape, ap_var *y)
{
    const attention_saved *saved = y->saved;
    ap_arena *arena = ap_tape_arena(tape);
    ap_var *qkv = y->inputs[0];
    bool fresh;
    ap_real *dqkv = ap_var_grad_fresh(tape, qkv, &fresh);
    if (!dqkv) return;
    places at = place(arena, &saved->of);
    size_t bytes = workspaces_bytes(&saved->of, true);
    ap_real *memory = ap_arena_alloc(arena, bytes);
    attention_backward(saved, &at, ap_var_value(tape, qkv), y->value.data, y->grad, memory, fresh, dqkv);
    ap_arena_recycle(arena, memory, bytes);
    ap_arena_recycle(arena, at.line, at.bytes);
}

AP_DEFINE_OP(attention);

static geometry geometry_of(ap_shape qkv, int heads, int64_t tile)
{
    geometry g = {.B = qkv.at[0], .T = qkv.at[1], .C = qkv.at[2] / 3, .heads = heads, .tile = tile};
    g.D = g.C / heads;
    g.pitch = ap_window_pitch(ap_panel_columns(tile));
    g.scale = 1 / (ap_real)sqrt((double)g.D);
    return g;
}

/* T keys in as few tiles as KEYS allows, of the same number of panels if possible. */
static int64_t tile_of(int64_t T)
{
    int64_t tiles = (T + KEYS - 1) / KEYS;
    return ap_least(T, ap_panel_columns((T + tiles - 1) / tiles));
}

ap_var *ap_attention(ap_tape *tape, ap_var *qkv, int heads, ap_real dropout)
{
    ap_shape shape = qkv->value.shape;
    if (shape.rank != 3 || heads < 1 || shape.at[2] < 1 || shape.at[2] % (3 * heads) != 0)
        ap_fatal("attention: %s is not [B, T, 3C] with C a multiple of %d heads", ap_shape_print(shape).text,
                 heads);
    geometry g = geometry_of(shape, heads, shape.at[1]);
    ap_dropout_mask mask = ap_dropout_draw(tape, "attention", dropout);
    ap_var *y = ap_tape_push(tape, &op_attention, AP_SHAPE(g.B, g.T, g.C), 1, &qkv);
    attention_saved *saved =
        ap_tape_save(tape, y, sizeof *saved + (size_t)(g.B * heads * g.T) * sizeof saved->logsumexp[0]);
    if (saved) {
        saved->of = geometry_of(shape, heads, tile_of(g.T));
        saved->mask = mask;
    }
    ap_arena *arena = ap_tape_arena(tape);
    places at = place(arena, &g);
    size_t bytes = workspaces_bytes(&g, false);
    ap_real *memory = ap_arena_alloc(arena, bytes);
    attention_forward(&g, &at, &mask, qkv->value.data, memory, saved ? saved->logsumexp : NULL,
                      y->value.data);
    ap_arena_recycle(arena, memory, bytes);
    ap_arena_recycle(arena, at.line, at.bytes);
    return y;
}
