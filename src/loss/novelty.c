#include "antiphon/losses.h"

#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "base/bounds.h"
#include "kernels/terms.h"
#include "loss/cosine.h"
#include "ops/registry.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- cosine: y = <a, b> / (|a| |b|)
 * over the middle dimension of [outer, N, inner]. Columns are taken a stripe at a time, so that memory is
 * walked along. */

#define STRIPE 64

typedef struct cosine_layout {
    int64_t outer, N, inner;
    double least;
} cosine_layout;

/* The dot product and the norms of each column of a stripe. */
typedef struct stripe {
    double product[STRIPE], norm_a[STRIPE], norm_b[STRIPE];
} stripe;

/* measures `width` columns; the numbers of a column are `step` apart */
static void measure(int64_t N, int64_t step, int64_t width, const ap_real *a, const ap_real *b, stripe *s)
{
    memset(s, 0, sizeof *s);
    for (int64_t n = 0; n < N; n++)
        ap_term_products_add(width, a + n * step, b + n * step, s->product, s->norm_a, s->norm_b);
    for (int64_t i = 0; i < width; i++) {
        s->norm_a[i] = sqrt(s->norm_a[i]);
        s->norm_b[i] = sqrt(s->norm_b[i]);
    }
}

static void cosine_forward(const cosine_layout *l, const ap_real *a, const ap_real *b, ap_real *y)
{
    int64_t stripes = ap_divide_up(l->inner, STRIPE);
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < l->outer * stripes; k++) {
        int64_t o = k / stripes, i = k % stripes * STRIPE,
                width = l->inner - i < STRIPE ? l->inner - i : STRIPE;
        int64_t at = o * l->N * l->inner + i;
        stripe s;
        measure(l->N, l->inner, width, a + at, b + at, &s);
        for (int64_t c = 0; c < width; c++)
            y[o * l->inner + i + c] =
                (ap_real)(s.product[c] / (fmax(s.norm_a[c], l->least) * fmax(s.norm_b[c], l->least)));
    }
}

/* dy/da = b / (|a| |b|) - y a / |a|^2, and 0 for a vector below the least norm. The same holds for b, so
 * this is called once for each: `x` is the vector whose gradient is wanted. */
static void cosine_backward(const cosine_layout *l, const ap_real *x, const ap_real *other, const ap_real *y,
                            const ap_real *dy, ap_real *dx)
{
    if (!dx) return;
    int64_t stripes = ap_divide_up(l->inner, STRIPE);
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < l->outer * stripes; k++) {
        int64_t o = k / stripes, i = k % stripes * STRIPE,
                width = l->inner - i < STRIPE ? l->inner - i : STRIPE;
        int64_t at = o * l->N * l->inner + i;
        stripe s;
        ap_real along[STRIPE], across[STRIPE];
        measure(l->N, l->inner, width, x + at, other + at, &s);
        for (int64_t c = 0; c < width; c++) {
            double norm = s.norm_a[c],
                   g = norm < l->least ? 0 : (double)dy[o * l->inner + i + c] / fmax(norm, l->least);
            across[c] = (ap_real)(g / fmax(s.norm_b[c], l->least));
            along[c] = (ap_real)(-g * (double)y[o * l->inner + i + c] / fmax(norm, l->least));
        }
        for (int64_t n = 0; n < l->N; n++) {
            int64_t e = at + n * l->inner;
            ap_term_mix_add(width, across, other + e, along, x + e, dx + e);
        }
    }
}

static void cosine_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *a = y->inputs[0], *b = y->inputs[1];
    cosine_backward(y->saved, a->value.data, b->value.data, y->value.data, y->grad, ap_var_grad(tape, a));
    cosine_backward(y->saved, b->value.data, a->value.data, y->value.data, y->grad, ap_var_grad(tape, b));
}

AP_DEFINE_OP(cosine, .reads = AP_READS_INPUTS(2) | AP_READS_OUTPUT);

ap_var *ap_cosine(ap_tape *tape, ap_var *a, ap_var *b, int axis, double least)
{
    ap_shape from = a->value.shape, to = {.rank = from.rank - 1};
    if (!ap_shape_same(from, b->value.shape) || axis < 0 || axis >= from.rank || !(least > 0))
        ap_fatal("cosine: shapes %s and %s along dimension %d", ap_shape_print(from).text,
                 ap_shape_print(b->value.shape).text, axis);
    cosine_layout layout = {1, from.at[axis], 1, least};
    for (int k = 0; k < from.rank; k++) {
        if (k < axis) layout.outer *= to.at[k] = from.at[k];
        if (k > axis) layout.inner *= to.at[k - 1] = from.at[k];
    }
    ap_var *y = ap_tape_push(tape, &op_cosine, to, 2, (ap_var *[]){a, b});
    cosine_layout *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = layout;
    cosine_forward(&layout, a->value.data, b->value.data, y->value.data);
    return y;
}

/* ---------------------------------------------------------------- mean_of_all: y = the mean over the batch,
 * from x, the mean over the rows here. The gradient of y already has their share (tape.h). */

static void mean_of_all_node_backward(ap_tape *tape, ap_var *y)
{
    ap_real *dx = ap_var_grad(tape, y->inputs[0]);
    if (dx) dx[0] += y->grad[0];
}

AP_DEFINE_OP(mean_of_all, .reads = AP_READS_NOTHING);

ap_var *ap_mean_of_all(ap_tape *tape, ap_var *x)
{
    if (ap_var_count(x) != 1)
        ap_fatal("mean_of_all: shape %s is not a scalar", ap_shape_print(x->value.shape).text);
    ap_var *y = ap_tape_push(tape, &op_mean_of_all, AP_SHAPE_SCALAR, 1, &x);
    double mean = ap_tape_share(tape) * (double)x->value.data[0];
    ap_tape_sum(tape, 1, &mean);
    y->value.data[0] = (ap_real)mean;
    return y;
}

/* ---------------------------------------------------------------- the terms */

ap_var *ap_novelty(ap_tape *tape, ap_var *z, ap_var *zi, ap_var *zt)
{
    const double least = 1e-12;
    ap_var *input = ap_mean_of_all(tape, ap_mean(tape, ap_cosine(tape, z, zi, 1, least)));
    ap_var *target = ap_mean_of_all(tape, ap_mean(tape, ap_cosine(tape, z, zt, 1, least)));
    ap_var *from_input = ap_abs(tape, input), *from_target = ap_abs(tape, target);
    return ap_scale(tape, ap_add(tape, from_input, from_target), (ap_real)0.5);
}

/* The sum of the means of a half's components is their number times the mean of the half. */
ap_var *ap_balance(ap_tape *tape, ap_var *logits)
{
    const ap_real weight = (ap_real)0.1;
    ap_shape shape = logits->value.shape;
    if (shape.rank != 3 || shape.at[1] % 2)
        ap_fatal("balance: shape %s is not [B, 2n, T]", ap_shape_print(shape).text);
    int64_t n = shape.at[1] / 2;
    ap_var *input = ap_mean(tape, ap_slice(tape, logits, 1, 0, n));
    ap_var *target = ap_mean(tape, ap_slice(tape, logits, 1, n, n));
    ap_var *difference = ap_mean_of_all(tape, ap_add(tape, input, ap_scale(tape, target, -1)));
    return ap_scale(tape, ap_abs(tape, difference), weight * (ap_real)n);
}
