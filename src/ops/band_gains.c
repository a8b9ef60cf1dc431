#include "ops/band_gains.h"

#include "antiphon/status.h"
#include "base/bounds.h"
#include "kernels/band_lanes.h"
#include "ops/registry.h"
#include "ops/stft_frames.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* With X_k[f] the spectrum of signal k in frame f, under a Hann window of n samples every n / 4,
 *
 *     y = overlap-add over f of  window IDFT(sum over k of G_k[f] X_k[f]) / 1.5
 *
 * 1.5 is what the squares of four overlapping Hann windows add up to, so gains of 1 give the sum of the
 * signals. The gain G at a bin lies between those of the two nearest bands (linear in log frequency), and in
 * time between two columns of g. */

#define OVERLAP 4
#define WINDOW_POWER 1.5
#define LOWEST_EDGE 60.0
#define HIGHEST_EDGE 12000.0

/* What is the same for every frame. */
typedef struct filters {
    const ap_band_gains_geometry *geometry;
    ap_stft stft;
    ap_band_place *places; /* [bins] */
    ap_real factor; /* the windows add up to more than 1, and the transform there and back multiplies by n */
    int64_t bins, S, T;
    int64_t first, frames; /* those that reach into the signal; frame 0 has its centre on sample 0 */
    int64_t groups;
} filters;

static ap_band_place place_of(const ap_band_gains_geometry *g, int64_t bin)
{
    double width = log(HIGHEST_EDGE / LOWEST_EDGE) / g->bands;
    double hertz = fmax((double)bin * g->rate / g->n, 1);
    double at = log(hertz / LOWEST_EDGE) / width - 0.5;
    at = fmin(fmax(at, 0), g->bands - 1);
    int low = (int)fmin(floor(at), g->bands > 1 ? g->bands - 2 : 0);
    return (ap_band_place){low, (ap_real)(at - low)};
}

static size_t place_bytes(const filters *f)
{
    return (size_t)f->bins * sizeof *f->places;
}

static filters filters_make(ap_arena *arena, const ap_band_gains_geometry *geometry, int64_t S, int64_t T)
{
    int n = geometry->n, hop = n / OVERLAP;
    filters f = {.geometry = geometry, .stft = ap_stft_of(n, hop), .bins = n / 2 + 1, .S = S, .T = T};
    f.factor = (ap_real)(1 / (WINDOW_POWER * n));
    f.stft.zeros = true;
    f.first = 1 - n / 2 / hop;
    f.frames = ap_divide_up(S + n / 2, hop) - f.first;
    f.groups = ap_divide_up(f.frames, AP_LANES);
    f.places = ap_arena_alloc(arena, place_bytes(&f));
    for (int64_t k = 0; k < f.bins; k++) f.places[k] = place_of(geometry, k);
    return f;
}

static int64_t first_of(const filters *f, int64_t group)
{
    return f->first + group * AP_LANES;
}

static int live_of(const filters *f, int64_t group)
{
    return (int)ap_least(AP_LANES, f->frames - group * AP_LANES);
}

/* Between which columns of g the centre of a frame lies. */
typedef struct moment {
    int64_t before, behind;
    ap_real late; /* share of the one behind */
} moment;

static moment moment_of(const filters *f, int64_t frame)
{
    double centre = (double)(frame * f->stft.hop);
    double at = fmin(fmax(centre / f->geometry->spacing, 0), (double)(f->T - 1));
    int64_t before = (int64_t)at;
    return (moment){before, ap_least(before + 1, f->T - 1), (ap_real)(at - (double)before)};
}

static void moments_of(const filters *f, int64_t group, moment moments[AP_LANES])
{
    int live = live_of(f, group);
    for (int i = 0; i < AP_LANES; i++) moments[i] = moment_of(f, first_of(f, group) + ap_least(i, live - 1));
}

ap_band_gains_geometry ap_band_gains_at(ap_band_gains_geometry geometry, int rate)
{
    double wanted = (double)geometry.n * rate / geometry.rate;
    geometry.spacing *= (double)rate / geometry.rate;
    while (geometry.n < wanted * M_SQRT1_2) geometry.n *= 2;
    while (geometry.n > wanted * M_SQRT2) geometry.n /= 2;
    geometry.rate = rate;
    return geometry;
}

ap_var *ap_band_means(ap_tape *tape, ap_band_gains_geometry geometry)
{
    int64_t F = geometry.n / 2 + 1;
    ap_real *w = ap_arena_zeros(ap_tape_arena(tape), (size_t)(geometry.bands * F) * sizeof *w);
    for (int64_t k = 0; k < F; k++) {
        ap_band_place p = place_of(&geometry, k);
        w[p.low * F + k] += 1 - p.upper;
        if (p.upper > 0) w[(p.low + 1) * F + k] += p.upper;
    }
    for (int m = 0; m < geometry.bands; m++) {
        double sum = 0;
        for (int64_t k = 0; k < F; k++) sum += (double)w[m * F + k];
        for (int64_t k = 0; k < F && sum > 0; k++) w[m * F + k] /= (ap_real)sum;
    }
    return ap_tape_constant(tape, (ap_tensor){AP_SHAPE(geometry.bands, F), w});
}

/* ---------------------------------------------------------------- forward */

/* A thread's room: two groups of spectra, the gains of one signal's bands, and what the transform needs. */
typedef struct room {
    ap_lanes *X, *Y, *bands, *scratch;
} room;

static size_t room_lanes(const filters *f)
{
    return (size_t)(4 * f->bins + f->geometry->bands + 1 + f->geometry->n);
}

static room room_of(const filters *f, ap_lanes *rooms)
{
    ap_lanes *at = rooms + (size_t)omp_get_thread_num() * room_lanes(f);
    return (room){at, at + 2 * f->bins, at + 4 * f->bins, at + 4 * f->bins + f->geometry->bands + 1};
}

static ap_lanes *rooms_take(ap_arena *arena, const filters *f, size_t *bytes)
{
    *bytes = (size_t)omp_get_max_threads() * room_lanes(f) * sizeof(ap_lanes);
    return ap_arena_alloc(arena, *bytes);
}

/* Y += G X for one signal, whose gains are g [bands, T] */
static void add_signal(const filters *f, const moment moments[AP_LANES], const ap_real *g, room r)
{
    int bands = f->geometry->bands;
    for (int m = 0; m < bands; m++)
        for (int i = 0; i < AP_LANES; i++) {
            const ap_real *row = g + m * f->T;
            r.bands[m][i] =
                row[moments[i].before] + moments[i].late * (row[moments[i].behind] - row[moments[i].before]);
        }
    r.bands[bands] = r.bands[bands - 1]; /* the upper neighbour of a single band */
    ap_band_lanes_gain(f->bins, f->factor, f->places, r.bands, r.X, r.Y);
}

/* y += one group of frames of one item; x [K, S], y [S] */
static void mix_group(const filters *f, int64_t K, int64_t group, const ap_real *x, const ap_real *g, room r,
                      ap_real *y)
{
    int live = live_of(f, group);
    int64_t first = first_of(f, group);
    moment moments[AP_LANES];
    moments_of(f, group, moments);
    memset(r.Y, 0, (size_t)(2 * f->bins) * sizeof *r.Y);
    for (int64_t k = 0; k < K; k++, x += f->S) {
        if (ap_stft_silent_group(&f->stft, f->S, x, first, live)) continue;
        ap_stft_forward_group(&f->stft, f->S, x, first, live, r.X, r.scratch);
        add_signal(f, moments, g + k * f->geometry->bands * f->T, r);
    }
    ap_stft_adjoint_group(&f->stft, f->S, r.Y, first, live, y, r.scratch);
}

void ap_band_gains_forward(ap_arena *arena, const ap_band_gains_geometry *geometry, int64_t B, int64_t K,
                           int64_t S, int64_t T, const ap_real *x, const ap_real *g, int64_t g_pitch,
                           ap_real *y)
{
    filters f = filters_make(arena, geometry, S, T);
    size_t bytes;
    ap_lanes *rooms = rooms_take(arena, &f, &bytes);
    int64_t colours = ap_stft_group_colours(&f.stft), turns = ap_divide_up(f.groups, colours);
    memset(y, 0, (size_t)(B * S) * sizeof *y);
    for (int64_t colour = 0; colour < colours; colour++) {
#pragma omp parallel for schedule(static)
        for (int64_t t = 0; t < B * turns; t++) {
            int64_t b = t / turns, group = t % turns * colours + colour;
            if (group >= f.groups) continue;
            mix_group(&f, K, group, x + b * K * S, g + b * g_pitch, room_of(&f, rooms), y + b * S);
        }
    }
    ap_arena_recycle(arena, rooms, bytes);
    ap_arena_recycle(arena, f.places, place_bytes(&f));
}

/* ---------------------------------------------------------------- backward */

/* The lanes that hold the gradients of one signal's bands in one group of frames: one more than there are
 * bands, the upper neighbour of a single one. */
static int64_t band_lanes(const filters *f)
{
    return f->geometry->bands + 1;
}

/* dbands [K, groups, bands + 1] receives the gradients of the bands of one group of one item; x [K, S], dy
 * [S] */
static void group_backward(const filters *f, int64_t K, int64_t group, const ap_real *x, const ap_real *dy,
                           room r, ap_lanes *dbands)
{
    int live = live_of(f, group);
    int64_t first = first_of(f, group), bands = f->geometry->bands;
    ap_stft_forward_group(&f->stft, f->S, dy, first, live, r.Y, r.scratch);
    for (int64_t k = 0; k < K; k++, x += f->S) {
        ap_lanes *d = dbands + (k * f->groups + group) * band_lanes(f);
        memset(d, 0, (size_t)band_lanes(f) * sizeof *d);
        if (ap_stft_silent_group(&f->stft, f->S, x, first, live)) continue;
        ap_stft_forward_group(&f->stft, f->S, x, first, live, r.X, r.scratch);
        ap_band_lanes_gain_back(f->bins, f->factor, f->places, r.X, r.Y, d);
        if (bands == 1) d[0] += d[1];
    }
}

/* dg [bands, T] += what the frames' gradients [groups, bands + 1] are to the columns around each */
static void columns_backward(const filters *f, const ap_lanes *dbands, ap_real *dg)
{
    for (int64_t group = 0; group < f->groups; group++, dbands += band_lanes(f)) {
        int live = live_of(f, group);
        moment moments[AP_LANES];
        moments_of(f, group, moments);
        for (int m = 0; m < f->geometry->bands; m++)
            for (int i = 0; i < live; i++) {
                ap_real *row = dg + m * f->T, d = dbands[m][i];
                row[moments[i].before] += (1 - moments[i].late) * d;
                row[moments[i].behind] += moments[i].late * d;
            }
    }
}

/* Each dy is transformed once for all K signals. */
static void band_gains_backward(ap_arena *arena, const ap_band_gains_geometry *geometry, int64_t B, int64_t K,
                                int64_t S, int64_t T, const ap_real *x, const ap_real *dy, ap_real *dg)
{
    filters f = filters_make(arena, geometry, S, T);
    size_t bytes, row = (size_t)(f.groups * band_lanes(&f)),
                  dbands_bytes = (size_t)(B * K) * row * sizeof(ap_lanes);
    ap_lanes *rooms = rooms_take(arena, &f, &bytes), *dbands = ap_arena_alloc(arena, dbands_bytes);
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (int64_t t = 0; t < B * f.groups; t++) {
            int64_t b = t / f.groups;
            group_backward(&f, K, t % f.groups, x + b * K * S, dy + b * S, room_of(&f, rooms),
                           dbands + (size_t)(b * K) * row);
        }
#pragma omp for schedule(static)
        for (int64_t r = 0; r < B * K; r++)
            columns_backward(&f, dbands + (size_t)r * row, dg + r * geometry->bands * T);
    }
    ap_arena_recycle(arena, dbands, dbands_bytes);
    ap_arena_recycle(arena, rooms, bytes);
    ap_arena_recycle(arena, f.places, place_bytes(&f));
}

static void band_gains_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *g = y->inputs[1];
    const int64_t *at = x->value.shape.at;
    ap_real *dg = ap_var_grad(tape, g);
    if (dg)
        band_gains_backward(ap_tape_arena(tape), y->saved, at[0], at[1], at[2], g->value.shape.at[2],
                            x->value.data, y->grad, dg);
}

AP_DEFINE_OP(band_gains, .reads = AP_READS_INPUT(0));

ap_var *ap_band_gains(ap_tape *tape, ap_var *x, ap_var *g, ap_band_gains_geometry geometry)
{
    ap_shape xs = x->value.shape, gs = g->value.shape;
    if (xs.rank != 3 || gs.rank != 3 || gs.at[0] != xs.at[0] || gs.at[1] != xs.at[1] * geometry.bands)
        ap_fatal("band_gains: gains %s do not fit signals %s in %d bands", ap_shape_print(gs).text,
                 ap_shape_print(xs).text, geometry.bands);
    if (geometry.n < 2 * OVERLAP || geometry.n % (2 * OVERLAP) || !(geometry.spacing > 0))
        ap_fatal("band_gains: length %d, gains every %g samples", geometry.n, geometry.spacing);
    if (x->wants_grad) ap_fatal("band_gains: the signals are not differentiated");
    ap_var *y = ap_tape_push(tape, &op_band_gains, AP_SHAPE(xs.at[0], 1, xs.at[2]), 2, (ap_var *[]){x, g});
    ap_band_gains_geometry *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = geometry;
    ap_band_gains_forward(ap_tape_arena(tape), &geometry, xs.at[0], xs.at[1], xs.at[2], gs.at[2],
                          x->value.data, g->value.data, gs.at[1] * gs.at[2], y->value.data);
    return y;
}
