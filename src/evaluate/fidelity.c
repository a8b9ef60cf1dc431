#include "evaluate/fidelity.h"

#include "antiphon/metrics.h"
#include "antiphon/modulation.h"
#include "evaluate/harmony.h"
#include "listen/banks.h"
#include "listen/spectrum.h"

#include <math.h>

#define SDR_LEAST (-60.0)
#define SDR_MOST 100.0
#define MEL_RANGE 80.0
#define MAGNITUDE_FLOOR 1e-5
#define LEVELS 100 /* a second */

static const struct {
    const char *title, *name;
} texts[AP_FIDELITY_COUNT] = {
    [AP_FIDELITY_SI_SDR] = {"SI-SDR dB", "si_sdr_db"},
    [AP_FIDELITY_MEL] = {"log-mel dB", "log_mel_db"},
    [AP_FIDELITY_STFT] = {"STFT", "stft"},
    [AP_FIDELITY_CHROMA] = {"chroma", "chroma"},
    [AP_FIDELITY_ENVELOPE] = {"envelope r", "envelope_r"},
};

const char *ap_fidelity_title(ap_fidelity_measure measure)
{
    return texts[measure].title;
}

const char *ap_fidelity_name(ap_fidelity_measure measure)
{
    return texts[measure].name;
}

/* 10 lg (||a x||^2 / ||a x - y||^2) with a = <x, y> / ||x||^2: the part of y that is a multiple of x, over
 * the rest. */
static double si_sdr(int64_t n, const ap_real *x, const ap_real *y)
{
    double xx = 0, xy = 0, yy = 0;
    for (int64_t i = 0; i < n; i++) {
        xx += (double)x[i] * (double)x[i];
        xy += (double)x[i] * (double)y[i];
        yy += (double)y[i] * (double)y[i];
    }
    if (yy == 0) return NAN;
    double signal = xy * xy / xx, rest = fmax(yy - signal, 0);
    if (rest <= signal * pow(10, -SDR_MOST / 10)) return SDR_MOST;
    return fmax(10 * log10(signal / rest), SDR_LEAST);
}

static double mel_distance(ap_arena *arena, int rate, int64_t n, const ap_real *x, const ap_real *y)
{
    const ap_spectrum spectrum = {.size = 2048, .hop = 512, .rate = rate};
    int64_t count = ap_spectrum_frames(spectrum, n) * AP_MEL_BANDS;
    const ap_real *a = ap_mel_decibels(arena, spectrum, n, x), *b = ap_mel_decibels(arena, spectrum, n, y);
    double loudest = -INFINITY, sum = 0;
    for (int64_t i = 0; i < count; i++) loudest = fmax(loudest, (double)a[i]);
    for (int64_t i = 0; i < count; i++)
        sum += fabs(fmax((double)a[i], loudest - MEL_RANGE) - fmax((double)b[i], loudest - MEL_RANGE));
    return sum / (double)count;
}

static double stft_distance(ap_arena *arena, ap_spectrum spectrum, int64_t n, const ap_real *x,
                            const ap_real *y)
{
    int64_t count = ap_spectrum_frames(spectrum, n) * ap_spectrum_bins(spectrum);
    const ap_real *a = ap_spectrum_power(arena, spectrum, n, x),
                  *b = ap_spectrum_power(arena, spectrum, n, y);
    double apart = 0, energy = 0, logs = 0;
    for (int64_t i = 0; i < count; i++) {
        double A = sqrt((double)a[i]), B = sqrt((double)b[i]);
        apart += (A - B) * (A - B);
        energy += (double)a[i];
        logs += fabs(log((A + MAGNITUDE_FLOOR) / (B + MAGNITUDE_FLOOR)));
    }
    return sqrt(apart / energy) + logs / (double)count;
}

static double envelope_r(ap_arena *arena, int rate, int64_t n, const ap_real *x, const ap_real *y)
{
    int64_t width = rate / LEVELS, M = n / width;
    ap_real *a = ap_arena_alloc(arena, (size_t)M * sizeof *a),
            *b = ap_arena_alloc(arena, (size_t)M * sizeof *b);
    ap_level_envelope(n, x, width, a);
    ap_level_envelope(n, y, width, b);
    return ap_pearson(M, a, b);
}

int64_t ap_fidelity_least(int rate)
{
    return 2 * (rate / LEVELS);
}

void ap_fidelity_of(ap_arena *arena, int rate, int64_t n, const ap_real *x, const ap_real *y,
                    double values[AP_FIDELITY_COUNT])
{
    static const int sizes[] = {512, 1024, 2048};
    values[AP_FIDELITY_SI_SDR] = si_sdr(n, x, y);
    values[AP_FIDELITY_MEL] = mel_distance(arena, rate, n, x, y);
    values[AP_FIDELITY_STFT] = 0;
    for (int k = 0; k < 3; k++)
        values[AP_FIDELITY_STFT] +=
            stft_distance(arena, (ap_spectrum){.size = sizes[k], .hop = sizes[k] / 4}, n, x, y) / 3;
    values[AP_FIDELITY_CHROMA] =
        ap_chroma_cosine(ap_chroma_at(arena, rate, n, y), ap_chroma_at(arena, rate, n, x));
    values[AP_FIDELITY_ENVELOPE] = envelope_r(arena, rate, n, x, y);
}
