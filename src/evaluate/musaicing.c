#include "evaluate/musaicing.h"

#include "antiphon/arena.h"
#include "antiphon/rng.h"
#include "antiphon/stop.h"
#include "evaluate/activations.h"
#include "listen/spectrum.h"
#include "kernels/blas.h"

#include <math.h>
#include <stddef.h>

static const ap_spectrum mosaic_spectrum = {.size = 2048, .hop = 1024};

/* The paper's settings: the number of iterations; how many frames on each side a template is not repeated
 * in; how many templates sound at once; how many successive frames of the original are favoured on each
 * side. */
#define ITERATIONS 20
#define REPEAT_REACH 3
#define POLYPHONY 10
#define CONTINUITY_REACH 3

/* Rounds of Griffin and Lim's phase recovery, from the phases of the templates. */
#define PHASE_ROUNDS 16

#define LEAST ((ap_real)1e-9)

/* K templates of F bins, N frames. Row-major: W [K, F], V and its model [N, F], H and its scratch [N, K]. A
 * row of H holds the activations of one frame. */
typedef struct mosaic {
    int64_t F, K, N;
    ap_complex *sounds; /* [K, F]: templates with their phases, unscaled */
    ap_real *W;         /* their magnitudes, each summing up to 1 */
    ap_real *scale;     /* [K]: their sums before normalisation */
    ap_real *V, *model;
    ap_real *H, *next;
} mosaic;

static ap_real magnitude(ap_complex c)
{
    return (ap_real)sqrt((double)(c.re * c.re + c.im * c.im));
}

static void magnitudes(int64_t n, const ap_complex *X, ap_real *y)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) y[i] = magnitude(X[i]);
}

static mosaic prepare(ap_arena *arena, uint64_t seed, int64_t n, const ap_real *rhythm, const ap_real *sounds)
{
    int64_t F = ap_spectrum_bins(mosaic_spectrum), frames = ap_spectrum_frames(mosaic_spectrum, n);
    mosaic m = {.F = F, .K = frames, .N = frames};
    size_t spectra = (size_t)(frames * F), activations = (size_t)(frames * frames);
    m.sounds = ap_arena_alloc(arena, spectra * sizeof *m.sounds);
    m.W = ap_arena_alloc(arena, spectra * sizeof *m.W);
    m.V = ap_arena_alloc(arena, spectra * sizeof *m.V);
    m.model = ap_arena_alloc(arena, spectra * sizeof *m.model);
    m.scale = ap_arena_alloc(arena, (size_t)frames * sizeof *m.scale);
    m.H = ap_arena_alloc(arena, activations * sizeof *m.H);
    m.next = ap_arena_alloc(arena, activations * sizeof *m.next);
    ap_spectrum_forward(arena, mosaic_spectrum, n, rhythm, m.sounds);
    magnitudes(frames * F, m.sounds, m.V);
    ap_spectrum_forward(arena, mosaic_spectrum, n, sounds, m.sounds);
    magnitudes(frames * F, m.sounds, m.W);
    for (int64_t k = 0; k < m.K; k++) {
        double sum = 0;
        for (int64_t f = 0; f < F; f++) sum += (double)m.W[k * F + f];
        m.scale[k] = (ap_real)fmax(sum, (double)LEAST);
        for (int64_t f = 0; f < F; f++) m.W[k * F + f] /= m.scale[k];
    }
    ap_rng rng = ap_rng_init(seed);
    for (size_t i = 0; i < activations; i++) m.H[i] = (ap_real)ap_rng_uniform(&rng);
    return m;
}

/* One multiplicative update for the Kullback-Leibler divergence (Lee, Seung, 2001), templates fixed:
 * H = H x ((V / (H W)) W') / (the templates' sums, which are 1). */
static void update_activations(mosaic *m)
{
    ap_gemm(false, false, m->N, m->F, m->K, 1, m->H, m->K, m->W, m->F, 0, m->model, m->F);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < m->N * m->F; i++) m->model[i] = m->V[i] / (m->model[i] + LEAST);
    ap_gemm(false, true, m->N, m->K, m->F, 1, m->model, m->F, m->W, m->F, 0, m->next, m->K);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < m->N * m->K; i++) m->H[i] *= m->next[i];
}

/* X [N, F] = H times the templates with their phases: complex numbers as pairs of columns. */
static void sum_templates(mosaic *m, ap_complex *X)
{
    for (int64_t t = 0; t < m->N; t++)
        for (int64_t k = 0; k < m->K; k++) m->H[t * m->K + k] /= m->scale[k];
    ap_gemm(false, false, m->N, 2 * m->F, m->K, 1, m->H, m->K, (const ap_real *)m->sounds, 2 * m->F, 0,
            (ap_real *)X, 2 * m->F);
}

/* Gives X the wanted magnitudes and keeps its phases. */
static void set_magnitudes(int64_t n, const ap_real *wanted, ap_complex *X)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
        ap_real factor = wanted[i] / (magnitude(X[i]) + LEAST);
        X[i].re *= factor;
        X[i].im *= factor;
    }
}

void ap_musaicing(uint64_t seed, int64_t n, const ap_real *rhythm, const ap_real *sounds, ap_real *y)
{
    ap_arena *arena = ap_arena_create();
    mosaic m = prepare(arena, seed, n, rhythm, sounds);
    for (int i = 0; i < ITERATIONS && !ap_stop_asked(); i++) {
        ap_real fade = 1 - (ap_real)(i + 1) / ITERATIONS;
        ap_restrict_repetition(m.N, m.K, REPEAT_REACH, fade, m.H, m.next);
        ap_restrict_polyphony(m.N, m.K, POLYPHONY, fade, m.next);
        ap_enhance_continuity(m.N, m.K, CONTINUITY_REACH, m.next, m.H);
        update_activations(&m);
    }
    ap_gemm(false, false, m.N, m.F, m.K, 1, m.H, m.K, m.W, m.F, 0, m.model, m.F);
    ap_complex *X = ap_arena_alloc(arena, (size_t)(m.N * m.F) * sizeof *X);
    sum_templates(&m, X);
    for (int i = 0; i < PHASE_ROUNDS && !ap_stop_asked(); i++) {
        set_magnitudes(m.N * m.F, m.model, X);
        ap_spectrum_inverse(arena, mosaic_spectrum, X, n, y);
        if (i + 1 < PHASE_ROUNDS) ap_spectrum_forward(arena, mosaic_spectrum, n, y, X);
    }
    ap_arena_free(arena);
}
