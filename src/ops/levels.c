#include "ops/levels.h"

#include "antiphon/rng.h"
#include "antiphon/status.h"
#include "base/bounds.h"
#include "ops/registry.h"

#include <math.h>
#include <stdbool.h>

/* Frames are independent of each other; this many are computed together. */
#define PORTION 64
/* Noise 30 dB below the band, which is heard only where the part that is folded is weaker than that. */
#define NOISE ((ap_real)0x1p-5)

/* A portion of the frames of one item. */
typedef struct portion {
    int64_t item, from, count;
} portion;

static int64_t portions_of(int64_t B, int64_t T)
{
    return B * ap_divide_up(T, PORTION);
}

static portion portion_at(int64_t index, int64_t T)
{
    int64_t each = ap_divide_up(T, PORTION), from = index % each * PORTION;
    return (portion){index / each, from, ap_least(PORTION, T - from)};
}

static const ap_band_map *map_of(const ap_var *y)
{
    return *(const ap_band_map *const *)y->saved;
}

static void save_map(ap_tape *tape, ap_var *y, const ap_band_map *map)
{
    const ap_band_map **saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = map;
}

/* ---------------------------------------------------------------- band_levels: a = sqrt(mean u^2) */

static void band_levels_forward(const ap_band_map *map, int64_t B, int64_t T, const ap_real *u, ap_real *a)
{
    int64_t R = map->edges[map->bands];
#pragma omp parallel for schedule(static)
    for (int64_t index = 0; index < portions_of(B, T); index++) {
        portion p = portion_at(index, T);
        for (int band = 0; band < map->bands; band++) {
            int begin = map->edges[band], end = map->edges[band + 1];
            double sum[PORTION] = {0};
            for (int r = begin; r < end; r++) {
                const ap_real *row = u + (p.item * R + r) * T + p.from;
                for (int64_t t = 0; t < p.count; t++) sum[t] += (double)row[t] * (double)row[t];
            }
            ap_real *level = a + (p.item * map->bands + band) * T + p.from;
            for (int64_t t = 0; t < p.count; t++) level[t] = (ap_real)sqrt(sum[t] / (end - begin));
        }
    }
}

/* du = da u / (n a); a band without a level has no gradient */
static void band_levels_backward(const ap_band_map *map, int64_t B, int64_t T, const ap_real *u,
                                 const ap_real *a, const ap_real *da, ap_real *du)
{
    int64_t R = map->edges[map->bands];
#pragma omp parallel for schedule(static)
    for (int64_t index = 0; index < portions_of(B, T); index++) {
        portion p = portion_at(index, T);
        for (int band = 0; band < map->bands; band++) {
            int begin = map->edges[band], end = map->edges[band + 1];
            int64_t at = (p.item * map->bands + band) * T + p.from;
            ap_real factor[PORTION];
            for (int64_t t = 0; t < p.count; t++)
                factor[t] = a[at + t] > 0 ? da[at + t] / ((ap_real)(end - begin) * a[at + t]) : 0;
            for (int r = begin; r < end; r++) {
                int64_t row = (p.item * R + r) * T + p.from;
                for (int64_t t = 0; t < p.count; t++) du[row + t] += factor[t] * u[row + t];
            }
        }
    }
}

static void band_levels_node_backward(ap_tape *tape, ap_var *a)
{
    ap_var *u = a->inputs[0];
    ap_real *du = ap_var_grad(tape, u);
    if (du)
        band_levels_backward(map_of(a), u->value.shape.at[0], u->value.shape.at[2], u->value.data,
                             a->value.data, a->grad, du);
}

AP_DEFINE_OP(band_levels, .reads = AP_READS_OUTPUT | AP_READS_INPUT(0));

ap_var *ap_band_levels(ap_tape *tape, const ap_band_map *map, ap_var *u)
{
    ap_shape shape = u->value.shape;
    if (shape.rank != 3 || shape.at[1] != map->edges[map->bands])
        ap_fatal("band_levels: shape %s is not [B, %d, T]", ap_shape_print(shape).text,
                 map->edges[map->bands]);
    ap_var *a = ap_tape_push(tape, &op_band_levels, AP_SHAPE(shape.at[0], map->bands, shape.at[2]), 1, &u);
    save_map(tape, a, map);
    band_levels_forward(map, shape.at[0], shape.at[2], u->value.data, a->value.data);
    return a;
}

/* ---------------------------------------------------------------- band_fold */

/* y = a w / d,  w = c + NOISE a n,  d = sqrt(L^2 + NOISE^2 a^2),  L^2 = (sum of c^2 and s^2) / K over the
 * rows that the band is folded from */
typedef struct fold {
    const ap_band_map *map;
    int64_t B, T, C, S; /* C cosines and S sines, 0 if there are none */
    const ap_real *c, *s, *a;
} fold;

/* One band of a portion of frames. */
typedef struct folded {
    int begin, end;
    int64_t from, count;
    const ap_real *level;   /* [count] a */
    ap_real reach[PORTION]; /* d */
    ap_real number;         /* K */
} folded;

static int64_t cosine_at(const fold *f, portion p, int r)
{
    return (p.item * f->C + f->map->source[r]) * f->T + p.from;
}

static int64_t sine_at(const fold *f, portion p, int r)
{
    return (p.item * f->S + f->map->source[r] - (f->C - f->S)) * f->T + p.from;
}

static void add_squares(int64_t count, const ap_real *x, double *sum)
{
    for (int64_t t = 0; t < count; t++) sum[t] += (double)x[t] * (double)x[t];
}

static folded fold_band(const fold *f, portion p, int band)
{
    folded b = {.begin = f->map->edges[band], .end = f->map->edges[band + 1]};
    b.from = p.from;
    b.count = p.count;
    b.level = f->a + (p.item * f->map->bands + band) * f->T + p.from;
    b.number = (ap_real)((f->S ? 2 : 1) * (b.end - b.begin));
    double sum[PORTION] = {0};
    for (int r = b.begin; r < b.end; r++) {
        add_squares(p.count, f->c + cosine_at(f, p, r), sum);
        if (f->S) add_squares(p.count, f->s + sine_at(f, p, r), sum);
    }
    for (int64_t t = 0; t < p.count; t++) {
        double noise = (double)(NOISE * b.level[t]);
        b.reach[t] = (ap_real)sqrt(sum[t] / (double)b.number + noise * noise);
    }
    return b;
}

/* +-NOISE */
static ap_real noise_at(int r, int64_t t)
{
    return ap_rng_hash(0, ((uint64_t)r << 20) + (uint64_t)t) & 1 ? NOISE : -NOISE;
}

static void band_fold_forward(const fold *f, ap_real *y)
{
    int64_t R = f->map->edges[f->map->bands];
#pragma omp parallel for schedule(static)
    for (int64_t index = 0; index < portions_of(f->B, f->T); index++) {
        portion p = portion_at(index, f->T);
        for (int band = 0; band < f->map->bands; band++) {
            folded b = fold_band(f, p, band);
            for (int r = b.begin; r < b.end; r++) {
                const ap_real *c = f->c + cosine_at(f, p, r);
                ap_real *row = y + (p.item * R + r) * f->T + p.from;
                for (int64_t t = 0; t < p.count; t++) {
                    ap_real a = b.level[t], w = c[t] + a * noise_at(r, p.from + t);
                    row[t] = b.reach[t] > 0 ? a * w / b.reach[t] : 0;
                }
            }
        }
    }
}

/* Of dy [R, T] of one item: sums over a band's rows of dy w and of dy n. */
typedef struct folded_sums {
    double along[PORTION], noise[PORTION];
} folded_sums;

static folded_sums sum_band(const fold *f, portion p, const folded *b, const ap_real *dy)
{
    folded_sums sums = {{0}, {0}};
    for (int r = b->begin; r < b->end; r++) {
        const ap_real *c = f->c + cosine_at(f, p, r), *row = dy + r * f->T + p.from;
        for (int64_t t = 0; t < p.count; t++) {
            ap_real n = noise_at(r, p.from + t);
            sums.along[t] += (double)row[t] * (double)(c[t] + b->level[t] * n);
            sums.noise[t] += (double)row[t] * (double)n;
        }
    }
    return sums;
}

/* with G = sum of dy w:  dc = a dy / d - a G c / (K d^3),  ds = -a G s / (K d^3),
 * da = G / d + a (sum of dy NOISE n) / d - NOISE^2 a^2 G / d^3 */
static void fold_band_backward(const fold *f, portion p, int band, const ap_real *dy, ap_real *dc,
                               ap_real *ds, ap_real *da)
{
    folded b = fold_band(f, p, band);
    folded_sums sums = sum_band(f, p, &b, dy);
    ap_real straight[PORTION], back[PORTION]; /* a / d and a G / (K d^3), 0 where d is */
    for (int64_t t = 0; t < p.count; t++) {
        double a = (double)b.level[t], d = (double)b.reach[t];
        bool live = d > 0;
        straight[t] = live ? (ap_real)(a / d) : 0;
        back[t] = live ? (ap_real)(a / d * (sums.along[t] / d) / d / (double)b.number) : 0;
        if (!da || !live) continue;
        double noise = (double)NOISE * a / d;
        da[(p.item * f->map->bands + band) * f->T + p.from + t] +=
            (ap_real)((sums.along[t] * (1 - noise * noise) + a * sums.noise[t]) / d);
    }
    for (int r = b.begin; r < b.end; r++) {
        int64_t at = cosine_at(f, p, r), sine = sine_at(f, p, r);
        const ap_real *row = dy + r * f->T + p.from;
        for (int64_t t = 0; dc && t < p.count; t++)
            dc[at + t] += straight[t] * row[t] - back[t] * f->c[at + t];
        for (int64_t t = 0; ds && t < p.count; t++) ds[sine + t] -= back[t] * f->s[sine + t];
    }
}

static void band_fold_backward(const fold *f, const ap_real *dy, ap_real *dc, ap_real *ds, ap_real *da)
{
    int64_t R = f->map->edges[f->map->bands];
#pragma omp parallel for schedule(static)
    for (int64_t index = 0; index < portions_of(f->B, f->T); index++) {
        portion p = portion_at(index, f->T);
        for (int band = 0; band < f->map->bands; band++)
            fold_band_backward(f, p, band, dy + p.item * R * f->T, dc, ds, da);
    }
}

static fold fold_of(const ap_band_map *map, const ap_var *c, const ap_var *s, const ap_var *a)
{
    fold f = {.map = map, .B = c->value.shape.at[0], .T = c->value.shape.at[2], .C = c->value.shape.at[1]};
    f.S = s ? s->value.shape.at[1] : 0;
    f.c = c->value.data;
    f.s = s ? s->value.data : NULL;
    f.a = a->value.data;
    return f;
}

static void band_fold_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *c = y->inputs[0], *a = y->inputs[1], *s = y->inputs[2];
    fold f = fold_of(map_of(y), c, s, a);
    band_fold_backward(&f, y->grad, ap_var_grad(tape, c), ap_var_grad(tape, s), ap_var_grad(tape, a));
}

/* The sines are missing where the cosines say it all. */
static ap_reads band_fold_reads(const ap_var *y)
{
    return AP_READS_INPUTS(y->inputs[2] ? 3 : 2);
}

AP_DEFINE_OP(band_fold, .reads_of = band_fold_reads);

static bool fits(const ap_band_map *map, const ap_var *c, const ap_var *s, const ap_var *a)
{
    ap_shape low = c->value.shape;
    if (low.rank != 3 || !ap_shape_same(a->value.shape, AP_SHAPE(low.at[0], map->bands, low.at[2])))
        return false;
    return !s || (s->value.shape.at[1] <= low.at[1] &&
                  ap_shape_same(s->value.shape, AP_SHAPE(low.at[0], s->value.shape.at[1], low.at[2])));
}

ap_var *ap_band_fold(ap_tape *tape, const ap_band_map *map, ap_var *c, ap_var *s, ap_var *a)
{
    if (!fits(map, c, s, a))
        ap_fatal("band_fold: cosines %s, sines %s and levels %s of %d bands",
                 ap_shape_print(c->value.shape).text, s ? ap_shape_print(s->value.shape).text : "none",
                 ap_shape_print(a->value.shape).text, map->bands);
    ap_shape shape = AP_SHAPE(c->value.shape.at[0], map->edges[map->bands], c->value.shape.at[2]);
    ap_var *y = ap_tape_push(tape, &op_band_fold, shape, 3, (ap_var *[]){c, a, s});
    save_map(tape, y, map);
    fold f = fold_of(map, c, s, a);
    band_fold_forward(&f, y->value.data);
    return y;
}
