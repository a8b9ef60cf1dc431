#include "loss/stft_distance.h"

#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "base/bounds.h"
#include "kernels/array.h"
#include "kernels/magnitude_lanes.h"
#include "kernels/terms.h"
#include "loss/spectral.h"
#include "ops/registry.h"
#include "ops/signals.h"
#include "ops/stft_lanes.h"

#include <math.h>

/* ---------------------------------------------------------------- stft_distance: y = mean over resolutions
 * and references of ||A - B|| / (||B|| + 1e-6) + mean |ln((A + 1e-5) / (B + 1e-5))|, A and B the magnitudes
 * of a and of the reference
 *
 * No spectrum leaves the cache: of each group of frames the magnitudes of all signals are computed, compared
 * and forgotten, and once more on the way back. */

#define OVERLAP 4

/* What is between a and one reference at one resolution, over all rows of the batch. */
typedef struct between {
    double difference, reference; /* ||A - B||, ||B|| */
} between;

typedef struct distance {
    int count, lengths;
    ap_stft_lanes of[AP_STFT_LENGTHS];
    between at[AP_STFT_LENGTHS][AP_STFT_REFERENCES];
} distance;

/* The factors of the way back at one resolution. */
typedef struct slopes {
    ap_real square[AP_STFT_REFERENCES], shrink[AP_STFT_REFERENCES], log;
} slopes;

/* A pass over all groups, there or back. */
typedef struct pass {
    const distance *d;
    /* lines of a and of the references, and their gradients; NULL: not wanted */
    const ap_lanes *lines[1 + AP_STFT_REFERENCES];
    ap_lanes *dlines[1 + AP_STFT_REFERENCES];
    ap_term_distance *sums[AP_STFT_LENGTHS]; /* [groups, count] */
    slopes slopes[AP_STFT_LENGTHS];
} pass;

static const ap_stft_lanes *longest_of(const distance *d)
{
    return &d->of[d->lengths - 1];
}

static int64_t bins_of(const ap_stft_lanes *of)
{
    return of->stft.n / 2 + 1;
}

/* A group's scratch, the spectra of a signal, and the magnitudes of all. */
static size_t room_of(const distance *d)
{
    return (size_t)(2 * longest_of(d)->stft.n + (3 + d->count) * bins_of(longest_of(d)));
}

static ap_lanes *spectra_in(const ap_stft_lanes *of, ap_lanes *room)
{
    return room + 2 * of->stft.n;
}

/* The frames of one resolution that are compared. */
typedef struct frames {
    const pass *p;
    int at; /* index of the resolution */
    const ap_stft_lanes *of;
    ap_stft_group group;
    ap_lanes *room;
} frames;

/* The magnitudes of signal k: 0 a, else a reference. */
static ap_lanes *magnitudes(const frames *f, int k)
{
    const ap_stft *stft = &f->of->stft;
    int64_t F = bins_of(f->of);
    ap_lanes *y = spectra_in(f->of, f->room) + (2 + k) * F;
    ap_fft_magnitudes_lanes(stft->fft, stft->window, f->p->lines[k] + f->group.line, f->room, y);
    ap_stft_lanes_clear(&f->group, F, y);
    return y;
}

static void compare(const frames *f)
{
    int count = f->p->d->count;
    int64_t n = bins_of(f->of) * AP_LANES;
    const ap_real *a = (const ap_real *)magnitudes(f, 0);
    for (int r = 0; r < count; r++) {
        const ap_real *b = (const ap_real *)magnitudes(f, 1 + r);
        ap_term_distance *sums = &f->p->sums[f->at][f->group.number * count + r];
        for (int64_t at = 0; at < n; at += AP_BLOCK)
            ap_term_distance_add(ap_least(AP_BLOCK, n - at), AP_SPECTRAL_LOG_FLOOR, a + at, b + at, sums);
    }
}

/* The gradient of signal k, whose distance is measured from `count` others. */
static void go_back(const frames *f, int k, int count, const ap_lanes_other *others)
{
    const ap_stft *stft = &f->of->stft;
    ap_lanes *X = spectra_in(f->of, f->room);
    ap_fft_windowed_lanes(stft->fft, stft->window, f->p->lines[k] + f->group.line, f->room, X);
    ap_lanes_distance_back(bins_of(f->of), count, others, AP_SPECTRAL_LOG_FLOOR, X);
    ap_stft_lanes_clear(&f->group, 2 * bins_of(f->of), X);
    ap_fft_windowed_inverse_lanes(stft->fft, stft->window, X, f->room, f->p->dlines[k] + f->group.line);
}

/* d/dA = square (A - B) + log sign(A - B) / (A + 1e-5), summed over the references, and
 * d/dB = square (B - A) + log sign(B - A) / (B + 1e-5) - shrink B. */
static void compare_back(const frames *f)
{
    const slopes *s = &f->p->slopes[f->at];
    ap_lanes *const *wanted = f->p->dlines;
    int count = f->p->d->count;
    ap_lanes_other references[AP_STFT_REFERENCES];
    for (int r = 0; wanted[0] && r < count; r++)
        references[r] = (ap_lanes_other){magnitudes(f, 1 + r), s->square[r], s->log};
    if (wanted[0]) go_back(f, 0, count, references);
    for (int r = 0; r < count; r++) {
        if (!wanted[1 + r]) continue;
        const ap_lanes_other others[] = {{magnitudes(f, 0), s->square[r], s->log}, {NULL, -s->shrink[r], 0}};
        go_back(f, 1 + r, 2, others);
    }
}

/* A group of the longest frames, and all of the shorter ones that begin where it does or before the next: so
 * lines are read from memory once for all resolutions. */
static void for_all_lengths(const pass *p, const ap_stft_group *group, ap_lanes *room,
                            void (*work)(const frames *f))
{
    const distance *d = p->d;
    for (int k = 0; k < d->lengths; k++) {
        const ap_stft_lanes *of = &d->of[k];
        int64_t times = of->each / longest_of(d)->each;
        for (int64_t i = 0; i < times; i++) {
            const frames f = {p, k, of, ap_stft_group_at(of, group->b, group->j * times + i), room};
            if (f.group.live > 0) work(&f);
        }
    }
}

static void visit_forward(void *context, const ap_stft_group *group, ap_lanes *room)
{
    for_all_lengths(context, group, room, compare);
}

static void visit_backward(void *context, const ap_stft_group *group, ap_lanes *room)
{
    for_all_lengths(context, group, room, compare_back);
}

/* The items from `from` on that are compared together. */
static distance part_of(const distance *d, int64_t from)
{
    distance part = *d;
    for (int k = 0; k < d->lengths; k++) part.of[k] = ap_stft_lanes_part(&d->of[k], from);
    return part;
}

/* The lines of all signals from item `from` on. */
static void begin(ap_arena *arena, pass *p, ap_var *const *inputs, int64_t from)
{
    const ap_stft_lanes *of = longest_of(p->d);
    for (int k = 0; k <= p->d->count; k++)
        p->lines[k] = ap_stft_lanes_fill(arena, of, inputs[k]->value.data + from * of->S);
}

static void end(ap_arena *arena, const pass *p)
{
    size_t bytes = ap_stft_lanes_bytes(longest_of(p->d));
    for (int k = p->d->count; k >= 0; k--) ap_arena_recycle(arena, (void *)p->lines[k], bytes);
}

/* The numbers in the spectra of all signals here. */
static int64_t numbers_of(const ap_stft_lanes *of)
{
    return of->B * of->frames * bins_of(of);
}

/* The distance at one resolution to one reference. */
static double add_up(ap_tape *tape, const pass *p, int k, int r, between *found)
{
    double sums[3] = {0, 0, 0};
    int64_t groups = ap_stft_groups(&p->d->of[k]);
    for (int64_t g = 0; g < groups; g++) {
        const ap_term_distance *of = &p->sums[k][g * p->d->count + r];
        sums[0] += of->squares;
        sums[1] += of->reference;
        sums[2] += of->logs;
    }
    ap_tape_sum(tape, 3, sums);
    *found = (between){sqrt(sums[0]), sqrt(sums[1])};
    return found->difference / (found->reference + AP_SPECTRAL_NORM_FLOOR) +
           sums[2] / ap_tape_total(tape, numbers_of(&p->d->of[k]));
}

static double stft_distance_forward(ap_tape *tape, distance *d, ap_var *const *inputs)
{
    ap_arena *arena = ap_tape_arena(tape);
    pass all = {.d = d};
    for (int k = 0; k < d->lengths; k++)
        all.sums[k] =
            ap_arena_zeros(arena, (size_t)(ap_stft_groups(&d->of[k]) * d->count) * sizeof *all.sums[k]);
    for (int64_t from = 0, count; from < longest_of(d)->B; from += count) {
        distance part = part_of(d, from);
        pass p = {.d = &part};
        for (int k = 0; k < d->lengths; k++) p.sums[k] = all.sums[k] + from * d->of[k].each * d->count;
        begin(arena, &p, inputs, from);
        ap_stft_lanes_each(arena, longest_of(&part), false, room_of(d), visit_forward, &p);
        end(arena, &p);
        count = longest_of(&part)->B;
    }
    double y = 0;
    for (int k = 0; k < d->lengths; k++)
        for (int r = 0; r < d->count; r++) y += add_up(tape, &all, k, r, &d->at[k][r]);
    return y / (d->lengths * d->count);
}

/* The factors of one resolution. dy contains the share of the rows that are here, which suits the number of
 * values here, but not the norms. */
static slopes slopes_of(const distance *d, int k, double share, double dy)
{
    slopes s = {.log = (ap_real)(dy / (double)numbers_of(&d->of[k]))};
    for (int r = 0; r < d->count; r++) {
        double R = d->at[k][r].reference + AP_SPECTRAL_NORM_FLOOR, D = d->at[k][r].difference, w = dy / share;
        s.square[r] = D > 0 ? (ap_real)(w / (D * R)) : 0;
        s.shrink[r] = d->at[k][r].reference > 0 ? (ap_real)(w * D / (R * R * d->at[k][r].reference)) : 0;
    }
    return s;
}

static void stft_distance_backward(ap_tape *tape, const distance *d, ap_var *const *inputs, double dy)
{
    double share = ap_tape_share(tape);
    if (share == 0) return;
    ap_arena *arena = ap_tape_arena(tape);
    pass p = {.d = NULL};
    for (int k = 0; k < d->lengths; k++) p.slopes[k] = slopes_of(d, k, share, dy / (d->lengths * d->count));
    for (int64_t from = 0, count; from < longest_of(d)->B; from += count) {
        distance part = part_of(d, from);
        const ap_stft_lanes *of = longest_of(&part);
        p.d = &part;
        begin(arena, &p, inputs, from);
        for (int k = 0; k <= d->count; k++)
            p.dlines[k] = inputs[k]->wants_grad ? ap_arena_zeros(arena, ap_stft_lanes_bytes(of)) : NULL;
        ap_stft_lanes_each(arena, of, true, room_of(d), visit_backward, &p);
        for (int k = d->count; k >= 0; k--) {
            if (!p.dlines[k]) continue;
            ap_stft_lanes_fold(of, p.dlines[k], ap_var_grad(tape, inputs[k]) + from * of->S);
            ap_arena_recycle(arena, p.dlines[k], ap_stft_lanes_bytes(of));
        }
        end(arena, &p);
        count = of->B;
    }
}

static void stft_distance_node_backward(ap_tape *tape, ap_var *y)
{
    stft_distance_backward(tape, y->saved, y->inputs, (double)y->grad[0]);
}

static ap_reads stft_distance_reads(const ap_var *y)
{
    return AP_READS_INPUTS(y->input_count);
}

AP_DEFINE_OP(stft_distance, .reads_of = stft_distance_reads);

ap_var *ap_stft_distance(ap_tape *tape, ap_var *a, int count, ap_var *const *references, int lengths,
                         const int *length)
{
    if (count < 1 || count > AP_STFT_REFERENCES || lengths < 1 || lengths > AP_STFT_LENGTHS)
        ap_fatal("stft_distance: %d references, %d lengths", count, lengths);
    ap_var *inputs[1 + AP_STFT_REFERENCES] = {a};
    distance d = {.count = count, .lengths = lengths};
    for (int r = 0; r < count; r++) {
        ap_signals_of_both("stft_distance", a, references[r]);
        inputs[1 + r] = references[r];
    }
    ap_signals of = ap_signals_of("stft_distance", a);
    int longest = length[lengths - 1];
    ap_stft_require("stft_distance", of.S, longest, longest / OVERLAP);
    ap_stft_lanes of_longest = ap_stft_lanes_of(of.B, of.S, longest, longest / OVERLAP, false);
    for (int k = 0; k < lengths; k++) {
        if (longest % length[k]) ap_fatal("stft_distance: length %d does not divide %d", length[k], longest);
        d.of[k] = ap_stft_lanes_shorter(&of_longest, length[k], length[k] / OVERLAP);
    }
    ap_var *y = ap_tape_push(tape, &op_stft_distance, AP_SHAPE_SCALAR, 1 + count, inputs);
    y->value.data[0] = (ap_real)stft_distance_forward(tape, &d, inputs);
    distance *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = d;
    return y;
}
