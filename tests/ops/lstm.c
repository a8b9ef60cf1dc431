#include "antiphon/lstm.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

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

/* With and without anything kept for a backward pass: the second way goes through long inputs piece by piece.
 */
static void check_forward(int64_t B, int64_t C, int64_t T, int64_t H)
{
    gradient_case of = lstm_case(B, C, T, H);
    double *want = naive(&of);
    ap_real *grad = calloc((size_t)(B * C * T), sizeof *grad);
    assert_non_null(grad);
    for (int kept = 0; kept < 2; kept++) {
        ap_tape *tape = ap_tape_create(0);
        ap_var *in[5];
        for (int k = 0; k < 5; k++) in[k] = ap_tape_leaf(tape, of.inputs[k], kept && k == 0 ? grad : NULL);
        ap_tensor y = build_lstm(tape, in, NULL)->value;
        assert_true(ap_shape_same(y.shape, AP_SHAPE(B, H, T)));
        check_close("lstm", B * H * T, y.data, want, forward_tolerance());
        ap_tape_free(tape);
    }
    free(grad);
    free(want);
    free_inputs(&of);
}

void forward_lstm(void **state)
{
    (void)state;
    check_forward(1, 1, 1, 1);
    check_forward(1, 5, 37, 16);
    check_forward(2, 3, 41, 19);
    check_forward(3, 7, 29, 67);
    check_forward(7, 2, 1100, 9);
}

void gradient_lstm(void **state)
{
    (void)state;
    gradient_case small = lstm_case(2, 3, 5, 4), items = lstm_case(5, 2, 3, 9),
                  large = lstm_case(5, 30, 21, 150);
    check_gradient(&small);
    check_gradient(&items);
    small.constant[1] = small.constant[2] = small.constant[3] = true; /* frozen weights */
    check_gradient(&small);
    check_threads(&large, forward_tolerance());
    free_inputs(&small);
    free_inputs(&items);
    free_inputs(&large);
}
