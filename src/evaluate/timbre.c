#include "antiphon/audio.h"
#include "antiphon/metrics.h"
#include "listen/banks.h"
#include "listen/spectrum.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

static const ap_spectrum timbre_spectrum = {.size = 2048, .hop = 512};

/* The band for flatness: above hum, below the limit of the coarsest codec. */
#define FLATNESS_LOW 100.0
#define FLATNESS_HIGH 4500.0
/* librosa.feature.spectral_flatness's amin. */
#define POWER_LEAST 1e-10

/* By Parseval's theorem, the level of a frame is its mean square under the window over that of the window
 * (3/8), so the samples need not be read again. Bins between 0 and half the rate count twice. */
static bool sounds(int64_t bins, const ap_real *power)
{
    const double window_energy = 3.0 / 8;
    double sum = (double)power[0] + (double)power[bins - 1];
    for (int64_t k = 1; k < bins - 1; k++) sum += 2 * (double)power[k];
    double scale = (double)timbre_spectrum.size * timbre_spectrum.size * window_energy;
    return sum / scale >= pow(10, AP_SOUNDING_DBFS / 10);
}

/* Geometric over arithmetic mean of the band's powers. */
static double band_flatness(const ap_real *power)
{
    const double hertz = (double)AP_SAMPLE_RATE / timbre_spectrum.size;
    int64_t first = (int64_t)ceil(FLATNESS_LOW / hertz), end = (int64_t)floor(FLATNESS_HIGH / hertz) + 1;
    double log_sum = 0, sum = 0;
    for (int64_t k = first; k < end; k++) {
        double p = fmax((double)power[k], POWER_LEAST);
        log_sum += log(p);
        sum += p;
    }
    double count = (double)(end - first);
    return exp(log_sum / count) / (sum / count);
}

/* MFCC 2 to 13 of the mean over frames of a mel spectrum in dB: the transform is linear, so the mean of the
 * coefficients is the coefficients of the mean. DCT-II with orthonormal scale. */
static void mfcc_of(const double mel[AP_MEL_BANDS], double mfcc[AP_MFCC_COUNT])
{
    for (int k = 0; k < AP_MFCC_COUNT; k++) {
        mfcc[k] = 0;
        for (int m = 0; m < AP_MEL_BANDS; m++)
            mfcc[k] += mel[m] * cos(M_PI * (k + 1) * (m + 0.5) / AP_MEL_BANDS);
        mfcc[k] *= sqrt(2.0 / AP_MEL_BANDS);
    }
}

ap_timbre ap_timbre_of(ap_arena *arena, int64_t n, const ap_real *x)
{
    int64_t frames = ap_spectrum_frames(timbre_spectrum, n), bins = ap_spectrum_bins(timbre_spectrum);
    ap_real *power = ap_spectrum_power(arena, timbre_spectrum, n, x);
    ap_real *mel = ap_mel_decibels(arena, timbre_spectrum, n, x);
    ap_timbre timbre = {.flatness = 0};
    double mean[AP_MEL_BANDS] = {0};
    int64_t count = 0;
    for (int64_t f = 0; f < frames; f++) {
        if (!sounds(bins, power + f * bins)) continue;
        count++;
        timbre.flatness += band_flatness(power + f * bins);
        for (int m = 0; m < AP_MEL_BANDS; m++) mean[m] += (double)mel[f * AP_MEL_BANDS + m];
    }
    if (count) timbre.flatness /= (double)count;
    for (int m = 0; m < AP_MEL_BANDS && count; m++) mean[m] /= (double)count;
    mfcc_of(mean, timbre.mfcc);
    ap_arena_recycle(arena, mel, (size_t)(frames * AP_MEL_BANDS) * sizeof *mel);
    ap_arena_recycle(arena, power, (size_t)(frames * bins) * sizeof *power);
    return timbre;
}

double ap_timbre_distance(const ap_timbre *a, const ap_timbre *b)
{
    double sum = 0;
    for (int k = 0; k < AP_MFCC_COUNT; k++) sum += (a->mfcc[k] - b->mfcc[k]) * (a->mfcc[k] - b->mfcc[k]);
    return sqrt(sum);
}
