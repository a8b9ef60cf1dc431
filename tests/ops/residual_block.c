#include "ops/residual_block.h"

#include "antiphon/ops.h"
#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct block_case {
    int64_t B, C, H, K, T;
    bool fresh;  /* x comes from another operation, so that its gradient is written, not added to */
    bool frozen; /* the weights are constants: with so few channels y is computed again */
} block_case;

enum { X, SQUEEZE, SQUEEZE_BIAS, EXPAND, EXPAND_BIAS, SHORTCUT, SHORTCUT_BIAS, INPUTS };

static ap_var *build(ap_tape *tape, ap_var *const *in, const void *context)
{
    const block_case *c = context;
    return ap_residual_block(tape, c->fresh ? ap_scale(tape, in[X], 1) : in[X],
                             (ap_residual_weights){in[SQUEEZE], in[SQUEEZE_BIAS], in[EXPAND], in[EXPAND_BIAS],
                                                   in[SHORTCUT], in[SHORTCUT_BIAS]});
}

/* So much of what the outer weights would usually be, lest their biases be drowned. */
#define OUTER_SHARE ((ap_real)0.2)

static gradient_case random_case(const char *name, check_fn *builder, const block_case *c)
{
    gradient_case g = {.name = name, .build = builder, .context = c, .input_count = INPUTS};
    for (int k = SQUEEZE; k < INPUTS; k++) g.constant[k] = c->frozen;
    g.rounds_alone = true; /* its weights decide whether y is read or computed again */
    const ap_shape shapes[INPUTS] = {AP_SHAPE(c->B, c->C, c->T),
                                     AP_SHAPE(c->H, c->C, c->K),
                                     AP_SHAPE(c->H),
                                     AP_SHAPE(c->C, c->H, 1),
                                     AP_SHAPE(c->C),
                                     AP_SHAPE(c->C, c->C, 1),
                                     AP_SHAPE(c->C)};
    for (int k = 0; k < INPUTS; k++) {
        int64_t fan_in = ap_shape_count(shapes[k]) / shapes[k].at[0];
        ap_real share = k == EXPAND || k == SHORTCUT ? OUTER_SHARE : 1;
        g.inputs[k] =
            random_tensor((uint64_t)k + 1, k == X ? 1 : share / (ap_real)sqrt((double)fan_in), shapes[k]);
    }
    const ap_real kink = 0;
    keep_from(g.inputs[X], &kink, 1, (ap_real)0.05);
    /* what is inside and what comes out stay away from the ELU's kink too, on one side or the other */
    for (int64_t h = 0; h < c->H; h++) g.inputs[SQUEEZE_BIAS].data[h] = h % 2 ? -4 : 4;
    for (int64_t o = 0; o < c->C; o++) g.inputs[EXPAND_BIAS].data[o] = o % 2 ? -3 : 3;
    return g;
}

static double elu(double x)
{
    return x > 0 ? x : exp(x) - 1;
}

/* Sample `at` of a row with its mirrored front; a mirrored sample that does not exist is zero. */
static double sample(const block_case *c, const ap_real *row, int64_t at)
{
    if (at < 0) at = -at;
    return at < c->T ? (double)row[at] : 0;
}

/* y at one position of one item, x [C, T] */
static void naive(const block_case *c, ap_real *const *w, const ap_real *x, int64_t t, double *y,
                  int64_t pitch)
{
    for (int64_t o = 0; o < c->C; o++) {
        double sum = (double)w[EXPAND_BIAS][o] + (double)w[SHORTCUT_BIAS][o];
        for (int64_t i = 0; i < c->C; i++) sum += (double)w[SHORTCUT][o * c->C + i] * (double)x[i * c->T + t];
        for (int64_t h = 0; h < c->H; h++) {
            double inner = (double)w[SQUEEZE_BIAS][h];
            for (int64_t i = 0; i < c->C; i++)
                for (int64_t k = 0; k < c->K; k++)
                    inner += (double)w[SQUEEZE][(h * c->C + i) * c->K + k] *
                             elu(sample(c, x + i * c->T, t + k - c->K + 1));
            sum += (double)w[EXPAND][o * c->H + h] * elu(inner);
        }
        y[o * pitch + t] = elu(sum);
    }
}

void forward_residual_block(void **state)
{
    (void)state;
    const block_case cases[] = {{1, 1, 1, 1, 1, false, false},      {2, 3, 2, 3, 1, false, false},
                                {2, 4, 2, 3, 2, false, false},      {1, 9, 5, 2, 49, false, false},
                                {3, 6, 3, 4, 97, false, false},     {2, 8, 4, 3, 4999, false, false},
                                {1, 150, 70, 3, 311, false, false}, {2, 65, 33, 3, 1201, false, false}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const block_case *c = cases + k;
        char what[64];
        snprintf(what, sizeof what, "residual_block, case %zu", k);
        gradient_case g = random_case(what, build, c);
        int64_t n = c->B * c->C * c->T;
        double *want = malloc((size_t)n * sizeof *want);
        assert_non_null(want);
        ap_real *w[INPUTS];
        for (int i = 0; i < INPUTS; i++) w[i] = g.inputs[i].data;
        for (int64_t b = 0; b < c->B; b++)
            for (int64_t t = 0; t < c->T; t++)
                naive(c, w, w[X] + b * c->C * c->T, t, want + b * c->C * c->T, c->T);
        ap_tape *tape = ap_tape_create(0);
        ap_var *in[INPUTS];
        for (int i = 0; i < INPUTS; i++) in[i] = ap_tape_constant(tape, g.inputs[i]);
        check_close(what, n, build(tape, in, c)->value.data, want, forward_tolerance());
        ap_tape_free(tape);
        free(want);
        free_inputs(&g);
    }
}

/* The same from its parts, each of which has its own tests. */
static ap_var *build_from_parts(ap_tape *tape, ap_var *const *in, const void *context)
{
    const block_case *c = context;
    ap_var *x = c->fresh ? ap_scale(tape, in[X], 1) : in[X];
    ap_conv1d_geometry causal = {.stride = 1, .dilation = 1, .pad_left = c->K - 1, .mode = AP_PAD_REFLECT};
    ap_conv1d_geometry pointwise = {.stride = 1, .dilation = 1};
    ap_var *h = ap_conv1d(tape, ap_elu(tape, x), in[SQUEEZE], in[SQUEEZE_BIAS], causal);
    ap_var *expanded = ap_conv1d(tape, ap_elu(tape, h), in[EXPAND], in[EXPAND_BIAS], pointwise);
    return ap_elu(tape,
                  ap_add(tape, ap_conv1d(tape, x, in[SHORTCUT], in[SHORTCUT_BIAS], pointwise), expanded));
}

/* The gradients of <y, weights> by the tape. The caller frees them. */
static void gradients(const gradient_case *g, ap_real **grads)
{
    ap_tape *tape = ap_tape_create(0);
    ap_var *in[INPUTS];
    for (int k = 0; k < INPUTS; k++) {
        grads[k] = calloc((size_t)ap_shape_count(g->inputs[k].shape), sizeof(ap_real));
        assert_non_null(grads[k]);
        in[k] = ap_tape_leaf(tape, g->inputs[k], g->constant[k] ? NULL : grads[k]);
    }
    ap_tape_enter(tape);
    ap_var *y = g->build(tape, in, g->context);
    ap_tensor weights = random_tensor(99, 1, y->value.shape);
    ap_real *dy = ap_var_grad(tape, y);
    for (int64_t i = 0; i < ap_shape_count(y->value.shape); i++) dy[i] = weights.data[i];
    ap_tape_leave_all(tape, 0, NULL);
    ap_tape_backward_all(tape);
    free(weights.data);
    ap_tape_free(tape);
}

/* At sizes that finite differences do not reach: many tiles, several batch items. Relative to the gradient's
 * RMS. */
static void check_against_parts(const block_case *c)
{
    gradient_case whole = random_case("residual_block", build, c), parts = whole;
    parts.build = build_from_parts;
    ap_real *got[INPUTS], *want[INPUTS];
    gradients(&whole, got);
    gradients(&parts, want);
    for (int k = 0; k < INPUTS; k++) {
        int64_t n = ap_shape_count(whole.inputs[k].shape);
        double square = 0;
        for (int64_t i = 0; i < n; i++) square += (double)want[k][i] * (double)want[k][i];
        double allowed = forward_tolerance() * sqrt(square / (double)n);
        for (int64_t i = 0; i < n; i++)
            if (!(fabs((double)got[k][i] - (double)want[k][i]) <= allowed))
                fail_msg("residual_block: input %d, element %lld: gradient %.9g, %.9g from parts", k,
                         (long long)i, (double)got[k][i], (double)want[k][i]);
        free(got[k]);
        free(want[k]);
    }
    free_inputs(&whole);
}

void gradient_residual_block(void **state)
{
    (void)state;
    const block_case cases[] = {{1, 1, 1, 1, 1, false, false}, {2, 3, 2, 3, 1, true, false},
                                {2, 4, 2, 3, 2, false, true},  {2, 3, 2, 4, 9, true, true},
                                {1, 3, 2, 2, 50, true, true},  {1, 2, 1, 3, 120, false, false}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char what[64];
        snprintf(what, sizeof what, "residual_block, case %zu", k);
        gradient_case g = random_case(what, build, cases + k);
        check_gradient(&g);
        free_inputs(&g);
    }
    /* each alone, the others held constant: what is not wanted must not be needed */
    gradient_case g = random_case("residual_block, one gradient", build, &cases[3]);
    for (int alone = 0; alone < INPUTS; alone++) {
        for (int i = 0; i < INPUTS; i++) g.constant[i] = i != alone;
        check_gradient(&g);
    }
    free_inputs(&g);
    check_against_parts(&(block_case){2, 12, 6, 3, 5003, true, false});
    check_against_parts(&(block_case){2, 12, 6, 3, 5003, true, true});
    check_against_parts(&(block_case){1, 70, 35, 4, 1999, false, true});
    /* three taps and channels enough for quads */
    check_against_parts(&(block_case){1, 70, 35, 3, 1999, false, true});
    check_against_parts(&(block_case){2, 131, 66, 3, 1357, true, false});
}
