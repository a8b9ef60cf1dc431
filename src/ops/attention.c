#include "antiphon/attention.h"

#include "antiphon/status.h"
#include "core/array.h"
#include "core/blas.h"
#include "core/vmath.h"
#include "ops/dropout.h"
#include "ops/registry.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* ---------------------------------------------------------------- attention: y = dropout(softmax(q k' /
 * sqrt(D))) v */

/* Queries whose scores stand in memory at a time: enough rows for the products to run at full speed, few
 * enough for a block of scores to stay in the second-level cache at the lengths of training. */
#define QUERIES 64

typedef struct geometry {
    int64_t B, T, C, heads, D; /* D = C / heads */
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

static int64_t blocks_per_head(const geometry *g)
{
    return (g->T + QUERIES - 1) / QUERIES;
}

static block block_at(const geometry *g, int64_t index)
{
    int64_t per_head = blocks_per_head(g), head = index / per_head, first = index % per_head * QUERIES;
    return (block){head / g->heads, head % g->heads, first, g->T - first < QUERIES ? g->T - first : QUERIES};
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

/* scores [count, T] = q k' / sqrt(D) */
static void form_scores(const geometry *g, const block *of, const ap_real *qkv, ap_real *scores)
{
    ap_gemm(false, true, of->count, g->T, g->D, 1 / (ap_real)sqrt((double)g->D),
            qkv + qkv_at(g, of, of->first), 3 * g->C, qkv + qkv_at(g, of, 0) + g->C, 3 * g->C, 0, scores,
            g->T);
}

/* weights *= the dropout factors of row `row` of the block, which are left in factors [T] */
static void drop_row(const geometry *g, const block *of, int64_t row, const ap_dropout_mask *mask,
                     ap_real *factors, ap_real *weights)
{
    if (!mask->threshold) return;
    ap_dropout_factors(mask, (uint64_t)(row_at(g, of, row) * g->T), g->T, factors);
    for (int64_t t = 0; t < g->T; t++) weights[t] *= factors[t];
}

/* scratch: QUERIES + 1 rows of T for each thread. The weights are left unnormalised until they have met the
 * values: D numbers a row to divide instead of T. logsumexp NULL: not wanted. */
static void attention_forward(const geometry *g, const ap_dropout_mask *mask, const ap_real *qkv,
                              ap_real *scratch, ap_real *logsumexp, ap_real *y)
{
    int64_t blocks = g->B * g->heads * blocks_per_head(g);
#pragma omp parallel for schedule(dynamic)
    for (int64_t index = 0; index < blocks; index++) {
        block of = block_at(g, index);
        ap_real *factors = scratch + omp_get_thread_num() * (QUERIES + 1) * g->T, *scores = factors + g->T;
        ap_real normal[QUERIES];
        form_scores(g, &of, qkv, scores);
        for (int64_t row = 0; row < of.count; row++) {
            ap_real *weights = scores + row * g->T, most = ap_vmax(g->T, weights);
            double sum = ap_vexp_sum(g->T, weights, most, weights);
            normal[row] = (ap_real)(1 / sum);
            if (logsumexp) logsumexp[row_at(g, &of, row)] = most + (ap_real)log(sum);
            drop_row(g, &of, row, mask, factors, weights);
        }
        ap_gemm(false, false, of.count, g->D, g->T, 1, scores, g->T, qkv + qkv_at(g, &of, 0) + 2 * g->C,
                3 * g->C, 0, y + y_at(g, &of, of.first), g->C);
        for (int64_t row = 0; row < of.count; row++)
            for (int64_t d = 0; d < g->D; d++) y[y_at(g, &of, of.first + row) + d] *= normal[row];
    }
}

/* Numbers that a thread needs to go back through a head: scores and their gradients, a row of dropout
 * factors, dk and dv. */
static int64_t backward_scratch(const geometry *g)
{
    return g->T * (2 * QUERIES + 1 + 2 * g->D);
}

/* From scores and dweights = dy v' to the weights after dropout and the gradient of the scores, in place.
 * With p the softmax and m the dropout factors: weights = p m, dscores = p (m dweights - sum of dy y), as the
 * sum over t of weights dweights is that of dy y. */
static void rows_backward(const geometry *g, const block *of, const attention_saved *saved, const ap_real *y,
                          const ap_real *dy, ap_real *factors, ap_real *scores, ap_real *dweights)
{
    for (int64_t row = 0; row < of->count; row++) {
        ap_real *p = scores + row * g->T, *dp = dweights + row * g->T;
        const ap_real *y_row = y + y_at(g, of, of->first + row), *dy_row = dy + y_at(g, of, of->first + row);
        double delta = 0;
        for (int64_t d = 0; d < g->D; d++) delta += (double)dy_row[d] * (double)y_row[d];
        ap_vexp_sum(g->T, p, saved->logsumexp[row_at(g, of, row)], p);
        drop_row(g, of, row, &saved->mask, factors, dp);
        for (int64_t t = 0; t < g->T; t++) dp[t] = p[t] * (dp[t] - (ap_real)delta);
        if (saved->mask.threshold)
            for (int64_t t = 0; t < g->T; t++) p[t] *= factors[t];
    }
}

/* One head of one item: its blocks of queries follow one another, so that what each adds to dk and dv comes
 * in the same order whatever the threads. */
static void head_backward(const attention_saved *saved, int64_t head, const ap_real *qkv, const ap_real *y,
                          const ap_real *dy, ap_real *scratch, ap_real *dqkv)
{
    const geometry *g = &saved->of;
    int64_t T = g->T, C = g->C, D = g->D;
    ap_real scale = 1 / (ap_real)sqrt((double)D);
    ap_real *factors = scratch, *scores = factors + T, *dscores = scores + QUERIES * T;
    ap_real *dk = dscores + QUERIES * T, *dv = dk + T * D;
    memset(dk, 0, (size_t)(2 * T * D) * sizeof *dk);
    block of;
    for (int64_t index = 0; index < blocks_per_head(g); index++) {
        of = block_at(g, head * blocks_per_head(g) + index);
        const ap_real *q = qkv + qkv_at(g, &of, of.first), *k = qkv + qkv_at(g, &of, 0) + C, *v = k + C;
        const ap_real *dy_block = dy + y_at(g, &of, of.first);
        form_scores(g, &of, qkv, scores);
        ap_gemm(false, true, of.count, T, D, 1, dy_block, C, v, 3 * C, 0, dscores, T);
        rows_backward(g, &of, saved, y, dy, factors, scores, dscores);
        ap_gemm(true, false, T, D, of.count, 1, scores, T, dy_block, C, 1, dv, D);
        ap_gemm(true, false, T, D, of.count, scale, dscores, T, q, 3 * C, 1, dk, D);
        ap_gemm(false, false, of.count, D, T, scale, dscores, T, k, 3 * C, 1, dqkv + qkv_at(g, &of, of.first),
                3 * C);
    }
    for (int64_t t = 0; t < T; t++)
        for (int64_t d = 0; d < D; d++) {
            dqkv[qkv_at(g, &of, t) + C + d] += dk[t * D + d];
            dqkv[qkv_at(g, &of, t) + 2 * C + d] += dv[t * D + d];
        }
}

/* scratch: backward_scratch numbers for each thread */
static void attention_backward(const attention_saved *saved, const ap_real *qkv, const ap_real *y,
                               const ap_real *dy, ap_real *scratch, ap_real *dqkv)
{
#pragma omp parallel for schedule(dynamic)
    for (int64_t head = 0; head < saved->of.B * saved->of.heads; head++)
        head_backward(saved, head, qkv, y, dy, scratch + omp_get_thread_num() * backward_scratch(&saved->of),
                      dqkv);
}

static void attention_node_backward(ap_tape *tape, ap_var *y)
{
    const attention_saved *saved = y->saved;
    ap_var *qkv = y->inputs[0];
    ap_real *dqkv = ap_var_grad(tape, qkv);
    if (!dqkv) return;
    size_t bytes = (size_t)(omp_get_max_threads() * backward_scratch(&saved->of)) * sizeof(ap_real);
    ap_real *scratch = ap_arena_alloc(ap_tape_arena(tape), bytes);
    attention_backward(saved, ap_var_value(tape, qkv), y->value.data, y->grad, scratch, dqkv);
    ap_arena_recycle(ap_tape_arena(tape), scratch, bytes);
}

AP_DEFINE_OP(attention);

ap_var *ap_attention(ap_tape *tape, ap_var *qkv, int heads, ap_real dropout)
{
    ap_shape shape = qkv->value.shape;
    if (shape.rank != 3 || heads < 1 || shape.at[2] < 1 || shape.at[2] % (3 * heads) != 0)
        ap_fatal("attention: %s is not [B, T, 3C] with C a multiple of %d heads", ap_shape_print(shape).text,
                 heads);
    geometry g = {shape.at[0], shape.at[1], shape.at[2] / 3, heads, shape.at[2] / 3 / heads};
    ap_dropout_mask mask = ap_dropout_draw(tape, "attention", dropout);
    ap_var *y = ap_tape_push(tape, &op_attention, AP_SHAPE(g.B, g.T, g.C), 1, &qkv);
    attention_saved *saved =
        ap_tape_save(tape, y, sizeof *saved + (size_t)(g.B * heads * g.T) * sizeof saved->logsumexp[0]);
    if (saved) {
        saved->of = g;
        saved->mask = mask;
    }
    size_t bytes = (size_t)(omp_get_max_threads() * (QUERIES + 1) * g.T) * sizeof(ap_real);
    ap_real *scratch = ap_arena_alloc(ap_tape_arena(tape), bytes);
    attention_forward(&g, &mask, qkv->value.data, scratch, saved ? saved->logsumexp : NULL, y->value.data);
    ap_arena_recycle(ap_tape_arena(tape), scratch, bytes);
    return y;
}
