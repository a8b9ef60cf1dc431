#include "listen/banks.h"

#include "antiphon/listen.h"
#include "antiphon/rate.h"
#include "kernels/blas.h"

#include <math.h>
#include <stddef.h>

/* Slaney's Auditory Toolbox (1998): linear up to 1 kHz, logarithmic above. */
#define MEL_STEP (200.0 / 3)
#define MEL_KNEE 1000.0
#define MEL_LOG_STEP (log(6.4) / 27)

/* librosa.power_to_db's amin and top_db. */
#define POWER_LEAST 1e-10
#define DECIBEL_RANGE 80

/* librosa.filters.chroma, in octaves from A0 = 27.5 Hz: centre and width of the weight, and how far the bin
 * of 0 Hz is placed below bin 1. */
#define CHROMA_CENTRE 5.0
#define CHROMA_WIDTH 2.0
#define CHROMA_ZERO 1.5
#define A0_HERTZ 27.5
#define CLASSES_FROM_A_TO_C 3

static double hertz_from_mel(double mel)
{
    const double knee = MEL_KNEE / MEL_STEP;
    return mel < knee ? mel * MEL_STEP : MEL_KNEE * exp((mel - knee) * MEL_LOG_STEP);
}

double ap_mel_from_hertz(double hertz)
{
    return hertz < MEL_KNEE ? hertz / MEL_STEP : MEL_KNEE / MEL_STEP + log(hertz / MEL_KNEE) / MEL_LOG_STEP;
}

static double rate_of(ap_spectrum spectrum)
{
    return spectrum.rate ? spectrum.rate : AP_SAMPLE_RATE;
}

/* bank [AP_MEL_BANDS, bins] */
static void fill_mel(ap_spectrum spectrum, ap_real *bank)
{
    const double top = ap_mel_from_hertz(fmin(rate_of(spectrum) / 2, AP_MEL_TOP));
    int64_t bins = ap_spectrum_bins(spectrum);
    for (int m = 0; m < AP_MEL_BANDS; m++) {
        double low = hertz_from_mel(top * m / (AP_MEL_BANDS + 1));
        double peak = hertz_from_mel(top * (m + 1) / (AP_MEL_BANDS + 1));
        double high = hertz_from_mel(top * (m + 2) / (AP_MEL_BANDS + 1));
        for (int64_t k = 0; k < bins; k++) {
            double hertz = (double)k * rate_of(spectrum) / spectrum.size;
            double height = fmin((hertz - low) / (peak - low), (high - hertz) / (high - peak));
            bank[m * bins + k] = (ap_real)(fmax(height, 0) * 2 / (high - low));
        }
    }
}

/* The pitch of bin k in semitones above A0. */
static double semitones_of_bin(ap_spectrum spectrum, int64_t k)
{
    if (k == 0) return semitones_of_bin(spectrum, 1) - CHROMA_ZERO * AP_CHROMA_CLASSES;
    return AP_CHROMA_CLASSES * log2((double)k * rate_of(spectrum) / spectrum.size / A0_HERTZ);
}

/* bank [12, bins] */
static void fill_chroma(ap_spectrum spectrum, ap_real *bank)
{
    int64_t bins = ap_spectrum_bins(spectrum);
    for (int64_t k = 0; k < bins; k++) {
        double pitch = semitones_of_bin(spectrum, k);
        double width = fmax(semitones_of_bin(spectrum, k + 1) - pitch, 1);
        double column[AP_CHROMA_CLASSES], energy = 0;
        for (int c = 0; c < AP_CHROMA_CLASSES; c++) {
            double away = remainder(pitch - (c + CLASSES_FROM_A_TO_C), AP_CHROMA_CLASSES);
            column[c] = exp(-0.5 * (2 * away / width) * (2 * away / width));
            energy += column[c] * column[c];
        }
        double octave = (pitch / AP_CHROMA_CLASSES - CHROMA_CENTRE) / CHROMA_WIDTH;
        double weight = exp(-0.5 * octave * octave) / sqrt(energy);
        for (int c = 0; c < AP_CHROMA_CLASSES; c++) bank[c * bins + k] = (ap_real)(column[c] * weight);
    }
}

/* Writes a bank [bands, bins] for the spectra. */
typedef void fill_bank(ap_spectrum spectrum, ap_real *bank);

/* y [frames, bands] = power [frames, bins] bank', on the arena */
static ap_real *through_bank(ap_arena *arena, ap_spectrum spectrum, int64_t frames, int64_t bands,
                             fill_bank *fill, const ap_real *power)
{
    int64_t bins = ap_spectrum_bins(spectrum);
    size_t bytes = (size_t)(bands * bins) * sizeof(ap_real);
    ap_real *bank = ap_arena_alloc(arena, bytes);
    ap_real *y = ap_arena_alloc(arena, (size_t)(frames * bands) * sizeof *y);
    fill(spectrum, bank);
    ap_gemm(false, true, frames, bands, bins, 1, power, bins, bank, bins, 0, y, bands);
    ap_arena_recycle(arena, bank, bytes);
    return y;
}

static void decibels(int64_t n, ap_real *x)
{
    ap_real largest = (ap_real)(10 * log10(POWER_LEAST));
    for (int64_t i = 0; i < n; i++) {
        x[i] = (ap_real)(10 * log10(fmax((double)x[i], POWER_LEAST)));
        if (x[i] > largest) largest = x[i];
    }
    for (int64_t i = 0; i < n; i++)
        if (x[i] < largest - DECIBEL_RANGE) x[i] = largest - DECIBEL_RANGE;
}

ap_real *ap_mel_decibels(ap_arena *arena, ap_spectrum spectrum, int64_t frames, const ap_real *power)
{
    ap_real *mel = through_bank(arena, spectrum, frames, AP_MEL_BANDS, fill_mel, power);
    decibels(frames * AP_MEL_BANDS, mel);
    return mel;
}

ap_real *ap_chroma_bands(ap_arena *arena, ap_spectrum spectrum, int64_t frames, const ap_real *power)
{
    return through_bank(arena, spectrum, frames, AP_CHROMA_CLASSES, fill_chroma, power);
}
