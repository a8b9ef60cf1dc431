#include "support/check.h"

#include "antiphon/elementwise.h"
#include "antiphon/rng.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

ap_tensor random_tensor(uint64_t seed, ap_real scale, ap_shape shape)
{
    int64_t n = ap_shape_count(shape);
    ap_tensor x = {shape, malloc((size_t)n * sizeof(ap_real))};
    assert_non_null(x.data);
    ap_rng rng = ap_rng_init(seed);
    for (int64_t i = 0; i < n; i++) x.data[i] = scale * (ap_real)ap_rng_normal(&rng);
    return x;
}

void keep_from(ap_tensor x, const ap_real *kinks, int count, ap_real distance)
{
    int64_t n = ap_shape_count(x.shape);
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < count; k++)
            if (fabs((double)(x.data[i] - kinks[k])) < (double)distance)
                x.data[i] = kinks[k] + (x.data[i] < kinks[k] ? -distance : distance);
}

double forward_tolerance(void)
{
    return sizeof(ap_real) == sizeof(double) ? 1e-11 : 3e-5;
}

void check_close(const char *what, int64_t n, const ap_real *got, const double *want, double tolerance)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - want[i]) <= tolerance * (1 + fabs(want[i]))))
            fail_msg("%s: element %lld of %lld is %.9g, not %.9g", what, (long long)i, (long long)n,
                     (double)got[i], want[i]);
}

typedef enum pass { FORWARD, BACKWARD, BACKWARD_INNER } pass;

/* sum(output * weights) in double, and on request the gradients by the tape: of the leaves, or of variables
 * that are made from them, which have no gradient until one is written. */
static double evaluate(const gradient_case *c, ap_tape *tape, ap_real *const *grads, pass which)
{
    bool backward = which != FORWARD;
    ap_var *inputs[CHECK_INPUTS_MAX];
    ap_tape_reset(tape);
    ap_tape_training_set(tape, c->training);
    *ap_tape_rng(tape) = ap_rng_init(17);
    for (int k = 0; k < c->input_count; k++) {
        inputs[k] = ap_tape_leaf(tape, c->inputs[k], backward && !c->constant[k] ? grads[k] : NULL);
        if (which == BACKWARD_INNER) inputs[k] = ap_scale(tape, inputs[k], 1);
    }
    ap_var *y = c->build(tape, inputs, c->context);
    int64_t n = ap_shape_count(y->value.shape);
    ap_rng rng = ap_rng_init(99);
    double sum = 0;
    ap_real *dy = backward ? ap_var_grad(tape, y) : NULL;
    for (int64_t i = 0; i < n; i++) {
        double w = ap_rng_normal(&rng);
        sum += w * (double)y->value.data[i];
        if (dy) dy[i] += (ap_real)w; /* an output that is an input has what stood in its gradient */
    }
    if (backward) ap_tape_backward_all(tape);
    return sum;
}

static double difference(const gradient_case *c, ap_tape *tape, ap_real *x, double h)
{
    const double steps[4] = {-2, -1, 1, 2}, weights[4] = {1, -8, 8, -1};
    ap_real kept = *x;
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        *x = kept + (ap_real)(steps[k] * h);
        sum += weights[k] * evaluate(c, tape, NULL, FORWARD);
    }
    *x = kept;
    return sum / (12 * h);
}

static void compare(const gradient_case *c, ap_tape *tape, int k, const ap_real *grad)
{
    bool exact = sizeof(ap_real) == sizeof(double);
    int64_t n = ap_shape_count(c->inputs[k].shape);
    double square = 0;
    for (int64_t i = 0; i < n; i++) square += (double)grad[i] * (double)grad[i];
    double rms = sqrt(square / (double)n);
    for (int64_t i = 0; i < n; i++) {
        double want = difference(c, tape, c->inputs[k].data + i, exact ? 1e-3 : 2e-2);
        double allowed = exact ? 1e-6 * fmax(fabs(want), fmax(0.01 * rms, 1e-6))
                               : 2e-2 * fmax(rms, fmax(fabs(want), 1e-2));
        if (!(fabs((double)grad[i] - want) <= allowed))
            fail_msg("%s: input %d, element %lld: gradient %.12g, finite difference %.12g", c->name, k,
                     (long long)i, (double)grad[i], want);
    }
}

static void allocate_grads(const gradient_case *c, ap_real **grads)
{
    for (int k = 0; k < c->input_count; k++) {
        grads[k] = calloc((size_t)ap_shape_count(c->inputs[k].shape), sizeof(ap_real));
        assert_non_null(grads[k]);
    }
}

/* The gradients of those inputs that have room for one, added to what stands there already. */
static void find_gradients(const gradient_case *c, ap_tape *tape, ap_real *const *grads, pass which)
{
    for (int k = 0; k < c->input_count; k++)
        for (int64_t i = 0; grads[k] && i < ap_shape_count(c->inputs[k].shape); i++) grads[k][i] = 1;
    evaluate(c, tape, grads, which);
    for (int k = 0; k < c->input_count; k++)
        for (int64_t i = 0; grads[k] && i < ap_shape_count(c->inputs[k].shape); i++) grads[k][i] -= 1;
}

/* An input's gradient does not depend on whether those of the others are wanted. */
static void compare_alone(const gradient_case *c, ap_tape *tape, int k, const ap_real *grad)
{
    int64_t n = ap_shape_count(c->inputs[k].shape);
    ap_real *alone[CHECK_INPUTS_MAX] = {NULL};
    alone[k] = malloc((size_t)n * sizeof *alone[k]);
    assert_non_null(alone[k]);
    find_gradients(c, tape, alone, BACKWARD);
    for (int64_t i = 0; i < n; i++)
        if (alone[k][i] != grad[i])
            fail_msg("%s: input %d, element %lld: gradient %.12g when wanted alone, %.12g among others",
                     c->name, k, (long long)i, (double)alone[k][i], (double)grad[i]);
    free(alone[k]);
}

/* Leaves numbers that are none wherever the arena's next blocks will be. */
static void spoil(ap_arena *arena)
{
    const size_t small = AP_ARENA_RECYCLE_LEAST / 2, large = (size_t)1 << 22;
    ap_arena_reset(arena);
    memset(ap_arena_alloc(arena, large), 0xFF, large);
    for (size_t bytes = 0; bytes < large; bytes += small) memset(ap_arena_alloc(arena, small), 0xFF, small);
    ap_arena_reset(arena);
}

/* Who is the first to write a gradient writes all of it, and finds nothing there to rely on. */
static void compare_inner(const gradient_case *c, ap_tape *tape, ap_real *const *grads)
{
    double tolerance = sizeof(ap_real) == sizeof(double) ? 1e-12 : 1e-5;
    ap_real *inner[CHECK_INPUTS_MAX] = {NULL};
    allocate_grads(c, inner);
    spoil(ap_tape_arena(tape));
    find_gradients(c, tape, inner, BACKWARD_INNER);
    for (int k = 0; k < c->input_count; k++) {
        double most = 1;
        int64_t n = ap_shape_count(c->inputs[k].shape);
        for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)grads[k][i]));
        for (int64_t i = 0; i < n; i++)
            if (!(fabs((double)(inner[k][i] - grads[k][i])) <= tolerance * most))
                fail_msg("%s: input %d, element %lld: gradient %.12g when written first, %.12g when added",
                         c->name, k, (long long)i, (double)inner[k][i], (double)grads[k][i]);
        free(inner[k]);
    }
}

void check_gradient(const gradient_case *c)
{
    ap_tape *tape = ap_tape_create(1);
    ap_real *grads[CHECK_INPUTS_MAX] = {NULL};
    allocate_grads(c, grads);
    find_gradients(c, tape, grads, BACKWARD);
    for (int k = 0; k < c->input_count; k++) {
        if (c->constant[k]) continue;
        compare(c, tape, k, grads[k]);
        compare_alone(c, tape, k, grads[k]);
    }
    compare_inner(c, tape, grads);
    for (int k = 0; k < c->input_count; k++) free(grads[k]);
    ap_tape_free(tape);
}

/* Writes the case's output, then its gradients, one behind the other; returns how many numbers there are. */
static int64_t record(const gradient_case *c, int threads, double **numbers)
{
    int usual = omp_get_max_threads();
    omp_set_num_threads(threads);
    ap_tape *tape = ap_tape_create(1);
    ap_real *grads[CHECK_INPUTS_MAX] = {NULL};
    allocate_grads(c, grads);
    evaluate(c, tape, grads, BACKWARD);
    ap_tape_reset(tape);
    *ap_tape_rng(tape) = ap_rng_init(17);
    ap_var *inputs[CHECK_INPUTS_MAX];
    int64_t count = 0;
    for (int k = 0; k < c->input_count; k++) {
        inputs[k] = ap_tape_constant(tape, c->inputs[k]);
        count += ap_shape_count(c->inputs[k].shape);
    }
    ap_tensor y = c->build(tape, inputs, c->context)->value;
    count += ap_shape_count(y.shape);
    double *at = *numbers = malloc((size_t)count * sizeof *at);
    assert_non_null(at);
    for (int64_t i = 0; i < ap_shape_count(y.shape); i++) *at++ = (double)y.data[i];
    for (int k = 0; k < c->input_count; k++)
        for (int64_t i = 0; i < ap_shape_count(c->inputs[k].shape); i++) *at++ = (double)grads[k][i];
    for (int k = 0; k < c->input_count; k++) free(grads[k]);
    ap_tape_free(tape);
    omp_set_num_threads(usual);
    return count;
}

void check_threads(const gradient_case *c, double tolerance)
{
    double *one, *several;
    int64_t count = record(c, 1, &one);
    assert_int_equal(count, record(c, 3, &several));
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(several[i] - one[i]) <= tolerance * (1 + fabs(one[i]))))
            fail_msg("%s: number %lld of %lld is %.9g by several threads, %.9g by one", c->name, (long long)i,
                     (long long)count, several[i], one[i]);
    free(one);
    free(several);
}

void free_inputs(gradient_case *c)
{
    for (int k = 0; k < c->input_count; k++) free(c->inputs[k].data);
}
