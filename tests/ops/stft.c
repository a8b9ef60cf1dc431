#include "antiphon/ops.h"

#include "loss/features.h"
#include "loss/stft_distance.h"
#include "ops/ops.h"
#include "ops/stft_bands.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

typedef struct geometry {
    int64_t B, S;
    int n, hop;
} geometry;

static ap_var *build(ap_tape *tape, ap_var *const *in, const void *context)
{
    const geometry *g = context;
    return ap_stft_magnitude(tape, in[0], g->n, g->hop);
}

/* the magnitude of bin k of the frame whose centre is sample `centre` */
static double magnitude(const ap_real *x, int64_t S, int n, int64_t centre, int k)
{
    double re = 0, im = 0;
    for (int t = 0; t < n; t++) {
        int64_t at = llabs(centre - n / 2 + t);
        if (at >= S) at = 2 * (S - 1) - at;
        double v = (double)x[at] * (0.5 - 0.5 * cos(2 * M_PI * t / n)),
               angle = 2 * M_PI * ((int64_t)k * t % n) / n;
        re += v * cos(angle);
        im -= v * sin(angle);
    }
    return sqrt(re * re + im * im + 1e-9);
}

void forward_stft_magnitude(void **state)
{
    (void)state;
    /* one group of frames and several; mirrored at both ends at once; lengths that are no power of two */
    const geometry cases[] = {{3, 333, 64, 10}, {1, 2000, 32, 8}, {2, 33, 64, 16},
                              {2, 101, 30, 7},  {1, 70, 4, 9},    {1, 640, 128, 3}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        geometry g = cases[c];
        int64_t frames = ap_stft_frames(g.S, g.hop), F = g.n / 2 + 1;
        ap_tensor x = random_tensor(c, 1, AP_SHAPE(g.B, 1, g.S));
        double *want = malloc((size_t)(g.B * frames * F) * sizeof *want);
        for (int64_t i = 0; i < g.B * frames * F; i++) {
            int64_t b = i / (frames * F), f = i / F % frames;
            want[i] = magnitude(x.data + b * g.S, g.S, g.n, f * g.hop, (int)(i % F));
        }
        ap_tape *tape = ap_tape_create(0);
        ap_var *in = ap_tape_constant(tape, x), *y = build(tape, &in, &g);
        assert_true(ap_shape_same(y->value.shape, AP_SHAPE(g.B, frames, F)));
        check_close("stft_magnitude", g.B * frames * F, y->value.data, want, forward_tolerance());
        ap_tape_free(tape);
        free(x.data);
        free(want);
    }
}

void gradient_stft_magnitude(void **state)
{
    (void)state;
    const geometry cases[] = {{2, 40, 16, 5}, {1, 9, 16, 4}, {1, 50, 12, 3}, {2, 131, 32, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        gradient_case check = {
            .name = "stft_magnitude", .build = build, .context = &cases[c], .input_count = 1};
        /* loud, so that a step of the difference does not take a magnitude past its kink at zero */
        check.inputs[0] = random_tensor(20 + c, 5, AP_SHAPE(cases[c].B, cases[c].S));
        check_gradient(&check);
        free_inputs(&check);
    }
}

/* ---------------------------------------------------------------- what is made of magnitudes */

/* One stretch that exists and all of them, with frames that do not exist in the last; lines of a block and of
 * several; mirrored at both ends at once; a length that is no power of two; frames apart. */
static const geometry shapes[] = {{3, 333, 64, 10}, {1, 4001, 32, 8}, {2, 33, 64, 16},
                                  {2, 101, 30, 7},  {1, 70, 4, 9},    {1, 640, 128, 3}};
#define SHAPES (sizeof shapes / sizeof *shapes)
#define BANDS 5

/* Three bins of every band are not 0, of one none is, and one bin is in no band. */
static ap_tensor band_matrix(int n)
{
    ap_tensor matrix = random_tensor(7, 1, AP_SHAPE(BANDS, n / 2 + 1));
    for (int64_t i = 0; i < ap_shape_count(matrix.shape); i++) {
        int64_t band = i / (n / 2 + 1), bin = i % (n / 2 + 1);
        if (band == 2 || bin == 1 || (bin + band) % 4) matrix.data[i] = 0;
    }
    return matrix;
}

static ap_var *build_bands(ap_tape *tape, ap_var *const *in, const void *context)
{
    const geometry *g = context;
    ap_tensor matrix = band_matrix(g->n);
    ap_var *y = ap_stft_bands(tape, in[0], g->n, g->hop, matrix);
    free(matrix.data);
    return y;
}

static double magnitude_of(const geometry *g, ap_tensor x, int64_t b, int64_t f, int k)
{
    return magnitude(x.data + b * g->S, g->S, g->n, f * g->hop, k);
}

void forward_stft_bands(void **state)
{
    (void)state;
    for (size_t c = 0; c < SHAPES; c++) {
        geometry g = shapes[c];
        int64_t frames = ap_stft_frames(g.S, g.hop), F = g.n / 2 + 1;
        ap_tensor x = random_tensor(c, 1, AP_SHAPE(g.B, 1, g.S)), matrix = band_matrix(g.n);
        double *want = calloc((size_t)(g.B * frames * BANDS), sizeof *want);
        for (int64_t i = 0; i < g.B * frames; i++)
            for (int64_t k = 0; k < F; k++) {
                double y = magnitude_of(&g, x, i / frames, i % frames, (int)k);
                for (int m = 0; m < BANDS; m++) want[i * BANDS + m] += (double)matrix.data[m * F + k] * y;
            }
        ap_tape *tape = ap_tape_create(0);
        ap_var *in = ap_tape_constant(tape, x), *y = build_bands(tape, &in, &g);
        assert_true(ap_shape_same(y->value.shape, AP_SHAPE(g.B, frames, BANDS)));
        check_close("stft_bands", g.B * frames * BANDS, y->value.data, want, forward_tolerance());
        ap_tape_free(tape);
        free(matrix.data);
        free(x.data);
        free(want);
    }
}

/* Of several signals, short and long, loud as in gradient_stft_magnitude. */
static void check_gradients(const char *name, check_fn *made, int inputs, size_t seed)
{
    static const geometry cases[] = {{2, 20, 8, 2}, {1, 9, 16, 4}, {1, 25, 12, 3}, {1, 40, 8, 2}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        gradient_case check = {.name = name, .build = made, .context = &cases[c], .input_count = inputs};
        for (int i = 0; i < inputs; i++)
            check.inputs[i] =
                random_tensor(seed + c + (size_t)i * 7, i ? 70 : 100, AP_SHAPE(cases[c].B, cases[c].S));
        check_gradient(&check);
        free_inputs(&check);
    }
}

void gradient_stft_bands(void **state)
{
    (void)state;
    check_gradients("stft_bands", build_bands, 1, 20);
}

static ap_var *build_log_average(ap_tape *tape, ap_var *const *in, const void *context)
{
    const geometry *g = context;
    return ap_stft_log_average(tape, in[0], g->n, g->hop, (ap_real)1e-3);
}

void forward_stft_log_average(void **state)
{
    (void)state;
    for (size_t c = 0; c < SHAPES; c++) {
        geometry g = shapes[c];
        int64_t frames = ap_stft_frames(g.S, g.hop), F = g.n / 2 + 1;
        ap_tensor x = random_tensor(c, 1, AP_SHAPE(g.B, 1, g.S));
        double *want = calloc((size_t)(g.B * F), sizeof *want);
        for (int64_t i = 0; i < g.B * F * frames; i++)
            want[i / frames] +=
                log(magnitude_of(&g, x, i / frames / F, i % frames, (int)(i / frames % F)) + 1e-3) /
                (double)frames;
        ap_tape *tape = ap_tape_create(0);
        ap_var *in = ap_tape_constant(tape, x), *y = build_log_average(tape, &in, &g);
        assert_true(ap_shape_same(y->value.shape, AP_SHAPE(g.B, F)));
        check_close("stft_log_average", g.B * F, y->value.data, want, forward_tolerance());
        ap_tape_free(tape);
        free(x.data);
        free(want);
    }
}

void gradient_stft_log_average(void **state)
{
    (void)state;
    check_gradients("stft_log_average", build_log_average, 1, 20);
}

/* Two references at two resolutions: n and half of that. */
static ap_var *build_distance(ap_tape *tape, ap_var *const *in, const void *context)
{
    int n = ((const geometry *)context)->n;
    return ap_stft_distance(tape, in[0], 2, in + 1, 2, (const int[]){n / 2, n});
}

static double distance_of(const geometry *g, ap_tensor a, ap_tensor b)
{
    double difference = 0, reference = 0, logs = 0;
    int64_t frames = ap_stft_frames(g->S, g->hop), F = g->n / 2 + 1;
    for (int64_t i = 0; i < g->B * frames * F; i++) {
        int64_t row = i / F / frames, f = i / F % frames;
        double p = magnitude_of(g, a, row, f, (int)(i % F)), q = magnitude_of(g, b, row, f, (int)(i % F));
        difference += (p - q) * (p - q);
        reference += q * q;
        logs += fabs(log((p + 1e-5) / (q + 1e-5)));
    }
    return sqrt(difference) / (sqrt(reference) + 1e-6) + logs / (double)(g->B * frames * F);
}

void forward_stft_distance(void **state)
{
    (void)state;
    const geometry cases[] = {{2, 333, 64, 16}, {1, 2001, 32, 8}, {2, 33, 64, 16}, {1, 70, 40, 10}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        geometry g = cases[c], half = {g.B, g.S, g.n / 2, g.hop / 2};
        ap_tape *tape = ap_tape_create(0);
        ap_tensor x[3];
        ap_var *in[3];
        for (int i = 0; i < 3; i++) {
            x[i] = random_tensor(c * 3 + (size_t)i, 1, AP_SHAPE(g.B, 1, g.S));
            in[i] = ap_tape_constant(tape, x[i]);
        }
        double want = 0;
        for (int i = 1; i < 3; i++)
            want += (distance_of(&g, x[0], x[i]) + distance_of(&half, x[0], x[i])) / 4;
        check_close("stft_distance", 1, build_distance(tape, in, &g)->value.data, &want, forward_tolerance());
        ap_tape_free(tape);
        for (int i = 0; i < 3; i++) free(x[i].data);
    }
}

void gradient_stft_distance(void **state)
{
    (void)state;
    check_gradients("stft_distance", build_distance, 3, 20);
}
