#include "ops/levels.h"

#include "antiphon/rng.h"
#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

/* Seven rows in three bands, of one row and of several, folded from five; row 2 is used twice in a band. */
#define ROWS 7
#define BANDS 3
#define COSINES 5
#define SINES 4

static int edges[] = {0, 1, 4, 7}, sources[] = {1, 2, 3, 2, 4, 1, 2};
static const ap_band_map map = {BANDS, edges, sources};

/* items and frames: fewer and more than are computed together */
static const int64_t sizes[][2] = {{2, 5}, {3, 1}, {1, 130}};
#define SIZE_COUNT 3

static double at(ap_tensor x, int64_t b, int64_t r, int64_t t)
{
    return (double)x.data[(b * x.shape.at[1] + r) * x.shape.at[2] + t];
}

/* ---------------------------------------------------------------- band_levels */

static ap_var *build_levels(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_band_levels(tape, &map, in[0]);
}

void forward_band_levels(void **state)
{
    (void)state;
    for (int k = 0; k < SIZE_COUNT; k++) {
        int64_t B = sizes[k][0], T = sizes[k][1], n = B * BANDS * T;
        ap_tensor x = random_tensor(1, 2, AP_SHAPE(B, ROWS, T));
        double *want = malloc((size_t)n * sizeof *want);
        for (int64_t i = 0; i < n; i++) {
            int64_t b = i / (BANDS * T), band = i / T % BANDS, t = i % T;
            double sum = 0;
            for (int r = edges[band]; r < edges[band + 1]; r++) sum += pow(at(x, b, r, t), 2);
            want[i] = sqrt(sum / (edges[band + 1] - edges[band]));
        }
        ap_tape *tape = ap_tape_create(0);
        ap_var *y = ap_band_levels(tape, &map, ap_tape_constant(tape, x));
        assert_true(ap_shape_same(y->value.shape, AP_SHAPE(B, BANDS, T)));
        check_close("band_levels", n, y->value.data, want, forward_tolerance());
        ap_tape_free(tape);
        free(x.data);
        free(want);
    }
}

void gradient_band_levels(void **state)
{
    (void)state;
    const ap_real kink = 0;
    gradient_case c = {.name = "band_levels", .build = build_levels, .input_count = 1};
    gradient_case large = c;
    c.inputs[0] = random_tensor(1, 1, AP_SHAPE(2, ROWS, 5));
    keep_from(c.inputs[0], &kink, 1, (ap_real)0.1); /* of a band of one row the level is |x| */
    check_gradient(&c);
    large.inputs[0] = random_tensor(1, 1, AP_SHAPE(2, ROWS, 301));
    check_threads(&large, 0);
    free_inputs(&c);
    free_inputs(&large);
}

/* ---------------------------------------------------------------- band_fold */

typedef struct parts {
    bool sines;
} parts;

static ap_var *build_fold(ap_tape *tape, ap_var *const *in, const void *context)
{
    const parts *with = context;
    return ap_band_fold(tape, &map, in[0], with->sines ? in[2] : NULL, in[1]);
}

/* levels, one of which is 50 dB above the others */
static gradient_case fold_case(const parts *with, int64_t B, int64_t T)
{
    gradient_case c = {
        .name = "band_fold", .build = build_fold, .context = with, .input_count = with->sines ? 3 : 2};
    const ap_real kink = 0;
    c.inputs[0] = random_tensor(1, 1, AP_SHAPE(B, COSINES, T));
    c.inputs[1] = random_tensor(2, 1, AP_SHAPE(B, BANDS, T));
    c.inputs[2] = random_tensor(3, 1, AP_SHAPE(B, SINES, T));
    keep_from(c.inputs[1], &kink, 1, (ap_real)0.1);
    keep_from(c.inputs[0], &kink, 1, (ap_real)0.5); /* what is divided by is not small */
    c.inputs[1].data[0] = 300;
    return c;
}

static double want_folded(const gradient_case *c, bool sines, int64_t b, int r, int64_t t)
{
    int band = 0;
    while (r >= edges[band + 1]) band++;
    double sum = 0, count = 0, a = at(c->inputs[1], b, band, t);
    for (int i = edges[band]; i < edges[band + 1]; i++) {
        sum += pow(at(c->inputs[0], b, sources[i], t), 2);
        if (sines) sum += pow(at(c->inputs[2], b, sources[i] - (COSINES - SINES), t), 2);
        count += sines ? 2 : 1;
    }
    double noise = a / 32, reach = sqrt(sum / count + noise * noise);
    double sign = ap_rng_hash(0, ((uint64_t)r << 20) + (uint64_t)t) & 1 ? 1 : -1;
    return reach > 0 ? a * (at(c->inputs[0], b, sources[r], t) + sign * noise) / reach : 0;
}

static void check_fold(bool sines, int64_t B, int64_t T, bool nothing)
{
    const parts with = {sines};
    gradient_case c = fold_case(&with, B, T);
    for (int k = 0; k < 3 && nothing; k += 2) /* nothing to fold: noise */
        for (int64_t i = 0; i < ap_shape_count(c.inputs[k].shape); i++) c.inputs[k].data[i] = 0;
    if (nothing) c.inputs[1].data[0] = 0; /* and a band without a level: silence */
    double *want = malloc((size_t)(B * ROWS * T) * sizeof *want);
    for (int64_t i = 0; i < B * ROWS * T; i++)
        want[i] = want_folded(&c, sines, i / (ROWS * T), (int)(i / T % ROWS), i % T);
    ap_tape *tape = ap_tape_create(0);
    ap_var *in[3];
    for (int k = 0; k < 3; k++) in[k] = ap_tape_constant(tape, c.inputs[k]);
    ap_var *y = build_fold(tape, in, &with);
    assert_true(ap_shape_same(y->value.shape, AP_SHAPE(B, ROWS, T)));
    check_close("band_fold", B * ROWS * T, y->value.data, want, forward_tolerance());
    ap_tape_free(tape);
    c.input_count = 3;
    free_inputs(&c);
    free(want);
}

void forward_band_fold(void **state)
{
    (void)state;
    for (int k = 0; k < 4 * SIZE_COUNT; k++) check_fold(k & 1, sizes[k / 4][0], sizes[k / 4][1], k & 2);
}

void gradient_band_fold(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const parts with = {k == 1};
        gradient_case c = fold_case(&with, 2, 5), large = fold_case(&with, 3, 301);
        check_gradient(&c);
        check_threads(&large, 0);
        c.input_count = large.input_count = 3;
        free_inputs(&c);
        free_inputs(&large);
    }
}
