#include "loss/modulation.h"

#include "antiphon/status.h"
#include "core/array.h"
#include "core/memory.h"
#include "loss/envelope.h"
#include "loss/pearson.h"
#include "ops/registry.h"
#include "ops/signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The most that |r| counts: the cost ends at -ln(0.001) = 6.9. */
#define CLAMP 0.999
/* Where the extended barrier's slope stops growing: beyond it the slope is 1 / (1 - 0.9) = 10. */
#define TANGENT 0.9

/* ---------------------------------------------------------------- -ln(1 - |r|), r of two envelopes */

double ap_modulation_cost_of(double r)
{
    return -log1p(-fmin(fabs(r), CLAMP));
}

double ap_barrier_slope(ap_barrier barrier, double r)
{
    double u = fabs(r);
    if (u == 0 || (barrier == AP_BARRIER_SEED && u > CLAMP)) return 0;
    return copysign(1 / (1 - (barrier == AP_BARRIER_SEED ? u : fmin(u, TANGENT))), r);
}

/* What one source's envelope adds to the cost of one output; dsource and doutput (NULL: not wanted) get
 * `scale` times its gradient added. */
static double source_cost(int64_t M, ap_barrier barrier, double scale, const ap_real *source,
                          const ap_real *output, ap_real *dsource, ap_real *doutput, double *r)
{
    ap_correlation c = ap_correlate(M, source, output);
    if (r) *r = c.r;
    if (dsource || doutput)
        ap_correlate_backward(&c, M, source, output, scale * ap_barrier_slope(barrier, c.r), dsource,
                              doutput);
    return ap_modulation_cost_of(c.r);
}

/* ---------------------------------------------------------------- on a tape */

/* What is kept for backward, and for ap_correlation_cost_r. */
typedef struct correlation_saved {
    ap_barrier barrier;
    double r[]; /* [B, 2] */
} correlation_saved;

/* the sum over the batch of both sources' costs; gradients, as far as wanted, are those of `scale` times it;
 * r [B, 2] (NULL: not wanted) */
static double batch_cost(ap_barrier barrier, double scale, ap_var *const *e, ap_real *const *de, double *r)
{
    int64_t B = e[2]->value.shape.at[0], M = e[2]->value.shape.at[1];
    double cost = 0;
    for (int64_t b = 0; b < B; b++)
        for (int source = 0; source < 2; source++)
            cost += source_cost(M, barrier, scale, ap_array_row(e[source]->value.data, b, M),
                                ap_array_row(e[2]->value.data, b, M), ap_array_row(de[source], b, M),
                                ap_array_row(de[2], b, M), r ? r + 2 * b + source : NULL);
    return cost;
}

static void correlation_cost_node_backward(ap_tape *tape, ap_var *cost)
{
    ap_real *de[3];
    for (int k = 0; k < 3; k++) de[k] = ap_var_grad(tape, cost->inputs[k]);
    double B = (double)cost->inputs[2]->value.shape.at[0];
    const correlation_saved *saved = cost->saved;
    batch_cost(saved->barrier, (double)cost->grad[0] / B, cost->inputs, de, NULL);
}

AP_DEFINE_OP(correlation_cost);

ap_var *ap_correlation_cost(ap_tape *tape, ap_var *e_input, ap_var *e_target, ap_var *e_output,
                            ap_barrier barrier)
{
    ap_var *e[3] = {e_input, e_target, e_output};
    ap_shape shape = e_output->value.shape;
    for (int k = 0; k < 2; k++)
        if (shape.rank != 2 || shape.at[1] < 2 || !ap_shape_same(e[k]->value.shape, shape))
            ap_fatal("modulation_cost: envelopes %s and %s", ap_shape_print(e[k]->value.shape).text,
                     ap_shape_print(shape).text);
    ap_var *cost = ap_tape_push(tape, &op_correlation_cost, AP_SHAPE_SCALAR, 3, e);
    size_t bytes = (size_t)(2 * shape.at[0]) * sizeof(double);
    correlation_saved *saved = ap_tape_save(tape, cost, sizeof *saved + bytes);
    if (saved) saved->barrier = barrier;
    double sum = batch_cost(barrier, 0, e, (ap_real *[3]){NULL}, saved ? saved->r : NULL);
    cost->value.data[0] = (ap_real)(sum / (double)shape.at[0]);
    return cost;
}

const double *ap_correlation_cost_r(const ap_var *cost)
{
    const correlation_saved *saved = cost->op == &op_correlation_cost ? cost->saved : NULL;
    return saved ? saved->r : NULL;
}

ap_var *ap_modulation_cost(ap_tape *tape, ap_var *input, ap_var *target, ap_var *output, int64_t M,
                           ap_barrier barrier)
{
    ap_signals_of_both("modulation_cost", input, output);
    ap_signals_of_both("modulation_cost", target, output);
    return ap_correlation_cost(tape, ap_envelope_of(tape, input, M), ap_envelope_of(tape, target, M),
                               ap_envelope_of(tape, output, M), barrier);
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
            double coefficient;
            cost += source_cost(M, barrier, 1 / (double)B, e + (source * B + b) * M, e + (2 * B + b) * M,
                                NULL, doutput ? de + b * M : NULL, &coefficient);
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
