#include "antiphon/ops.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct sizes {
    int64_t B, K, S, T;
    ap_band_gains_geometry geometry;
} sizes;

static const sizes cases[] = {
    {2, 3, 150, 4, {16, 24000, 5, 40}},     /* the last column holds from sample 120 on */
    {1, 1, 37, 9, {8, 24000, 1, 5}},        /* one band, fewer samples than a group of frames */
    {1, 2, 400, 3, {32, 48000, 24, 130.7}}, /* columns between samples; bins above the highest band */
    {1, 2, 5, 1, {16, 24000, 3, 1}},        /* shorter than a window, gains that do not move */
};

static ap_var *build(ap_tape *tape, ap_var *const *in, const void *context)
{
    const sizes *s = context;
    return ap_band_gains(tape, in[0], in[1], s->geometry);
}

/* the gain of item b, signal k at a bin and at a sample, by the header's words */
static double gain(const sizes *s, const ap_real *g, int64_t b, int64_t k, int bin, double sample)
{
    const ap_band_gains_geometry *of = &s->geometry;
    double middle[64] = {0}, edge = log(12000.0 / 60), at = fmin(fmax(sample / of->spacing, 0), (double)s->T - 1);
    double hertz = log(fmax((double)bin * of->rate / of->n, 1) / 60);
    int64_t t = (int64_t)at, next = t + 1 < s->T ? t + 1 : t;
    double value[64] = {0};
    for (int m = 0; m < of->bands; m++) {
        const ap_real *row = g + ((b * s->K + k) * of->bands + m) * s->T;
        middle[m] = edge * (m + 0.5) / of->bands;
        value[m] = (double)row[t] * (1 - (at - (double)t)) + (double)row[next] * (at - (double)t);
    }
    if (hertz <= middle[0]) return value[0];
    for (int m = 1; m < of->bands; m++)
        if (hertz <= middle[m])
            return value[m - 1] +
                   (value[m] - value[m - 1]) * (hertz - middle[m - 1]) / (middle[m] - middle[m - 1]);
    return value[of->bands - 1];
}

static double window(int n, int t)
{
    return 0.5 - 0.5 * cos(2 * M_PI * t / n);
}

/* adds the frame that starts at sample `start`, by the definition of the transform */
static void add_frame(const sizes *s, const ap_real *x, const ap_real *g, int64_t b, int64_t start, double *y)
{
    int n = s->geometry.n;
    for (int bin = 0; bin < n; bin++) {
        double re = 0, im = 0;
        for (int64_t k = 0; k < s->K; k++) {
            double part[2] = {0, 0},
                   by = gain(s, g, b, k, bin <= n / 2 ? bin : n - bin, (double)(start + n / 2));
            for (int t = 0; t < n; t++) {
                if (start + t < 0 || start + t >= s->S) continue;
                double v = (double)x[(b * s->K + k) * s->S + start + t] * window(n, t);
                part[0] += v * cos(2 * M_PI * bin * t / n);
                part[1] -= v * sin(2 * M_PI * bin * t / n);
            }
            re += by * part[0];
            im += by * part[1];
        }
        for (int t = 0; t < n; t++)
            if (start + t >= 0 && start + t < s->S)
                y[b * s->S + start + t] +=
                    window(n, t) / 1.5 / n *
                    (re * cos(2 * M_PI * bin * t / n) - im * sin(2 * M_PI * bin * t / n));
    }
}

void forward_band_gains(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const sizes *s = &cases[c];
        int n = s->geometry.n;
        ap_tensor x = random_tensor(c, 1, AP_SHAPE(s->B, s->K, s->S));
        ap_tensor g = random_tensor(30 + c, 1, AP_SHAPE(s->B, s->K * s->geometry.bands, s->T));
        double *want = calloc((size_t)(s->B * s->S), sizeof *want);
        for (int64_t b = 0; b < s->B; b++)
            for (int64_t start = -n; start < s->S + n; start += n / 4)
                add_frame(s, x.data, g.data, b, start, want);
        ap_tape *tape = ap_tape_create(0);
        ap_var *in[2] = {ap_tape_constant(tape, x), ap_tape_constant(tape, g)}, *y = build(tape, in, s);
        assert_true(ap_shape_same(y->value.shape, AP_SHAPE(s->B, 1, s->S)));
        check_close("band_gains", s->B * s->S, y->value.data, want, forward_tolerance());
        ap_tape_free(tape);
        free(want);
        free(x.data);
        free(g.data);
    }
}

void gradient_band_gains(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const sizes *s = &cases[c];
        gradient_case check = {
            .name = "band_gains", .build = build, .context = s, .input_count = 2, .constant = {true, false}};
        check.inputs[0] = random_tensor(c, 1, AP_SHAPE(s->B, s->K, s->S));
        check.inputs[1] = random_tensor(30 + c, 1, AP_SHAPE(s->B, s->K * s->geometry.bands, s->T));
        check_gradient(&check);
        check_threads(&check, 0);
        free_inputs(&check);
    }
}
