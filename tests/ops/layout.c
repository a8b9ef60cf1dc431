#include "antiphon/ops.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

/* Where along which axis a slice or a joint lies. */
typedef struct place {
    int axis;
    int64_t start, length;
} place;

static ap_var *build_transpose(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_transpose(tape, in[0]);
}

static ap_var *build_concat(ap_tape *tape, ap_var *const *in, const void *context)
{
    return ap_concat(tape, ((const place *)context)->axis, 3, in);
}

static ap_var *build_slice(ap_tape *tape, ap_var *const *in, const void *context)
{
    const place *at = context;
    return ap_slice(tape, in[0], at->axis, at->start, at->length);
}

static ap_var *build_delay(ap_tape *tape, ap_var *const *in, const void *context)
{
    return ap_delay(tape, in[0], *(const int64_t *)context);
}

static ap_var *build_add_rows(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_add_rows(tape, in[0], in[1]);
}

static ap_var *build_mul_items(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_mul_items(tape, in[0], in[1]);
}

static ap_var *build_mul_groups(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_mul_groups(tape, in[0], in[1]);
}

static ap_var *build_sum(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_sum(tape, in[0]);
}

static ap_var *build_mean(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_mean(tape, in[0]);
}

static ap_var *build_volume(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_volume(tape, in[0]);
}

static ap_var *build_rms(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_rms(tape, in[0]);
}

static gradient_case make_case(const char *name, check_fn *build, const void *context, int inputs,
                               const ap_shape *shapes)
{
    gradient_case c = {.name = name, .build = build, .context = context, .input_count = inputs};
    for (int k = 0; k < inputs; k++) c.inputs[k] = random_tensor(5 + (uint64_t)k, 1, shapes[k]);
    return c;
}

/* The case's output, to be compared before the tape is freed. */
static ap_tensor compute(ap_tape *tape, const gradient_case *c)
{
    ap_var *in[CHECK_INPUTS_MAX];
    for (int k = 0; k < c->input_count; k++) in[k] = ap_tape_constant(tape, c->inputs[k]);
    return c->build(tape, in, c->context)->value;
}

/* What element (i, j, k) of a [., ., .] output should be. */
typedef double element_fn(const gradient_case *c, int64_t i, int64_t j, int64_t k);

static void check_elements(gradient_case c, ap_shape shape, element_fn *want)
{
    ap_tape *tape = ap_tape_create(0);
    ap_tensor y = compute(tape, &c);
    assert_true(ap_shape_same(y.shape, shape));
    double *expected = malloc((size_t)ap_shape_count(shape) * sizeof *expected), *at = expected;
    assert_non_null(expected);
    for (int64_t i = 0; i < shape.at[0]; i++)
        for (int64_t j = 0; j < shape.at[1]; j++)
            for (int64_t k = 0; k < shape.at[2]; k++) *at++ = want(&c, i, j, k);
    check_close(c.name, ap_shape_count(shape), y.data, expected, forward_tolerance());
    free(expected);
    ap_tape_free(tape);
    free_inputs(&c);
}

static void check_gradient_of(gradient_case c)
{
    check_gradient(&c);
    free_inputs(&c);
}

static void check_threads_of(gradient_case c)
{
    check_threads(&c, 0);
    free_inputs(&c);
}

/* x[i, j, k] of a rank 3 input */
static double element(ap_tensor x, int64_t i, int64_t j, int64_t k)
{
    return (double)x.data[(i * x.shape.at[1] + j) * x.shape.at[2] + k];
}

/* ---------------------------------------------------------------- transpose */

static double want_transpose(const gradient_case *c, int64_t i, int64_t j, int64_t k)
{
    return element(c->inputs[0], i, k, j);
}

void forward_transpose(void **state)
{
    (void)state;
    const ap_shape small = AP_SHAPE(3, 5, 7), large = AP_SHAPE(2, 101, 333);
    check_elements(make_case("transpose", build_transpose, NULL, 1, &small), AP_SHAPE(3, 7, 5),
                   want_transpose);
    check_elements(make_case("transpose", build_transpose, NULL, 1, &large), AP_SHAPE(2, 333, 101),
                   want_transpose);
}

void gradient_transpose(void **state)
{
    (void)state;
    const ap_shape shape = AP_SHAPE(2, 5, 3), large = AP_SHAPE(2, 101, 333);
    check_gradient_of(make_case("transpose", build_transpose, NULL, 1, &shape));
    check_threads_of(make_case("transpose", build_transpose, NULL, 1, &large));
}

/* ---------------------------------------------------------------- concat */

static double want_concat(const gradient_case *c, int64_t i, int64_t j, int64_t k)
{
    int64_t at[3] = {i, j, k};
    int axis = ((const place *)c->context)->axis, part = 0;
    while (at[axis] >= c->inputs[part].shape.at[axis]) at[axis] -= c->inputs[part++].shape.at[axis];
    return element(c->inputs[part], at[0], at[1], at[2]);
}

/* Three parts of base's shape, of 1, 2 and 3 times its size along the axis. */
static gradient_case concat_case(const place *at, ap_shape base)
{
    ap_shape shapes[3];
    for (int k = 0; k < 3; k++) {
        shapes[k] = base;
        shapes[k].at[at->axis] *= k + 1;
    }
    return make_case("concat", build_concat, at, 3, shapes);
}

void forward_concat(void **state)
{
    (void)state;
    for (int axis = 0; axis < 3; axis++) {
        place at = {.axis = axis};
        const ap_shape bases[] = {AP_SHAPE(2, 3, 5), AP_SHAPE(3, 47, 83)};
        for (int k = 0; k < 2; k++) {
            ap_shape joint = bases[k];
            joint.at[axis] *= 6;
            check_elements(concat_case(&at, bases[k]), joint, want_concat);
        }
    }
}

void gradient_concat(void **state)
{
    (void)state;
    for (int axis = 0; axis < 3; axis++) {
        place at = {.axis = axis};
        check_gradient_of(concat_case(&at, AP_SHAPE(2, 3, 2)));
    }
}

/* ---------------------------------------------------------------- slice */

static double want_slice(const gradient_case *c, int64_t i, int64_t j, int64_t k)
{
    const place *from = c->context;
    int64_t at[3] = {i, j, k};
    at[from->axis] += from->start;
    return element(c->inputs[0], at[0], at[1], at[2]);
}

void forward_slice(void **state)
{
    (void)state;
    for (int axis = 0; axis < 3; axis++) {
        ap_shape whole = AP_SHAPE(11, 61, 97), part = whole;
        part.at[axis] = 7;
        place from = {axis, 4, 7};
        check_elements(make_case("slice", build_slice, &from, 1, &whole), part, want_slice);
        from.start = 0;
        part.at[axis] = from.length = whole.at[axis];
        check_elements(make_case("slice", build_slice, &from, 1, &whole), part, want_slice);
    }
}

void gradient_slice(void **state)
{
    (void)state;
    for (int axis = 0; axis < 3; axis++) {
        const ap_shape shape = AP_SHAPE(4, 5, 6);
        place from = {axis, 1, 2};
        check_gradient_of(make_case("slice", build_slice, &from, 1, &shape));
    }
}

/* ---------------------------------------------------------------- delay */

static double want_delay(const gradient_case *c, int64_t i, int64_t j, int64_t k)
{
    int64_t from = k - *(const int64_t *)c->context;
    return from < 0 || from >= c->inputs[0].shape.at[2] ? 0 : element(c->inputs[0], i, j, from);
}

/* none, later, earlier, all but one element, all and more */
static const int64_t delays[] = {0, 3, -4, 10, -10, 11, -20};

void forward_delay(void **state)
{
    (void)state;
    const ap_shape shape = AP_SHAPE(2, 3, 11);
    for (size_t k = 0; k < sizeof delays / sizeof *delays; k++)
        check_elements(make_case("delay", build_delay, &delays[k], 1, &shape), shape, want_delay);
}

void gradient_delay(void **state)
{
    (void)state;
    const ap_shape shape = AP_SHAPE(2, 3, 11);
    for (size_t k = 0; k < sizeof delays / sizeof *delays; k++)
        check_gradient_of(make_case("delay", build_delay, &delays[k], 1, &shape));
}

/* ---------------------------------------------------------------- add_rows, mul_items, mul_groups */

static double want_add_rows(const gradient_case *c, int64_t i, int64_t j, int64_t k)
{
    return element(c->inputs[0], i, j, k) + (double)c->inputs[1].data[j * c->inputs[0].shape.at[2] + k];
}

static gradient_case add_rows_case(ap_shape x)
{
    const ap_shape shapes[] = {x, AP_SHAPE(x.at[1], x.at[2])};
    return make_case("add_rows", build_add_rows, NULL, 2, shapes);
}

void forward_add_rows(void **state)
{
    (void)state;
    check_elements(add_rows_case(AP_SHAPE(3, 211, 173)), AP_SHAPE(3, 211, 173), want_add_rows);
}

void gradient_add_rows(void **state)
{
    (void)state;
    check_gradient_of(add_rows_case(AP_SHAPE(3, 5, 4)));
    check_threads_of(add_rows_case(AP_SHAPE(3, 211, 173)));
}

static double want_mul_items(const gradient_case *c, int64_t i, int64_t j, int64_t k)
{
    return element(c->inputs[0], i, j, k) * (double)c->inputs[1].data[i];
}

static gradient_case mul_items_case(ap_shape x)
{
    const ap_shape shapes[] = {x, AP_SHAPE(x.at[0])};
    return make_case("mul_items", build_mul_items, NULL, 2, shapes);
}

void forward_mul_items(void **state)
{
    (void)state;
    check_elements(mul_items_case(AP_SHAPE(3, 211, 173)), AP_SHAPE(3, 211, 173), want_mul_items);
}

void gradient_mul_items(void **state)
{
    (void)state;
    check_gradient_of(mul_items_case(AP_SHAPE(3, 5, 4)));
    check_threads_of(mul_items_case(AP_SHAPE(3, 211, 173)));
}

static double want_mul_groups(const gradient_case *c, int64_t i, int64_t j, int64_t k)
{
    int64_t size = c->inputs[0].shape.at[1] / c->inputs[1].shape.at[1];
    return element(c->inputs[0], i, j, k) * element(c->inputs[1], i, j / size, k);
}

static gradient_case mul_groups_case(int64_t B, int64_t G, int64_t size, int64_t T)
{
    const ap_shape shapes[] = {AP_SHAPE(B, G * size, T), AP_SHAPE(B, G, T)};
    return make_case("mul_groups", build_mul_groups, NULL, 2, shapes);
}

void forward_mul_groups(void **state)
{
    (void)state;
    check_elements(mul_groups_case(2, 3, 4, 5), AP_SHAPE(2, 12, 5), want_mul_groups);
    check_elements(mul_groups_case(3, 6, 13, 307), AP_SHAPE(3, 78, 307), want_mul_groups);
}

void gradient_mul_groups(void **state)
{
    (void)state;
    check_gradient_of(mul_groups_case(2, 3, 4, 5));
    check_threads_of(mul_groups_case(3, 6, 13, 307));
}

/* ---------------------------------------------------------------- sum, mean, rms */

/* Added up in double, a sum of any length is as exact as its one rounding to ap_real. */
void forward_sum(void **state)
{
    (void)state;
    const ap_shape shapes[] = {AP_SHAPE(3), AP_SHAPE(7, 5), AP_SHAPE(3, 211, 973)};
    for (int k = 0; k < 3; k++) {
        gradient_case sum = make_case("sum", build_sum, NULL, 1, shapes + k), mean = sum;
        mean.build = build_mean;
        int64_t n = ap_shape_count(shapes[k]);
        double want = 0;
        for (int64_t i = 0; i < n; i++) {
            sum.inputs[0].data[i] += 3; /* away from 0, where nothing could cancel out */
            want += (double)sum.inputs[0].data[i];
        }
        ap_tape *tape = ap_tape_create(0);
        ap_tensor y = compute(tape, &sum);
        assert_int_equal(y.shape.rank, 0);
        check_close("sum", 1, y.data, &want, 2e-7);
        want /= (double)n;
        check_close("mean", 1, compute(tape, &mean).data, &want, 2e-7);
        ap_tape_free(tape);
        free_inputs(&sum);
    }
}

void gradient_sum(void **state)
{
    (void)state;
    const ap_shape shape = AP_SHAPE(3, 5, 2), large = AP_SHAPE(3, 211, 973);
    check_gradient_of(make_case("sum", build_sum, NULL, 1, &shape));
    check_gradient_of(make_case("mean", build_mean, NULL, 1, &shape));
    check_threads_of(make_case("sum", build_sum, NULL, 1, &large));
}

void forward_rms(void **state)
{
    (void)state;
    const ap_shape shape = AP_SHAPE(3, 211, 173);
    gradient_case c = make_case("rms", build_rms, NULL, 1, &shape);
    int64_t n = 211 * 173;
    double want[3] = {0};
    for (int64_t i = 0; i < n; i++) c.inputs[0].data[2 * n + i] = 0; /* silence: sqrt(1e-8) */
    for (int64_t i = 0; i < 3 * n; i++) want[i / n] += pow((double)c.inputs[0].data[i], 2) / (double)n;
    for (int b = 0; b < 3; b++) want[b] = sqrt(want[b] + 1e-8);
    ap_tape *tape = ap_tape_create(0);
    ap_tensor y = compute(tape, &c);
    assert_true(ap_shape_same(y.shape, AP_SHAPE(3)));
    check_close("rms", 3, y.data, want, forward_tolerance());
    assert_true(fabs((double)y.data[2] / 1e-4 - 1) < 1e-6);
    ap_tape_free(tape);
    free_inputs(&c);
}

void gradient_rms(void **state)
{
    (void)state;
    const ap_shape shape = AP_SHAPE(3, 5, 2), large = AP_SHAPE(3, 211, 173);
    check_gradient_of(make_case("rms", build_rms, NULL, 1, &shape));
    check_threads_of(make_case("rms", build_rms, NULL, 1, &large));
}

void forward_volume(void **state)
{
    (void)state;
    const ap_shape shape = AP_SHAPE(3, 211, 173);
    gradient_case c = make_case("volume", build_volume, NULL, 1, &shape);
    int64_t n = 211 * 173;
    double want[3] = {0};
    for (int64_t i = 0; i < n; i++) {
        c.inputs[0].data[n + i] *= (ap_real)1e-5; /* 1e-8 beside a mean square of 1e-10 would be heard */
        c.inputs[0].data[2 * n + i] = 0;
    }
    for (int64_t i = 0; i < 3 * n; i++) want[i / n] += pow((double)c.inputs[0].data[i], 2) / (double)n;
    ap_tape *tape = ap_tape_create(0);
    ap_tensor y = compute(tape, &c);
    assert_true(ap_shape_same(y.shape, AP_SHAPE(3)));
    for (int b = 0; b < 3; b++) assert_true(fabs((double)y.data[b] / (sqrt(want[b]) + 1e-8) - 1) < 1e-6);
    ap_tape_free(tape);
    free_inputs(&c);
}

/* Silence has no gradient, and no NaN. */
void gradient_volume(void **state)
{
    (void)state;
    const ap_shape shape = AP_SHAPE(3, 5, 2), large = AP_SHAPE(3, 211, 173);
    check_gradient_of(make_case("volume", build_volume, NULL, 1, &shape));
    check_threads_of(make_case("volume", build_volume, NULL, 1, &large));
    ap_real silence[4] = {0}, gradient[4] = {0};
    ap_tape *tape = ap_tape_create(0);
    ap_var *x = ap_tape_leaf(tape, (ap_tensor){AP_SHAPE(1, 4), silence}, gradient);
    ap_tape_backward(tape, ap_volume(tape, x), 1);
    for (int i = 0; i < 4; i++) assert_true(gradient[i] == 0);
    ap_tape_free(tape);
}
