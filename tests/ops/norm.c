#include "antiphon/ops.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *allocate(int64_t n)
{
    double *numbers = calloc((size_t)n, sizeof *numbers);
    assert_non_null(numbers);
    return numbers;
}

/* x, then gamma and beta of C, all away from their neutral values. */
static gradient_case affine_case(const char *name, check_fn *build, const void *context, ap_shape x,
                                 int64_t C)
{
    gradient_case c = {.name = name, .build = build, .context = context, .input_count = 3};
    c.inputs[0] = random_tensor(1, 2, x);
    c.inputs[1] = random_tensor(2, 1, AP_SHAPE(C));
    c.inputs[2] = random_tensor(3, 1, AP_SHAPE(C));
    for (int64_t i = 0; i < ap_shape_count(x); i++) c.inputs[0].data[i] += 3;
    return c;
}

static ap_tensor compute(ap_tape *tape, const gradient_case *c)
{
    ap_var *in[CHECK_INPUTS_MAX];
    ap_tape_training_set(tape, c->training);
    for (int k = 0; k < c->input_count; k++) in[k] = ap_tape_constant(tape, c->inputs[k]);
    return c->build(tape, in, c->context)->value;
}

/* ---------------------------------------------------------------- layer_norm */

static ap_var *build_layer_norm(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_layer_norm(tape, in[0], in[1], in[2]);
}

void forward_layer_norm(void **state)
{
    (void)state;
    const ap_shape shapes[] = {AP_SHAPE(9), AP_SHAPE(5, 1), AP_SHAPE(3, 67, 129)};
    ap_tape *tape = ap_tape_create(0);
    for (int k = 0; k < 3; k++) {
        int64_t C = shapes[k].at[shapes[k].rank - 1], n = ap_shape_count(shapes[k]);
        gradient_case c = affine_case("layer_norm", build_layer_norm, NULL, shapes[k], C);
        double *want = allocate(n);
        for (int64_t r = 0; r < n / C; r++) {
            const ap_real *x = c.inputs[0].data + r * C;
            double mean = 0, variance = 0;
            for (int64_t i = 0; i < C; i++) mean += (double)x[i] / (double)C;
            for (int64_t i = 0; i < C; i++) variance += pow((double)x[i] - mean, 2) / (double)C;
            for (int64_t i = 0; i < C; i++)
                want[r * C + i] =
                    ((double)x[i] - mean) / sqrt(variance + 1e-5) * (double)c.inputs[1].data[i] +
                    (double)c.inputs[2].data[i];
        }
        ap_tensor y = compute(tape, &c);
        assert_true(ap_shape_same(y.shape, shapes[k]));
        check_close("layer_norm", n, y.data, want, forward_tolerance());
        free(want);
        free_inputs(&c);
    }
    ap_tape_free(tape);
}

void gradient_layer_norm(void **state)
{
    (void)state;
    gradient_case c = affine_case("layer_norm", build_layer_norm, NULL, AP_SHAPE(2, 37, 5), 5);
    gradient_case large = affine_case("layer_norm", build_layer_norm, NULL, AP_SHAPE(3, 167, 129), 129);
    check_gradient(&c);
    check_threads(&large, 0);
    free_inputs(&c);
    free_inputs(&large);
}

/* ---------------------------------------------------------------- residual_norm */

static ap_var *build_residual_norm(ap_tape *tape, ap_var *const *in, const void *context)
{
    return ap_residual_norm(tape, in[0], in[3], in[1], in[2], *(const ap_real *)context);
}

/* The branch that is added stands behind gamma and beta. */
static gradient_case residual_case(const ap_real *dropout, ap_shape x, int64_t C)
{
    gradient_case c = affine_case("residual_norm", build_residual_norm, dropout, x, C);
    c.inputs[3] = random_tensor(4, 1, x);
    c.input_count = 4;
    c.training = true;
    return c;
}

/* In double, rows of C: want[r, c] = the layer norm of x + m branch, m = 1 / (1 - p), or 0 for those that the
 * hash by the tape's next number takes away. */
static void want_residual_norm(const gradient_case *c, ap_rng rng, double p, double *want)
{
    int64_t C = ap_shape_count(c->inputs[1].shape), n = ap_shape_count(c->inputs[0].shape);
    const ap_real *x = c->inputs[0].data, *gamma = c->inputs[1].data, *beta = c->inputs[2].data,
                  *branch = c->inputs[3].data;
    uint64_t key = ap_rng_next(&rng);
    for (int64_t i = 0; i < n; i++) {
        bool dropped = ap_rng_hash(key, (uint64_t)i) * 0x1p-32 < p;
        want[i] = (double)x[i] + (dropped ? 0 : (double)branch[i] / (1 - p));
    }
    for (double *row = want; row < want + n; row += C) {
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < C; i++) mean += row[i] / (double)C;
        for (int64_t i = 0; i < C; i++) variance += pow(row[i] - mean, 2) / (double)C;
        for (int64_t i = 0; i < C; i++)
            row[i] = (row[i] - mean) / sqrt(variance + 1e-5) * (double)gamma[i] + (double)beta[i];
    }
}

/* Also when rows are longer than a block of factors. */
void forward_residual_norm(void **state)
{
    (void)state;
    const ap_shape shapes[] = {AP_SHAPE(9), AP_SHAPE(3, 67, 129), AP_SHAPE(5, 1030)};
    const ap_real dropouts[] = {0, (ap_real)0.25};
    const ap_rng rng = ap_rng_init(3);
    ap_tape *tape = ap_tape_create(0);
    for (int k = 0; k < 12; k++) {
        ap_shape shape = shapes[k / 4];
        int64_t n = ap_shape_count(shape);
        gradient_case c = residual_case(dropouts + k % 2, shape, shape.at[shape.rank - 1]);
        c.training = k / 2 % 2;
        double *want = allocate(n);
        want_residual_norm(&c, rng, c.training ? (double)dropouts[k % 2] : 0, want);
        *ap_tape_rng(tape) = rng;
        ap_tensor y = compute(tape, &c);
        assert_true(ap_shape_same(y.shape, shape));
        check_close("residual_norm", n, y.data, want, forward_tolerance());
        free(want);
        free_inputs(&c);
    }
    ap_tape_free(tape);
}

void gradient_residual_norm(void **state)
{
    (void)state;
    const ap_real dropouts[] = {0, (ap_real)0.25};
    for (int k = 0; k < 2; k++) {
        gradient_case c = residual_case(dropouts + k, AP_SHAPE(2, 37, 5), 5);
        gradient_case large = residual_case(dropouts + k, AP_SHAPE(3, 167, 129), 129);
        check_gradient(&c);
        check_threads(&large, 0);
        free_inputs(&c);
        free_inputs(&large);
    }
}

/* ---------------------------------------------------------------- batch_norm */

#define CHANNELS_MAX 16

typedef struct running {
    ap_real mean[CHANNELS_MAX], var[CHANNELS_MAX];
} running;

static const running START = {.mean = {(ap_real)-0.5, 1, 3, (ap_real)2.5}, .var = {2, (ap_real)0.5, 1, 4}};

/* From the same running statistics each time it is called. */
static ap_var *build_batch_norm(ap_tape *tape, ap_var *const *in, const void *context)
{
    running *statistics = ap_arena_alloc(ap_tape_arena(tape), sizeof *statistics);
    memcpy(statistics, context, sizeof *statistics);
    return ap_batch_norm(tape, in[0], in[1], in[2], statistics->mean, statistics->var);
}

/* In double, from x [B, C, T]: the moments that serve, and the running ones afterwards. */
static void want_moments(ap_tensor x, bool training, int64_t c, double *mean, double *var,
                         double *running_mean, double *running_var)
{
    int64_t B = x.shape.at[0], C = x.shape.at[1], T = x.shape.at[2];
    *mean = *running_mean = (double)START.mean[c];
    *var = *running_var = (double)START.var[c];
    if (!training) return;
    *mean = *var = 0;
    for (int64_t i = 0; i < B * T; i++)
        *mean += (double)x.data[(i / T * C + c) * T + i % T] / (double)(B * T);
    for (int64_t i = 0; i < B * T; i++)
        *var += pow((double)x.data[(i / T * C + c) * T + i % T] - *mean, 2) / (double)(B * T);
    *running_mean = 0.9 * *running_mean + 0.1 * *mean;
    *running_var = 0.9 * *running_var + 0.1 * *var * (double)(B * T) / (double)(B * T - 1);
}

void forward_batch_norm(void **state)
{
    (void)state;
    const int64_t B = 3, C = 4, T = 1417;
    for (int training = 0; training < 2; training++) {
        gradient_case c = affine_case("batch_norm", build_batch_norm, &START, AP_SHAPE(B, C, T), C);
        running statistics = START;
        double *want = allocate(B * C * T), mean, var, means[CHANNELS_MAX], vars[CHANNELS_MAX];
        for (int64_t k = 0; k < C; k++) {
            want_moments(c.inputs[0], training, k, &mean, &var, means + k, vars + k);
            for (int64_t i = 0; i < B * T; i++) {
                int64_t at = (i / T * C + k) * T + i % T;
                want[at] =
                    ((double)c.inputs[0].data[at] - mean) / sqrt(var + 1e-5) * (double)c.inputs[1].data[k] +
                    (double)c.inputs[2].data[k];
            }
        }
        ap_tape *tape = ap_tape_create(0);
        ap_tape_training_set(tape, training);
        ap_var *in[3];
        for (int k = 0; k < 3; k++) in[k] = ap_tape_constant(tape, c.inputs[k]);
        ap_var *y = ap_batch_norm(tape, in[0], in[1], in[2], statistics.mean, statistics.var);
        check_close("batch_norm", B * C * T, y->value.data, want, forward_tolerance());
        check_close("running mean", C, statistics.mean, means, forward_tolerance());
        check_close("running variance", C, statistics.var, vars, forward_tolerance());
        ap_tape_free(tape);
        free(want);
        free_inputs(&c);
    }
}

void gradient_batch_norm(void **state)
{
    (void)state;
    for (int training = 0; training < 2; training++) {
        gradient_case c = affine_case("batch_norm", build_batch_norm, &START, AP_SHAPE(3, 4, 5), 4);
        gradient_case large = affine_case("batch_norm", build_batch_norm, &START, AP_SHAPE(3, 4, 1417), 4);
        c.training = large.training = training;
        check_gradient(&c);
        check_threads(&large, 0);
        free_inputs(&c);
        free_inputs(&large);
    }
}

/* ---------------------------------------------------------------- group_norm */

static ap_var *build_group_norm(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_group_norm(tape, in[0], in[1], in[2]);
}

void forward_group_norm(void **state)
{
    (void)state;
    const ap_shape shapes[] = {AP_SHAPE(1, 1, 3), AP_SHAPE(3, 5, 7), AP_SHAPE(2, 37, 1417)};
    ap_tape *tape = ap_tape_create(0);
    for (int k = 0; k < 3; k++) {
        int64_t C = shapes[k].at[1], T = shapes[k].at[2], n = C * T, all = ap_shape_count(shapes[k]);
        gradient_case c = affine_case("group_norm", build_group_norm, NULL, shapes[k], C);
        for (int64_t i = 0; i < n; i++) c.inputs[0].data[i] *= 5; /* items differ in level */
        double *want = allocate(all);
        for (int64_t b = 0; b < shapes[k].at[0]; b++) {
            const ap_real *x = c.inputs[0].data + b * n;
            double mean = 0, variance = 0;
            for (int64_t i = 0; i < n; i++) mean += (double)x[i] / (double)n;
            for (int64_t i = 0; i < n; i++) variance += pow((double)x[i] - mean, 2) / (double)n;
            for (int64_t i = 0; i < n; i++)
                want[b * n + i] =
                    ((double)x[i] - mean) / sqrt(variance + 1e-5) * (double)c.inputs[1].data[i / T] +
                    (double)c.inputs[2].data[i / T];
        }
        ap_tensor y = compute(tape, &c);
        assert_true(ap_shape_same(y.shape, shapes[k]));
        check_close("group_norm", all, y.data, want, forward_tolerance());
        free(want);
        free_inputs(&c);
    }
    ap_tape_free(tape);
}

void gradient_group_norm(void **state)
{
    (void)state;
    gradient_case c = affine_case("group_norm", build_group_norm, NULL, AP_SHAPE(3, 4, 5), 4);
    gradient_case large = affine_case("group_norm", build_group_norm, NULL, AP_SHAPE(3, 37, 1417), 37);
    check_gradient(&c);
    check_threads(&large, 0);
    free_inputs(&c);
    free_inputs(&large);
}

/* ---------------------------------------------------------------- softmax */

static ap_var *build_softmax(ap_tape *tape, ap_var *const *in, const void *context)
{
    return ap_softmax(tape, in[0], *(const int *)context);
}

void forward_softmax(void **state)
{
    (void)state;
    const ap_shape shapes[] = {AP_SHAPE(3, 6, 5), AP_SHAPE(37, 67, 41)};
    ap_tape *tape = ap_tape_create(0);
    for (int k = 0; k < 2; k++)
        for (int axis = 0; axis < 3; axis++) {
            ap_shape shape = shapes[k];
            gradient_case c = {.build = build_softmax, .context = &axis, .input_count = 1};
            c.inputs[0] = random_tensor(1, 3, shape);
            int64_t n = ap_shape_count(shape), step = 1;
            for (int d = axis + 1; d < 3; d++) step *= shape.at[d];
            for (int64_t i = 0; i < n; i++) c.inputs[0].data[i] += 200; /* e^200 is beyond float */
            double *want = allocate(n);
            for (int64_t i = 0; i < n; i++) {
                int64_t first = i - i / step % shape.at[axis] * step;
                for (int64_t a = 0; a < shape.at[axis]; a++)
                    want[i] += exp((double)c.inputs[0].data[first + a * step] - (double)c.inputs[0].data[i]);
                want[i] = 1 / want[i];
            }
            check_close("softmax", n, compute(tape, &c).data, want, forward_tolerance());
            free(want);
            free_inputs(&c);
        }
    ap_tape_free(tape);
}

void gradient_softmax(void **state)
{
    (void)state;
    for (int axis = 0; axis < 3; axis++) {
        gradient_case c = {.name = "softmax", .build = build_softmax, .context = &axis, .input_count = 1};
        gradient_case large = c;
        c.inputs[0] = random_tensor(1, 1, AP_SHAPE(3, 4, 5));
        large.inputs[0] = random_tensor(1, 1, AP_SHAPE(37, 67, 41));
        check_gradient(&c);
        check_threads(&large, 0);
        free_inputs(&c);
        free_inputs(&large);
    }
}
