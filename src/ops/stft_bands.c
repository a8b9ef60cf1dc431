#include "ops/stft_bands.h"

#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "kernels/magnitude_lanes.h"
#include "ops/registry.h"
#include "ops/signals.h"
#include "ops/stft_lanes.h"

#include <tgmath.h>

/* ---------------------------------------------------------------- stft_bands: y = matrix |X|
 * As ap_linear of ap_stft_magnitude, but most of a matrix of bands is zeros, and no spectrum leaves the
 * cache. */

/* The numbers of a matrix that are not 0, by rows. */
static ap_sparse sparse_of(ap_arena *arena, int64_t rows, int64_t columns, const ap_real *matrix, int64_t row,
                           int64_t column)
{
    int64_t count = 0;
    for (int64_t i = 0; i < rows * columns; i++) count += matrix[i] != 0;
    int *begin = ap_arena_alloc(arena, (size_t)(rows + 1) * sizeof *begin);
    int *at = ap_arena_alloc(arena, (size_t)count * sizeof *at);
    ap_real *weight = ap_arena_alloc(arena, (size_t)count * sizeof *weight);
    begin[0] = 0;
    for (int64_t r = 0; r < rows; r++) {
        int end = begin[r];
        for (int64_t c = 0; c < columns; c++) {
            ap_real w = matrix[r * row + c * column];
            if (w == 0) continue;
            at[end] = (int)c;
            weight[end++] = w;
        }
        begin[r + 1] = end;
    }
    return (ap_sparse){rows, begin, at, weight};
}

typedef struct bands {
    ap_stft_lanes of;
    ap_sparse by_band, by_bin;
    int64_t count; /* of bands */
} bands;

/* A pass over all groups, there or back. */
typedef struct pass {
    const bands *b;
    ap_stft_part part;
    ap_real *y;
    const ap_real *dy;
} pass;

static int64_t bins_of(const bands *b)
{
    return b->of.stft.n / 2 + 1;
}

/* A group's frames, twice as scratch, spectra and bands. */
static size_t room_of(const bands *b)
{
    return (size_t)(2 * b->of.stft.n + 2 * bins_of(b) + b->count);
}

/* Where the bands of a lane's frame stand in y. */
static int64_t row_at(const pass *p, const ap_stft_group *group, int lane)
{
    const bands *b = p->b;
    return ((p->part.from + group->b) * b->of.frames + ap_stft_frame(&b->of, group, lane)) * b->count;
}

static void visit_forward(void *context, const ap_stft_group *group, ap_lanes *room)
{
    const pass *p = context;
    const bands *b = p->b;
    const ap_stft *stft = &b->of.stft;
    ap_lanes *sizes = room + 2 * stft->n, *sums = sizes + bins_of(b);
    if (ap_stft_lanes_silent(&b->of, group, p->part.lines))
        for (int64_t k = 0; k < bins_of(b); k++) sizes[k] = (ap_lanes){0} + sqrt(AP_MAGNITUDE_FLOOR);
    else
        ap_fft_magnitudes_lanes(stft->fft, stft->window, p->part.lines + group->line, room, sizes);
    ap_lanes_sparse(&b->by_band, sizes, sums);
    for (int lane = 0; lane < group->live; lane++) {
        ap_real *row = p->y + row_at(p, group, lane);
        for (int64_t m = 0; m < b->count; m++) row[m] = sums[m][lane];
    }
}

static void visit_backward(void *context, const ap_stft_group *group, ap_lanes *room)
{
    const pass *p = context;
    const bands *b = p->b;
    const ap_stft *stft = &b->of.stft;
    ap_lanes *X = room + 2 * stft->n, *dy = X + 2 * bins_of(b), *slopes = room;
    ap_fft_windowed_lanes(stft->fft, stft->window, p->part.lines + group->line, room, X);
    for (int lane = 0; lane < AP_LANES; lane++) {
        const ap_real *row = p->dy + row_at(p, group, lane);
        for (int64_t m = 0; m < b->count; m++) dy[m][lane] = lane < group->live ? row[m] : 0;
    }
    ap_lanes_sparse(&b->by_bin, dy, slopes);
    ap_lanes_magnitude_back(bins_of(b), slopes, X);
    ap_fft_windowed_inverse_lanes(stft->fft, stft->window, X, room, p->part.dlines + group->line);
}

static void stft_bands_forward(ap_arena *arena, const bands *b, const ap_real *x, ap_real *y)
{
    pass p = {.b = b, .y = y};
    ap_stft_lanes_pass(arena, &b->of, x, NULL, room_of(b), visit_forward, &p, &p.part);
}

static void stft_bands_backward(ap_arena *arena, const bands *b, const ap_real *x, const ap_real *dy,
                                ap_real *dx)
{
    pass p = {.b = b, .dy = dy};
    ap_stft_lanes_pass(arena, &b->of, x, dx, room_of(b), visit_backward, &p, &p.part);
}

static void stft_bands_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0];
    ap_real *dx = ap_var_grad(tape, x);
    if (dx) stft_bands_backward(ap_tape_arena(tape), y->saved, x->value.data, y->grad, dx);
}

AP_DEFINE_OP(stft_bands, .reads = AP_READS_INPUT(0));

ap_var *ap_stft_bands(ap_tape *tape, ap_var *x, int n, int hop, ap_tensor matrix)
{
    ap_signals of = ap_signals_of("stft_bands", x);
    int64_t F = n / 2 + 1, count = matrix.shape.at[0];
    ap_stft_require("stft_bands", of.S, n, hop);
    if (matrix.shape.rank != 2 || matrix.shape.at[1] != F)
        ap_fatal("stft_bands: matrix %s does not fit %lld bins", ap_shape_print(matrix.shape).text,
                 (long long)F);
    ap_arena *arena = ap_tape_arena(tape);
    bands b = {.of = ap_stft_lanes_of(of.B, of.S, n, hop, false), .count = count};
    b.by_band = sparse_of(arena, count, F, matrix.data, F, 1);
    ap_var *y = ap_tape_push(tape, &op_stft_bands, AP_SHAPE(of.B, b.of.frames, count), 1, &x);
    bands *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) {
        b.by_bin = sparse_of(arena, F, count, matrix.data, 1, F);
        *saved = b;
    }
    stft_bands_forward(arena, &b, x->value.data, y->value.data);
    return y;
}
