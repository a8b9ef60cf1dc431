#include "kernels/magnitude_lanes.h"
#include "loss/features.h"
#include "ops/registry.h"
#include "ops/signals.h"
#include "ops/stft_lanes.h"

/* ---------------------------------------------------------------- stft_log_average: y = mean over frames of
 * ln(|X| + offset). No spectrum leaves the cache: it is computed once more on the way back. */

typedef struct average {
    ap_stft_lanes of;
    ap_real offset;
} average;

/* A pass over all groups, there or back. */
typedef struct pass {
    const average *a;
    ap_stft_part part;
    ap_real *sums;     /* [groups, F] over the frames of a group */
    const ap_real *dy; /* [B, F] of the sums */
} pass;

static int64_t bins_of(const average *a)
{
    return a->of.stft.n / 2 + 1;
}

/* A group's frames, twice as scratch, and its spectra. */
static size_t room_of(const average *a)
{
    return (size_t)(2 * a->of.stft.n + 2 * bins_of(a));
}

static void visit_forward(void *context, const ap_stft_group *group, ap_lanes *room)
{
    const pass *p = context;
    const ap_stft *stft = &p->a->of.stft;
    ap_lanes *y = room + 2 * stft->n;
    ap_fft_magnitudes_lanes(stft->fft, stft->window, p->part.lines + group->line, room, y);
    int64_t F = bins_of(p->a), number = p->part.from * p->a->of.each + group->number;
    ap_lanes_log_sums(F, group->live, p->a->offset, y, p->sums + number * F);
}

static void visit_backward(void *context, const ap_stft_group *group, ap_lanes *room)
{
    const pass *p = context;
    const ap_stft *stft = &p->a->of.stft;
    int64_t F = bins_of(p->a);
    ap_lanes *X = room + 2 * stft->n;
    ap_fft_windowed_lanes(stft->fft, stft->window, p->part.lines + group->line, room, X);
    ap_lanes_log_sums_back(F, p->a->offset, p->dy + (p->part.from + group->b) * F, X);
    ap_stft_lanes_clear(group, 2 * F, X);
    ap_fft_windowed_inverse_lanes(stft->fft, stft->window, X, room, p->part.dlines + group->line);
}

static void stft_log_average_forward(ap_arena *arena, const average *a, const ap_real *x, ap_real *y)
{
    int64_t F = bins_of(a), each = a->of.each;
    size_t bytes = (size_t)(ap_stft_groups(&a->of) * F) * sizeof *y;
    pass p = {.a = a, .sums = ap_arena_zeros(arena, bytes)};
    ap_stft_lanes_pass(arena, &a->of, x, NULL, room_of(a), visit_forward, &p, &p.part);
    for (int64_t i = 0; i < a->of.B * F; i++) {
        double sum = 0;
        for (int64_t j = 0; j < each; j++) sum += (double)p.sums[(i / F * each + j) * F + i % F];
        y[i] = (ap_real)(sum / (double)a->of.frames);
    }
    ap_arena_recycle(arena, p.sums, bytes);
}

/* dy/dx = 1 / (frames (x + offset)) */
static void stft_log_average_backward(ap_arena *arena, const average *a, const ap_real *x, const ap_real *dy,
                                      ap_real *dx)
{
    int64_t n = a->of.B * bins_of(a);
    size_t bytes = (size_t)n * sizeof *dy;
    ap_real *each = ap_arena_alloc(arena, bytes);
    for (int64_t i = 0; i < n; i++) each[i] = dy[i] / (ap_real)a->of.frames;
    pass p = {.a = a, .dy = each};
    ap_stft_lanes_pass(arena, &a->of, x, dx, room_of(a), visit_backward, &p, &p.part);
    ap_arena_recycle(arena, each, bytes);
}

static void stft_log_average_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0];
    ap_real *dx = ap_var_grad(tape, x);
    if (dx) stft_log_average_backward(ap_tape_arena(tape), y->saved, x->value.data, y->grad, dx);
}

AP_DEFINE_OP(stft_log_average, .reads = AP_READS_INPUT(0));

ap_var *ap_stft_log_average(ap_tape *tape, ap_var *x, int n, int hop, ap_real offset)
{
    ap_signals of = ap_signals_of("stft_log_average", x);
    ap_stft_require("stft_log_average", of.S, n, hop);
    average a = {ap_stft_lanes_of(of.B, of.S, n, hop, false), offset};
    ap_var *y = ap_tape_push(tape, &op_stft_log_average, AP_SHAPE(of.B, n / 2 + 1), 1, &x);
    average *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = a;
    stft_log_average_forward(ap_tape_arena(tape), &a, x->value.data, y->value.data);
    return y;
}
