#include "antiphon/ops.h"

#include "antiphon/status.h"
#include "base/bounds.h"
#include "kernels/array.h"
#include "kernels/magnitude_lanes.h"
#include "ops/registry.h"
#include "ops/signals.h"
#include "ops/stft_frames.h"

#include <omp.h>

/* Frames are processed in groups of AP_LANES; a thread needs the group's samples and its spectra. */
typedef struct workspace {
    ap_arena *arena;
    ap_lanes *block;
    size_t bytes;
    int n;
} workspace;

static workspace workspace_take(ap_tape *tape, int n)
{
    workspace w = {ap_tape_arena(tape), NULL, (size_t)omp_get_max_threads() * (2 * n + 2) * sizeof(ap_lanes),
                   n};
    w.block = ap_arena_alloc(w.arena, w.bytes);
    return w;
}

static ap_lanes *scratch_of(const workspace *w)
{
    return w->block + (size_t)omp_get_thread_num() * (2 * w->n + 2);
}

static ap_lanes *spectra_of(const workspace *w)
{
    return scratch_of(w) + w->n;
}

int64_t ap_stft_frames(int64_t S, int hop)
{
    return S / hop + 1;
}

static int64_t groups_of(int64_t frames)
{
    return ap_divide_up(frames, AP_LANES);
}

static int live_lanes(int64_t frames, int64_t first)
{
    return frames - first < AP_LANES ? (int)(frames - first) : AP_LANES;
}

/* ---------------------------------------------------------------- y = sqrt(|X|^2 + 1e-9), X the transform of
 * x */

static void stft_magnitude_forward(const ap_stft *stft, int64_t B, int64_t S, const workspace *w,
                                   const ap_real *x, ap_real *y)
{
    int64_t frames = ap_stft_frames(S, stft->hop), groups = groups_of(frames), F = stft->n / 2 + 1;
#pragma omp parallel for schedule(static)
    for (int64_t g = 0; g < B * groups; g++) {
        int64_t b = g / groups, first = g % groups * AP_LANES;
        int live = live_lanes(frames, first);
        ap_stft_forward_group(stft, S, x + b * S, first, live, spectra_of(w), scratch_of(w));
        ap_lanes_magnitudes(F, live, AP_MAGNITUDE_FLOOR, spectra_of(w), y + (b * frames + first) * F);
    }
}

/* The spectra are computed again, which takes less time than reading them from memory. Groups with
 * overlapping frames take turns, in an order that does not depend on the number of threads. */
static void stft_magnitude_backward(const ap_stft *stft, int64_t B, int64_t S, const workspace *w,
                                    const ap_real *x, const ap_real *y, const ap_real *dy, ap_real *dx)
{
    int64_t frames = ap_stft_frames(S, stft->hop), groups = groups_of(frames), F = stft->n / 2 + 1;
    int64_t colours = ap_stft_group_colours(stft), turns = ap_divide_up(groups, colours);
    for (int64_t colour = 0; colour < colours; colour++) {
#pragma omp parallel for schedule(static)
        for (int64_t t = 0; t < B * turns; t++) {
            int64_t b = t / turns, group = t % turns * colours + colour, first = group * AP_LANES;
            if (group >= groups) continue;
            int live = live_lanes(frames, first);
            int64_t at = (b * frames + first) * F;
            ap_lanes *X = spectra_of(w);
            ap_stft_forward_group(stft, S, x + b * S, first, live, X, scratch_of(w));
            ap_lanes_magnitudes_back(F, live, y + at, dy + at, X);
            ap_stft_adjoint_group(stft, S, X, first, live, dx + b * S, scratch_of(w));
        }
    }
}

static void stft_magnitude_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0];
    ap_real *dx = ap_var_grad(tape, x);
    if (!dx) return;
    const ap_stft *stft = y->saved;
    ap_signals of = ap_signals_of("stft_magnitude", x);
    workspace w = workspace_take(tape, stft->n);
    stft_magnitude_backward(stft, of.B, of.S, &w, x->value.data, y->value.data, y->grad, dx);
    ap_arena_recycle(w.arena, w.block, w.bytes);
}

AP_DEFINE_OP(stft_magnitude, .reads = AP_READS_INPUT(0) | AP_READS_OUTPUT);

ap_var *ap_stft_magnitude(ap_tape *tape, ap_var *x, int n, int hop)
{
    ap_signals of = ap_signals_of("stft_magnitude", x);
    ap_stft_require("stft_magnitude", of.S, n, hop);
    ap_stft stft = ap_stft_of(n, hop);
    ap_shape shape = AP_SHAPE(of.B, ap_stft_frames(of.S, hop), n / 2 + 1);
    ap_var *y = ap_tape_push(tape, &op_stft_magnitude, shape, 1, &x);
    ap_stft *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = stft;
    workspace w = workspace_take(tape, n);
    stft_magnitude_forward(&stft, of.B, of.S, &w, x->value.data, y->value.data);
    ap_arena_recycle(w.arena, w.block, w.bytes);
    return y;
}
