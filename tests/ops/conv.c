#include "antiphon/ops.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Sizes of one convolution; for the transposed one T is the number of frames it starts from. */
typedef struct conv_case {
    int64_t B, Cin, Cout, T, K;
    ap_conv1d_geometry g;
    bool bias;
    bool fresh; /* x comes from another operation, so that its gradient is written, not added to */
} conv_case;

/* Kernels, strides, dilations and pads that do not divide each other; one channel and more than a panel; one
 * tile and several; pads longer than the signal. */
static const conv_case CONV[] = {
    {1, 1, 1, 1, 1, {1, 1, 0, 0, AP_PAD_ZERO}, false, false},
    {2, 3, 5, 17, 3, {1, 1, 1, 1, AP_PAD_ZERO}, true, false},
    {1, 1, 9, 23, 7, {1, 1, 6, 0, AP_PAD_REFLECT}, true, false},
    {2, 4, 1, 29, 7, {1, 1, 6, 3, AP_PAD_REFLECT}, true, false},
    {2, 2, 6, 41, 10, {5, 1, 5, 2, AP_PAD_REFLECT}, true, false},
    {1, 3, 4, 31, 4, {3, 2, 4, 5, AP_PAD_REFLECT}, false, false},
    {3, 2, 3, 19, 5, {2, 3, 7, 1, AP_PAD_ZERO}, true, false},
    {2, 2, 2, 3, 5, {2, 1, 9, 6, AP_PAD_REFLECT}, true, false},
    {1, 2, 3, 2, 3, {1, 2, 1, 7, AP_PAD_REFLECT}, true, false},
    {2, 5, 4, 13, 2, {4, 1, 0, 0, AP_PAD_ZERO}, false, false},
};
/* Many tiles, so many channels that a tile is narrow, kernels of twice their stride with enough to be summed
 * up for quads of columns, and rows enough for packed strips. */
static const conv_case LONG_CONV[] = {
    {1, 3, 2, 5003, 7, {1, 1, 6, 0, AP_PAD_REFLECT}, true, false},
    {2, 40, 11, 2011, 9, {1, 1, 4, 4, AP_PAD_ZERO}, true, false},
    {1, 33, 18, 4999, 16, {8, 1, 8, 3, AP_PAD_REFLECT}, true, false},
    {2, 131, 10, 403, 2, {1, 1, 1, 0, AP_PAD_ZERO}, true, false},
    {1, 131, 17, 3001, 2, {1, 1, 1, 0, AP_PAD_ZERO}, true, false},
    {1, 130, 2, 1607, 9, {8, 1, 8, 0, AP_PAD_ZERO}, true, false},
    {1, 350, 2, 403, 2, {1, 1, 1, 0, AP_PAD_ZERO}, true, false},
    {1, 9, 45, 1501, 9, {1, 1, 4, 4, AP_PAD_ZERO}, true, false},
    {2, 7, 38, 611, 11, {3, 1, 5, 2, AP_PAD_REFLECT}, false, true},
};

/* For these the pads are the trims. */
static const conv_case TRANSPOSED[] = {
    {1, 1, 1, 1, 1, {1, 1, 0, 0, AP_PAD_ZERO}, false, false},
    {2, 3, 5, 7, 4, {2, 1, 0, 2, AP_PAD_ZERO}, true, false},
    {1, 4, 2, 9, 10, {5, 1, 0, 5, AP_PAD_ZERO}, true, false},
    {2, 2, 3, 11, 5, {3, 1, 2, 1, AP_PAD_ZERO}, true, false},
    {3, 2, 9, 5, 2, {4, 1, 1, 0, AP_PAD_ZERO}, true, false},
    {1, 2, 2, 6, 7, {1, 1, 3, 3, AP_PAD_ZERO}, false, false},
};
static const conv_case LONG_TRANSPOSED[] = {
    {1, 33, 18, 1013, 16, {8, 1, 0, 8, AP_PAD_ZERO}, true, false},
    {2, 90, 7, 2003, 4, {2, 1, 1, 1, AP_PAD_ZERO}, true, false},
    {2, 130, 3, 1001, 10, {5, 1, 0, 5, AP_PAD_ZERO}, true, false},
};

#define COUNT(cases) (sizeof(cases) / sizeof *(cases))

typedef struct buffers {
    ap_tensor x, weight, bias;
} buffers;

/* Weights are such that sums of many are about 1, of which the tolerances speak. */
static buffers random_buffers(const conv_case *c, bool transposed)
{
    ap_shape weight = transposed ? AP_SHAPE(c->Cin, c->Cout, c->K) : AP_SHAPE(c->Cout, c->Cin, c->K);
    buffers b = {random_tensor(1, 1, AP_SHAPE(c->B, c->Cin, c->T)),
                 random_tensor(2, 1 / (ap_real)sqrt((double)(c->Cin * c->K)), weight),
                 random_tensor(3, 1, AP_SHAPE(c->Cout))};
    const ap_real kink = 0;
    keep_from(b.x, &kink, 1, (ap_real)0.05);
    return b;
}

static void free_buffers(buffers *b)
{
    free(b->x.data);
    free(b->weight.data);
    free(b->bias.data);
}

static ap_var *input_of(ap_tape *tape, const conv_case *c, ap_var *x)
{
    return c->fresh ? ap_scale(tape, x, 1) : x;
}

static ap_var *build_conv1d(ap_tape *tape, ap_var *const *in, const void *context)
{
    const conv_case *c = context;
    return ap_conv1d(tape, input_of(tape, c, in[0]), in[1], c->bias ? in[2] : NULL, c->g);
}

static ap_var *build_transposed(ap_tape *tape, ap_var *const *in, const void *context)
{
    const conv_case *c = context;
    return ap_conv_transpose1d(tape, input_of(tape, c, in[0]), in[1], c->bias ? in[2] : NULL, c->g.stride,
                               c->g.pad_left, c->g.pad_right);
}

/* The padded signal, built as EnCodec's pad1d builds it: extend with zeros, mirror, cut. The caller frees it.
 */
static double *padded(const conv_case *c, const ap_real *x)
{
    int64_t left = c->g.pad_left, right = c->g.pad_right, longest = left > right ? left : right;
    bool reflect = c->g.mode == AP_PAD_REFLECT;
    int64_t n = reflect && c->T <= longest ? longest + 1 : c->T;
    double *extended = calloc((size_t)n, sizeof *extended),
           *y = calloc((size_t)(left + n + right), sizeof *y);
    assert_true(extended && y);
    for (int64_t t = 0; t < c->T; t++) y[left + t] = extended[t] = (double)x[t];
    for (int64_t i = 1; reflect && i <= left; i++) y[left - i] = extended[i];
    for (int64_t i = 1; reflect && i <= right; i++) y[left + n - 1 + i] = extended[n - 1 - i];
    free(extended);
    return y;
}

static void naive_conv1d(const conv_case *c, const buffers *in, int64_t frames, double *y)
{
    for (int64_t b = 0; b < c->B; b++)
        for (int64_t i = 0; i < c->Cin; i++) {
            double *row = padded(c, in->x.data + (b * c->Cin + i) * c->T);
            for (int64_t o = 0; o < c->Cout; o++)
                for (int64_t t = 0; t < frames; t++) {
                    double sum = c->bias && i == 0 ? (double)in->bias.data[o] : 0;
                    for (int64_t k = 0; k < c->K; k++)
                        sum += (double)in->weight.data[(o * c->Cin + i) * c->K + k] *
                               row[t * c->g.stride + k * c->g.dilation];
                    y[(b * c->Cout + o) * frames + t] += sum;
                }
            free(row);
        }
}

static void naive_transposed(const conv_case *c, const buffers *in, int64_t T, double *y)
{
    for (int64_t b = 0; b < c->B; b++)
        for (int64_t o = 0; o < c->Cout; o++) {
            double *row = y + (b * c->Cout + o) * T;
            for (int64_t u = 0; u < T; u++) row[u] = c->bias ? (double)in->bias.data[o] : 0;
            for (int64_t i = 0; i < c->Cin; i++)
                for (int64_t t = 0; t < c->T; t++)
                    for (int64_t k = 0; k < c->K; k++) {
                        int64_t u = t * c->g.stride + k - c->g.pad_left;
                        if (u >= 0 && u < T)
                            row[u] += (double)in->weight.data[(i * c->Cout + o) * c->K + k] *
                                      (double)in->x.data[(b * c->Cin + i) * c->T + t];
                    }
        }
}

typedef void naive_fn(const conv_case *c, const buffers *in, int64_t length, double *y);

static int64_t length_of(const conv_case *c, bool transposed)
{
    if (transposed) return (c->T - 1) * c->g.stride + c->K - c->g.pad_left - c->g.pad_right;
    int64_t room = c->T + c->g.pad_left + c->g.pad_right - (c->K - 1) * c->g.dilation - 1;
    return room / c->g.stride + 1;
}

static void check_forward(const char *name, const conv_case *cases, size_t count, bool transposed)
{
    for (size_t k = 0; k < count; k++) {
        const conv_case *c = cases + k;
        char what[64];
        snprintf(what, sizeof what, "%s, case %zu", name, k);
        buffers in = random_buffers(c, transposed);
        int64_t length = length_of(c, transposed), n = c->B * c->Cout * length;
        double *want = calloc((size_t)n, sizeof *want);
        assert_non_null(want);
        (transposed ? naive_transposed : naive_conv1d)(c, &in, length, want);
        ap_tape *tape = ap_tape_create(0);
        ap_var *leaves[] = {ap_tape_constant(tape, in.x), ap_tape_constant(tape, in.weight),
                            ap_tape_constant(tape, in.bias)};
        ap_var *y = (transposed ? build_transposed : build_conv1d)(tape, leaves, c);
        assert_true(ap_shape_same(y->value.shape, AP_SHAPE(c->B, c->Cout, length)));
        check_close(what, n, y->value.data, want, forward_tolerance());
        ap_tape_free(tape);
        free(want);
        free_buffers(&in);
    }
}

static void check_gradients(const char *name, const conv_case *cases, size_t count, bool transposed)
{
    for (size_t k = 0; k < 2 * count; k++) {
        conv_case each = cases[k / 2];
        each.fresh = k % 2;
        char what[64];
        snprintf(what, sizeof what, "%s, case %zu%s", name, k / 2, each.fresh ? ", fresh" : "");
        buffers in = random_buffers(&each, transposed);
        gradient_case c = {.name = what,
                           .build = transposed ? build_transposed : build_conv1d,
                           .context = &each,
                           .input_count = 3,
                           .inputs = {in.x, in.weight, in.bias},
                           .constant = {false, false, !each.bias}};
        check_gradient(&c);
        free_inputs(&c);
    }
}

/* The gradient with respect to x of <y(x), w> is linear in w: <A x, w> = <x, A' w>, and, y being linear in
 * the weight as well, <weight, its gradient> is the same number. This reaches sizes that finite differences
 * do not. */
static void check_adjoint(const char *name, const conv_case *cases, size_t count, bool transposed)
{
    for (size_t k = 0; k < 2 * count; k++) {
        conv_case c = cases[k / 2];
        c.bias = false;
        c.fresh = k % 2;
        buffers in = random_buffers(&c, transposed);
        int64_t n = ap_shape_count(in.x.shape), m = ap_shape_count(in.weight.shape);
        ap_real *dx = calloc((size_t)n, sizeof *dx), *dweight = calloc((size_t)m, sizeof *dweight);
        assert_true(dx && dweight);
        ap_tape *tape = ap_tape_create(0);
        ap_var *leaves[] = {ap_tape_leaf(tape, in.x, dx), ap_tape_leaf(tape, in.weight, dweight), NULL};
        ap_var *y = (transposed ? build_transposed : build_conv1d)(tape, leaves, &c);
        int64_t length = ap_shape_count(y->value.shape);
        ap_tensor w = random_tensor(7, 1, y->value.shape);
        ap_real *dy = ap_var_grad(tape, y);
        double forward = 0, scale = 0, by_x = 0, by_weight = 0;
        for (int64_t i = 0; i < length; i++) {
            dy[i] = w.data[i];
            forward += (double)y->value.data[i] * (double)dy[i];
            scale += fabs((double)y->value.data[i] * (double)dy[i]);
        }
        ap_tape_backward_all(tape);
        for (int64_t i = 0; i < n; i++) by_x += (double)in.x.data[i] * (double)dx[i];
        for (int64_t i = 0; i < m; i++) by_weight += (double)in.weight.data[i] * (double)dweight[i];
        double allowed = (sizeof(ap_real) == sizeof(double) ? 1e-13 : 1e-6) * scale;
        if (!(fabs(forward - by_x) <= allowed) || !(fabs(forward - by_weight) <= allowed))
            fail_msg("%s, case %zu: <Ax, w> is %.9g, <x, A'w> %.9g, <weight, dweight> %.9g", name, k / 2,
                     forward, by_x, by_weight);
        ap_tape_free(tape);
        free(dx);
        free(dweight);
        free(w.data);
        free_buffers(&in);
    }
}

void forward_conv1d(void **state)
{
    (void)state;
    check_forward("conv1d", CONV, COUNT(CONV), false);
    check_forward("long conv1d", LONG_CONV, COUNT(LONG_CONV), false);
}

void gradient_conv1d(void **state)
{
    (void)state;
    check_gradients("conv1d", CONV, COUNT(CONV), false);
    check_adjoint("conv1d", CONV, COUNT(CONV), false);
    check_adjoint("long conv1d", LONG_CONV, COUNT(LONG_CONV), false);
}

void forward_conv_transpose1d(void **state)
{
    (void)state;
    check_forward("conv_transpose1d", TRANSPOSED, COUNT(TRANSPOSED), true);
    check_forward("long conv_transpose1d", LONG_TRANSPOSED, COUNT(LONG_TRANSPOSED), true);
}

void gradient_conv_transpose1d(void **state)
{
    (void)state;
    check_gradients("conv_transpose1d", TRANSPOSED, COUNT(TRANSPOSED), true);
    check_adjoint("conv_transpose1d", TRANSPOSED, COUNT(TRANSPOSED), true);
    check_adjoint("long conv_transpose1d", LONG_TRANSPOSED, COUNT(LONG_TRANSPOSED), true);
}

static ap_var *build_weight_norm(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_weight_norm(tape, in[0], in[1]);
}

void forward_weight_norm(void **state)
{
    (void)state;
    enum { N = 5, SIZE = 3 * 7 };
    ap_tensor v = random_tensor(1, 2, AP_SHAPE(N, 3, 7)), g = random_tensor(2, 1, AP_SHAPE(N, 1, 1));
    double want[N * SIZE];
    for (int n = 0; n < N; n++) {
        double square = 0;
        for (int i = 0; i < SIZE; i++) square += (double)v.data[n * SIZE + i] * (double)v.data[n * SIZE + i];
        for (int i = 0; i < SIZE; i++)
            want[n * SIZE + i] = (double)g.data[n] * (double)v.data[n * SIZE + i] / sqrt(square);
    }
    ap_tape *tape = ap_tape_create(0);
    ap_var *w = ap_weight_norm(tape, ap_tape_constant(tape, v), ap_tape_constant(tape, g));
    assert_true(ap_shape_same(w->value.shape, v.shape));
    check_close("weight_norm", N * SIZE, w->value.data, want, forward_tolerance());
    ap_tape_free(tape);
    free(v.data);
    free(g.data);
}

void gradient_weight_norm(void **state)
{
    (void)state;
    gradient_case c = {.name = "weight_norm", .build = build_weight_norm, .input_count = 2};
    c.inputs[0] = random_tensor(3, 1, AP_SHAPE(4, 3, 5));
    c.inputs[1] = random_tensor(4, 1, AP_SHAPE(4, 1, 1));
    check_gradient(&c);
    free_inputs(&c);
}
