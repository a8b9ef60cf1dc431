#include "antiphon/ops.h"

#include "ops/ops.h"
#include "support/check.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ap_var *build_lstm(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_lstm(tape, in[0], in[1], in[2], in[3], in[4]);
}

static gradient_case lstm_case(int64_t B, int64_t C, int64_t T, int64_t H)
{
    ap_real scale = (ap_real)(1 / sqrt((double)H));
    return (gradient_case){
        .name = "lstm",
        .build = build_lstm,
        .input_count = 5,
        .inputs = {random_tensor(1, 1, AP_SHAPE(B, C, T)), random_tensor(2, scale, AP_SHAPE(4 * H, C)),
                   random_tensor(3, scale, AP_SHAPE(4 * H, H)), random_tensor(4, scale, AP_SHAPE(4 * H)),
                   random_tensor(5, scale, AP_SHAPE(4 * H))}};
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* Gate `row` (of 4H) of item b at step t, before its nonlinearity. */
static double gate(const gradient_case *c, int64_t b, int64_t t, int64_t row, const double *h)
{
    ap_shape x = c->inputs[0].shape;
    int64_t H = c->inputs[2].shape.at[1];
    double sum = (double)c->inputs[3].data[row] + (double)c->inputs[4].data[row];
    for (int64_t k = 0; k < x.at[1]; k++)
        sum += (double)c->inputs[1].data[row * x.at[1] + k] *
               (double)c->inputs[0].data[(b * x.at[1] + k) * x.at[2] + t];
    for (int64_t k = 0; k < H; k++) sum += (double)c->inputs[2].data[row * H + k] * h[k];
    return sum;
}

/* y [B, H, T] from the definition */
static double *naive(const gradient_case *of)
{
    int64_t B = of->inputs[0].shape.at[0], T = of->inputs[0].shape.at[2], H = of->inputs[2].shape.at[1];
    double *y = malloc((size_t)(B * H * T) * sizeof *y), *state = malloc((size_t)(3 * H) * sizeof *state);
    assert_non_null(y);
    assert_non_null(state);
    double *h = state, *next = h + H, *c = next + H;
    for (int64_t b = 0; b < B; b++) {
        for (int64_t u = 0; u < H; u++) h[u] = c[u] = 0;
        for (int64_t t = 0; t < T; t++) {
            for (int64_t u = 0; u < H; u++) {
                c[u] = sigmoid(gate(of, b, t, H + u, h)) * c[u] +
                       sigmoid(gate(of, b, t, u, h)) * tanh(gate(of, b, t, 2 * H + u, h));
                next[u] = sigmoid(gate(of, b, t, 3 * H + u, h)) * tanh(c[u]);
            }
            for (int64_t u = 0; u < H; u++) y[(b * H + u) * T + t] = h[u] = next[u];
        }
    }
    free(state);
    return y;
}

/* Recurrent weights whose rows are of very different size, some of them zero. */
static void make_uneven(ap_tensor weight_hh)
{
    int64_t H = weight_hh.shape.at[1];
    for (int64_t row = 0; row < 4 * H; row++)
        for (int64_t k = 0; k < H; k++)
            weight_hh.data[row * H + k] *= row % 5 ? (ap_real)pow(30, -(double)(row % 7)) : 0;
}

/* A handful of roundings: of what is summed up and of the gates. */
static double rounding(void)
{
    return 16 * (sizeof(ap_real) == sizeof(double) ? DBL_EPSILON : FLT_EPSILON);
}

/* With and without anything kept for a backward pass: the second way goes through long inputs piece by piece.
 */
static void check_forward(gradient_case of)
{
    ap_shape x = of.inputs[0].shape;
    int64_t B = x.at[0], T = x.at[2], H = of.inputs[2].shape.at[1];
    double *want = naive(&of);
    ap_real *grad = calloc((size_t)ap_shape_count(x), sizeof *grad);
    assert_non_null(grad);
    for (int kept = 0; kept < 2; kept++) {
        ap_tape *tape = ap_tape_create(0);
        ap_var *in[5];
        for (int k = 0; k < 5; k++) in[k] = ap_tape_leaf(tape, of.inputs[k], kept && k == 0 ? grad : NULL);
        ap_tensor y = build_lstm(tape, in, NULL)->value;
        assert_true(ap_shape_same(y.shape, AP_SHAPE(B, H, T)));
        check_close("lstm", B * H * T, y.data, want, rounding());
        ap_tape_free(tape);
    }
    free(grad);
    free(want);
}

/* The tape's gradient of sum(y * weights) by x, frozen weights, beside the difference that the loop in double
 * makes of it: steps of a power of two from numbers of few bits, so that none of them is rounded. */
static void check_backward(gradient_case of)
{
    const ap_real step = (ap_real)0x1p-7;
    ap_tensor x = of.inputs[0];
    int64_t n = ap_shape_count(x.shape), H = of.inputs[2].shape.at[1];
    ap_tensor weights = random_tensor(6, 1, AP_SHAPE(x.shape.at[0], H, x.shape.at[2]));
    ap_real *grad = calloc((size_t)n, sizeof *grad);
    double *want = malloc((size_t)n * sizeof *want);
    assert_non_null(grad);
    assert_non_null(want);
    for (int64_t i = 0; i < n; i++) x.data[i] = (ap_real)(round((double)x.data[i] * 64) / 64);
    for (int64_t i = 0; i < n; i++) {
        const ap_real at = x.data[i];
        double sum[4] = {0};
        for (int side = 0; side < 4; side++) {
            x.data[i] = at + step * (ap_real[]){-2, -1, 1, 2}[side];
            double *y = naive(&of);
            for (int64_t k = 0; k < ap_shape_count(weights.shape); k++)
                sum[side] += y[k] * (double)weights.data[k];
            free(y);
        }
        x.data[i] = at;
        want[i] = (8 * (sum[2] - sum[1]) - (sum[3] - sum[0])) / (12 * (double)step);
    }
    ap_tape *tape = ap_tape_create(0);
    ap_var *in[5] = {ap_tape_leaf(tape, x, grad)};
    for (int k = 1; k < 5; k++) in[k] = ap_tape_constant(tape, of.inputs[k]);
    ap_var *y = build_lstm(tape, in, NULL);
    memcpy(ap_var_grad(tape, y), weights.data, (size_t)ap_shape_count(weights.shape) * sizeof *grad);
    ap_tape_backward_all(tape);
    check_close("lstm: dx", n, grad, want, fmax(rounding(), 1e-9));
    ap_tape_free(tape);
    free(weights.data);
    free(want);
    free(grad);
}

/* A recurrent weight that is infinite or no number must show: forward in its unit from the first step and in
 * all from the second, and, where it turns up between forward and backward, in dx of every step before the
 * last. */
static void check_not_finite(ap_real weight)
{
    enum { B = 2, C = 3, T = 4, H = 21, UNIT = 17 };
    gradient_case of = lstm_case(B, C, T, H);
    ap_real dx[B * C * T] = {0}, *bad = of.inputs[2].data + (2 * H + UNIT) * H + 19;
    const ap_real good = *bad;
    ap_tape *tape = ap_tape_create(0);
    for (int backward = 0; backward < 2; backward++) {
        ap_tape_reset(tape);
        *bad = backward ? good : weight;
        ap_var *in[5];
        for (int k = 0; k < 5; k++) in[k] = ap_tape_leaf(tape, of.inputs[k], k ? NULL : dx);
        ap_var *y = build_lstm(tape, in, NULL);
        for (int i = 0; i < B * H * T; i++)
            if (!isfinite(y->value.data[i]) != (!backward && (i % T > 0 || i / T % H == UNIT)))
                fail_msg("lstm: a weight %g makes y[%d] %g", (double)*bad, i, (double)y->value.data[i]);
        if (!backward) continue;
        *bad = weight;
        for (int i = 0; i < B * H * T; i++) ap_var_grad(tape, y)[i] = 1;
        ap_tape_backward_all(tape);
        for (int i = 0; i < B * C * T; i++)
            if (!isfinite(dx[i]) != (i % T < T - 1))
                fail_msg("lstm: a weight %g makes dx[%d] %g", (double)*bad, i, (double)dx[i]);
    }
    ap_tape_free(tape);
    free_inputs(&of);
}

void forward_lstm(void **state)
{
    (void)state;
    const int64_t shapes[][4] = {{1, 1, 1, 1},  {1, 5, 37, 16},  {2, 3, 41, 19}, {3, 7, 29, 67},
                                 {1, 3, 9, 90}, {1, 2, 11, 101}, {1, 4, 8, 128}, {7, 2, 1100, 9}};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        gradient_case of = lstm_case(shapes[k][0], shapes[k][1], shapes[k][2], shapes[k][3]);
        check_forward(of);
        make_uneven(of.inputs[2]);
        check_forward(of);
        free_inputs(&of);
    }
    check_not_finite((ap_real)NAN);
    check_not_finite((ap_real)INFINITY);
    check_not_finite(-(ap_real)INFINITY);
}

void gradient_lstm(void **state)
{
    (void)state;
    gradient_case small = lstm_case(2, 3, 5, 4), items = lstm_case(5, 2, 3, 9),
                  large = lstm_case(5, 30, 21, 150), single = lstm_case(1, 30, 21, 150);
    check_gradient(&small);
    check_gradient(&items);
    small.constant[1] = small.constant[2] = small.constant[3] = true; /* frozen weights */
    check_gradient(&small);
    check_threads(&large, forward_tolerance());
    check_threads(&single, forward_tolerance());
    gradient_case even = lstm_case(2, 2, 6, 21), uneven = lstm_case(5, 1, 4, 35),
                  one = lstm_case(1, 2, 3, 101);
    make_uneven(uneven.inputs[2]);
    check_backward(even);
    check_backward(uneven);
    check_backward(one);
    free_inputs(&even);
    free_inputs(&uneven);
    free_inputs(&small);
    free_inputs(&items);
    free_inputs(&large);
    free_inputs(&single);
    free_inputs(&one);
}
