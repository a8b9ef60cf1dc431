#include "antiphon/ops.h"

#include "antiphon/status.h"
#include "base/bounds.h"
#include "kernels/array.h"
#include "kernels/flops.h"
#include "kernels/pack.h"
#include "kernels/panel.h"
#include "kernels/tile.h"
#include "kernels/vmath.h"
#include "ops/dropout.h"
#include "ops/registry.h"
#include "ops/workspace.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* ---------------------------------------------------------------- attention: y = dropout(softmax(q k' /
 * sqrt(D))) v
 *
 * With `past`, a query hears itself and the past - 1 rows before it: the other scores count as minus
 * infinity.
 *
 * Never more than a strip of scores is in memory, and it stands so that it is a packed factor of the product
 * that follows (tile.h): forward those of a few queries, one a column, with all keys, for y' = v' weights';
 * on the way back, where the maximum of each row is known, those of a few keys with all queries, for dv' =
 * dy' weights and dk' = q' dscores. The other factors are packed once for each head. */

#define ROWS AP_TILE_ROWS
#define COLUMNS AP_TILE_COLUMNS
/* Rows of a strip whose weights are computed at a time, while they are in the first-level cache: whole
 * panels. */
#define CHUNK ((AP_VEXP_ROWS) / ROWS * ROWS)
/* The score of a key that a query does not hear: so low that its weight comes to nothing. */
#define UNHEARD ((ap_real)-1e30)

typedef struct geometry {
    int64_t B, T, C, heads, D; /* D = C / heads */
    int64_t past;              /* 0: every query hears every key */
    ap_real scale;             /* 1 / sqrt(D) */
} geometry;

typedef struct attention_saved {
    geometry of;
    ap_dropout_mask mask;
    ap_real logsumexp[]; /* of each row of scores: [B, heads, T] */
} attention_saved;

/* The position of the head's queries in row t of qkv (keys are C further, values 2C), and of its part in row
 * t of y. */
static int64_t qkv_at(const geometry *g, int64_t head, int64_t t)
{
    return (head / g->heads * g->T + t) * 3 * g->C + head % g->heads * g->D;
}

static int64_t y_at(const geometry *g, int64_t head, int64_t t)
{
    return (head / g->heads * g->T + t) * g->C + head % g->heads * g->D;
}

/* ---------------------------------------------------------------- who hears whom */

/* Rows of the sequence. */
typedef struct reach {
    int64_t begin, count;
} reach;

/* The keys that any of `count` queries from `first` on hears, and the queries that hear any of such keys. */
static reach keys_of(const geometry *g, int64_t first, int64_t count)
{
    if (!g->past) return (reach){0, g->T};
    int64_t begin = ap_most(0, first - g->past + 1);
    return (reach){begin, first + count - begin};
}

static reach queries_of(const geometry *g, int64_t first, int64_t count)
{
    if (!g->past) return (reach){0, g->T};
    return (reach){first, ap_least(g->T, first + count - 1 + g->past) - first};
}

static bool hears(const geometry *g, int64_t query, int64_t key)
{
    return key <= query && key > query - g->past;
}

/* Lowers those of the scores [keys, COLUMNS], one column for each of `count` queries, that no query hears. */
static void lower_unheard_keys(const geometry *g, reach keys, int64_t first, int64_t count, ap_real *scores)
{
    for (int64_t k = 0; k < keys.count && g->past; k++)
        for (int64_t i = 0; i < count; i++)
            if (!hears(g, first + i, keys.begin + k)) scores[k * COLUMNS + i] = UNHEARD;
}

/* Sets those of x [queries, COLUMNS], one column for each key, to 0. */
static void clear_unheard_queries(const geometry *g, reach queries, int64_t first, ap_real *x)
{
    for (int64_t q = 0; q < queries.count && g->past; q++)
        for (int64_t i = 0; i < COLUMNS; i++)
            if (!hears(g, queries.begin + q, first + i)) x[q * COLUMNS + i] = 0;
}

/* ---------------------------------------------------------------- packed factors
 *
 * Panels hold a factor [rows, depth], a strip one [depth, COLUMNS], to which tiles are written, too. */

static int64_t panels_size(int64_t rows, int64_t depth)
{
    return ap_round_up(rows, ROWS) * ap_tile_depth(depth);
}

static int64_t strip_size(int64_t depth)
{
    return ap_most(ap_round_up(depth, ROWS), ap_tile_depth(depth)) * COLUMNS;
}

/* A head's part of some rows, which are `pitch` apart, [count, D], and the same transposed. */
static ap_side head_rows(reach rows, const ap_real *part, int64_t pitch)
{
    return (ap_side){part + rows.begin * pitch, rows.count, pitch, 1};
}

static ap_side head_turned(const geometry *g, reach rows, const ap_real *part, int64_t pitch)
{
    return (ap_side){part + rows.begin * pitch, g->D, 1, pitch};
}

static void pack_panels(ap_side A, int64_t depth, ap_real *panels)
{
    for (int64_t first = 0; first < A.count; first += ROWS)
        ap_pack_panel(&A, first, 0, depth, panels + first * ap_tile_depth(depth));
}

/* Rows first .. end - 1 of y [rows, COLUMNS] = panels strip, `first` a multiple of ROWS; y has room for whole
 * panels. */
static void multiply(int64_t first, int64_t end, int64_t depth, const ap_real *panels, const ap_real *strip,
                     ap_real *y)
{
    const int64_t pitch = ap_tile_depth(depth);
    ap_tile_place place = {.C = y + first * COLUMNS, .ldc = COLUMNS};
    ap_tile_product(end - first, COLUMNS, &place, depth, panels + first * pitch, ROWS * pitch, strip);
}

/* ---------------------------------------------------------------- forward */

typedef struct forward_space {
    ap_real *keys, *values; /* panels [T, D], [D, T] */
    ap_real *queries;       /* strip [D, COLUMNS] */
    ap_real *weights;       /* strip [T, COLUMNS]: first the scores */
    ap_real *y;             /* [D, COLUMNS] */
} forward_space;

/* The size in numbers. Laid out in `memory` unless that is NULL. */
static int64_t lay_out_forward(const geometry *g, ap_real *memory, forward_space *w)
{
    const ap_workspace_part parts[] = {{&w->keys, panels_size(g->T, g->D)},
                                       {&w->values, panels_size(g->D, g->T)},
                                       {&w->queries, strip_size(g->D)},
                                       {&w->weights, strip_size(g->T)},
                                       {&w->y, ap_round_up(g->D, ROWS) * COLUMNS}};
    return ap_workspace_lay_out(sizeof parts / sizeof *parts, parts, memory);
}

/* Queries first .. first + COLUMNS - 1, or up to the last, and the keys that they hear. The weights stay
 * unnormalised and without dropout's factor until they have been multiplied with the values. logsumexp NULL:
 * not wanted. */
static void strip_forward(const geometry *g, int64_t head, int64_t first, reach keys,
                          const ap_dropout_mask *mask, const ap_side *queries, const forward_space *w,
                          ap_real *logsumexp, ap_real *y)
{
    int64_t T = g->T, D = g->D, count = ap_least(COLUMNS, T - first), row = head * T + first;
    ap_real shift[COLUMNS], normal[COLUMNS];
    double sum[COLUMNS] = {0};
    ap_flops_add(4 * count * keys.count * D);
    ap_pack_strip(queries, first, 0, D, w->queries);
    multiply(0, keys.count, D, w->keys, w->queries, w->weights);
    lower_unheard_keys(g, keys, first, count, w->weights);
    memcpy(shift, w->weights, sizeof shift);
    ap_vmax_columns(keys.count, COLUMNS, w->weights, shift);
    for (int i = 0; i < COLUMNS; i++) shift[i] *= g->scale;
    for (int64_t key = 0; key < keys.count; key += CHUNK) {
        int64_t rows = ap_least(CHUNK, keys.count - key);
        ap_real part[COLUMNS] = {0}, *weights = w->weights + key * COLUMNS;
        ap_vexp_columns(rows, COLUMNS, g->scale, shift, weights, part);
        for (int i = 0; i < COLUMNS; i++) sum[i] += (double)part[i];
        if (mask->threshold)
            ap_dropout_clear_columns(mask, (uint64_t)(row * T + keys.begin + key), T, rows, weights);
    }
    ap_tile_finish_strip(keys.count, w->weights);
    multiply(0, D, keys.count, w->values, w->weights, w->y);
    for (int i = 0; i < COLUMNS; i++) normal[i] = mask->factor / (ap_real)sum[i];
    for (int64_t d = 0; d < D; d++)
        for (int i = 0; i < COLUMNS; i++) w->y[d * COLUMNS + i] *= normal[i];
    ap_matrix_transpose(D, count, w->y, COLUMNS, false, y + y_at(g, head, first), g->C);
    for (int64_t i = 0; logsumexp && i < count; i++) logsumexp[row + i] = shift[i] + (ap_real)log(sum[i]);
}

/* Each thread has successive strips, so that most of them are of the same head. Without `past` its keys are
 * packed once. */
static void attention_forward(ap_arena *arena, const geometry *g, const ap_dropout_mask *mask,
                              const ap_real *qkv, ap_real *logsumexp, ap_real *y)
{
    int64_t strips = ap_divide_up(g->T, COLUMNS), size = lay_out_forward(g, NULL, &(forward_space){0});
    size_t bytes = (size_t)(omp_get_max_threads() * size) * sizeof(ap_real);
    ap_real *memory = ap_arena_alloc(arena, bytes);
#pragma omp parallel
    {
        forward_space w;
        lay_out_forward(g, memory + omp_get_thread_num() * size, &w);
        int64_t held = -1;
#pragma omp for schedule(static)
        for (int64_t index = 0; index < g->B * g->heads * strips; index++) {
            int64_t head = index / strips, first = index % strips * COLUMNS;
            const reach keys = keys_of(g, first, ap_least(COLUMNS, g->T - first));
            const ap_real *part = qkv + qkv_at(g, head, 0);
            if (held != head || g->past) {
                pack_panels(head_rows(keys, part + g->C, 3 * g->C), g->D, w.keys);
                pack_panels(head_turned(g, keys, part + 2 * g->C, 3 * g->C), keys.count, w.values);
                held = head;
            }
            ap_side queries = head_rows((reach){0, g->T}, part, 3 * g->C);
            strip_forward(g, head, first, keys, mask, &queries, &w, logsumexp, y);
        }
    }
    ap_arena_recycle(arena, memory, bytes);
}

/* ---------------------------------------------------------------- backward */

typedef struct backward_space {
    ap_real *queries, *dy;               /* panels [T, D] */
    ap_real *queries_turned, *dy_turned; /* panels [D, T] */
    ap_real *keys, *values;              /* strips [D, COLUMNS] */
    ap_real *weights, *dscores;          /* strips [T, COLUMNS]: first the scores and the weights' gradient */
    ap_real *dkeys, *dvalues;            /* [D, COLUMNS] */
    ap_real *key_rows, *dqueries;        /* [COLUMNS, D]; [T, D] */
    ap_real *delta;                      /* of each row of scores, the sum of dy y */
} backward_space;

static int64_t lay_out_backward(const geometry *g, ap_real *memory, backward_space *w)
{
    int64_t rows = panels_size(g->T, g->D), turned = panels_size(g->D, g->T),
            out = ap_round_up(g->D, ROWS) * COLUMNS;
    const ap_workspace_part parts[] = {
        {&w->queries, rows},
        {&w->dy, rows},
        {&w->queries_turned, turned},
        {&w->dy_turned, turned},
        {&w->keys, strip_size(g->D)},
        {&w->values, strip_size(g->D)},
        {&w->weights, strip_size(g->T)},
        {&w->dscores, strip_size(g->T)},
        {&w->dkeys, out},
        {&w->dvalues, out},
        {&w->key_rows,
         COLUMNS * g->D + COLUMNS}, /* the product reads whole vectors, over the last one's end */
        {&w->dqueries, g->T * g->D},
        {&w->delta, g->T}};
    return ap_workspace_lay_out(sizeof parts / sizeof *parts, parts, memory);
}

/* Keys first .. first + COLUMNS - 1 of a head, or up to the last, with the queries that hear them: dq +=
 * dscores k, and all of dk and dv. With p the softmax and m the factors of dropout: weights = m p, dscores =
 * p (m dweights - sum of dy y), because the sum over keys of weights dweights equals that of dy y. part and
 * dpart: the head's part of qkv and of its gradient. */
static void strip_backward(const attention_saved *saved, int64_t head, int64_t first, reach queries,
                           const int64_t *rows_at, const ap_real *part, const backward_space *w, bool fresh,
                           ap_real *dpart)
{
    const geometry *g = &saved->of;
    int64_t T = g->T, C = g->C, D = g->D, count = ap_least(COLUMNS, T - first);
    const reach whole = {0, T};
    ap_side keys = head_rows(whole, part + C, 3 * C), values = head_rows(whole, part + 2 * C, 3 * C);
    ap_pack_strip(&keys, first, 0, D, w->keys);
    ap_pack_strip(&values, first, 0, D, w->values);
    ap_flops_add(8 * count * queries.count * D);
    for (int64_t query = 0; query < queries.count; query += CHUNK) {
        const reach chunk = {queries.begin + query, ap_least(CHUNK, queries.count - query)};
        int64_t row = head * T + chunk.begin;
        ap_real *weights = w->weights + query * COLUMNS, *dscores = w->dscores + query * COLUMNS;
        multiply(query, query + chunk.count, D, w->queries, w->keys, w->weights);
        multiply(query, query + chunk.count, D, w->dy, w->values, w->dscores);
        ap_vexp_rows(chunk.count, COLUMNS, g->scale, saved->logsumexp + row, weights);
        clear_unheard_queries(g, chunk, first, weights);
        if (saved->mask.threshold)
            ap_dropout_softmax_back(&saved->mask, (uint64_t)(row * T + first), T, chunk.count,
                                    w->delta + chunk.begin, weights, dscores);
        else
            ap_vsoftmax_back(chunk.count, COLUMNS, w->delta + chunk.begin, weights, dscores);
    }
    for (int64_t k = 0; k < count; k++)
        memcpy(w->key_rows + k * D, keys.data + (first + k) * 3 * C, (size_t)D * sizeof *w->key_rows);
    ap_panel_product(&(ap_panel_task){.M = queries.count,
                                      .J = count,
                                      .n = D,
                                      .W = ap_panel_rows(w->dscores, COLUMNS),
                                      .x = w->key_rows,
                                      .at = rows_at,
                                      .y = w->dqueries + queries.begin * D,
                                      .ldy = D,
                                      .add = true});
    ap_tile_finish_strip(queries.count, w->weights);
    ap_tile_finish_strip(queries.count, w->dscores);
    multiply(0, D, queries.count, w->queries_turned, w->dscores, w->dkeys);
    multiply(0, D, queries.count, w->dy_turned, w->weights, w->dvalues);
    for (int64_t i = 0; i < D * COLUMNS; i++) w->dkeys[i] *= g->scale;
    ap_real *to = dpart + first * 3 * C;
    ap_matrix_transpose(D, count, w->dkeys, COLUMNS, !fresh, to + C, 3 * C);
    ap_matrix_transpose(D, count, w->dvalues, COLUMNS, !fresh, to + 2 * C, 3 * C);
}

static void pack_queries(const geometry *g, reach rows, const ap_real *queries, const ap_real *dy,
                         const backward_space *w)
{
    pack_panels(head_rows(rows, queries, 3 * g->C), g->D, w->queries);
    pack_panels(head_turned(g, rows, queries, 3 * g->C), rows.count, w->queries_turned);
    pack_panels(head_rows(rows, dy, g->C), g->D, w->dy);
    pack_panels(head_turned(g, rows, dy, g->C), rows.count, w->dy_turned);
}

/* One head of one item. Its strips are processed in order, so that contributions to dq are added in the same
 * order for any number of threads. */
static void head_backward(const attention_saved *saved, int64_t head, const int64_t *rows_at,
                          const ap_real *qkv, const ap_real *y, const ap_real *dy, const backward_space *w,
                          bool fresh, ap_real *dqkv)
{
    const geometry *g = &saved->of;
    int64_t T = g->T, C = g->C, D = g->D, at = qkv_at(g, head, 0);
    y += y_at(g, head, 0);
    dy += y_at(g, head, 0);
    memset(w->dqueries, 0, (size_t)(T * D) * sizeof *w->dqueries);
    for (int64_t t = 0; t < T; t++) {
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t d = 0; d < D; d++) sum += (double)dy[t * C + d] * (double)y[t * C + d];
        w->delta[t] = (ap_real)sum;
    }
    for (int64_t first = 0; first < T; first += COLUMNS) {
        const reach queries = queries_of(g, first, ap_least(COLUMNS, T - first));
        if (first == 0 || g->past) pack_queries(g, queries, qkv + at, dy, w);
        strip_backward(saved, head, first, queries, rows_at, qkv + at, w, fresh, dqkv + at);
    }
    for (int64_t t = 0; t < T; t++)
        for (int64_t d = 0; d < D; d++) {
            ap_real *to = dqkv + at + t * 3 * C + d;
            *to = (fresh ? 0 : *to) + g->scale * w->dqueries[t * D + d];
        }
}

static void attention_backward(ap_arena *arena, const attention_saved *saved, const ap_real *qkv,
                               const ap_real *y, const ap_real *dy, bool fresh, ap_real *dqkv)
{
    const geometry *g = &saved->of;
    int64_t size = lay_out_backward(g, NULL, &(backward_space){0}), rows_at[COLUMNS];
    size_t bytes = (size_t)(omp_get_max_threads() * size) * sizeof(ap_real);
    ap_real *memory = ap_arena_alloc(arena, bytes);
    for (int64_t k = 0; k < COLUMNS; k++) rows_at[k] = k * g->D;
#pragma omp parallel
    {
        backward_space w;
        lay_out_backward(g, memory + omp_get_thread_num() * size, &w);
#pragma omp for schedule(dynamic)
        for (int64_t head = 0; head < g->B * g->heads; head++)
            head_backward(saved, head, rows_at, qkv, y, dy, &w, fresh, dqkv);
    }
    ap_arena_recycle(arena, memory, bytes);
}

/* ---------------------------------------------------------------- on the tape */

static void attention_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *qkv = y->inputs[0];
    bool fresh;
    ap_real *dqkv = ap_var_grad_fresh(tape, qkv, &fresh);
    if (dqkv)
        attention_backward(ap_tape_arena(tape), y->saved, qkv->value.data, y->value.data, y->grad, fresh,
                           dqkv);
}

AP_DEFINE_OP(attention, .reads = AP_READS_INPUT(0) | AP_READS_OUTPUT);

ap_var *ap_attention(ap_tape *tape, ap_var *qkv, int heads, int64_t past, ap_real dropout)
{
    ap_shape shape = qkv->value.shape;
    if (shape.rank != 3 || heads < 1 || shape.at[2] < 1 || shape.at[2] % (3 * heads) != 0)
        ap_fatal("attention: %s is not [B, T, 3C] with C a multiple of %d heads", ap_shape_print(shape).text,
                 heads);
    if (past < 0) ap_fatal("attention: a past of %lld rows", (long long)past);
    geometry g = {.B = shape.at[0], .T = shape.at[1], .C = shape.at[2] / 3, .heads = heads, .past = past};
    g.D = g.C / heads;
    g.scale = 1 / (ap_real)sqrt((double)g.D);
    ap_dropout_mask mask = ap_dropout_draw(tape, "attention", dropout, g.B * heads * g.T * g.T);
    ap_var *y = ap_tape_push(tape, &op_attention, AP_SHAPE(g.B, g.T, g.C), 1, &qkv);
    attention_saved *saved =
        ap_tape_save(tape, y, sizeof *saved + (size_t)(g.B * heads * g.T) * sizeof saved->logsumexp[0]);
    if (saved) {
        saved->of = g;
        saved->mask = mask;
    }
    attention_forward(ap_tape_arena(tape), &g, &mask, qkv->value.data, saved ? saved->logsumexp : NULL,
                      y->value.data);
    return y;
}
