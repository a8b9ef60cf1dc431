#include "listen/spectrum.h"

#include "ops/stft_frames.h"

#include <math.h>
#include <omp.h>
#include <stddef.h>

/* Where the squared windows sum to less, at the very ends of the signal, nothing can be recovered. */
#define WEIGHT_LEAST 1e-6

int64_t ap_spectrum_bins(ap_spectrum spectrum)
{
    return spectrum.size / 2 + 1;
}

int64_t ap_spectrum_frames(ap_spectrum spectrum, int64_t n)
{
    return 1 + n / spectrum.hop;
}

/* The workspace of a transform: tables, which are kept for the life of the process, and, for each thread, a
 * group of frames, one per lane, with their spectra. */
typedef struct workshop {
    ap_spectrum spectrum;
    int64_t bins;
    ap_stft stft;
    ap_lanes *scratch;
    size_t scratch_bytes;
} workshop;

static workshop open_workshop(ap_arena *arena, ap_spectrum spectrum)
{
    workshop w = {.spectrum = spectrum,
                  .bins = ap_spectrum_bins(spectrum),
                  .stft = ap_stft_of(spectrum.size, spectrum.hop)};
    w.stft.zeros = true;
    w.scratch_bytes =
        (size_t)omp_get_max_threads() * (size_t)(spectrum.size + 2 * w.bins) * sizeof *w.scratch;
    w.scratch = ap_arena_alloc(arena, w.scratch_bytes);
    return w;
}

static void close_workshop(ap_arena *arena, workshop *w)
{
    ap_arena_recycle(arena, w->scratch, w->scratch_bytes);
}

/* The calling thread's frames [size]; its spectra [2 bins] follow them. */
static ap_lanes *own_frames(const workshop *w)
{
    return w->scratch + (int64_t)omp_get_thread_num() * (w->spectrum.size + 2 * w->bins);
}

static int live_lanes(int64_t frames, int64_t first)
{
    return frames - first < AP_LANES ? (int)(frames - first) : AP_LANES;
}

/* The spectra [2 bins] of frames first .. first + AP_LANES - 1, each in its lane. */
static ap_lanes *spectra_of(const workshop *w, int64_t n, const ap_real *x, int64_t first)
{
    ap_lanes *frames = own_frames(w), *spectra = frames + w->spectrum.size;
    int live = live_lanes(ap_spectrum_frames(w->spectrum, n), first);
    ap_stft_forward_group(&w->stft, n, x, first, live, spectra, frames);
    return spectra;
}

ap_real *ap_spectrum_power(ap_arena *arena, ap_spectrum spectrum, int64_t n, const ap_real *x)
{
    workshop w = open_workshop(arena, spectrum);
    int64_t frames = ap_spectrum_frames(spectrum, n);
    ap_real *power = ap_arena_alloc(arena, (size_t)(frames * w.bins) * sizeof *power);
#pragma omp parallel for schedule(static)
    for (int64_t first = 0; first < frames; first += AP_LANES)
        ap_lanes_powers(w.bins, live_lanes(frames, first), spectra_of(&w, n, x, first),
                        power + first * w.bins);
    close_workshop(arena, &w);
    return power;
}

ap_real *ap_spectrum_bands(ap_arena *arena, ap_spectrum spectrum, int64_t bands, const ap_filter *filters,
                           int64_t n, const ap_real *x)
{
    int64_t frames = ap_spectrum_frames(spectrum, n);
    ap_real *y = ap_arena_alloc(arena, (size_t)(frames * bands) * sizeof *y);
    workshop w = open_workshop(arena, spectrum);
#pragma omp parallel for schedule(static)
    for (int64_t first = 0; first < frames; first += AP_LANES)
        ap_lanes_filter(w.bins, bands, filters, live_lanes(frames, first), spectra_of(&w, n, x, first),
                        y + first * bands);
    close_workshop(arena, &w);
    return y;
}

void ap_spectrum_forward(ap_arena *arena, ap_spectrum spectrum, int64_t n, const ap_real *x, ap_complex *X)
{
    workshop w = open_workshop(arena, spectrum);
    int64_t frames = ap_spectrum_frames(spectrum, n);
#pragma omp parallel for schedule(static)
    for (int64_t first = 0; first < frames; first += AP_LANES) {
        const ap_lanes *spectra = spectra_of(&w, n, x, first);
        for (int64_t lane = 0; lane < live_lanes(frames, first); lane++)
            for (int64_t k = 0; k < w.bins; k++)
                X[(first + lane) * w.bins + k] = (ap_complex){spectra[2 * k][lane], spectra[2 * k + 1][lane]};
    }
    close_workshop(arena, &w);
}

/* pieces [frames, size]: the inverse transforms of X, times size. */
static void invert_frames(const workshop *w, int64_t frames, const ap_complex *X, ap_real *pieces)
{
    int64_t size = w->spectrum.size;
#pragma omp parallel for schedule(static)
    for (int64_t first = 0; first < frames; first += AP_LANES) {
        ap_lanes *inverted = own_frames(w), *spectra = inverted + size;
        int64_t live = live_lanes(frames, first);
        for (int64_t lane = 0; lane < AP_LANES; lane++)
            for (int64_t k = 0; k < w->bins; k++) {
                ap_complex c = lane < live ? X[(first + lane) * w->bins + k] : (ap_complex){0, 0};
                spectra[2 * k][lane] = c.re;
                spectra[2 * k + 1][lane] = c.im;
            }
        ap_fft_inverse_lanes(w->stft.fft, spectra, inverted);
        for (int64_t lane = 0; lane < live; lane++)
            for (int64_t i = 0; i < size; i++) pieces[(first + lane) * size + i] = inverted[i][lane];
    }
}

void ap_spectrum_inverse(ap_arena *arena, ap_spectrum spectrum, const ap_complex *X, int64_t n, ap_real *x)
{
    workshop w = open_workshop(arena, spectrum);
    int64_t frames = ap_spectrum_frames(spectrum, n), size = spectrum.size, hop = spectrum.hop;
    size_t bytes = (size_t)(frames * size) * sizeof(ap_real);
    ap_real *pieces = ap_arena_alloc(arena, bytes);
    invert_frames(&w, frames, X, pieces);
    /* each sample sums the frames over it in order: the same sum with any number of threads */
#pragma omp parallel for schedule(static)
    for (int64_t t = 0; t < n; t++) {
        int64_t earliest = t < size / 2 ? 0 : (t - size / 2) / hop + 1, latest = (t + size / 2) / hop;
        double sum = 0, weight = 0;
        for (int64_t f = earliest; f <= latest && f < frames; f++) {
            int64_t i = t - f * hop + size / 2;
            sum += (double)w.stft.window[i] * (double)pieces[f * size + i] / (double)size;
            weight += (double)w.stft.window[i] * (double)w.stft.window[i];
        }
        x[t] = (ap_real)(sum / fmax(weight, WEIGHT_LEAST));
    }
    ap_arena_recycle(arena, pieces, bytes);
    close_workshop(arena, &w);
}
