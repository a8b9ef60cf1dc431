#include "antiphon/ops.h"

#include "ops/ops.h"
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
