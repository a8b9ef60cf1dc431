#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "base/bounds.h"
#include "ops/registry.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- overlap_add: with t_k = t - k stride,
 * where segment k has a sample t_k, y[t] = sum over k of w[t_k] x_k[t_k] / sum over k of w[t_k] */

/* `count` segments of at most `length` samples, whose weights in y [S] depend on the position alone. */
typedef struct overlap {
    int count;
    int64_t length, stride, S;
    ap_real *weight; /* [length]: a triangle */
    ap_real *norm;   /* [S]: 1 / sum of the weights */
} overlap;

/* How many samples of segment k, which has `length`, lie in y. */
static int64_t within(const overlap *o, int k, int64_t length)
{
    return ap_most(0, ap_least(length, o->S - k * o->stride));
}

static size_t overlap_bytes(const overlap *o)
{
    return (size_t)(o->length + o->S) * sizeof(ap_real);
}

/* The weights of the segments, on the arena until they are recycled. */
static overlap overlap_of(ap_arena *arena, int count, ap_var *const *segments, int64_t stride, int64_t S)
{
    overlap o = {.count = count, .length = segments[0]->value.shape.at[2], .stride = stride, .S = S};
    o.weight = ap_arena_zeros(arena, overlap_bytes(&o));
    o.norm = o.weight + o.length;
    for (int64_t t = 0; t < o.length; t++)
        o.weight[t] = (ap_real)(0.5 - fabs((double)(t + 1) / (double)(o.length + 1) - 0.5));
    for (int k = 0; k < count; k++) {
        int64_t n = within(&o, k, segments[k]->value.shape.at[2]);
        for (int64_t t = 0; t < n; t++) o.norm[k * stride + t] += o.weight[t];
    }
    for (int64_t t = 0; t < S; t++) {
        if (o.norm[t] == 0) ap_fatal("overlap_add: no segment has sample %lld", (long long)t);
        o.norm[t] = 1 / o.norm[t];
    }
    return o;
}

/* rows x [R, length] of segment k into y [R, S], which it adds to */
static void overlap_add_forward(const overlap *o, int k, int64_t R, int64_t length, const ap_real *x,
                                ap_real *y)
{
    int64_t n = within(o, k, length), begin = k * o->stride;
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < R; r++)
        for (int64_t t = 0; t < n; t++)
            y[r * o->S + begin + t] += o->weight[t] * o->norm[begin + t] * x[r * length + t];
}

static void overlap_add_backward(const overlap *o, int k, int64_t R, int64_t length, const ap_real *dy,
                                 ap_real *dx)
{
    int64_t n = within(o, k, length), begin = k * o->stride;
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < R; r++)
        for (int64_t t = 0; t < n; t++)
            dx[r * length + t] += o->weight[t] * o->norm[begin + t] * dy[r * o->S + begin + t];
}

static void overlap_add_node_backward(ap_tape *tape, ap_var *y)
{
    ap_shape shape = y->value.shape;
    overlap o = overlap_of(ap_tape_arena(tape), y->input_count, y->inputs, *(int64_t *)y->saved, shape.at[2]);
    for (int k = 0; k < o.count; k++) {
        ap_real *dx = ap_var_grad(tape, y->inputs[k]);
        if (dx)
            overlap_add_backward(&o, k, shape.at[0] * shape.at[1], y->inputs[k]->value.shape.at[2], y->grad,
                                 dx);
    }
    ap_arena_recycle(ap_tape_arena(tape), o.weight, overlap_bytes(&o));
}

AP_DEFINE_OP(overlap_add, .reads = AP_READS_NOTHING);

ap_var *ap_overlap_add(ap_tape *tape, int count, ap_var *const *segments, int64_t stride, int64_t S)
{
    if (count < 1 || stride < 1 || S < 1)
        ap_fatal("overlap_add: %d segments, stride %lld, %lld samples", count, (long long)stride,
                 (long long)S);
    ap_shape first = segments[0]->value.shape;
    for (int k = 0; k < count; k++) {
        ap_shape s = segments[k]->value.shape;
        if (s.rank != 3 || s.at[0] != first.at[0] || s.at[1] != first.at[1] || s.at[2] > first.at[2])
            ap_fatal("overlap_add: segment %d is %s, the first %s", k, ap_shape_print(s).text,
                     ap_shape_print(first).text);
    }
    ap_shape shape = AP_SHAPE(first.at[0], first.at[1], S);
    ap_var *y = ap_tape_push(tape, &op_overlap_add, shape, count, segments);
    int64_t *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = stride;
    overlap o = overlap_of(ap_tape_arena(tape), count, segments, stride, S);
    memset(y->value.data, 0, (size_t)ap_shape_count(shape) * sizeof *y->value.data);
    for (int k = 0; k < count; k++)
        overlap_add_forward(&o, k, shape.at[0] * shape.at[1], segments[k]->value.shape.at[2],
                            segments[k]->value.data, y->value.data);
    ap_arena_recycle(ap_tape_arena(tape), o.weight, overlap_bytes(&o));
    return y;
}
