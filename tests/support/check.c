#include "support/check.h"

#include "antiphon/ops.h"
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

/* A value that backward reads, and what is put in its place. */
typedef struct spoiled {
    int read; /* the number of a bit of ap_reads */
    ap_real with;
} spoiled;

/* What is to be evaluated beyond the output. */
typedef struct pass {
    ap_real *const *grads; /* NULL: no gradients; entries may be NULL */
    bool inner; /* of variables that are made from the leaves, which have no gradient until one is written */
    const spoiled *spoiled;
    const ap_var *output; /* set on return; void with the next evaluation */
} pass;

static ap_var *read_variable(ap_var *y, int bit)
{
    return bit == 0 ? y : y->inputs[bit - 1];
}

static void spoil(ap_var *y, const spoiled *s)
{
    ap_tensor value = read_variable(y, s->read)->value;
    for (int64_t i = 0; i < ap_shape_count(value.shape); i++) value.data[i] = s->with;
}

/* sum(output * weights) in double, and on request the gradients by the tape. All is made in a scope that is
 * left before the tape goes back: what the operation does not declare to read is not there any more. */
static double evaluate(const gradient_case *c, ap_tape *tape, pass *p)
{
    ap_var *inputs[CHECK_INPUTS_MAX];
    ap_tape_reset(tape);
    ap_tape_training_set(tape, c->training);
    *ap_tape_rng(tape) = ap_rng_init(17);
    ap_tape_enter(tape);
    for (int k = 0; k < c->input_count; k++) {
        inputs[k] = ap_tape_leaf(tape, c->inputs[k], p->grads && !c->constant[k] ? p->grads[k] : NULL);
        if (p->inner) inputs[k] = ap_scale(tape, inputs[k], 1);
    }
    ap_var *y = c->build(tape, inputs, c->context);
    int64_t n = ap_shape_count(y->value.shape);
    ap_rng rng = ap_rng_init(99);
    double sum = 0;
    ap_real *dy = p->grads ? ap_var_grad(tape, y) : NULL;
    for (int64_t i = 0; i < n; i++) {
        double w = ap_rng_normal(&rng);
        sum += w * (double)y->value.data[i];
        if (dy) dy[i] += (ap_real)w; /* an output that is an input has what stood in its gradient */
    }
    ap_tape_leave_all(tape, 0, NULL);
    p->output = y;
    if (p->spoiled) spoil(y, p->spoiled);
    if (p->grads) ap_tape_backward_all(tape);
    return sum;
}

static double difference(const gradient_case *c, ap_tape *tape, ap_real *x, double h)
{
    const double steps[4] = {-2, -1, 1, 2}, weights[4] = {1, -8, 8, -1};
    ap_real kept = *x;
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        *x = kept + (ap_real)(steps[k] * h);
        sum += weights[k] * evaluate(c, tape, &(pass){0});
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
static void find_gradients(const gradient_case *c, ap_tape *tape, pass *p)
{
    ap_real *const *grads = p->grads;
    for (int k = 0; k < c->input_count; k++)
        for (int64_t i = 0; grads[k] && i < ap_shape_count(c->inputs[k].shape); i++) grads[k][i] = 1;
    evaluate(c, tape, p);
    for (int k = 0; k < c->input_count; k++)
        for (int64_t i = 0; grads[k] && i < ap_shape_count(c->inputs[k].shape); i++) grads[k][i] -= 1;
}

static double rounding(void)
{
    return sizeof(ap_real) == sizeof(double) ? 1e-12 : 1e-5;
}

/* An input's gradient does not depend on whether those of the others are wanted. */
static void compare_alone(const gradient_case *c, ap_tape *tape, int k, const ap_real *grad)
{
    int64_t n = ap_shape_count(c->inputs[k].shape);
    ap_real *alone[CHECK_INPUTS_MAX] = {NULL};
    alone[k] = malloc((size_t)n * sizeof *alone[k]);
    assert_non_null(alone[k]);
    find_gradients(c, tape, &(pass){.grads = alone});
    double most = 1;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)grad[i]));
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)(alone[k][i] - grad[i])) <= (c->rounds_alone ? rounding() * most : 0)))
            fail_msg("%s: input %d, element %lld: gradient %.12g when wanted alone, %.12g among others",
                     c->name, k, (long long)i, (double)alone[k][i], (double)grad[i]);
    free(alone[k]);
}

/* Who is the first to write a gradient writes all of it, and finds nothing there to rely on. */
static void compare_inner(const gradient_case *c, ap_tape *tape, ap_real *const *grads)
{
    ap_real *inner[CHECK_INPUTS_MAX] = {NULL};
    allocate_grads(c, inner);
    find_gradients(c, tape, &(pass){.grads = inner, .inner = true});
    for (int k = 0; k < c->input_count; k++) {
        double most = 1;
        int64_t n = ap_shape_count(c->inputs[k].shape);
        for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)grads[k][i]));
        for (int64_t i = 0; i < n; i++)
            if (!(fabs((double)(inner[k][i] - grads[k][i])) <= rounding() * most))
                fail_msg("%s: input %d, element %lld: gradient %.12g when written first, %.12g when added",
                         c->name, k, (long long)i, (double)inner[k][i], (double)grads[k][i]);
        free(inner[k]);
    }
}

/* ---------------------------------------------------------------- what backward reads */

#define OPERATIONS_MOST 128

/* Of each operation that was checked: what it declared, and of that what made a difference. */
static struct {
    const ap_op *op;
    ap_reads declared, mattered;
} reads_of_ops[OPERATIONS_MOST];

static ap_reads *reads_that_mattered(const ap_op *op, ap_reads declared)
{
    int i = 0;
    while (reads_of_ops[i].op && reads_of_ops[i].op != op) i++;
    assert_in_range(i, 0, OPERATIONS_MOST - 2);
    reads_of_ops[i].op = op;
    reads_of_ops[i].declared |= declared & ~AP_READS_NOTHING;
    return &reads_of_ops[i].mattered;
}

/* Whether some gradient is another when the value that backward reads is. */
static bool read_matters(const gradient_case *c, ap_tape *tape, int bit, ap_real *const *right)
{
    const ap_real fillings[] = {(ap_real)NAN, 0, -3, 5};
    ap_real *grads[CHECK_INPUTS_MAX] = {NULL};
    bool differs = false;
    allocate_grads(c, grads);
    for (size_t f = 0; f < sizeof fillings / sizeof *fillings && !differs; f++) {
        find_gradients(c, tape, &(pass){grads, true, &(spoiled){bit, fillings[f]}, NULL});
        for (int k = 0; k < c->input_count; k++)
            for (int64_t i = 0; i < ap_shape_count(c->inputs[k].shape); i++)
                differs |= !c->constant[k] && !(grads[k][i] == right[k][i]);
    }
    for (int k = 0; k < c->input_count; k++) free(grads[k]);
    return differs;
}

/* What the last operation of the case declares to read, and nobody else reads, is spoiled value by value. */
static void try_reads(const gradient_case *c, ap_tape *tape)
{
    ap_real *right[CHECK_INPUTS_MAX] = {NULL};
    allocate_grads(c, right);
    pass p = {.grads = right, .inner = true};
    find_gradients(c, tape, &p);
    const ap_op *op = p.output->op;
    ap_reads declared = p.output->reads;
    ap_reads *mattered = op ? reads_that_mattered(op, declared) : NULL;
    for (int bit = 0; op && bit <= p.output->input_count; bit++) {
        if (!(declared & ((ap_reads)1 << bit)) || (*mattered & ((ap_reads)1 << bit))) continue;
        if (read_matters(c, tape, bit, right)) *mattered |= (ap_reads)1 << bit;
        find_gradients(c, tape, &p);
    }
    for (int k = 0; k < c->input_count; k++) free(right[k]);
}

void check_reads(const char *name)
{
    for (int i = 0; reads_of_ops[i].op; i++) {
        if (strcmp(reads_of_ops[i].op->name, name) != 0) continue;
        if (reads_of_ops[i].declared != reads_of_ops[i].mattered)
            fail_msg("%s declares to read 0x%x, of which 0x%x makes a difference", name,
                     reads_of_ops[i].declared, reads_of_ops[i].mattered);
        return;
    }
    fail_msg("%s: what its backward reads was not tried", name);
}

void check_gradient(const gradient_case *c)
{
    setenv("AP_POISON", "1", 1);
    ap_tape *tape = ap_tape_create(1);
    ap_real *grads[CHECK_INPUTS_MAX] = {NULL};
    allocate_grads(c, grads);
    find_gradients(c, tape, &(pass){.grads = grads});
    for (int k = 0; k < c->input_count; k++) {
        if (c->constant[k]) continue;
        compare(c, tape, k, grads[k]);
        compare_alone(c, tape, k, grads[k]);
    }
    compare_inner(c, tape, grads);
    try_reads(c, tape);
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
    evaluate(c, tape, &(pass){.grads = grads});
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
