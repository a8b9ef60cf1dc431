#include "antiphon/ops.h"

#include "antiphon/status.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "kernels/array.h"
#include "kernels/product.h"
#include "ops/registry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The padded signal is a matrix P [frames + 1, hop]; frame f is its rows f and f + 1. So the transform is
 * two matrix products, one with each half of the basis, over rows starting at 0 and at 1. In the inverse,
 * the overlap-add is the second product being added to the result of the first. */
struct ap_mdct {
    int dim, hop; /* dim: rows of the basis */
    ap_real gain;
    ap_real *basis; /* [dim, 2 hop] */
};

/* The row [2 hop] of bin k: the cosine, or the sine, times a factor. */
static void fill_row(int hop, int k, bool sine, double factor, ap_real *row)
{
    for (int n = 0; n < 2 * hop; n++) {
        double window = sin(M_PI * (n + 0.5) / (2 * hop)) * sqrt(2.0 / hop);
        double angle = M_PI / hop * (n + 0.5 + hop / 2.0) * (k + 0.5);
        row[n] = (ap_real)(factor * window * (sine ? sin(angle) : cos(angle)));
    }
}

ap_mdct *ap_mdct_create_bins(ap_mdct_bins bins, int hop, ap_real gain)
{
    if (bins.first < 0 || bins.count < 1 || bins.first + bins.count > hop || !(gain > 0))
        ap_fatal("mdct: %d coefficients of %d from %d, gain %g", bins.count, hop, bins.first, (double)gain);
    bool both = bins.parts == AP_MDCT_BOTH;
    int dim = both ? 2 * bins.count : bins.count;
    ap_mdct *mdct = ap_allocate(1, sizeof *mdct);
    *mdct = (ap_mdct){dim, hop, gain, ap_allocate((size_t)dim * 2 * (size_t)hop, sizeof(ap_real))};
    for (int r = 0; r < dim; r++)
        fill_row(hop, bins.first + (both ? r / 2 : r), both ? r % 2 == 1 : bins.parts == AP_MDCT_SINES,
                 both ? sqrt(0.5) : 1, mdct->basis + r * 2 * hop);
    return mdct;
}

ap_mdct *ap_mdct_create(int dim, int hop, ap_real gain)
{
    return ap_mdct_create_bins((ap_mdct_bins){0, dim, AP_MDCT_COSINES}, hop, gain);
}

void ap_mdct_free(ap_mdct *mdct)
{
    if (!mdct) return;
    free(mdct->basis);
    free(mdct);
}

int64_t ap_mdct_frames(const ap_mdct *mdct, int64_t S)
{
    return ap_divide_up(S, mdct->hop) + 1;
}

/* ---------------------------------------------------------------- z = basis P, and its adjoint */

/* z [dim, frames] = the basis applied to every frame of `padded`, or added to z if `add` is set */
static void analyse(ap_arena *arena, const ap_mdct *mdct, int64_t frames, const ap_real *padded, bool add,
                    ap_real *z)
{
    int hop = mdct->hop;
    for (int half = 0; half < 2; half++)
        ap_product(arena, &(ap_product_task){
                              mdct->dim, frames, hop, ap_matrix_rows(mdct->basis + half * hop, 2 * hop),
                              ap_matrix_turned(padded + half * hop, hop), NULL, z, frames, add || half});
}

/* padded [frames + 1, hop] = the overlap-add of the basis weighted by z */
static void synthesise(ap_arena *arena, const ap_mdct *mdct, int64_t frames, const ap_real *z,
                       ap_real *padded)
{
    int hop = mdct->hop;
    memset(padded + frames * hop, 0, (size_t)hop * sizeof *padded);
    for (int half = 0; half < 2; half++)
        ap_product(arena, &(ap_product_task){frames, hop, mdct->dim, ap_matrix_turned(z, frames),
                                             ap_matrix_rows(mdct->basis + half * hop, 2 * hop), NULL,
                                             padded + half * hop, hop, half});
}

/* The conversion between x [B, S] and z [B, dim, frames], through one padded signal at a time. */
typedef struct passage {
    const ap_mdct *mdct;
    ap_arena *arena;
    int64_t B, S, frames;
    size_t bytes; /* of a padded signal */
} passage;

static passage passage_of(ap_tape *tape, const ap_mdct *mdct, int64_t B, int64_t S, int64_t frames)
{
    return (passage){
        mdct, ap_tape_arena(tape), B, S, frames, (size_t)((frames + 1) * mdct->hop) * sizeof(ap_real)};
}

/* z = factor times the analysis of x, or added to z. */
static void analyse_all(const passage *p, ap_real factor, const ap_real *x, bool add, ap_real *z)
{
    ap_real *padded = ap_arena_zeros(p->arena, p->bytes);
    for (int64_t b = 0; b < p->B; b++) {
        for (int64_t i = 0; i < p->S; i++) padded[p->mdct->hop + i] = factor * x[b * p->S + i];
        analyse(p->arena, p->mdct, p->frames, padded, add, z + b * p->mdct->dim * p->frames);
    }
    ap_arena_recycle(p->arena, padded, p->bytes);
}

/* x = factor times the synthesis from z, or added to x. */
static void synthesise_all(const passage *p, ap_real factor, const ap_real *z, bool add, ap_real *x)
{
    ap_real *padded = ap_arena_alloc(p->arena, p->bytes);
    for (int64_t b = 0; b < p->B; b++) {
        synthesise(p->arena, p->mdct, p->frames, z + b * p->mdct->dim * p->frames, padded);
        const ap_real *from = padded + p->mdct->hop;
        ap_real *to = x + b * p->S;
        if (add)
            ap_array_accumulate(p->S, factor, from, to);
        else
            for (int64_t i = 0; i < p->S; i++) to[i] = factor * from[i];
    }
    ap_arena_recycle(p->arena, padded, p->bytes);
}

/* ---------------------------------------------------------------- encode: z = gain basis frames(x) */

static void mdct_encode_node_backward(ap_tape *tape, ap_var *z)
{
    const ap_mdct *mdct = *(const ap_mdct **)z->saved;
    ap_var *x = z->inputs[0];
    ap_real *dx = ap_var_grad(tape, x);
    if (!dx) return;
    passage p = passage_of(tape, mdct, x->value.shape.at[0], x->value.shape.at[2], z->value.shape.at[2]);
    synthesise_all(&p, mdct->gain, z->grad, true, dx);
}

AP_DEFINE_OP(mdct_encode, .reads = AP_READS_NOTHING);

ap_var *ap_mdct_encode(ap_tape *tape, const ap_mdct *mdct, ap_var *x)
{
    ap_shape shape = x->value.shape;
    if (shape.rank != 3 || shape.at[1] != 1)
        ap_fatal("mdct_encode: shape %s is not [B, 1, S]", ap_shape_print(shape).text);
    int64_t B = shape.at[0], S = shape.at[2], frames = ap_mdct_frames(mdct, S);
    ap_var *z = ap_tape_push(tape, &op_mdct_encode, AP_SHAPE(B, mdct->dim, frames), 1, &x);
    const ap_mdct **saved = ap_tape_save(tape, z, sizeof *saved);
    if (saved) *saved = mdct;
    passage p = passage_of(tape, mdct, B, S, frames);
    analyse_all(&p, mdct->gain, x->value.data, false, z->value.data);
    return z;
}

/* ---------------------------------------------------------------- decode: y = overlapped sum of basis' z /
 * gain */

static void mdct_decode_node_backward(ap_tape *tape, ap_var *y)
{
    const ap_mdct *mdct = *(const ap_mdct **)y->saved;
    ap_var *z = y->inputs[0];
    ap_real *dz = ap_var_grad(tape, z);
    if (!dz) return;
    passage p = passage_of(tape, mdct, y->value.shape.at[0], y->value.shape.at[2], z->value.shape.at[2]);
    analyse_all(&p, 1 / mdct->gain, y->grad, true, dz);
}

AP_DEFINE_OP(mdct_decode, .reads = AP_READS_NOTHING);

ap_var *ap_mdct_decode(ap_tape *tape, const ap_mdct *mdct, ap_var *z, int64_t S)
{
    ap_shape shape = z->value.shape;
    if (shape.rank != 3 || shape.at[1] != mdct->dim || S < 1 || S > (shape.at[2] - 1) * mdct->hop)
        ap_fatal("mdct_decode: shape %s does not hold %lld samples of %d coefficients a hop of %d",
                 ap_shape_print(shape).text, (long long)S, mdct->dim, mdct->hop);
    ap_var *y = ap_tape_push(tape, &op_mdct_decode, AP_SHAPE(shape.at[0], 1, S), 1, &z);
    const ap_mdct **saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = mdct;
    passage p = passage_of(tape, mdct, shape.at[0], S, shape.at[2]);
    synthesise_all(&p, 1 / mdct->gain, z->value.data, false, y->value.data);
    return y;
}
