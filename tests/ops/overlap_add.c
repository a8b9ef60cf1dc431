#include "antiphon/ops.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

/* Segments of 40 samples, but for the last ones, and what is to come of them. */
typedef struct plan {
    int count;
    int64_t stride, S, length[4];
} plan;

static const plan PLANS[] = {
    {1, 30, 40, {40}},             /* a segment alone is what comes out */
    {1, 30, 37, {40}},             /* its end is cut off */
    {3, 30, 85, {40, 40, 25}},     /* ten samples are common to neighbours */
    {3, 30, 70, {40, 40, 13}},     /* the last segment ends behind the second */
    {4, 30, 93, {40, 40, 35, 5}},  /* the last two are short, and cut off */
    {4, 11, 73, {40, 40, 40, 40}}, /* up to four at a place */
    {2, 40, 80, {40, 40}},         /* none in common */
};
#define PLAN_COUNT (sizeof PLANS / sizeof *PLANS)

static ap_var *build_overlap_add(ap_tape *tape, ap_var *const *in, const void *context)
{
    const plan *p = context;
    return ap_overlap_add(tape, p->count, in, p->stride, p->S);
}

static gradient_case plan_case(const plan *p)
{
    gradient_case c = {
        .name = "overlap_add", .build = build_overlap_add, .context = p, .input_count = p->count};
    for (int k = 0; k < p->count; k++)
        c.inputs[k] = random_tensor((uint64_t)k + 1, 1, AP_SHAPE(2, 3, p->length[k]));
    return c;
}

/* The weighted mean of all that is at sample t of a row. */
static double want_sample(const plan *p, const gradient_case *c, int64_t row, int64_t t)
{
    double sum = 0, weights = 0;
    for (int k = 0; k < p->count; k++) {
        int64_t at = t - k * p->stride, middle = 2 * (at + 1) < 41 ? at + 1 : 41 - (at + 1);
        if (at < 0 || at >= p->length[k]) continue;
        sum += (double)middle * (double)c->inputs[k].data[row * p->length[k] + at];
        weights += (double)middle;
    }
    return sum / weights;
}

void forward_overlap_add(void **state)
{
    (void)state;
    ap_tape *tape = ap_tape_create(0);
    for (size_t i = 0; i < PLAN_COUNT; i++) {
        const plan *p = &PLANS[i];
        gradient_case c = plan_case(p);
        double want[6 * 100];
        ap_var *in[4];
        for (int k = 0; k < p->count; k++) in[k] = ap_tape_constant(tape, c.inputs[k]);
        ap_var *y = build_overlap_add(tape, in, p);
        assert_true(ap_shape_same(y->value.shape, AP_SHAPE(2, 3, p->S)));
        for (int64_t n = 0; n < 6 * p->S; n++) want[n] = want_sample(p, &c, n / p->S, n % p->S);
        check_close("overlap_add", 6 * p->S, y->value.data, want, forward_tolerance());
        free_inputs(&c);
    }
    ap_tape_free(tape);
}

void gradient_overlap_add(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLAN_COUNT; i++) {
        gradient_case c = plan_case(&PLANS[i]);
        check_gradient(&c);
        check_threads(&c, 0);
        free_inputs(&c);
    }
}
