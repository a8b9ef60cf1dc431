#include "loss/modulation.h"

#include "antiphon/rate.h"
#include "antiphon/status.h"
#include "base/memory.h"
#include "kernels/array.h"
#include "loss/bands.h"
#include "loss/envelope.h"
#include "loss/pearson.h"
#include "ops/registry.h"
#include "ops/signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The limit of |r|, so that the cost ends at -ln(0.001) = 6.9. */
#define CLAMP 0.999
/* The extended barrier's slope is constant beyond this: 1 / (1 - 0.9) = 10. */
#define TANGENT 0.9

/* ---------------------------------------------------------------- -ln(1 - |r|) */

double ap_modulation_cost_of(double r)
{
    double u = fabs(r);
    return -log1p(-(u > CLAMP ? CLAMP : u)); /* NaN stays NaN */
}

double ap_barrier_slope(ap_barrier barrier, double r)
{
    double u = fabs(r);
    if (u == 0 || (barrier == AP_BARRIER_ORIGINAL && u > CLAMP)) return 0;
    return copysign(1 / (1 - (barrier == AP_BARRIER_EXTENDED && u > TANGENT ? TANGENT : u)), r);
}

/* ---------------------------------------------------------------- one envelope against another, over lags */

/* The segments compared at one lag: from .. from + count - 1 of the output with those of row q of the source
 * that are `ahead` segments later. */
typedef struct overlap {
    int64_t q, ahead, from, count;
} overlap;

/* The overlap at a lag of k / Q of a segment. */
static overlap overlap_of(int64_t k, int64_t Q, int64_t M)
{
    int64_t q = (k % Q + Q) % Q, ahead = (k - q) / Q;
    return (overlap){q, ahead, ahead < 0 ? -ahead : 0, M - (ahead < 0 ? -ahead : ahead)};
}

/* The lags of one pair of envelopes: the r of each, and its weight in the smooth maximum. */
typedef struct lags {
    int64_t steps, Q, M;
    double *r, *weight; /* [2 steps + 1]; r signed */
} lags;

/* u = sum of w |r|, w = softmax(|r| / t); |r| itself for a single lag */
static double smooth_maximum(const lags *l)
{
    double most = 0, sum = 0, u = 0;
    int64_t count = 2 * l->steps + 1;
    for (int64_t i = 0; i < count; i++) most = fmax(most, fabs(l->r[i]));
    for (int64_t i = 0; i < count; i++) {
        l->weight[i] = exp((fabs(l->r[i]) - most) / AP_MODULATION_TEMPERATURE);
        sum += l->weight[i];
    }
    for (int64_t i = 0; i < count; i++) {
        l->weight[i] /= sum;
        u += l->weight[i] * fabs(l->r[i]);
    }
    return u;
}

/* du/d|r| = w (1 + (|r| - u) / t), du/dr its sign */
static double smooth_maximum_slope(const lags *l, double u, int64_t i)
{
    double a = fabs(l->r[i]), sign = (double)((l->r[i] > 0) - (l->r[i] < 0));
    return sign * l->weight[i] * (1 + (a - u) / AP_MODULATION_TEMPERATURE);
}

/* The cost of one output with respect to one source. Adds `scale` times the gradient to dsource [Q, M] and
 * doutput [M] (NULL: not wanted). */
static double source_cost(const lags *l, ap_barrier barrier, double tolerance, double scale,
                          const ap_real *source, const ap_real *output, ap_real *dsource, ap_real *doutput)
{
    for (int64_t i = 0; i <= 2 * l->steps; i++) {
        overlap o = overlap_of(i - l->steps, l->Q, l->M);
        l->r[i] = ap_correlate(o.count, source + o.q * l->M + o.from + o.ahead, output + o.from).r;
    }
    double u = smooth_maximum(l), v = u < tolerance ? 0 : (u - tolerance) / (1 - tolerance);
    double slope = scale * ap_barrier_slope(barrier, v) / (1 - tolerance);
    for (int64_t i = 0; (dsource || doutput) && slope != 0 && i <= 2 * l->steps; i++) {
        overlap o = overlap_of(i - l->steps, l->Q, l->M);
        int64_t at = o.q * l->M + o.from + o.ahead;
        ap_correlation c = ap_correlate(o.count, source + at, output + o.from);
        ap_correlate_backward(&c, o.count, source + at, output + o.from,
                              slope * smooth_maximum_slope(l, u, i), dsource ? dsource + at : NULL,
                              doutput ? doutput + o.from : NULL);
    }
    return ap_modulation_cost_of(v);
}

/* ---------------------------------------------------------------- correlation_cost */

typedef struct charge {
    int64_t steps;
    ap_barrier barrier;
    double tolerance[2];
} charge;

/* The mean cost over N, of both sources together; gradients, if wanted, are those of `scale` times it. Each
 * thread computes one N at a time, and the sum is formed in order. */
static double mean_cost(ap_tape *tape, const charge *how, double scale, ap_var *const *e, ap_real *const *de)
{
    const int64_t *at = e[0]->value.shape.at, N = at[0], Q = at[1], M = at[2], count = 2 * how->steps + 1;
    size_t bytes = (size_t)(N * (1 + 2 * count)) * sizeof(double);
    double *room = ap_arena_alloc(ap_tape_arena(tape), bytes), total = 0;
#pragma omp parallel for schedule(static)
    for (int64_t n = 0; n < N; n++) {
        lags l = {how->steps, Q, M, room + N + 2 * n * count, room + N + (2 * n + 1) * count};
        room[n] = 0;
        for (int k = 0; k < 2; k++)
            room[n] += source_cost(&l, how->barrier, how->tolerance[k], scale / (double)N,
                                   e[k]->value.data + n * Q * M, e[2]->value.data + n * M,
                                   ap_array_row(de[k], n, Q * M), ap_array_row(de[2], n, M));
    }
    for (int64_t n = 0; n < N; n++) total += room[n];
    ap_arena_recycle(ap_tape_arena(tape), room, bytes);
    return total / (double)N;
}

static void correlation_cost_node_backward(ap_tape *tape, ap_var *cost)
{
    ap_real *de[3];
    for (int k = 0; k < 3; k++) de[k] = ap_var_grad(tape, cost->inputs[k]);
    mean_cost(tape, cost->saved, (double)cost->grad[0], cost->inputs, de);
}

AP_DEFINE_OP(correlation_cost, .reads = AP_READS_INPUTS(3));

ap_var *ap_correlation_cost(ap_tape *tape, ap_var *e_input, ap_var *e_target, ap_var *e_output, int64_t steps,
                            const ap_modulation *settings)
{
    ap_var *e[3] = {e_input, e_target, e_output};
    ap_shape source = e_input->value.shape, output = e_output->value.shape;
    bool fit = source.rank == 3 && output.rank == 3 && output.at[0] == source.at[0] && output.at[1] == 1 &&
               output.at[2] == source.at[2] && ap_shape_same(e_target->value.shape, source);
    if (!fit || source.at[2] < 2 || steps < 0 || 4 * steps > source.at[1] * source.at[2])
        ap_fatal("correlation_cost: envelopes %s and %s over %lld lags", ap_shape_print(source).text,
                 ap_shape_print(output).text, (long long)steps);
    ap_var *cost = ap_tape_push(tape, &op_correlation_cost, AP_SHAPE_SCALAR, 3, e);
    charge how = {steps, settings->barrier, {settings->tolerance_input, settings->tolerance_target}};
    charge *saved = ap_tape_save(tape, cost, sizeof *saved);
    if (saved) *saved = how;
    cost->value.data[0] = (ap_real)mean_cost(tape, &how, 0, e, (ap_real *[3]){NULL});
    return cost;
}

/* ---------------------------------------------------------------- from audio */

/* The smallest number of steps that reaches the lag, limited to a quarter of the signal. */
static int64_t lag_steps(const ap_modulation *s, int64_t S)
{
    double step = (double)(S / s->segments) / AP_MODULATION_LAG_STEPS;
    double wanted = ceil(s->lag_ms / 1000 * AP_SAMPLE_RATE / step);
    return (int64_t)fmin(wanted, (double)(AP_MODULATION_LAG_STEPS * s->segments / 4));
}

ap_var *ap_modulation_cost(ap_tape *tape, ap_var *input, ap_var *target, ap_var *output,
                           const ap_modulation *settings)
{
    ap_signals_of_both("modulation_cost", input, output);
    int64_t steps = lag_steps(settings, ap_signals_of_both("modulation_cost", target, output).S);
    ap_var *e[3] = {input, target, output};
    for (int k = 0; k < 3; k++) {
        int64_t rows = k < 2 && steps ? AP_MODULATION_LAG_STEPS : 1;
        if (settings->bands > 1) e[k] = ap_band_split(tape, e[k], settings->bands);
        e[k] = ap_envelope_of(tape, e[k], settings->segments, rows, settings->envelope);
    }
    return ap_correlation_cost(tape, e[0], e[1], e[2], steps, settings);
}

/* ---------------------------------------------------------------- on plain arrays */

ap_real ap_modulation_cost_arrays(int64_t B, int64_t S, int64_t M, ap_barrier barrier, const ap_real *input,
                                  const ap_real *target, const ap_real *output, ap_real *r_input,
                                  ap_real *r_target, ap_real *doutput)
{
    if (M < 2) ap_fatal("modulation_cost: %lld segments", (long long)M);
    const ap_real *signals[3] = {input, target, output};
    ap_real *r[2] = {r_input, r_target}, *e = ap_allocate((size_t)(4 * B * M), sizeof *e),
            *de = e + 3 * B * M;
    int64_t *where = doutput ? ap_allocate((size_t)(B * M), sizeof *where) : NULL;
    double cost = 0;
    for (int k = 0; k < 3; k++) ap_envelope(B, S, M, signals[k], e + k * B * M, k == 2 ? where : NULL);
    for (int64_t b = 0; b < B; b++)
        for (int source = 0; source < 2; source++) {
            double coefficient, weight;
            lags one = {0, 1, M, &coefficient, &weight};
            cost += source_cost(&one, barrier, 0, 1 / (double)B, e + (source * B + b) * M,
                                e + (2 * B + b) * M, NULL, doutput ? de + b * M : NULL);
            if (r[source]) r[source][b] = (ap_real)coefficient;
        }
    if (doutput) {
        memset(doutput, 0, (size_t)(B * S) * sizeof *doutput);
        ap_envelope_backward(B, S, M, output, where, de, doutput);
    }
    free(where);
    free(e);
    return (ap_real)(cost / (double)B);
}

void ap_modulation_coefficients(ap_arena *arena, int64_t S, int64_t M, const ap_real *input,
                                const ap_real *target, const ap_real *output, double r[2])
{
    size_t bytes = (size_t)(2 * M) * sizeof(ap_real);
    ap_real *e = ap_arena_alloc(arena, bytes);
    ap_envelope(1, S, M, output, e, NULL);
    for (int source = 0; source < 2; source++) {
        ap_envelope(1, S, M, source ? target : input, e + M, NULL);
        r[source] = ap_pearson(M, e + M, e);
    }
    ap_arena_recycle(arena, e, bytes);
}
