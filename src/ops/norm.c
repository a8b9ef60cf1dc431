#include "antiphon/ops.h"

#include "antiphon/status.h"
#include "base/bounds.h"
#include "kernels/array.h"
#include "kernels/norm.h"
#include "kernels/vmath.h"
#include "ops/dropout.h"
#include "ops/registry.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Added to a variance before its root is taken. */
#define EPSILON 1e-5
/* The share by which BatchNorm's running statistics move towards those of a batch. */
#define MOMENTUM ((ap_real)0.1)
/* Rows whose contributions to the gradients of gamma and beta are summed together. */
#define PORTION 32
#define PARALLEL_LEAST (16 * AP_BLOCK)

static void require_channels(const char *name, const ap_var *x, int64_t C, const ap_var *gamma,
                             const ap_var *beta)
{
    if (C < 1 || !ap_shape_same(gamma->value.shape, AP_SHAPE(C)) ||
        !ap_shape_same(beta->value.shape, AP_SHAPE(C)))
        ap_fatal("%s: x %s, gamma %s and beta %s do not fit", name, ap_shape_print(x->value.shape).text,
                 ap_shape_print(gamma->value.shape).text, ap_shape_print(beta->value.shape).text);
}

/* ---------------------------------------------------------------- layer_norm: y = (x - mean) scale gamma +
 * beta */

static ap_norm_moments row_moments(int64_t C, const ap_real *x)
{
    double mean = ap_norm_sum(C, x) / (double)C, variance = ap_norm_squares(C, x, mean) / (double)C;
    return (ap_norm_moments){(ap_real)mean, (ap_real)(1 / sqrt(variance + EPSILON))};
}

/* x, y [R, C]; of [R] or NULL */
static void layer_norm_forward(int64_t R, int64_t C, const ap_real *x, const ap_real *gamma,
                               const ap_real *beta, ap_norm_moments *of, ap_real *y)
{
#pragma omp parallel for schedule(static) if (R * C > PARALLEL_LEAST)
    for (int64_t r = 0; r < R; r++) {
        ap_norm_moments m = row_moments(C, x + r * C);
        ap_norm_apply(C, x + r * C, m, gamma, beta, y + r * C);
        if (of) of[r] = m;
    }
}

/* A gradient that is added to, or written for the first time; NULL: not wanted. */
typedef struct target {
    ap_real *grad;
    bool fresh;
} target;

static target target_of(ap_tape *tape, ap_var *x)
{
    target t;
    t.grad = ap_var_grad_fresh(tape, x, &t.fresh);
    return t;
}

/* Passes on the gradient d of a row of C, under the mask, to the target from number `first` on. */
static void give(target to, const ap_dropout_mask *mask, int64_t first, int64_t C, const ap_real *d)
{
    if (!to.grad) return;
    ap_real *grad = to.grad + first;
    ap_dropout_add(mask, (uint64_t)first, C, to.fresh ? NULL : grad, d, grad);
}

static int64_t portions(int64_t R)
{
    return ap_divide_up(R, PORTION);
}

/* The backward of y = layer_norm(x) for x = a + dropout(part). `inputs`: a or x itself, part (NULL: none),
 * gamma, beta; `mask`: of part. */
static void layer_norm_backward(ap_tape *tape, int64_t R, const ap_real *x, const ap_norm_moments *of,
                                const ap_real *dy, ap_var *const inputs[4], const ap_dropout_mask *mask)
{
    const ap_real *gamma = inputs[2]->value.data;
    int64_t C = inputs[2]->value.shape.at[0];
    ap_real *dgamma = ap_var_grad(tape, inputs[2]), *dbeta = ap_var_grad(tape, inputs[3]);
    target a = target_of(tape, inputs[0]), part = target_of(tape, inputs[1]);
    ap_arena *arena = ap_tape_arena(tape);
    /* for each portion of rows: the contributions to dgamma and dbeta, and room for the gradient of a row */
    size_t sums_bytes = (size_t)(portions(R) * 2 * C) * sizeof(double);
    size_t rows_bytes = (size_t)(portions(R) * C) * sizeof(ap_real);
    double *partial = ap_arena_zeros(arena, sums_bytes);
    ap_real *rows = ap_arena_alloc(arena, rows_bytes);
    const ap_dropout_mask whole = {.factor = 1};
#pragma omp parallel for schedule(static) if (R * C > PARALLEL_LEAST)
    for (int64_t k = 0; k < portions(R); k++)
        for (int64_t r = k * PORTION; r < (k + 1) * PORTION && r < R; r++) {
            ap_real *d = rows + k * C;
            double *sums = partial + k * 2 * C;
            ap_norm_back(C, x + r * C, of[r], gamma, dy + r * C, d, sums, sums + C);
            give(a, &whole, r * C, C, d);
            give(part, mask, r * C, C, d);
        }
    for (int64_t k = 1; k < portions(R); k++)
        for (int64_t i = 0; i < 2 * C; i++) partial[i] += partial[k * 2 * C + i];
    for (int64_t c = 0; dgamma && c < C; c++) dgamma[c] += (ap_real)partial[c];
    for (int64_t c = 0; dbeta && c < C; c++) dbeta[c] += (ap_real)partial[C + c];
    ap_arena_recycle(arena, rows, rows_bytes);
    ap_arena_recycle(arena, partial, sums_bytes);
}

static int64_t rows_of(const ap_var *y, const ap_var *gamma)
{
    return ap_var_count(y) / gamma->value.shape.at[0];
}

static void layer_norm_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *gamma = y->inputs[1], *beta = y->inputs[2];
    layer_norm_backward(tape, rows_of(y, gamma), x->value.data, y->saved, y->grad,
                        (ap_var *[]){x, NULL, gamma, beta}, NULL);
}

static void layer_norm_node_again(ap_tape *tape, ap_var *y)
{
    (void)tape;
    ap_var *gamma = y->inputs[1], *beta = y->inputs[2];
    layer_norm_forward(rows_of(y, gamma), gamma->value.shape.at[0], y->inputs[0]->value.data,
                       gamma->value.data, beta->value.data, y->saved, y->value.data);
}

AP_DEFINE_OP(layer_norm, .reads = AP_READS_INPUTS(2), .again = layer_norm_node_again,
             .again_reads = AP_READS_INPUTS(3));

ap_var *ap_layer_norm(ap_tape *tape, ap_var *x, ap_var *gamma, ap_var *beta)
{
    ap_shape shape = x->value.shape;
    require_channels("layer_norm", x, shape.rank > 0 ? shape.at[shape.rank - 1] : 0, gamma, beta);
    ap_var *y = ap_tape_push(tape, &op_layer_norm, shape, 3, (ap_var *[]){x, gamma, beta});
    ap_tape_save(tape, y, (size_t)rows_of(y, gamma) * sizeof(ap_norm_moments));
    layer_norm_node_again(tape, y);
    return y;
}

/* ---------------------------------------------------------------- residual_norm: y = layer_norm(x +
 * dropout(part)) */

/* Stores the sum, so that x and part need not be kept. */
typedef struct residual_norm_saved {
    ap_dropout_mask mask;
    ap_norm_moments *of; /* [R] */
    ap_real *sum;        /* [R, C] */
} residual_norm_saved;

/* saved NULL: not wanted */
static void residual_norm_forward(int64_t R, int64_t C, const ap_dropout_mask *mask, const ap_real *x,
                                  const ap_real *part, const ap_real *gamma, const ap_real *beta,
                                  const residual_norm_saved *saved, ap_real *y)
{
#pragma omp parallel for schedule(static) if (R * C > PARALLEL_LEAST)
    for (int64_t r = 0; r < R; r++) {
        ap_real *sum = (saved ? saved->sum : y) + r * C;
        ap_dropout_add(mask, (uint64_t)(r * C), C, x + r * C, part + r * C, sum);
        ap_norm_moments m = row_moments(C, sum);
        ap_norm_apply(C, sum, m, gamma, beta, y + r * C);
        if (saved) saved->of[r] = m;
    }
}

static void residual_norm_node_backward(ap_tape *tape, ap_var *y)
{
    const residual_norm_saved *saved = y->saved;
    layer_norm_backward(tape, rows_of(y, y->inputs[2]), saved->sum, saved->of, y->grad, y->inputs,
                        &saved->mask);
}

static void residual_norm_node_again(ap_tape *tape, ap_var *y)
{
    const residual_norm_saved *saved = y->saved;
    const ap_var *gamma = y->inputs[2], *beta = y->inputs[3];
    int64_t C = gamma->value.shape.at[0];
    (void)tape;
#pragma omp parallel for schedule(static) if (rows_of(y, gamma) * C > PARALLEL_LEAST)
    for (int64_t r = 0; r < rows_of(y, gamma); r++)
        ap_norm_apply(C, saved->sum + r * C, saved->of[r], gamma->value.data, beta->value.data,
                      y->value.data + r * C);
}

AP_DEFINE_OP(residual_norm, .reads = AP_READS_INPUT(2), .again = residual_norm_node_again,
             .again_reads = AP_READS_INPUT(2) | AP_READS_INPUT(3));

ap_var *ap_residual_norm(ap_tape *tape, ap_var *x, ap_var *part, ap_var *gamma, ap_var *beta, ap_real dropout)
{
    ap_shape shape = x->value.shape;
    int64_t C = shape.rank > 0 ? shape.at[shape.rank - 1] : 0, count = ap_shape_count(shape);
    require_channels("residual_norm", x, C, gamma, beta);
    if (!ap_shape_same(shape, part->value.shape))
        ap_fatal("residual_norm: shapes %s and %s differ", ap_shape_print(shape).text,
                 ap_shape_print(part->value.shape).text);
    ap_dropout_mask mask = ap_dropout_draw(tape, "residual_norm", dropout, count);
    ap_var *y = ap_tape_push(tape, &op_residual_norm, shape, 4, (ap_var *[]){x, part, gamma, beta});
    residual_norm_saved *saved = ap_tape_save(tape, y,
                                              sizeof *saved + (size_t)(count / C) * sizeof *saved->of +
                                                  (size_t)count * sizeof *saved->sum);
    if (saved) {
        saved->mask = mask;
        saved->of = (ap_norm_moments *)(saved + 1);
        saved->sum = (ap_real *)(saved->of + count / C);
    }
    residual_norm_forward(count / C, C, &mask, x->value.data, part->value.data, gamma->value.data,
                          beta->value.data, saved, y->value.data);
    return y;
}

/* ---------------------------------------------------------------- batch_norm: the same for each channel */

typedef struct batch_norm_saved {
    bool of_batch;        /* the moments are the batch's own, not the running ones */
    ap_norm_moments of[]; /* [C] */
} batch_norm_saved;

/* The sums over b and t of a channel of x [B, C, T], or of (x - mean)^2 if a mean is given. */
static double channel_sum(int64_t B, int64_t C, int64_t T, int64_t c, const ap_real *x, const double *mean)
{
    double sum = 0;
    for (int64_t b = 0; b < B; b++) {
        const ap_real *row = x + (b * C + c) * T;
        sum += mean ? ap_norm_squares(T, row, *mean) : ap_norm_sum(T, row);
    }
    return sum;
}

/* The moments of each channel of x [B, C, T] over all rows of the batch; moves the running ones towards them.
 * `sums` [2, C] is scratch. */
static void batch_moments(const ap_tape *tape, int64_t B, int64_t C, int64_t T, const ap_real *x,
                          ap_real *running_mean, ap_real *running_var, double *sums, ap_norm_moments *of)
{
    const double n = ap_tape_total(tape, B * T);
    double *mean = sums, *squares = sums + C;
#pragma omp parallel for schedule(static) if (B * C * T > PARALLEL_LEAST)
    for (int64_t c = 0; c < C; c++) mean[c] = channel_sum(B, C, T, c, x, NULL);
    ap_tape_sum(tape, C, mean);
    for (int64_t c = 0; c < C; c++) mean[c] /= n;
#pragma omp parallel for schedule(static) if (B * C * T > PARALLEL_LEAST)
    for (int64_t c = 0; c < C; c++) squares[c] = channel_sum(B, C, T, c, x, &mean[c]);
    ap_tape_sum(tape, C, squares);
    for (int64_t c = 0; c < C; c++) {
        running_mean[c] += MOMENTUM * ((ap_real)mean[c] - running_mean[c]);
        running_var[c] += MOMENTUM * ((ap_real)(squares[c] / fmax(n - 1, 1)) - running_var[c]);
        of[c] = (ap_norm_moments){(ap_real)mean[c], (ap_real)(1 / sqrt(squares[c] / n + EPSILON))};
    }
}

static void batch_norm_forward(int64_t B, int64_t C, int64_t T, const ap_real *x, const ap_real *gamma,
                               const ap_real *beta, const ap_norm_moments *of, ap_real *y)
{
#pragma omp parallel for schedule(static) if (B * C * T > PARALLEL_LEAST)
    for (int64_t c = 0; c < C; c++) {
        ap_real factor = of[c].scale * gamma[c], offset = beta[c] - of[c].mean * factor;
        for (int64_t b = 0; b < B; b++) {
            const ap_real *from = x + (b * C + c) * T;
            ap_real *to = y + (b * C + c) * T;
            for (int64_t t = 0; t < T; t++) to[t] = from[t] * factor + offset;
        }
    }
}

/* With h = (x - mean) scale: the sums of dy and of dy h, of each channel [2, C]. */
static void batch_norm_sums(int64_t B, int64_t C, int64_t T, const ap_real *x, const ap_norm_moments *of,
                            const ap_real *dy, double *sums)
{
#pragma omp parallel for schedule(static) if (B * C * T > PARALLEL_LEAST)
    for (int64_t c = 0; c < C; c++) {
        ap_norm_moments m = of[c];
        double g_sum = 0, gh_sum = 0;
        for (int64_t b = 0; b < B; b++) {
            const ap_real *px = x + (b * C + c) * T, *pdy = dy + (b * C + c) * T;
            g_sum += ap_norm_sum(T, pdy);
#pragma omp simd reduction(+ : gh_sum)
            for (int64_t t = 0; t < T; t++) gh_sum += (double)(pdy[t] * (px[t] - m.mean) * m.scale);
        }
        sums[c] = g_sum;
        sums[C + c] = gh_sum;
    }
}

/* dx += as in layer_norm, with the means over the whole batch; `means` [2, C] are zeros if the moments are
 * not the batch's own. */
static void batch_norm_backward(int64_t B, int64_t C, int64_t T, const ap_real *x, const ap_real *gamma,
                                const ap_norm_moments *of, const double *means, const ap_real *dy,
                                ap_real *dx)
{
#pragma omp parallel for schedule(static) if (B * C * T > PARALLEL_LEAST)
    for (int64_t c = 0; c < C; c++) {
        ap_norm_moments m = of[c];
        ap_real g_mean = (ap_real)means[c], gh_mean = (ap_real)means[C + c];
        for (int64_t b = 0; b < B; b++) {
            const ap_real *px = x + (b * C + c) * T, *pdy = dy + (b * C + c) * T;
            ap_real *pdx = dx + (b * C + c) * T;
            for (int64_t t = 0; t < T; t++)
                pdx[t] += gamma[c] * m.scale * (pdy[t] - g_mean - (px[t] - m.mean) * m.scale * gh_mean);
        }
    }
}

static void batch_norm_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *gamma = y->inputs[1], *beta = y->inputs[2];
    const batch_norm_saved *saved = y->saved;
    int64_t B = x->value.shape.at[0], C = x->value.shape.at[1], T = x->value.shape.at[2];
    ap_real *dx = ap_var_grad(tape, x), *dgamma = ap_var_grad(tape, gamma), *dbeta = ap_var_grad(tape, beta);
    size_t bytes = (size_t)(2 * C) * sizeof(double);
    double *sums = ap_arena_alloc(ap_tape_arena(tape), bytes), n = ap_tape_total(tape, B * T);
    batch_norm_sums(B, C, T, x->value.data, saved->of, y->grad, sums);
    for (int64_t c = 0; c < C; c++) {
        if (dbeta) dbeta[c] += (ap_real)sums[c];
        if (dgamma) dgamma[c] += (ap_real)sums[C + c];
    }
    if (saved->of_batch) ap_tape_sum(tape, 2 * C, sums);
    for (int64_t i = 0; i < 2 * C; i++) sums[i] = saved->of_batch ? sums[i] / n : 0;
    /* a process without rows has no gradient to pass on */
    if (dx && ap_tape_share(tape) > 0)
        batch_norm_backward(B, C, T, x->value.data, gamma->value.data, saved->of, sums, y->grad, dx);
    ap_arena_recycle(ap_tape_arena(tape), sums, bytes);
}

AP_DEFINE_OP(batch_norm, .reads = AP_READS_INPUTS(2));

ap_var *ap_batch_norm(ap_tape *tape, ap_var *x, ap_var *gamma, ap_var *beta, ap_real *running_mean,
                      ap_real *running_var)
{
    ap_shape shape = x->value.shape;
    if (shape.rank != 3) ap_fatal("batch_norm: %s is not [B, C, T]", ap_shape_print(shape).text);
    require_channels("batch_norm", x, shape.at[1], gamma, beta);
    if (!running_mean || !running_var) ap_fatal("batch_norm: no running statistics");
    ap_var *y = ap_tape_push(tape, &op_batch_norm, shape, 3, (ap_var *[]){x, gamma, beta});
    int64_t B = shape.at[0], C = shape.at[1], T = shape.at[2];
    batch_norm_saved *saved = ap_tape_save(tape, y, sizeof *saved + (size_t)C * sizeof saved->of[0]);
    size_t bytes = (size_t)C * (2 * sizeof(double) + sizeof(ap_norm_moments));
    double *sums = ap_arena_alloc(ap_tape_arena(tape), bytes);
    ap_norm_moments *of = (ap_norm_moments *)(sums + 2 * C);
    if (ap_tape_training(tape))
        batch_moments(tape, B, C, T, x->value.data, running_mean, running_var, sums, of);
    else
        for (int64_t c = 0; c < C; c++)
            of[c] = (ap_norm_moments){running_mean[c], (ap_real)(1 / sqrt((double)running_var[c] + EPSILON))};
    if (saved) {
        saved->of_batch = ap_tape_training(tape);
        memcpy(saved->of, of, (size_t)C * sizeof *of);
    }
    batch_norm_forward(B, C, T, x->value.data, gamma->value.data, beta->value.data, of, y->value.data);
    ap_arena_recycle(ap_tape_arena(tape), sums, bytes);
    return y;
}

/* ---------------------------------------------------------------- group_norm: the same for each item, over
 * all its channels */

/* The moments of an item x [C, T]; `sums` [C] is scratch. */
static ap_norm_moments item_moments(int64_t C, int64_t T, const ap_real *x, double *sums)
{
    const double n = (double)(C * T);
    double mean = 0, squares = 0;
#pragma omp parallel for schedule(static) if (C * T > PARALLEL_LEAST)
    for (int64_t c = 0; c < C; c++) sums[c] = ap_norm_sum(T, x + c * T);
    for (int64_t c = 0; c < C; c++) mean += sums[c] / n;
#pragma omp parallel for schedule(static) if (C * T > PARALLEL_LEAST)
    for (int64_t c = 0; c < C; c++) sums[c] = ap_norm_squares(T, x + c * T, mean);
    for (int64_t c = 0; c < C; c++) squares += sums[c] / n;
    return (ap_norm_moments){(ap_real)mean, (ap_real)(1 / sqrt(squares + EPSILON))};
}

/* One item. With h = (x - mean) scale and g = dy gamma: dx += scale (g - mean of g - h times mean of g h), as
 * in layer_norm. `sums` [2, C]: of dy and of dy h. */
static void group_norm_backward(int64_t C, int64_t T, const ap_real *x, const ap_real *gamma,
                                ap_norm_moments m, const double *sums, const ap_real *dy, ap_real *dx)
{
    double g_sum = 0, gh_sum = 0;
    for (int64_t c = 0; c < C; c++) {
        g_sum += (double)gamma[c] * sums[c];
        gh_sum += (double)gamma[c] * sums[C + c];
    }
    ap_real g_mean = (ap_real)(g_sum / (double)(C * T)), gh_mean = (ap_real)(gh_sum / (double)(C * T));
#pragma omp parallel for schedule(static) if (C * T > PARALLEL_LEAST)
    for (int64_t c = 0; c < C; c++)
        for (int64_t t = c * T; t < (c + 1) * T; t++)
            dx[t] += m.scale * (dy[t] * gamma[c] - g_mean - (x[t] - m.mean) * m.scale * gh_mean);
}

static void group_norm_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *gamma = y->inputs[1], *beta = y->inputs[2];
    const ap_norm_moments *items = y->saved;
    int64_t B = x->value.shape.at[0], C = x->value.shape.at[1], T = x->value.shape.at[2];
    ap_real *dx = ap_var_grad(tape, x), *dgamma = ap_var_grad(tape, gamma), *dbeta = ap_var_grad(tape, beta);
    size_t bytes = (size_t)C * (2 * sizeof(double) + sizeof(ap_norm_moments));
    double *sums = ap_arena_alloc(ap_tape_arena(tape), bytes);
    ap_norm_moments *of = (ap_norm_moments *)(sums + 2 * C);
    for (int64_t b = 0; b < B; b++) {
        const ap_real *item = x->value.data + b * C * T, *dy = y->grad + b * C * T;
        for (int64_t c = 0; c < C; c++) of[c] = items[b];
        batch_norm_sums(1, C, T, item, of, dy, sums);
        for (int64_t c = 0; c < C; c++) {
            if (dbeta) dbeta[c] += (ap_real)sums[c];
            if (dgamma) dgamma[c] += (ap_real)sums[C + c];
        }
        if (dx) group_norm_backward(C, T, item, gamma->value.data, items[b], sums, dy, dx + b * C * T);
    }
    ap_arena_recycle(ap_tape_arena(tape), sums, bytes);
}

AP_DEFINE_OP(group_norm, .reads = AP_READS_INPUTS(2));

ap_var *ap_group_norm(ap_tape *tape, ap_var *x, ap_var *gamma, ap_var *beta)
{
    ap_shape shape = x->value.shape;
    if (shape.rank != 3) ap_fatal("group_norm: %s is not [B, C, T]", ap_shape_print(shape).text);
    require_channels("group_norm", x, shape.at[1], gamma, beta);
    ap_var *y = ap_tape_push(tape, &op_group_norm, shape, 3, (ap_var *[]){x, gamma, beta});
    int64_t B = shape.at[0], C = shape.at[1], T = shape.at[2];
    ap_norm_moments *saved = ap_tape_save(tape, y, (size_t)B * sizeof *saved);
    size_t bytes = (size_t)C * (sizeof(double) + sizeof(ap_norm_moments));
    double *sums = ap_arena_alloc(ap_tape_arena(tape), bytes);
    ap_norm_moments *of = (ap_norm_moments *)(sums + C);
    for (int64_t b = 0; b < B; b++) {
        const ap_real *item = x->value.data + b * C * T;
        ap_norm_moments m = item_moments(C, T, item, sums);
        if (saved) saved[b] = m;
        for (int64_t c = 0; c < C; c++) of[c] = m;
        batch_norm_forward(1, C, T, item, gamma->value.data, beta->value.data, of, y->value.data + b * C * T);
    }
    ap_arena_recycle(ap_tape_arena(tape), sums, bytes);
    return y;
}

/* ---------------------------------------------------------------- softmax: y = e^x / sum of e^x */

/* A tensor as lines of A elements that are `inner` apart. line_start gives the first element of line i. */
typedef struct lines {
    int64_t count, A, inner;
} lines;

static lines lines_along(ap_shape shape, int axis)
{
    lines l = {.A = shape.at[axis], .inner = 1};
    for (int d = axis + 1; d < shape.rank; d++) l.inner *= shape.at[d];
    l.count = l.A > 0 ? ap_shape_count(shape) / l.A : 0;
    return l;
}

static int64_t line_start(lines l, int64_t i)
{
    return i / l.inner * l.A * l.inner + i % l.inner;
}

/* scratch: A numbers per thread. The maximum is subtracted first, to avoid overflow. */
static void softmax_forward(lines l, const ap_real *x, ap_real *scratch, ap_real *y)
{
#pragma omp parallel for schedule(static) if (l.count * l.A > PARALLEL_LEAST)
    for (int64_t i = 0; i < l.count; i++) {
        int64_t start = line_start(l, i);
        ap_real *line = scratch + omp_get_thread_num() * l.A;
        for (int64_t a = 0; a < l.A; a++) line[a] = x[start + a * l.inner];
        ap_real factor = (ap_real)(1 / ap_vexp_sum(l.A, line, ap_vmax(l.A, line), line));
        for (int64_t a = 0; a < l.A; a++) y[start + a * l.inner] = factor * line[a];
    }
}

/* dx += y (dy - sum of dy y) */
static void softmax_backward(lines l, const ap_real *y, const ap_real *dy, ap_real *dx)
{
    if (!dx) return;
#pragma omp parallel for schedule(static) if (l.count * l.A > PARALLEL_LEAST)
    for (int64_t i = 0; i < l.count; i++) {
        int64_t start = line_start(l, i);
        double sum = 0;
        for (int64_t a = 0; a < l.A; a++)
            sum += (double)dy[start + a * l.inner] * (double)y[start + a * l.inner];
        for (int64_t a = 0; a < l.A; a++)
            dx[start + a * l.inner] += y[start + a * l.inner] * (dy[start + a * l.inner] - (ap_real)sum);
    }
}

static void softmax_node_backward(ap_tape *tape, ap_var *y)
{
    softmax_backward(lines_along(y->value.shape, *(int *)y->saved), y->value.data, y->grad,
                     ap_var_grad(tape, y->inputs[0]));
}

AP_DEFINE_OP(softmax, .reads = AP_READS_OUTPUT);

ap_var *ap_softmax(ap_tape *tape, ap_var *x, int axis)
{
    ap_shape shape = x->value.shape;
    if (axis < 0 || axis >= shape.rank)
        ap_fatal("softmax: %s has no axis %d", ap_shape_print(shape).text, axis);
    ap_var *y = ap_tape_push(tape, &op_softmax, shape, 1, &x);
    int *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = axis;
    lines l = lines_along(shape, axis);
    size_t bytes = (size_t)(omp_get_max_threads() * l.A) * sizeof(ap_real);
    ap_real *scratch = ap_arena_alloc(ap_tape_arena(tape), bytes);
    softmax_forward(l, x->value.data, scratch, y->value.data);
    ap_arena_recycle(ap_tape_arena(tape), scratch, bytes);
    return y;
}
