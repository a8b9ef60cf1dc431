#include "loss/features.h"
#include "loss/mixture.h"
#include "loss/pearson.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const ap_real GAIN = 30, LEAST = (ap_real)0.9;

static ap_var *build_pearson(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_pearson_of(tape, in[0], in[1]);
}

static ap_var *build_flux(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_flux(tape, in[0], GAIN);
}

static ap_var *build_log_rms(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_log_norm(tape, in[0], 2);
}

static ap_var *build_log_peak(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_log_norm(tape, in[0], 8);
}

static ap_var *build_variation(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_variation(tape, in[0], LEAST);
}

static ap_var *build_mixture_share(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_mixture_share(tape, in[0], in[1], in[2]);
}

/* numbers of at least `low`, as magnitudes and envelopes are */
static ap_tensor positive(uint64_t seed, double low, double scale, ap_shape shape)
{
    ap_tensor x = random_tensor(seed, (ap_real)scale, shape);
    for (int64_t i = 0; i < ap_shape_count(shape); i++) x.data[i] = (ap_real)(low + fabs((double)x.data[i]));
    return x;
}

/* Builds from the one or two inputs, compares with `want` and frees all of them. */
static void check_forward(const char *name, check_fn *build, int count, const ap_tensor *inputs,
                          ap_shape shape, double *want)
{
    ap_tape *tape = ap_tape_create(0);
    ap_var *in[CHECK_INPUTS_MAX];
    for (int k = 0; k < count; k++) in[k] = ap_tape_constant(tape, inputs[k]);
    ap_var *y = build(tape, in, NULL);
    assert_true(ap_shape_same(y->value.shape, shape));
    check_close(name, ap_shape_count(shape), y->value.data, want, forward_tolerance());
    ap_tape_free(tape);
    for (int k = 0; k < count; k++) free(inputs[k].data);
    free(want);
}

static void check_backward(const char *name, check_fn *build, int count, ap_tensor a, ap_tensor b)
{
    gradient_case c = {.name = name, .build = build, .input_count = count, .inputs = {a, b}};
    check_gradient(&c);
    free_inputs(&c);
}

void forward_pearson(void **state)
{
    (void)state;
    const int64_t B = 3, M = 50;
    ap_tensor in[2] = {random_tensor(1, 1, AP_SHAPE(B, M)), random_tensor(2, 1, AP_SHAPE(B, M))};
    double *want = calloc((size_t)B, sizeof *want);
    for (int64_t b = 0; b < B; b++) {
        /* r is the cosine once the means are gone */
        double mean[2] = {0}, ab = 0, aa = 0, bb = 0;
        for (int64_t i = 0; i < M; i++)
            for (int k = 0; k < 2; k++) mean[k] += (double)in[k].data[b * M + i] / (double)M;
        for (int64_t i = 0; i < M; i++) {
            double p = (double)in[0].data[b * M + i] - mean[0], q = (double)in[1].data[b * M + i] - mean[1];
            ab += p * q, aa += p * p, bb += q * q;
        }
        want[b] = ab / (double)(M - 1) / (sqrt(aa * bb) / (double)(M - 1) + 1e-8);
    }
    check_forward("pearson", build_pearson, 2, in, AP_SHAPE(B), want);
}

void gradient_pearson(void **state)
{
    (void)state;
    check_backward("pearson", build_pearson, 2, random_tensor(3, 1, AP_SHAPE(2, 9)),
                   random_tensor(4, 1, AP_SHAPE(2, 9)));
}

void forward_flux(void **state)
{
    (void)state;
    /* more frames than a run, more bins than a block; two frames alone */
    const int64_t cases[][3] = {{2, 70, 5}, {1, 3, 1500}, {3, 2, 7}};
    for (int c = 0; c < 3; c++) {
        int64_t B = cases[c][0], frames = cases[c][1], F = cases[c][2];
        ap_tensor x = positive(1, 0, 1, AP_SHAPE(B, frames, F));
        double *want = calloc((size_t)(B * (frames - 1)), sizeof *want);
        for (int64_t b = 0; b < B; b++)
            for (int64_t f = 0; f < frames - 1; f++)
                for (int64_t k = 0; k < F; k++) {
                    const ap_real *at = x.data + (b * frames + f) * F + k;
                    double rise =
                        log(1 + (double)GAIN * (double)at[F]) - log(1 + (double)GAIN * (double)at[0]);
                    if (rise > 0) want[b * (frames - 1) + f] += rise;
                }
        check_forward("flux", build_flux, 1, &x, AP_SHAPE(B, frames - 1), want);
    }
}

void gradient_flux(void **state)
{
    (void)state;
    /* bin by bin a shuffled staircase, so that no difference of two frames is near the kink */
    ap_tensor x = random_tensor(5, (ap_real)0.1, AP_SHAPE(2, 6, 4));
    ap_rng rng = ap_rng_init(1);
    for (int64_t b = 0; b < 2; b++)
        for (int64_t k = 0; k < 4; k++) {
            int64_t order[6] = {0, 1, 2, 3, 4, 5};
            ap_rng_shuffle(&rng, order, 6);
            for (int64_t f = 0; f < 6; f++) x.data[(b * 6 + f) * 4 + k] += (ap_real)(1 + order[f]);
        }
    check_backward("flux", build_flux, 1, x, (ap_tensor){0});
}

static void check_log_norm(double p, check_fn *build)
{
    const int64_t B = 3, S = 40009;
    ap_tensor x = random_tensor(1, (ap_real)0.2, AP_SHAPE(B, 1, S));
    memset(x.data, 0, (size_t)S * sizeof *x.data); /* silence, which stands at the floor */
    double *want = calloc((size_t)B, sizeof *want);
    for (int64_t i = 0; i < B * S; i++) want[i / S] += pow((double)x.data[i], p) / (double)S;
    for (int64_t b = 0; b < B; b++) want[b] = log(want[b] + pow(1e-3, p)) / p;
    check_forward("log_norm", build, 1, &x, AP_SHAPE(B), want);
}

void forward_log_norm(void **state)
{
    (void)state;
    check_log_norm(2, build_log_rms);
    check_log_norm(8, build_log_peak);
}

void gradient_log_norm(void **state)
{
    (void)state;
    check_backward("log_norm", build_log_rms, 1, random_tensor(2, 2, AP_SHAPE(2, 11)), (ap_tensor){0});
    check_backward("log_norm", build_log_peak, 1, random_tensor(2, 1, AP_SHAPE(2, 11)), (ap_tensor){0});
}

/* two rows: one that moves too little, at 5 +- 1, and one that moves enough */
static ap_tensor envelopes(int64_t M)
{
    ap_tensor x = positive(7, 0.1, 3, AP_SHAPE(2, 1, M));
    for (int64_t i = 0; i < M; i++) x.data[i] = (ap_real)(5 + 0.3 * (double)x.data[i]);
    for (int64_t i = 0; i < M; i += 3) x.data[M + i] = 20;
    return x;
}

void forward_variation(void **state)
{
    (void)state;
    const int64_t M = 30;
    ap_tensor e = envelopes(M);
    double *want = calloc(2, sizeof *want);
    for (int64_t b = 0; b < 2; b++) {
        double mean = 0, square = 0;
        for (int64_t i = 0; i < M; i++) mean += (double)e.data[b * M + i] / (double)M;
        for (int64_t i = 0; i < M; i++) square += pow((double)e.data[b * M + i] - mean, 2);
        want[b] = fmax(0, (double)LEAST - sqrt(square / (double)(M - 1)) / (mean + 1e-4));
    }
    assert_true(want[0] > 0.3 && want[1] == 0);
    check_forward("variation", build_variation, 1, &e, AP_SHAPE(2), want);
}

void gradient_variation(void **state)
{
    (void)state;
    check_backward("variation", build_variation, 1, envelopes(12), (ap_tensor){0});
}

/* ---------------------------------------------------------------- mixture_share */

/* output, input and target: the first owes something to both of the others, which are alike to some degree */
static void make_sources(int64_t B, int64_t S, ap_tensor in[3])
{
    for (int k = 0; k < 3; k++) in[k] = random_tensor(11 + (uint64_t)k, (ap_real)0.3, AP_SHAPE(B, S));
    for (int64_t i = 0; i < B * S; i++) {
        in[2].data[i] += (ap_real)0.4 * in[1].data[i];
        in[0].data[i] += (ap_real)0.5 * in[1].data[i] - (ap_real)0.8 * in[2].data[i];
    }
}

/* Projections on orthonormal vectors: a source has, besides its samples, one coordinate of its own for the
 * ridge. */
void forward_mixture_share(void **state)
{
    (void)state;
    const int64_t B = 4, S = 300;
    ap_tensor in[3];
    make_sources(B, S, in);
    for (int64_t i = 0; i < S; i++) {
        in[0].data[S + i] = in[1].data[S + i] - 2 * in[2].data[S + i]; /* a mix */
        in[0].data[2 * S + i] = 0;                                     /* silence */
        in[2].data[3 * S + i] = in[1].data[3 * S + i];                 /* one source twice */
    }
    double *want = calloc((size_t)B, sizeof *want), floor = 1e-6 * (double)S;
    assert_non_null(want);
    for (int64_t b = 0; b < B; b++) {
        double v[2][302] = {{0}}, power = 0, explained = 0;
        for (int64_t i = 0; i < S; i++) {
            power += pow((double)in[0].data[b * S + i], 2);
            for (int k = 0; k < 2; k++) v[k][i] = (double)in[k + 1].data[b * S + i];
        }
        v[0][S] = v[1][S + 1] = sqrt(floor);
        for (int k = 0; k < 2; k++) {
            double along = 0, norm = 0, o = 0;
            if (k)
                for (int64_t i = 0; i < S + 2; i++) along += v[0][i] * v[1][i];
            for (int64_t i = 0; i < S + 2; i++) {
                if (k) v[k][i] -= along * v[0][i];
                norm += v[k][i] * v[k][i];
            }
            for (int64_t i = 0; i < S + 2; i++) {
                v[k][i] /= sqrt(norm);
                if (i < S) o += v[k][i] * (double)in[0].data[b * S + i];
            }
            explained += o * o;
        }
        want[b] = explained / (power + floor);
    }
    assert_true(want[0] > 0.1 && want[0] < 0.9 && want[1] > 0.999 && want[2] == 0);
    check_forward("mixture_share", build_mixture_share, 3, in, AP_SHAPE(B), want);
}

void gradient_mixture_share(void **state)
{
    (void)state;
    gradient_case c = {.name = "mixture_share", .build = build_mixture_share, .input_count = 3};
    make_sources(2, 17, c.inputs);
    check_gradient(&c);
    free_inputs(&c);
}
