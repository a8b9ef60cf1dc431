#include "antiphon/ops.h"

#include "antiphon/status.h"
#include "kernels/array.h"
#include "ops/registry.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- transpose: y[b, q, p] = x[b, p, q] */

static void transpose_items(ap_shape from, const ap_real *x, bool add, ap_real *y)
{
    int64_t B = from.at[0], P = from.at[1], Q = from.at[2];
    for (int64_t b = 0; b < B; b++) ap_matrix_transpose(P, Q, x + b * P * Q, Q, add, y + b * P * Q, P);
}

static void transpose_node_backward(ap_tape *tape, ap_var *y)
{
    ap_real *dx = ap_var_grad(tape, y->inputs[0]);
    if (dx) transpose_items(y->value.shape, y->grad, true, dx);
}

AP_DEFINE_OP(transpose, .reads = AP_READS_NOTHING);

ap_var *ap_transpose(ap_tape *tape, ap_var *x)
{
    ap_shape shape = x->value.shape;
    if (shape.rank != 3) ap_fatal("transpose: %s is not [B, P, Q]", ap_shape_print(shape).text);
    ap_var *y = ap_tape_push(tape, &op_transpose, AP_SHAPE(shape.at[0], shape.at[2], shape.at[1]), 1, &x);
    transpose_items(shape, x->value.data, false, y->value.data);
    return y;
}

/* ---------------------------------------------------------------- concat, slice, delay: runs of
 * neighbouring elements */

/* Copies or adds `runs` runs of `length` elements, which start every x_step in x and every y_step in y. */
static void move_runs(int64_t runs, int64_t length, const ap_real *x, int64_t x_step, bool add, ap_real *y,
                      int64_t y_step)
{
#pragma omp parallel for collapse(2) schedule(static) if (runs * length > 32 * AP_BLOCK)
    for (int64_t run = 0; run < runs; run++)
        for (int64_t at = 0; at < length; at += AP_BLOCK) {
            int64_t n = length - at < AP_BLOCK ? length - at : AP_BLOCK;
            const ap_real *from = x + run * x_step + at;
            ap_real *to = y + run * y_step + at;
            if (add)
                for (int64_t i = 0; i < n; i++) to[i] += from[i];
            else
                memcpy(to, from, (size_t)n * sizeof *to);
        }
}

/* The product of the sizes of dimensions `first` to end - 1. */
static int64_t extent(ap_shape shape, int first, int end)
{
    int64_t product = 1;
    for (int d = first; d < end; d++) product *= shape.at[d];
    return product;
}

static void require_axis(const char *name, ap_shape shape, int axis)
{
    if (axis < 0 || axis >= shape.rank)
        ap_fatal("%s: %s has no axis %d", name, ap_shape_print(shape).text, axis);
}

static void concat_node_backward(ap_tape *tape, ap_var *y)
{
    ap_shape shape = y->value.shape;
    int axis = *(int *)y->saved;
    int64_t runs = extent(shape, 0, axis), step = extent(shape, axis, shape.rank), start = 0;
    for (int k = 0; k < y->input_count; k++) {
        int64_t length = extent(y->inputs[k]->value.shape, axis, shape.rank);
        ap_real *dx = ap_var_grad(tape, y->inputs[k]);
        if (dx) move_runs(runs, length, y->grad + start, step, true, dx, length);
        start += length;
    }
}

AP_DEFINE_OP(concat, .reads = AP_READS_NOTHING);

ap_var *ap_concat(ap_tape *tape, int axis, int parts_count, ap_var *const *parts)
{
    if (parts_count < 1) ap_fatal("concat: no parts");
    ap_shape shape = parts[0]->value.shape;
    require_axis("concat", shape, axis);
    for (int k = 1; k < parts_count; k++) {
        ap_shape other = parts[k]->value.shape;
        int64_t size = axis < other.rank ? other.at[axis] : 0;
        other.at[axis] = shape.at[axis];
        if (!ap_shape_same(shape, other))
            ap_fatal("concat along axis %d: shapes %s and %s do not fit", axis,
                     ap_shape_print(parts[0]->value.shape).text, ap_shape_print(parts[k]->value.shape).text);
        shape.at[axis] += size;
    }
    ap_var *y = ap_tape_push(tape, &op_concat, shape, parts_count, parts);
    int *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = axis;
    int64_t runs = extent(shape, 0, axis), step = extent(shape, axis, shape.rank), start = 0;
    for (int k = 0; k < parts_count; k++) {
        int64_t length = extent(parts[k]->value.shape, axis, shape.rank);
        move_runs(runs, length, parts[k]->value.data, length, false, y->value.data + start, step);
        start += length;
    }
    return y;
}

typedef struct slice {
    int axis;
    int64_t start;
} slice;

static void slice_node_backward(ap_tape *tape, ap_var *y)
{
    const slice *at = y->saved;
    ap_shape part = y->value.shape, whole = y->inputs[0]->value.shape;
    ap_real *dx = ap_var_grad(tape, y->inputs[0]);
    int64_t inner = extent(whole, at->axis + 1, whole.rank), length = part.at[at->axis] * inner;
    if (dx)
        move_runs(extent(part, 0, at->axis), length, y->grad, length, true, dx + at->start * inner,
                  whole.at[at->axis] * inner);
}

AP_DEFINE_OP(slice, .reads = AP_READS_NOTHING);

ap_var *ap_slice(ap_tape *tape, ap_var *x, int axis, int64_t start, int64_t length)
{
    ap_shape whole = x->value.shape, part = whole;
    require_axis("slice", whole, axis);
    if (start < 0 || length < 0 || start > whole.at[axis] - length)
        ap_fatal("slice: elements %lld to %lld along axis %d are not in %s", (long long)start,
                 (long long)(start + length - 1), axis, ap_shape_print(whole).text);
    part.at[axis] = length;
    ap_var *y = ap_tape_push(tape, &op_slice, part, 1, &x);
    slice *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = (slice){axis, start};
    int64_t inner = extent(whole, axis + 1, whole.rank);
    move_runs(extent(part, 0, axis), length * inner, x->value.data + start * inner, whole.at[axis] * inner,
              false, y->value.data, length * inner);
    return y;
}

/* The elements, of T, that a delay moves: `length` of them, from `from` in x to `to` in y. */
typedef struct move {
    int64_t from, to, length;
} move;

static move move_of(int64_t T, int64_t late)
{
    int64_t by = late < 0 ? -late : late, length = by < T ? T - by : 0;
    return length && late < 0 ? (move){by, 0, length} : (move){0, length ? by : 0, length};
}

static void delay_node_backward(ap_tape *tape, ap_var *y)
{
    ap_shape shape = y->value.shape;
    int64_t T = shape.at[shape.rank - 1];
    move m = move_of(T, *(int64_t *)y->saved);
    ap_real *dx = ap_var_grad(tape, y->inputs[0]);
    if (dx) move_runs(extent(shape, 0, shape.rank - 1), m.length, y->grad + m.to, T, true, dx + m.from, T);
}

AP_DEFINE_OP(delay, .reads = AP_READS_NOTHING);

ap_var *ap_delay(ap_tape *tape, ap_var *x, int64_t late)
{
    ap_shape shape = x->value.shape;
    require_axis("delay", shape, 0);
    if (late == 0) return x;
    int64_t T = shape.at[shape.rank - 1];
    move m = move_of(T, late);
    ap_var *y = ap_tape_push(tape, &op_delay, shape, 1, &x);
    int64_t *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = late;
    memset(y->value.data, 0, (size_t)ap_var_count(y) * sizeof *y->value.data);
    move_runs(extent(shape, 0, shape.rank - 1), m.length, x->value.data + m.from, T, false,
              y->value.data + m.to, T);
    return y;
}

/* ---------------------------------------------------------------- add_rows: y[b, ...] = x[b, ...] + row[...]
 */

static void add_rows_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *row = y->inputs[1];
    int64_t n = ap_var_count(row), B = y->value.shape.at[0];
    ap_real *drow = ap_var_grad(tape, row);
    ap_array_accumulate(ap_var_count(y), 1, y->grad, ap_var_grad(tape, x));
    for (int64_t b = 0; b < B; b++) ap_array_accumulate(n, 1, y->grad + b * n, drow);
}

AP_DEFINE_OP(add_rows, .reads = AP_READS_NOTHING);

ap_var *ap_add_rows(ap_tape *tape, ap_var *x, ap_var *row)
{
    ap_shape shape = x->value.shape, r = row->value.shape;
    bool fits = shape.rank == r.rank + 1;
    for (int d = 0; fits && d < r.rank; d++) fits = shape.at[d + 1] == r.at[d];
    if (!fits)
        ap_fatal("add_rows: x %s and row %s do not fit", ap_shape_print(shape).text, ap_shape_print(r).text);
    ap_var *y = ap_tape_push(tape, &op_add_rows, shape, 2, (ap_var *[]){x, row});
    int64_t n = ap_var_count(row);
    for (int64_t b = 0; b < shape.at[0]; b++) {
        const ap_real *from = x->value.data + b * n, *add = row->value.data;
        ap_real *to = y->value.data + b * n;
        AP_FOR_EACH_BLOCK(n, at, length)
        for (int64_t i = at; i < at + length; i++) to[i] = from[i] + add[i];
    }
    return y;
}

/* ---------------------------------------------------------------- mul_items: y[b, ...] = x[b, ...] factor[b]
 */

static void mul_items_forward(int64_t B, int64_t n, const ap_real *x, const ap_real *factor, ap_real *y)
{
    for (int64_t b = 0; b < B; b++) {
        const ap_real *from = x + b * n;
        ap_real *to = y + b * n;
        AP_FOR_EACH_BLOCK(n, at, length)
        for (int64_t i = at; i < at + length; i++) to[i] = from[i] * factor[b];
    }
}

static void mul_items_backward(int64_t B, int64_t n, const ap_real *x, const ap_real *factor,
                               const ap_real *dy, ap_real *dx, ap_real *dfactor)
{
    for (int64_t b = 0; b < B; b++) {
        if (dx) ap_array_accumulate(n, factor[b], dy + b * n, dx + b * n);
        if (dfactor) dfactor[b] += (ap_real)ap_array_dot(n, x + b * n, dy + b * n);
    }
}

static void mul_items_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *factor = y->inputs[1];
    int64_t B = ap_var_count(factor);
    mul_items_backward(B, ap_var_count(x) / B, x->value.data, factor->value.data, y->grad,
                       ap_var_grad(tape, x), ap_var_grad(tape, factor));
}

AP_DEFINE_OP(mul_items, .reads_of = ap_reads_of_product);

ap_var *ap_mul_items(ap_tape *tape, ap_var *x, ap_var *factor)
{
    ap_shape shape = x->value.shape;
    if (shape.rank < 1 || !ap_shape_same(factor->value.shape, AP_SHAPE(shape.at[0])))
        ap_fatal("mul_items: x %s and factor %s do not fit", ap_shape_print(shape).text,
                 ap_shape_print(factor->value.shape).text);
    ap_var *y = ap_tape_push(tape, &op_mul_items, shape, 2, (ap_var *[]){x, factor});
    mul_items_forward(shape.at[0], extent(shape, 1, shape.rank), x->value.data, factor->value.data,
                      y->value.data);
    return y;
}

/* ---------------------------------------------------------------- mul_groups: y[b, g c + j, t] = x[...] w[b,
 * g, t] */

/* x and y: `groups` groups (of all items) of c rows of T; w: one row a group. */
static void mul_groups_forward(int64_t groups, int64_t c, int64_t T, const ap_real *x, const ap_real *w,
                               ap_real *y)
{
#pragma omp parallel for schedule(static) if (groups * c * T > 32 * AP_BLOCK)
    for (int64_t row = 0; row < groups * c; row++) {
        const ap_real *weight = w + row / c * T;
        for (int64_t t = 0; t < T; t++) y[row * T + t] = x[row * T + t] * weight[t];
    }
}

/* dx += dy w; dw += the sum of dy x over the group's rows, in their order */
static void mul_groups_backward(int64_t groups, int64_t c, int64_t T, const ap_real *x, const ap_real *w,
                                const ap_real *dy, ap_real *dx, ap_real *dw)
{
#pragma omp parallel for schedule(static) if (groups * c * T > 32 * AP_BLOCK)
    for (int64_t g = 0; g < groups; g++)
        for (int64_t row = g * c; row < (g + 1) * c; row++) {
            const ap_real *from = dy + row * T;
            if (dx)
                for (int64_t t = 0; t < T; t++) dx[row * T + t] += from[t] * w[g * T + t];
            if (dw)
                for (int64_t t = 0; t < T; t++) dw[g * T + t] += from[t] * x[row * T + t];
        }
}

static void mul_groups_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *w = y->inputs[1];
    ap_shape groups = w->value.shape;
    mul_groups_backward(groups.at[0] * groups.at[1], x->value.shape.at[1] / groups.at[1], groups.at[2],
                        x->value.data, w->value.data, y->grad, ap_var_grad(tape, x), ap_var_grad(tape, w));
}

AP_DEFINE_OP(mul_groups, .reads_of = ap_reads_of_product);

ap_var *ap_mul_groups(ap_tape *tape, ap_var *x, ap_var *w)
{
    ap_shape shape = x->value.shape, groups = w->value.shape;
    if (shape.rank != 3 || groups.rank != 3 || shape.at[0] != groups.at[0] || shape.at[2] != groups.at[2] ||
        groups.at[1] < 1 || shape.at[1] % groups.at[1] != 0)
        ap_fatal("mul_groups: x %s and w %s do not fit", ap_shape_print(shape).text,
                 ap_shape_print(groups).text);
    ap_var *y = ap_tape_push(tape, &op_mul_groups, shape, 2, (ap_var *[]){x, w});
    mul_groups_forward(groups.at[0] * groups.at[1], shape.at[1] / groups.at[1], groups.at[2], x->value.data,
                       w->value.data, y->value.data);
    return y;
}

/* ---------------------------------------------------------------- sum: y = factor (x[0] + x[1] + ...) */

static void sum_node_backward(ap_tape *tape, ap_var *y)
{
    ap_real *dx = ap_var_grad(tape, y->inputs[0]), each = *y->grad * *(ap_real *)y->saved;
    int64_t n = ap_var_count(y->inputs[0]);
    if (!dx) return;
    AP_FOR_EACH_BLOCK(n, at, length)
    for (int64_t i = at; i < at + length; i++) dx[i] += each;
}

AP_DEFINE_OP(sum, .reads = AP_READS_NOTHING);

static ap_var *scaled_sum(ap_tape *tape, ap_var *x, double factor)
{
    ap_var *y = ap_tape_push(tape, &op_sum, AP_SHAPE_SCALAR, 1, &x);
    ap_real *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = (ap_real)factor;
    *y->value.data = (ap_real)(factor * ap_array_sum(ap_var_count(x), x->value.data));
    return y;
}

ap_var *ap_sum(ap_tape *tape, ap_var *x)
{
    return scaled_sum(tape, x, 1);
}

ap_var *ap_mean(ap_tape *tape, ap_var *x)
{
    return scaled_sum(tape, x, 1 / (double)ap_var_count(x));
}

/* ---------------------------------------------------------------- rms: y[b] = sqrt(mean of x[b, ...]^2 +
 * 1e-8) */

static void rms_forward(int64_t B, int64_t n, const ap_real *x, ap_real *y)
{
    for (int64_t b = 0; b < B; b++)
        y[b] = (ap_real)sqrt(ap_array_dot(n, x + b * n, x + b * n) / (double)n + 1e-8);
}

/* dy/dx = x / (n y) */
static void rms_backward(int64_t B, int64_t n, const ap_real *x, const ap_real *y, const ap_real *dy,
                         ap_real *dx)
{
    if (!dx) return;
    for (int64_t b = 0; b < B; b++)
        ap_array_accumulate(n, dy[b] / ((ap_real)n * y[b]), x + b * n, dx + b * n);
}

static void rms_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0];
    rms_backward(ap_var_count(y), ap_var_count(x) / ap_var_count(y), x->value.data, y->value.data, y->grad,
                 ap_var_grad(tape, x));
}

AP_DEFINE_OP(rms, .reads = AP_READS_INPUT(0) | AP_READS_OUTPUT);

ap_var *ap_rms(ap_tape *tape, ap_var *x)
{
    ap_shape shape = x->value.shape;
    if (shape.rank < 1 || ap_var_count(x) < 1) ap_fatal("rms: no items in %s", ap_shape_print(shape).text);
    ap_var *y = ap_tape_push(tape, &op_rms, AP_SHAPE(shape.at[0]), 1, &x);
    rms_forward(shape.at[0], extent(shape, 1, shape.rank), x->value.data, y->value.data);
    return y;
}

/* ---------------------------------------------------------------- volume: y[b] = sqrt(mean of x[b, ...]^2) +
 * 1e-8 */

static double volume_of(int64_t n, const ap_real *x)
{
    return sqrt(ap_array_dot(n, x, x) / (double)n);
}

static void volume_forward(int64_t B, int64_t n, const ap_real *x, ap_real *y)
{
    for (int64_t b = 0; b < B; b++) y[b] = (ap_real)(volume_of(n, x + b * n) + 1e-8);
}

/* dy/dx = x / (n sqrt(mean of x^2)), and 0 in silence */
static void volume_backward(int64_t B, int64_t n, const ap_real *x, const ap_real *dy, ap_real *dx)
{
    if (!dx) return;
    for (int64_t b = 0; b < B; b++) {
        double volume = volume_of(n, x + b * n);
        if (volume > 0)
            ap_array_accumulate(n, (ap_real)((double)dy[b] / ((double)n * volume)), x + b * n, dx + b * n);
    }
}

static void volume_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0];
    volume_backward(ap_var_count(y), ap_var_count(x) / ap_var_count(y), x->value.data, y->grad,
                    ap_var_grad(tape, x));
}

AP_DEFINE_OP(volume, .reads = AP_READS_INPUT(0));

ap_var *ap_volume(ap_tape *tape, ap_var *x)
{
    ap_shape shape = x->value.shape;
    if (shape.rank < 1 || ap_var_count(x) < 1) ap_fatal("volume: no items in %s", ap_shape_print(shape).text);
    ap_var *y = ap_tape_push(tape, &op_volume, AP_SHAPE(shape.at[0]), 1, &x);
    volume_forward(shape.at[0], extent(shape, 1, shape.rank), x->value.data, y->value.data);
    return y;
}
