#include "antiphon/modulation.h"

#include "loss/envelope.h"
#include "loss/modulation.h"
#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

static ap_var *build_envelope(ap_tape *tape, ap_var *const *in, const void *context)
{
    return ap_envelope_of(tape, in[0], *(const int64_t *)context);
}

static ap_var *build_cost(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_correlation_cost(tape, in[0], in[1], in[2], AP_BARRIER_SEED);
}

void forward_envelope(void **state)
{
    (void)state;
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
        check_close("envelope", B * M, e, want, 0);
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

void gradient_envelope(void **state)
{
    (void)state;
    int64_t M = 3;
    gradient_case c = {.name = "envelope", .build = build_envelope, .context = &M, .input_count = 1};
    c.inputs[0] = random_tensor(6, 20, AP_SHAPE(2, 1, 23));
    check_gradient(&c);
    free_inputs(&c);
}

static double coefficient(int64_t M, const ap_real *x, const ap_real *y)
{
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (int64_t i = 0; i < M; i++) mx += (double)x[i] / (double)M, my += (double)y[i] / (double)M;
    for (int64_t i = 0; i < M; i++) {
        double dx = (double)x[i] - mx, dy = (double)y[i] - my;
        xx += dx * dx, yy += dy * dy, xy += dx * dy;
    }
    double n = (double)(M - 1);
    return xy / n / (sqrt(xx / n) * sqrt(yy / n) + 1e-8);
}

void forward_correlation_cost(void **state)
{
    (void)state;
    const int64_t B = 3, M = 11;
    ap_tensor e[3];
    ap_tape *tape = ap_tape_create(0);
    ap_var *in[3];
    for (int k = 0; k < 3; k++) {
        e[k] = random_tensor((uint64_t)k, 1, AP_SHAPE(B, M));
        in[k] = ap_tape_constant(tape, e[k]);
    }
    double want = 0;
    for (int64_t b = 0; b < B; b++)
        for (int k = 0; k < 2; k++)
            want -= log(1 - fabs(coefficient(M, e[k].data + b * M, e[2].data + b * M))) / (double)B;
    check_close("correlation_cost", 1, build_cost(tape, in, NULL)->value.data, &want, forward_tolerance());
    ap_tape_free(tape);
    for (int k = 0; k < 3; k++) free(e[k].data);
}

void gradient_correlation_cost(void **state)
{
    (void)state;
    gradient_case c = {.name = "correlation_cost", .build = build_cost, .input_count = 3};
    for (int k = 0; k < 3; k++) c.inputs[k] = random_tensor(10 + (uint64_t)k, 1, AP_SHAPE(2, 9));
    check_gradient(&c);
    free_inputs(&c);
}
