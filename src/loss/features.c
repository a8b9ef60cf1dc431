#include "loss/features.h"

#include "antiphon/status.h"
#include "base/bounds.h"
#include "kernels/array.h"
#include "kernels/terms.h"
#include "kernels/vmath.h"
#include "loss/pearson.h"
#include "ops/registry.h"
#include "ops/signals.h"

#include <math.h>

static void require_spectra(const char *who, const ap_var *x, int64_t frames)
{
    if (x->value.shape.rank != 3 || x->value.shape.at[1] < frames)
        ap_fatal("%s: shape %s is not [B, frames, F] with %lld frames or more", who,
                 ap_shape_print(x->value.shape).text, (long long)frames);
}

/* ---------------------------------------------------------------- flux: y[f] = sum of max(0, s[f + 1] -
 * s[f]), s = ln(1 + gain x) */

/* Frames per thread at a time. Two threads compute the logarithms of the first frame of a run. */
#define RUN 32

/* s for `length` bins */
static void compress(int64_t length, ap_real gain, const ap_real *x, ap_real *s)
{
    for (int64_t k = 0; k < length; k++) s[k] = 1 + gain * x[k];
    ap_vlog(length, s, s);
}

/* the flux y of `count` frames from x on, F bins each */
static void flux_run(int64_t count, int64_t F, ap_real gain, const ap_real *x, ap_real *y)
{
    double sums[RUN] = {0};
    for (int64_t k = 0; k < F; k += AP_BLOCK) {
        int64_t length = ap_least(AP_BLOCK, F - k);
        ap_real s[2][AP_BLOCK];
        compress(length, gain, x + k, s[0]);
        for (int64_t f = 0; f < count; f++) {
            ap_real *before = s[f % 2], *now = s[(f + 1) % 2];
            compress(length, gain, x + (f + 1) * F + k, now);
            sums[f] += ap_array_rise(length, before, now);
        }
    }
    for (int64_t f = 0; f < count; f++) y[f] = (ap_real)sums[f];
}

static void flux_forward(int64_t B, int64_t frames, int64_t F, ap_real gain, const ap_real *x, ap_real *y)
{
    int64_t runs = ap_divide_up(frames - 1, RUN);
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < B * runs; r++) {
        int64_t b = r / runs, f = r % runs * RUN;
        flux_run(ap_least(RUN, frames - 1 - f), F, gain, x + (b * frames + f) * F, y + b * (frames - 1) + f);
    }
}

/* ds/dx = gain / (1 + gain x). Frame f adds to y[f - 1] where it rises and, with a minus sign, to y[f] where
 * the next frame rises; s rises where x does. */
static void flux_backward(int64_t B, int64_t frames, int64_t F, ap_real gain, const ap_real *x,
                          const ap_real *dy, ap_real *dx)
{
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < B * frames; r++) {
        int64_t b = r / frames, f = r % frames;
        const ap_real *now = x + r * F, *g = dy + b * (frames - 1);
        const ap_real *before = f > 0 ? now - F : now, *after = f + 1 < frames ? now + F : now;
        ap_real rose = f > 0 ? gain * g[f - 1] : 0, rises = f + 1 < frames ? gain * g[f] : 0;
        for (int64_t k = 0; k < F; k++) {
            ap_real weight = (now[k] > before[k] ? rose : 0) - (after[k] > now[k] ? rises : 0);
            dx[r * F + k] += weight / (1 + gain * now[k]);
        }
    }
}

static void flux_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0];
    const int64_t *at = x->value.shape.at;
    ap_real *dx = ap_var_grad(tape, x);
    if (dx) flux_backward(at[0], at[1], at[2], *(ap_real *)y->saved, x->value.data, y->grad, dx);
}

AP_DEFINE_OP(flux, .reads = AP_READS_INPUT(0));

ap_var *ap_flux(ap_tape *tape, ap_var *x, ap_real gain)
{
    require_spectra("flux", x, 2);
    const int64_t *at = x->value.shape.at;
    ap_var *y = ap_tape_push(tape, &op_flux, AP_SHAPE(at[0], at[1] - 1), 1, &x);
    ap_real *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = gain;
    flux_forward(at[0], at[1], at[2], gain, x->value.data, y->value.data);
    return y;
}

/* ---------------------------------------------------------------- log_norm: y = ln(e), the p-norm e = (mean
 * x^p + f^p)^(1 / p), p = 2 or 8, f = 1e-3 */

#define NORM_FLOOR 1e-3
/* Portions of a signal, which threads share. */
#define PORTIONS 16

static void log_norm_forward(int64_t B, int64_t S, int p, const ap_real *x, ap_real *y)
{
    for (int64_t b = 0; b < B; b++) {
        double sums[PORTIONS], sum = 0;
#pragma omp parallel for schedule(static)
        for (int64_t k = 0; k < PORTIONS; k++) {
            int64_t from = S * k / PORTIONS, to = S * (k + 1) / PORTIONS;
            sums[k] = ap_term_powers(to - from, p == 8, x + b * S + from);
        }
        for (int k = 0; k < PORTIONS; k++) sum += sums[k];
        y[b] = (ap_real)(log(sum / (double)S + pow(NORM_FLOOR, p)) / p);
    }
}

/* dy/dx = (x / e)^(p - 1) / (S e), with e = e^y */
static void log_norm_backward(int64_t B, int64_t n, int p, const ap_real *x, const ap_real *y,
                              const ap_real *dy, ap_real *dx)
{
    for (int64_t b = 0; b < B; b++) {
        const double inverse = exp(-(double)y[b]);
        const ap_real factor = (ap_real)((double)dy[b] * inverse / (double)n), scale = (ap_real)inverse;
        AP_FOR_EACH_BLOCK(n, at, length)
        ap_term_powers_back(length, p == 8, factor, scale, x + b * n + at, dx + b * n + at);
    }
}

static void log_norm_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0];
    ap_signals of = ap_signals_of("log_norm", x);
    ap_real *dx = ap_var_grad(tape, x);
    if (dx) log_norm_backward(of.B, of.S, *(int *)y->saved, x->value.data, y->value.data, y->grad, dx);
}

AP_DEFINE_OP(log_norm, .reads = AP_READS_INPUT(0) | AP_READS_OUTPUT);

ap_var *ap_log_norm(ap_tape *tape, ap_var *x, int p)
{
    ap_signals of = ap_signals_of("log_norm", x);
    if (p != 2 && p != 8) ap_fatal("log_norm: p is %d, not 2 or 8", p);
    ap_var *y = ap_tape_push(tape, &op_log_norm, AP_SHAPE(of.B), 1, &x);
    int *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = p;
    log_norm_forward(of.B, of.S, p, x->value.data, y->value.data);
    return y;
}

/* ---------------------------------------------------------------- variation: y = max(0, least - sigma / (mu
 * + 1e-4)) */

#define MEAN_FLOOR 1e-4

static void variation_forward(int64_t B, int64_t M, ap_real least, const ap_real *e, ap_real *y)
{
    for (int64_t b = 0; b < B; b++) {
        ap_moments s = ap_moments_of(M, e + b * M);
        double missing = (double)least - s.sigma / (s.mean + MEAN_FLOOR);
        y[b] = (ap_real)(missing < 0 ? 0 : missing);
    }
}

/* With m = mu + 1e-4: dy/de = -(e - mu) / ((M - 1) sigma m) + sigma / (M m^2) */
static void variation_backward(int64_t B, int64_t M, const ap_real *e, const ap_real *y, const ap_real *dy,
                               ap_real *de)
{
    for (int64_t b = 0; b < B && de; b++) {
        if (!(y[b] > 0)) continue;
        ap_moments s = ap_moments_of(M, e + b * M);
        double m = s.mean + MEAN_FLOOR, g = (double)dy[b];
        double along = s.sigma > 0 ? g / ((double)(M - 1) * s.sigma * m) : 0,
               level = g * s.sigma / ((double)M * m * m);
        for (int64_t i = 0; i < M; i++)
            de[b * M + i] += (ap_real)(level - along * ((double)e[b * M + i] - s.mean));
    }
}

static void variation_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *e = y->inputs[0];
    const int64_t *at = e->value.shape.at;
    variation_backward(at[0], at[2], e->value.data, y->value.data, y->grad, ap_var_grad(tape, e));
}

AP_DEFINE_OP(variation, .reads = AP_READS_INPUT(0) | AP_READS_OUTPUT);

ap_var *ap_variation(ap_tape *tape, ap_var *e, ap_real least)
{
    ap_shape shape = e->value.shape;
    if (shape.rank != 3 || shape.at[1] != 1 || shape.at[2] < 2)
        ap_fatal("variation: shape %s is not [B, 1, M] with M > 1", ap_shape_print(shape).text);
    ap_var *y = ap_tape_push(tape, &op_variation, AP_SHAPE(shape.at[0]), 1, &e);
    variation_forward(shape.at[0], shape.at[2], least, e->value.data, y->value.data);
    return y;
}
