#include "ops/filter.h"

#include "kernels/panel.h"
#include "ops/cross_correlation.h"

/* ---------------------------------------------------------------- analysis: fine to coarse */

/* Sets up the taps and the fine signal of the analysis. */
static ap_cross_correlation analysis(ap_arena *arena, const ap_filter *f, const ap_real *fine)
{
    int64_t *tap = ap_arena_alloc(arena, (size_t)f->K * sizeof *tap);
    for (int64_t k = 0; k < f->K; k++) tap[k] = k * f->dilation;
    return (ap_cross_correlation){
        .B = f->B,
        .x = {fine, f->fine, f->T, ap_window_mirror(f->mode, f->T, f->lead, f->tail)},
        .stride = f->stride,
        .taps = f->K,
        .lead = f->lead,
        .tap = tap,
        .rows = f->coarse,
        .length = f->frames,
        .phases = 1};
}

void ap_filter_analyse(ap_arena *arena, const ap_filter *f, const ap_real *fine, ap_filter_target coarse)
{
    ap_cross_correlation c = analysis(arena, f, fine);
    size_t bytes = (size_t)ap_panel_size(f->coarse, f->fine * f->K) * sizeof(ap_real);
    ap_real *packed = ap_arena_alloc(arena, bytes);
    int64_t J = f->fine * f->K;
    ap_panel_pack(f->coarse, J, 0, J, f->weight, J, 1, packed);
    c.packed = packed;
    c.bias = coarse.bias;
    c.target = coarse;
    ap_cross_correlate(arena, &c);
    ap_arena_recycle(arena, packed, bytes);
}

/* ---------------------------------------------------------------- synthesis: coarse to fine
 *
 * Position u = q stride + p of the fine signal (counted from `lead` before its first sample) collects the
 * taps k with k dilation = e stride + p from frame q - e. So each phase p is a correlation of the coarse
 * signal, and together they are one whose rows are (channel, phase) and whose places are the distinct e, with
 * weight 0 where a phase lacks a tap. */

typedef struct spread {
    int64_t taps, longest;
    int64_t *tap;   /* longest - e for the distinct e, ascending */
    int64_t *place; /* [fine stride, taps]: index into weight[o] of the corresponding weight; -1: none */
} spread;

static spread spread_taps(ap_arena *arena, const ap_filter *f)
{
    spread s = {.longest = (f->K - 1) * f->dilation / f->stride};
    s.tap = ap_arena_alloc(arena, (size_t)f->K * sizeof *s.tap);
    for (int64_t k = f->K; k-- > 0;) {
        int64_t tap = s.longest - k * f->dilation / f->stride;
        if (s.taps == 0 || s.tap[s.taps - 1] != tap) s.tap[s.taps++] = tap;
    }
    int64_t places = ap_panel_size(f->fine * f->stride, s.taps);
    s.place = ap_arena_alloc(arena, (size_t)places * sizeof *s.place);
    for (int64_t i = 0; i < places; i++) s.place[i] = -1;
    for (int64_t k = f->K, at = 0; k-- > 0;) {
        if (s.tap[at] != s.longest - k * f->dilation / f->stride) at++;
        for (int64_t i = 0; i < f->fine; i++)
            s.place[(i * f->stride + k * f->dilation % f->stride) * s.taps + at] = i * f->K + k;
    }
    return s;
}

/* packed(i stride + p, o taps + e) = weight[o, i, the k of p and e], in the layout of whole panels */
static void pack_synthesis(const ap_filter *f, const spread *s, ap_real *packed)
{
    int64_t M = f->fine * f->stride, J = f->coarse * s->taps;
#pragma omp parallel for schedule(static) if (M * J > 1 << 14)
    for (int64_t m = 0; m < M; m += AP_TILE_ROWS)
        for (int64_t o = 0; o < f->coarse; o++)
            for (int64_t e = 0; e < s->taps; e++) {
                const int64_t *place = s->place + m * s->taps + e;
                ap_real *column = packed + ap_panel_at(J, m, o * s->taps + e);
                for (int64_t r = 0; r < AP_TILE_ROWS; r++, place += s->taps)
                    column[r] = *place >= 0 ? f->weight[o * f->fine * f->K + *place] : 0;
            }
}

/* Adds the gradient of mirrored samples before and after x to the samples they mirror. */
static void fold(const ap_filter *f, ap_real *fine, const ap_real *edge, int64_t begin, int64_t count)
{
    const ap_window_signal x = {.T = f->T, .mirror = ap_window_mirror(f->mode, f->T, f->lead, f->tail)};
#pragma omp parallel for schedule(static) if (f->B * f->fine * count > 1 << 14)
    for (int64_t row = 0; row < f->B * f->fine; row++)
        for (int64_t i = 0; i < count; i++) {
            int64_t index = ap_window_index(&x, begin + i);
            if (index >= 0) fine[row * f->T + index] += edge[row * count + i];
        }
}

static void synthesise_edge(ap_arena *arena, const ap_filter *f, ap_cross_correlation c, int64_t begin,
                            int64_t count)
{
    size_t bytes = (size_t)(f->B * f->fine * count) * sizeof(ap_real);
    ap_real *edge = ap_arena_alloc(arena, bytes);
    ap_filter_target fine = c.target;
    c.target = (ap_filter_target){.y = edge};
    c.skip = begin + f->lead;
    c.length = count;
    ap_cross_correlate(arena, &c);
    fold(f, fine.y, edge, begin, count);
    ap_arena_recycle(arena, edge, bytes);
}

void ap_filter_synthesise(ap_arena *arena, const ap_filter *f, const ap_real *coarse, ap_filter_target fine)
{
    spread s = spread_taps(arena, f);
    int64_t rows = f->fine * f->stride;
    size_t bytes = (size_t)ap_panel_size(rows, f->coarse * s.taps) * sizeof(ap_real);
    ap_real *packed = ap_arena_alloc(arena, bytes);
    pack_synthesis(f, &s, packed);
    size_t bias_bytes = (size_t)rows * sizeof(ap_real);
    ap_real *bias = fine.bias ? ap_arena_alloc(arena, bias_bytes) : NULL;
    for (int64_t m = 0; bias && m < rows; m++) bias[m] = fine.bias[m / f->stride];
    ap_cross_correlation c = {.B = f->B,
                              .x = {coarse, f->coarse, f->frames, 0},
                              .stride = 1,
                              .taps = s.taps,
                              .lead = s.longest,
                              .tap = s.tap,
                              .rows = rows,
                              .packed = packed,
                              .bias = bias,
                              .target = fine,
                              .length = f->T,
                              .phases = f->stride,
                              .skip = f->lead};
    ap_cross_correlate(arena, &c);
    if (f->mode == AP_PAD_REFLECT) {
        c.bias = NULL;
        synthesise_edge(arena, f, c, -f->lead, f->lead);
        synthesise_edge(arena, f, c, f->T, f->tail);
    }
    ap_arena_recycle(arena, bias, bias_bytes);
    ap_arena_recycle(arena, packed, bytes);
}
