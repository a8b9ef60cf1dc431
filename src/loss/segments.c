#include "loss/segments.h"

#include "antiphon/status.h"
#include "loss/envelope.h"
#include "ops/registry.h"
#include "ops/signals.h"

#include <math.h>

/* Which samples are which segment. */
typedef struct grid {
    int64_t B, S, M, Q, length;
    ap_envelope_type type;
} grid;

typedef struct stretch {
    int64_t from, count; /* from: in all of x [B, S] */
} stretch;

/* segment i of B Q M */
static stretch stretch_of(const grid *g, int64_t i)
{
    int64_t b = i / (g->Q * g->M), q = i / g->M % g->Q, m = i % g->M;
    int64_t from = m * g->length + q * g->length / g->Q, left = g->M * g->length - from;
    return (stretch){b * g->S + from, left < g->length ? left : g->length};
}

/* the sum of |x|^p, p = 2^doublings */
static inline double sum_of_powers(int64_t n, const ap_real *x, int doublings)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        double power = (double)x[i];
        for (int k = 0; k < doublings; k++) power *= power;
        sum += power;
    }
    return sum;
}

/* ---------------------------------------------------------------- segment_norm: e = (mean |x|^p +
 * f^p)^(1/p), f the floor of modulation.h, or max |x| */

static double norm_of(ap_envelope_type type, int64_t n, const ap_real *x)
{
    const double f = AP_MODULATION_FLOOR, count = (double)n;
    if (type == AP_ENVELOPE_RMS) return sqrt(sum_of_powers(n, x, 1) / count + f * f);
    return pow(sum_of_powers(n, x, 3) / count + pow(f, 8), 1.0 / 8);
}

static void segment_norm_forward(const grid *g, const ap_real *x, ap_real *e, int64_t *where)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < g->B * g->Q * g->M; i++) {
        stretch s = stretch_of(g, i);
        if (g->type != AP_ENVELOPE_MAX) {
            e[i] = (ap_real)norm_of(g->type, s.count, x + s.from);
            continue;
        }
        e[i] = ap_loudest(s.count, x + s.from, where ? where + i : NULL);
        if (where) where[i] += s.from;
    }
}

/* de/dx = sign(x) (|x| / e)^(p - 1) / n */
static void norm_backward(ap_envelope_type type, int64_t n, const ap_real *x, ap_real e, ap_real de,
                          ap_real *dx)
{
    const ap_real each = de / (ap_real)n;
    for (int64_t i = 0; i < n; i++) {
        ap_real t = x[i] / e, square = t * t;
        dx[i] += each * t * (type == AP_ENVELOPE_RMS ? 1 : square * square * square);
    }
}

/* Segments of one signal overlap: a thread has all of a signal's. */
static void segment_norm_backward(const grid *g, const ap_real *x, const ap_real *e, const int64_t *where,
                                  const ap_real *de, ap_real *dx)
{
    int64_t each = g->Q * g->M;
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < g->B; b++)
        for (int64_t i = b * each; i < (b + 1) * each; i++) {
            stretch s = stretch_of(g, i);
            if (g->type != AP_ENVELOPE_MAX)
                norm_backward(g->type, s.count, x + s.from, e[i], de[i], dx + s.from);
            else if (x[where[i]] != 0)
                dx[where[i]] += x[where[i]] > 0 ? de[i] : -de[i];
        }
}

typedef struct saved {
    grid grid;
    int64_t where[]; /* of every segment, for the maximum alone */
} saved;

static void segment_norm_node_backward(ap_tape *tape, ap_var *e)
{
    ap_real *dx = ap_var_grad(tape, e->inputs[0]);
    const saved *s = e->saved;
    if (dx) segment_norm_backward(&s->grid, e->inputs[0]->value.data, e->value.data, s->where, e->grad, dx);
}

AP_DEFINE_OP(segment_norm);

ap_var *ap_segment_norm(ap_tape *tape, ap_var *x, int64_t M, int64_t Q, ap_envelope_type type)
{
    ap_signals of = ap_signals_of("segment_norm", x);
    grid g = {of.B, of.S, M, Q, M > 0 ? of.S / M : 0, type};
    if (M < 1 || Q < 1 || Q > g.length)
        ap_fatal("segment_norm: %lld segments in steps of 1/%lld of %lld samples", (long long)M, (long long)Q,
                 (long long)of.S);
    ap_var *e = ap_tape_push(tape, &op_segment_norm, AP_SHAPE(of.B, Q, M), 1, &x);
    size_t places = type == AP_ENVELOPE_MAX ? (size_t)(of.B * Q * M) : 0;
    saved *kept = ap_tape_save(tape, e, sizeof *kept + places * sizeof *kept->where);
    if (kept) kept->grid = g;
    segment_norm_forward(&g, x->value.data, e->value.data, kept ? kept->where : NULL);
    return e;
}
