#include "loss/envelope.h"

#include "antiphon/modulation.h"
#include "antiphon/status.h"
#include "ops/registry.h"
#include "ops/signals.h"

#include <string.h>

/* Magnitudes are compared as integers: without its sign bit a number orders like its bit pattern, and the
 * maximum of integers, unlike that of numbers that might be NaN, is one vector instruction. */
#ifdef AP_DOUBLE
typedef int64_t pattern __attribute__((may_alias));
#define SIGN_MASK INT64_MAX
#else
typedef int32_t pattern __attribute__((may_alias));
#define SIGN_MASK INT32_MAX
#endif

/* The maximum is looked for in pieces of this many samples; where exactly it was is then looked up in one
 * piece. */
#define PIECE 256

ap_real ap_loudest(int64_t n, const ap_real *x, int64_t *where)
{
    const pattern *bits = (const pattern *)x;
    pattern most = -1;
    int64_t piece = 0;
    for (int64_t at = 0; at < n; at += PIECE) {
        int64_t end = at + PIECE < n ? at + PIECE : n;
        pattern here = 0;
        for (int64_t i = at; i < end; i++) {
            pattern magnitude = bits[i] & SIGN_MASK;
            here = magnitude > here ? magnitude : here;
        }
        if (here > most) {
            most = here;
            piece = at;
        }
    }
    if (where) {
        while ((bits[piece] & SIGN_MASK) != most) piece++;
        *where = piece;
    }
    ap_real value;
    memcpy(&value, &most, sizeof value);
    return value;
}

void ap_envelope(int64_t B, int64_t S, int64_t M, const ap_real *x, ap_real *e, int64_t *where)
{
    if (M < 1 || M > S) ap_fatal("envelope: %lld segments of %lld samples", (long long)M, (long long)S);
    int64_t length = S / M;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < B * M; i++) {
        int64_t start = i % M * length;
        e[i] = ap_loudest(length, x + i / M * S + start, where ? where + i : NULL);
        if (where) where[i] += start;
    }
}

void ap_envelope_backward(int64_t B, int64_t S, int64_t M, const ap_real *x, const int64_t *where,
                          const ap_real *de, ap_real *dx)
{
    for (int64_t i = 0; i < B * M; i++) {
        int64_t at = i / M * S + where[i];
        if (x[at] != 0) dx[at] += x[at] > 0 ? de[i] : -de[i];
    }
}

static void envelope_node_backward(ap_tape *tape, ap_var *e)
{
    ap_var *x = e->inputs[0];
    ap_real *dx = ap_var_grad(tape, x);
    if (!dx) return;
    ap_signals of = ap_signals_of("envelope", x);
    ap_envelope_backward(of.B, of.S, e->value.shape.at[1], x->value.data, e->saved, e->grad, dx);
}

AP_DEFINE_OP(envelope);

ap_var *ap_envelope_of(ap_tape *tape, ap_var *x, int64_t M)
{
    ap_signals of = ap_signals_of("envelope", x);
    ap_var *e = ap_tape_push(tape, &op_envelope, AP_SHAPE(of.B, M), 1, &x);
    int64_t *where = ap_tape_save(tape, e, (size_t)(of.B * M) * sizeof *where);
    ap_envelope(of.B, of.S, M, x->value.data, e->value.data, where);
    return e;
}
