/* The parts of the correlation cost: bands, envelopes, and what is charged for a pair of envelopes. */
#include "antiphon/modulation.h"

#include "loss/bands.h"
#include "loss/envelope.h"
#include "loss/modulation.h"
#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- bands */

static ap_var *build_bands(ap_tape *tape, ap_var *const *in, const void *context)
{
    return ap_band_split(tape, in[0], *(const int *)context);
}

/* the weight of band b at f Hz, of `bands` centred evenly in log frequency from 60 Hz to 12 kHz */
static double band_weight(double f, int b, int bands)
{
    double p = f > 0 ? bands * log(f / 60) / log(200) - 0.5 : 0;
    p = p < 0 ? 0 : p > bands - 1 ? bands - 1 : p;
    return fabs(p - b) < 1 ? pow(cos(M_PI / 2 * (p - b)), 2) : 0;
}

/* the part of x [S] in band b, as a circular convolution over n samples with the inverse transform of the
 * weights */
static void want_band(int64_t S, int64_t n, const ap_real *x, int b, int bands, double *y)
{
    double kernel[128];
    for (int64_t t = 0; t < n; t++) {
        kernel[t] = 0;
        for (int64_t k = 0; k < n; k++) {
            double f = 24000.0 * (double)(k < n - k ? k : n - k) / (double)n;
            kernel[t] +=
                band_weight(f, b, bands) * cos(2 * M_PI * (double)(k * t % n) / (double)n) / (double)n;
        }
    }
    for (int64_t i = 0; i < S; i++) {
        y[i] = 0;
        for (int64_t j = 0; j < S; j++) y[i] += kernel[(i - j + n) % n] * (double)x[j];
    }
}

void forward_band_split(void **state)
{
    (void)state;
    /* lengths that are fast as they are, and those that are not: 60, 35 -> 36, 77 -> 80 */
    const struct {
        int64_t S, n;
        int bands;
    } cases[] = {{60, 60, 3}, {35, 36, 5}, {77, 80, 2}, {60, 60, 1}, {90, 90, 16}};
    const int64_t B = 2;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int64_t S = cases[c].S;
        int bands = cases[c].bands;
        ap_tensor x = random_tensor(c, 1, AP_SHAPE(B, 1, S));
        ap_tape *tape = ap_tape_create(0);
        ap_var *in = ap_tape_constant(tape, x), *y = build_bands(tape, &in, &bands);
        double want[90];
        for (int64_t b = 0; b < B; b++) {
            double sums[90] = {0};
            ap_real whole[90] = {0};
            for (int k = 0; k < bands; k++) {
                const ap_real *got = y->value.data + (b * bands + k) * S;
                want_band(S, cases[c].n, x.data + b * S, k, bands, want);
                check_close("band_split", S, got, want, forward_tolerance());
                for (int64_t i = 0; i < S; i++) whole[i] += got[i];
            }
            for (int64_t i = 0; i < S; i++) sums[i] = (double)x.data[b * S + i];
            check_close("the bands together", S, whole, sums, forward_tolerance());
        }
        ap_tape_free(tape);
        free(x.data);
    }
}

void gradient_band_split(void **state)
{
    (void)state;
    int bands = 3;
    gradient_case c = {.name = "band_split", .build = build_bands, .context = &bands, .input_count = 1};
    c.inputs[0] = random_tensor(6, 1, AP_SHAPE(2, 35));
    check_gradient(&c);
    check_threads(&c, 0);
    free_inputs(&c);
}

/* ---------------------------------------------------------------- envelopes */

typedef struct segments {
    int64_t M, Q;
    ap_envelope_type type;
} segments;

static ap_var *build_segments(ap_tape *tape, ap_var *const *in, const void *context)
{
    const segments *s = context;
    return ap_envelope_of(tape, in[0], s->M, s->Q, s->type);
}

static double want_norm(int64_t n, const ap_real *x, ap_envelope_type type)
{
    const double floor = 1e-4, p = type == AP_ENVELOPE_RMS ? 2 : 8;
    double most = 0, sum = 0;
    for (int64_t i = 0; i < n; i++) {
        most = fmax(most, fabs((double)x[i]));
        sum += pow(fabs((double)x[i]), p) / (double)n;
    }
    return type == AP_ENVELOPE_MAX ? most : pow(sum + pow(floor, p), 1 / p);
}

/* The plain function: maxima, and where they are. */
static void check_arrays(void)
{
    /* segments of one piece and of several, with and without samples left over, one a sample */
    const struct {
        int64_t B, S, M;
    } cases[] = {{3, 1000, 7}, {2, 2051, 2}, {1, 90, 45}, {2, 31, 31}, {1, 7000, 3}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int64_t B = cases[c].B, S = cases[c].S, M = cases[c].M, length = S / M;
        ap_tensor x = random_tensor(c, 1, AP_SHAPE(B, S));
        double *want = calloc((size_t)(B * M), sizeof *want);
        ap_real *e = malloc((size_t)(B * M) * sizeof *e);
        int64_t *where = malloc((size_t)(B * M) * sizeof *where);
        for (int64_t b = 0; b < B; b++)
            for (int64_t i = 0; i < M * length; i++) {
                double *m = &want[b * M + i / length];
                *m = fmax(*m, fabs((double)x.data[b * S + i]));
            }
        ap_envelope(B, S, M, x.data, e, where);
        check_close("envelope of arrays", B * M, e, want, 0);
        for (int64_t i = 0; i < B * M; i++) {
            assert_true(where[i] / length == i % M);
            assert_true(fabs((double)x.data[i / M * S + where[i]]) == want[i]);
        }
        ap_envelope(B, S, M, x.data, e, NULL);
        check_close("envelope without places", B * M, e, want, 0);
        free(x.data);
        free(want);
        free(e);
        free(where);
    }
}

void forward_envelope(void **state)
{
    (void)state;
    check_arrays();
    /* with and without samples left over; steps that divide a segment and steps that do not */
    const struct {
        int64_t B, S;
        segments s;
    } cases[] = {{2, 97, {6, 4, AP_ENVELOPE_MAX}}, {2, 97, {6, 4, AP_ENVELOPE_RMS}},
                 {2, 97, {6, 4, AP_ENVELOPE_P8}},  {1, 64, {8, 3, AP_ENVELOPE_RMS}},
                 {3, 20, {20, 1, AP_ENVELOPE_P8}}, {1, 700, {2, 1, AP_ENVELOPE_MAX}}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int64_t B = cases[c].B, S = cases[c].S, M = cases[c].s.M, Q = cases[c].s.Q, length = S / M;
        ap_tensor x = random_tensor(c, 1, AP_SHAPE(B, S));
        for (int64_t i = 0; i < length; i++) x.data[i] = 0; /* silence, too */
        double *want = malloc((size_t)(B * Q * M) * sizeof *want);
        for (int64_t b = 0; b < B; b++)
            for (int64_t q = 0; q < Q; q++)
                for (int64_t m = 0; m < M; m++) {
                    int64_t from = m * length + q * length / Q, to = from + length;
                    if (to > M * length) to = M * length;
                    want[(b * Q + q) * M + m] = want_norm(to - from, x.data + b * S + from, cases[c].s.type);
                }
        ap_tape *tape = ap_tape_create(0);
        ap_var *in = ap_tape_constant(tape, x), *e = build_segments(tape, &in, &cases[c].s);
        assert_true(ap_shape_same(e->value.shape, AP_SHAPE(B, Q, M)));
        check_close("envelope", B * Q * M, e->value.data, want, forward_tolerance());
        ap_tape_free(tape);
        free(x.data);
        free(want);
    }
}

void gradient_envelope(void **state)
{
    (void)state;
    for (ap_envelope_type type = AP_ENVELOPE_MAX; type <= AP_ENVELOPE_P8; type++)
        for (int64_t Q = 1; Q <= 4; Q += 3) {
            segments s = {3, Q, type};
            gradient_case c = {.name = "envelope", .build = build_segments, .context = &s, .input_count = 1};
            c.inputs[0] =
                random_tensor(9, 20, AP_SHAPE(2, 1, 29)); /* far apart: maxima do not change places */
            check_gradient(&c);
            check_threads(&c, 0);
            free_inputs(&c);
        }
}

/* ---------------------------------------------------------------- the cost of envelopes */

typedef struct cost_case {
    int64_t steps;
    ap_modulation settings;
} cost_case;

static ap_var *build_cost(ap_tape *tape, ap_var *const *in, const void *context)
{
    const cost_case *l = context;
    return ap_correlation_cost(tape, in[0], in[1], in[2], l->steps, &l->settings);
}

/* r of the output's segments with the source's k Q-ths of a segment later, as far as there are both */
static double want_coefficient(int64_t M, int64_t Q, int64_t k, const ap_real *source, const ap_real *output)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
    for (int64_t m = 0; m < M; m++) {
        int64_t place = m * Q + k; /* on the common grid of Q-ths; row place % Q, column place / Q */
        if (place < 0 || place / Q >= M) continue;
        double x = (double)source[place % Q * M + place / Q], y = (double)output[m];
        n++, sx += x, sy += y, sxx += x * x, syy += y * y, sxy += x * y;
    }
    double vx = (sxx - sx * sx / n) / (n - 1), vy = (syy - sy * sy / n) / (n - 1);
    return (sxy - sx * sy / n) / (n - 1) / (sqrt(vx) * sqrt(vy) + 1e-8);
}

static double want_cost(const cost_case *l, int64_t M, int64_t Q, const ap_real *source,
                        const ap_real *output, double tolerance)
{
    double sum = 0, weighted = 0;
    for (int64_t k = -l->steps; k <= l->steps; k++) {
        double r = fabs(want_coefficient(M, Q, k, source, output));
        sum += exp(r / 0.05);
        weighted += r * exp(r / 0.05);
    }
    double v = (weighted / sum - tolerance) / (1 - tolerance);
    return -log(1 - (v < 0 ? 0 : v > 0.999 ? 0.999 : v));
}

static const cost_case cost_cases[] = {
    {0, {.barrier = AP_BARRIER_ORIGINAL}},
    {7, {.barrier = AP_BARRIER_ORIGINAL}},
    {5, {.barrier = AP_BARRIER_ORIGINAL, .tolerance_input = 0.3, .tolerance_target = 0.1}},
    {5, {.barrier = AP_BARRIER_ORIGINAL, .tolerance_input = 0.1, .tolerance_target = 0.97}},
};
static const int64_t cost_rows[] = {1, 4, 4, 2};

void forward_correlation_cost(void **state)
{
    (void)state;
    const int64_t N = 3, M = 13;
    for (size_t c = 0; c < sizeof cost_cases / sizeof *cost_cases; c++) {
        int64_t Q = cost_rows[c];
        const cost_case *l = &cost_cases[c];
        ap_tensor e[3];
        ap_tape *tape = ap_tape_create(0);
        ap_var *in[3];
        for (int k = 0; k < 3; k++) {
            e[k] = random_tensor(20 + (uint64_t)k, 1, AP_SHAPE(N, k < 2 ? Q : 1, M));
            in[k] = ap_tape_constant(tape, e[k]);
        }
        double want = 0;
        for (int64_t n = 0; n < N; n++)
            for (int k = 0; k < 2; k++)
                want += want_cost(l, M, Q, e[k].data + n * Q * M, e[2].data + n * M,
                                  k ? l->settings.tolerance_target : l->settings.tolerance_input) /
                        (double)N;
        check_close("correlation_cost", 1, build_cost(tape, in, l)->value.data, &want, forward_tolerance());
        ap_tape_free(tape);
        for (int k = 0; k < 3; k++) free(e[k].data);
    }
}

void gradient_correlation_cost(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof cost_cases / sizeof *cost_cases; k++) {
        gradient_case c = {
            .name = "correlation_cost", .build = build_cost, .context = &cost_cases[k], .input_count = 3};
        for (int i = 0; i < 3; i++) /* large against the steps of the differences: no r changes its sign */
            c.inputs[i] = random_tensor(40 + (uint64_t)i, 5, AP_SHAPE(2, i < 2 ? cost_rows[k] : 1, 13));
        check_gradient(&c);
        check_threads(&c, 0);
        free_inputs(&c);
    }
}
