#include "loss/envelope.h"

#include "antiphon/status.h"
#include "base/bounds.h"
#include "kernels/terms.h"
#include "ops/registry.h"
#include "ops/signals.h"

#include <tgmath.h>

/* The maximum is found piece by piece, its index then by a search in one piece. */
#define PIECE 256

/* ---------------------------------------------------------------- one segment */

/* The largest |x| of n numbers. *where (NULL: not wanted) receives the first index that has it. */
static ap_real loudest(int64_t n, const ap_real *x, int64_t *where)
{
    if (!where) return ap_term_loudest(n, x);
    ap_real most = 0;
    int64_t piece = 0;
    for (int64_t at = 0; at < n; at += PIECE) {
        ap_real here = ap_term_loudest(ap_least(PIECE, n - at), x + at);
        if (!(here <= most)) { /* NaN is more than any number */
            most = here;
            piece = at;
        }
        if (isnan(most)) break;
    }
    while (!isnan(most) ? fabs(x[piece]) != most : !isnan(x[piece])) piece++;
    *where = piece;
    return most;
}

static double norm_of(ap_envelope_type type, int64_t n, const ap_real *x)
{
    const double f = AP_ENVELOPE_FLOOR, count = (double)n;
    if (type == AP_ENVELOPE_RMS) return sqrt(ap_term_powers(n, false, x) / count + f * f);
    return pow(ap_term_powers(n, true, x) / count + pow(f, 8), 1.0 / 8);
}

/* de/dx = sign(x) at the maximum, 0 elsewhere and for silence. */
static void maximum_backward(const ap_real *x, int64_t where, ap_real de, ap_real *dx)
{
    if (x[where] != 0) dx[where] += x[where] > 0 ? de : -de;
}

/* ---------------------------------------------------------------- envelope: all segments */

/* The division of samples into segments. */
typedef struct grid {
    int64_t B, S, M, Q, length;
    ap_envelope_type type;
} grid;

typedef struct stretch {
    int64_t from, count; /* from: index into x [B, S] */
} stretch;

/* Segment i of B Q M. */
static stretch stretch_of(const grid *g, int64_t i)
{
    int64_t b = i / (g->Q * g->M), q = i / g->M % g->Q, m = i % g->M;
    int64_t from = m * g->length + q * g->length / g->Q, left = g->M * g->length - from;
    return (stretch){b * g->S + from, left < g->length ? left : g->length};
}

/* where [B Q M] (NULL: not wanted) receives the index in x of each maximum. */
static void envelope_forward(const grid *g, const ap_real *x, ap_real *e, int64_t *where)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < g->B * g->Q * g->M; i++) {
        stretch s = stretch_of(g, i);
        if (g->type != AP_ENVELOPE_MAX) {
            e[i] = (ap_real)norm_of(g->type, s.count, x + s.from);
            continue;
        }
        e[i] = loudest(s.count, x + s.from, where ? where + i : NULL);
        if (where) where[i] += s.from;
    }
}

/* Each thread has all segments of a signal, because segments overlap. */
static void envelope_backward(const grid *g, const ap_real *x, const ap_real *e, const int64_t *where,
                              const ap_real *de, ap_real *dx)
{
    int64_t each = g->Q * g->M;
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < g->B; b++)
        for (int64_t i = b * each; i < (b + 1) * each; i++) {
            stretch s = stretch_of(g, i);
            if (g->type == AP_ENVELOPE_MAX)
                maximum_backward(x, where[i], de[i], dx);
            else
                /* de/dx = sign(x) (|x| / e)^(p - 1) / n */
                ap_term_powers_back(s.count, g->type == AP_ENVELOPE_P8, de[i] / (ap_real)s.count, 1 / e[i],
                                    x + s.from, dx + s.from);
        }
}

typedef struct saved {
    grid grid;
    int64_t where[]; /* [B Q M], only for the maximum */
} saved;

static void envelope_node_backward(ap_tape *tape, ap_var *e)
{
    ap_real *dx = ap_var_grad(tape, e->inputs[0]);
    const saved *s = e->saved;
    if (dx) envelope_backward(&s->grid, e->inputs[0]->value.data, e->value.data, s->where, e->grad, dx);
}

AP_DEFINE_OP(envelope, .reads = AP_READS_INPUT(0) | AP_READS_OUTPUT);

ap_var *ap_envelope_of(ap_tape *tape, ap_var *x, int64_t M, int64_t Q, ap_envelope_type type)
{
    ap_signals of = ap_signals_of("envelope", x);
    grid g = {of.B, of.S, M, Q, M > 0 ? of.S / M : 0, type};
    if (M < 1 || Q < 1 || Q > g.length)
        ap_fatal("envelope: %lld segments in steps of 1/%lld of %lld samples", (long long)M, (long long)Q,
                 (long long)of.S);
    ap_var *e = ap_tape_push(tape, &op_envelope, AP_SHAPE(of.B, Q, M), 1, &x);
    size_t places = type == AP_ENVELOPE_MAX ? (size_t)(of.B * Q * M) : 0;
    saved *kept = ap_tape_save(tape, e, sizeof *kept + places * sizeof *kept->where);
    if (kept) kept->grid = g;
    envelope_forward(&g, x->value.data, e->value.data, kept ? kept->where : NULL);
    return e;
}

/* ---------------------------------------------------------------- on plain arrays */

void ap_envelope(int64_t B, int64_t S, int64_t M, const ap_real *x, ap_real *e, int64_t *where)
{
    if (M < 1 || M > S) ap_fatal("envelope: %lld segments of %lld samples", (long long)M, (long long)S);
    grid g = {B, S, M, 1, S / M, AP_ENVELOPE_MAX};
    envelope_forward(&g, x, e, where);
    for (int64_t i = 0; where && i < B * M; i++) where[i] -= i / M * S;
}

void ap_envelope_backward(int64_t B, int64_t S, int64_t M, const ap_real *x, const int64_t *where,
                          const ap_real *de, ap_real *dx)
{
    for (int64_t i = 0; i < B * M; i++) maximum_backward(x, i / M * S + where[i], de[i], dx);
}
