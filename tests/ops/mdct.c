#include "antiphon/ops.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

/* lengths that are a multiple of the hop, one more and one less; all coefficients and a few */
typedef struct geometry {
    int64_t B, S;
    int dim, hop;
    ap_real gain;
} geometry;

static const geometry CASES[] = {
    {2, 30, 5, 5, 2}, {1, 31, 3, 5, 8}, {3, 41, 7, 14, (ap_real)0.5}, {1, 3, 2, 8, 1}};
#define CASE_COUNT (sizeof CASES / sizeof *CASES)

typedef struct context {
    const ap_mdct *mdct;
    int64_t S;
} context;

static ap_var *build_encode(ap_tape *tape, ap_var *const *in, const void *c)
{
    return ap_mdct_encode(tape, ((const context *)c)->mdct, in[0]);
}

static ap_var *build_decode(ap_tape *tape, ap_var *const *in, const void *c)
{
    return ap_mdct_decode(tape, ((const context *)c)->mdct, in[0], ((const context *)c)->S);
}

static double basis(const geometry *g, int k, int n)
{
    return sin(M_PI * (n + 0.5) / (2 * g->hop)) * sqrt(2.0 / g->hop) *
           cos(M_PI / g->hop * (n + 0.5 + g->hop / 2.0) * (k + 0.5));
}

/* the coefficients of the definition: x is zero outside 0 .. S - 1, frame f begins at (f - 1) hop */
static void want_encoded(const geometry *g, int64_t frames, const ap_real *x, double *z)
{
    for (int64_t i = 0; i < g->B * g->dim * frames; i++) {
        int64_t b = i / (g->dim * frames), f = i % frames;
        z[i] = 0;
        for (int n = 0; n < 2 * g->hop; n++) {
            int64_t at = (f - 1) * g->hop + n;
            if (at >= 0 && at < g->S)
                z[i] += (double)g->gain * basis(g, (int)(i / frames % g->dim), n) * (double)x[b * g->S + at];
        }
    }
}

static void want_decoded(const geometry *g, int64_t frames, const ap_real *z, double *y)
{
    for (int64_t i = 0; i < g->B * g->S; i++) y[i] = 0;
    for (int64_t i = 0; i < g->B * g->dim * frames; i++) {
        int64_t b = i / (g->dim * frames), f = i % frames;
        for (int n = 0; n < 2 * g->hop; n++) {
            int64_t at = (f - 1) * g->hop + n;
            if (at >= 0 && at < g->S)
                y[b * g->S + at] += basis(g, (int)(i / frames % g->dim), n) * (double)z[i] / (double)g->gain;
        }
    }
}

static void check_forward(const char *name, check_fn *build, bool encode)
{
    for (size_t c = 0; c < CASE_COUNT; c++) {
        const geometry *g = &CASES[c];
        ap_mdct *mdct = ap_mdct_create(g->dim, g->hop, g->gain);
        int64_t frames = ap_mdct_frames(mdct, g->S);
        assert_int_equal(frames, (int64_t)ceil((double)g->S / g->hop) + 1);
        ap_shape audio = AP_SHAPE(g->B, 1, g->S), latents = AP_SHAPE(g->B, g->dim, frames);
        ap_shape to = encode ? latents : audio;
        ap_tensor in = random_tensor(c, 1, encode ? audio : latents);
        double *want = malloc((size_t)ap_shape_count(to) * sizeof *want);
        (encode ? want_encoded : want_decoded)(g, frames, in.data, want);
        ap_tape *tape = ap_tape_create(0);
        ap_var *x = ap_tape_constant(tape, in), *y = build(tape, &x, &(context){mdct, g->S});
        assert_true(ap_shape_same(y->value.shape, to));
        check_close(name, ap_shape_count(to), y->value.data, want, forward_tolerance());
        ap_tape_free(tape);
        ap_mdct_free(mdct);
        free(in.data);
        free(want);
    }
}

static void check_backward(const char *name, check_fn *build, bool encode)
{
    for (size_t c = 0; c < CASE_COUNT; c++) {
        const geometry *g = &CASES[c];
        ap_mdct *mdct = ap_mdct_create(g->dim, g->hop, g->gain);
        context with = {mdct, g->S};
        gradient_case check = {.name = name, .build = build, .context = &with, .input_count = 1};
        check.inputs[0] = random_tensor(
            c, 1, encode ? AP_SHAPE(g->B, 1, g->S) : AP_SHAPE(g->B, g->dim, ap_mdct_frames(mdct, g->S)));
        check_gradient(&check);
        free_inputs(&check);
        ap_mdct_free(mdct);
    }
}

void forward_mdct_encode(void **state)
{
    (void)state;
    check_forward("mdct_encode", build_encode, true);
}

void gradient_mdct_encode(void **state)
{
    (void)state;
    check_backward("mdct_encode", build_encode, true);
}

void forward_mdct_decode(void **state)
{
    (void)state;
    check_forward("mdct_decode", build_decode, false);
}

void gradient_mdct_decode(void **state)
{
    (void)state;
    check_backward("mdct_decode", build_decode, false);
}
