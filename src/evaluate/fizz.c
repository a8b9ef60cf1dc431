#include "antiphon/audio.h"
#include "antiphon/metrics.h"
#include "base/bounds.h"
#include "listen/spectrum.h"

#include <math.h>
#include <stddef.h>

/* Bands of 190 Hz every 5 ms. */
static const ap_spectrum fizz_spectrum = {.size = 512, .hop = 128};
#define BAND_BINS 4
/* The broad level around a band is that of so many bands on each side; what is slow is the mean over so many
 * frames on each side (53 ms). */
#define BROAD 4
#define SLOW 10
/* A band sounds above the first level; levels are at least the second. A sine at full scale is at 0 dB. */
#define SOUNDS (-60.0)
#define LEAST (-70.0)

/* level [frames, bands]: each band's level in dB; own [frames, bands]: that less the mean of its neighbours.
 */
static void take_levels(int64_t frames, int64_t bands, const ap_real *power, double *level, double *own)
{
    const int64_t bins = ap_spectrum_bins(fizz_spectrum);
    const double scale = 3.0 / 32 * fizz_spectrum.size * fizz_spectrum.size;
#pragma omp parallel for schedule(static)
    for (int64_t f = 0; f < frames; f++) {
        double *row = level + f * bands;
        for (int64_t b = 0; b < bands; b++) {
            double sum = 0;
            for (int64_t k = 0; k < BAND_BINS; k++) sum += (double)power[f * bins + 1 + b * BAND_BINS + k];
            row[b] = 10 * log10(fmax(sum / scale, pow(10, LEAST / 10)));
        }
        for (int64_t b = 0; b < bands; b++) {
            int64_t first = ap_most(b - BROAD, 0), last = ap_least(b + BROAD, bands - 1);
            double around = -row[b];
            for (int64_t k = first; k <= last; k++) around += row[k];
            own[f * bands + b] = row[b] - around / (double)(last - first);
        }
    }
}

/* The sum over the frames in which a band sounds of how far its own level is from its slow course, squared;
 * *count of them are added. */
static double fast_energy(int64_t frames, int64_t bands, const double *level, const double *own,
                          int64_t *count)
{
    double sum = 0, slow = 0;
    int64_t end = 0, begin = 0; /* of the frames in `slow` */
    for (int64_t f = 0; f < frames; f++) {
        for (; end < frames && end <= f + SLOW; end++) slow += own[end * bands];
        for (; begin < f - SLOW; begin++) slow -= own[begin * bands];
        if (level[f * bands] <= SOUNDS) continue;
        double fast = own[f * bands] - slow / (double)(end - begin);
        sum += fast * fast;
        ++*count;
    }
    return sum;
}

double ap_fizz(ap_arena *arena, int64_t n, const ap_real *x)
{
    int64_t frames = ap_spectrum_frames(fizz_spectrum, n), bins = ap_spectrum_bins(fizz_spectrum),
            bands = (bins - 1) / BAND_BINS, count = 0;
    size_t bytes = (size_t)(frames * bands) * sizeof(double);
    ap_real *power = ap_spectrum_power(arena, fizz_spectrum, n, x);
    double *level = ap_arena_alloc(arena, bytes), *own = ap_arena_alloc(arena, bytes), sum = 0;
    take_levels(frames, bands, power, level, own);
    for (int64_t b = 0; b < bands; b++) sum += fast_energy(frames, bands, level + b, own + b, &count);
    ap_arena_recycle(arena, own, bytes);
    ap_arena_recycle(arena, level, bytes);
    ap_arena_recycle(arena, power, (size_t)(frames * bins) * sizeof *power);
    return count ? sqrt(sum / (double)count) : 0;
}
