#include "loss/bands.h"

#include "antiphon/rate.h"
#include "antiphon/status.h"
#include "base/memory.h"
#include "kernels/fft.h"
#include "ops/registry.h"
#include "ops/signals.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#define LOWEST 60.0
#define HIGHEST 12000.0

/* ---------------------------------------------------------------- the bank */

/* The filter bank for one length and number of bands. It is made once and kept for the life of the process.
 * Each frequency belongs to at most two bands: with the share upper[k] to the band above its stretch, with
 * the rest to the band of its stretch. */
typedef struct band_bank {
    struct band_bank *next;
    int n, bands;
    ap_fft *fft;
    ap_real *upper; /* [n / 2 + 1] */
    int *start; /* [bands + 1]: the stretch of band b is the frequencies from start[b] to start[b + 1] - 1 */
} band_bank;

/* the shortest length from S on that is even and has no prime factor above 5 */
static int fast_length(int64_t S)
{
    for (int64_t n = S + S % 2;; n += 2) {
        int64_t rest = n;
        for (int prime = 2; prime <= 5; prime++)
            while (rest % prime == 0) rest /= prime;
        if (rest == 1) return (int)n;
    }
}

static band_bank *bank_create(int n, int bands)
{
    band_bank *made = ap_allocate(1, sizeof *made);
    *made = (band_bank){.n = n, .bands = bands, .fft = ap_fft_create(n)};
    made->upper = ap_allocate((size_t)n / 2 + 1, sizeof *made->upper);
    made->start = ap_allocate((size_t)bands + 1, sizeof *made->start);
    int below = 0; /* stretches begun so far */
    for (int k = 0; k <= n / 2; k++) {
        double hertz = (double)k * AP_SAMPLE_RATE / n;
        double p = k == 0 ? 0 : bands * log(hertz / LOWEST) / log(HIGHEST / LOWEST) - 0.5;
        p = fmax(0, fmin(bands - 1, p));
        double across = sin(M_PI / 2 * (p - floor(p)));
        made->upper[k] = (ap_real)(across * across);
        while (below <= (int)p) made->start[below++] = k;
    }
    while (below <= bands) made->start[below++] = n / 2 + 1;
    return made;
}

static const band_bank *bank_of(int64_t S, int bands)
{
    static band_bank *banks;
    band_bank *found;
    int n = fast_length(S);
#pragma omp critical(ap_band_banks)
    {
        for (found = banks; found && (found->n != n || found->bands != bands);) found = found->next;
        if (!found) {
            found = bank_create(n, bands);
            found->next = banks;
            banks = found;
        }
    }
    return found;
}

static void add_weighted(ap_real weight, const ap_complex *X, ap_complex *Y)
{
    Y->re += weight * X->re;
    Y->im += weight * X->im;
}

/* Y += X times the weight of band b */
static void add_band(const band_bank *k, int b, const ap_complex *X, ap_complex *Y)
{
    for (int i = b > 0 ? k->start[b - 1] : 0; b > 0 && i < k->start[b]; i++)
        add_weighted(k->upper[i], &X[i], &Y[i]);
    for (int i = k->start[b]; i < k->start[b + 1]; i++) add_weighted(1 - k->upper[i], &X[i], &Y[i]);
}

/* ---------------------------------------------------------------- one signal's room */

/* Per thread: a signal [n] and two spectra [n / 2 + 1]. */
typedef struct workspace {
    ap_arena *arena;
    const band_bank *bank;
    int64_t S;
    size_t each, bytes;
    char *block;
} workspace;

static workspace workspace_take(ap_tape *tape, const band_bank *bank, int64_t S)
{
    workspace w = {.arena = ap_tape_arena(tape), .bank = bank, .S = S};
    w.each = (size_t)bank->n * sizeof(ap_real) + 2 * ((size_t)bank->n / 2 + 1) * sizeof(ap_complex);
    w.bytes = w.each * (size_t)omp_get_max_threads();
    w.block = ap_arena_alloc(w.arena, w.bytes);
    return w;
}

static ap_real *signal_of(const workspace *w)
{
    return (ap_real *)(w->block + w->each * (size_t)omp_get_thread_num());
}

static ap_complex *spectrum_of(const workspace *w, int which)
{
    return (ap_complex *)(signal_of(w) + w->bank->n) + which * (w->bank->n / 2 + 1);
}

/* the spectrum of x [S] */
static void transform(const workspace *w, const ap_real *x, ap_complex *X)
{
    ap_real *padded = signal_of(w);
    memcpy(padded, x, (size_t)w->S * sizeof *x);
    memset(padded + w->S, 0, (size_t)(w->bank->n - w->S) * sizeof *x);
    ap_fft_forward(w->bank->fft, padded, X);
}

/* the signal y [S] of the spectrum Y, which is overwritten */
static const ap_real *transform_back(const workspace *w, ap_complex *Y)
{
    ap_fft_inverse(w->bank->fft, Y, signal_of(w));
    return signal_of(w);
}

static ap_complex *emptied(const workspace *w, ap_complex *Y)
{
    return memset(Y, 0, ((size_t)w->bank->n / 2 + 1) * sizeof *Y);
}

/* ---------------------------------------------------------------- band_split: y[b] = the part of x in band b
 */

static void band_split_forward(const workspace *w, int64_t B, const ap_real *x, ap_real *y)
{
    const ap_real scale = (ap_real)(1 / (double)w->bank->n);
    int64_t S = w->S, bands = w->bank->bands;
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < B; b++) {
        ap_complex *X = spectrum_of(w, 0), *Y = spectrum_of(w, 1);
        transform(w, x + b * S, X);
        for (int band = 0; band < bands; band++) {
            add_band(w->bank, band, X, emptied(w, Y));
            const ap_real *part = transform_back(w, Y);
            for (int64_t i = 0; i < S; i++) y[(b * bands + band) * S + i] = scale * part[i];
        }
    }
}

/* A zero-phase filter is its own adjoint: dx is the sum of the filtered gradients of all bands. Spectra are
 * added before they are transformed back. */
static void band_split_backward(const workspace *w, int64_t B, const ap_real *dy, ap_real *dx)
{
    const ap_real scale = (ap_real)(1 / (double)w->bank->n);
    int64_t S = w->S, bands = w->bank->bands;
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < B; b++) {
        ap_complex *X = spectrum_of(w, 0), *Y = emptied(w, spectrum_of(w, 1));
        for (int band = 0; band < bands; band++) {
            transform(w, dy + (b * bands + band) * S, X);
            add_band(w->bank, band, X, Y);
        }
        const ap_real *sum = transform_back(w, Y);
        for (int64_t i = 0; i < S; i++) dx[b * S + i] += scale * sum[i];
    }
}

static void band_split_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0];
    ap_real *dx = ap_var_grad(tape, x);
    if (!dx) return;
    ap_signals of = ap_signals_of("band_split", x);
    workspace w = workspace_take(tape, *(const band_bank **)y->saved, of.S);
    band_split_backward(&w, of.B, y->grad, dx);
    ap_arena_recycle(w.arena, w.block, w.bytes);
}

AP_DEFINE_OP(band_split, .reads = AP_READS_NOTHING);

ap_var *ap_band_split(ap_tape *tape, ap_var *x, int bands)
{
    ap_signals of = ap_signals_of("band_split", x);
    if (bands < 1) ap_fatal("band_split: %d bands", bands);
    ap_var *y = ap_tape_push(tape, &op_band_split, AP_SHAPE(of.B * bands, of.S), 1, &x);
    const band_bank *bank = bank_of(of.S, bands), **saved = ap_tape_save(tape, y, sizeof(const band_bank *));
    if (saved) *saved = bank;
    workspace w = workspace_take(tape, bank, of.S);
    band_split_forward(&w, of.B, x->value.data, y->value.data);
    ap_arena_recycle(w.arena, w.block, w.bytes);
    return y;
}
