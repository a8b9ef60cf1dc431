#include "listen/banks.h"

#include "antiphon/listen.h"
#include "antiphon/rate.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "kernels/vmath.h"

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

/* Band m has room for a weight a bin at weights + m bins. */
static void fill_mel(ap_spectrum spectrum, ap_filter *filters, ap_real *weights)
{
    const double top = ap_mel_from_hertz(fmin(rate_of(spectrum) / 2, AP_MEL_TOP));
    const double step = rate_of(spectrum) / spectrum.size;
    int64_t bins = ap_spectrum_bins(spectrum);
    for (int m = 0; m < AP_MEL_BANDS; m++, weights += bins) {
        double low = hertz_from_mel(top * m / (AP_MEL_BANDS + 1));
        double peak = hertz_from_mel(top * (m + 1) / (AP_MEL_BANDS + 1));
        double high = hertz_from_mel(top * (m + 2) / (AP_MEL_BANDS + 1));
        int64_t first = (int64_t)ceil(low / step), end = ap_least(bins, (int64_t)ceil(high / step));
        for (int64_t k = first; k < end; k++) {
            double hertz = (double)k * step;
            double height = fmin((hertz - low) / (peak - low), (high - hertz) / (high - peak));
            weights[k - first] = (ap_real)(fmax(height, 0) * 2 / (high - low));
        }
        filters[m] = (ap_filter){first, ap_most(end - first, 0), weights};
    }
}

/* The pitch of bin k in semitones above A0. */
static double semitones_of_bin(ap_spectrum spectrum, int64_t k)
{
    if (k == 0) return semitones_of_bin(spectrum, 1) - CHROMA_ZERO * AP_CHROMA_CLASSES;
    return AP_CHROMA_CLASSES * log2((double)k * rate_of(spectrum) / spectrum.size / A0_HERTZ);
}

static void fill_chroma(ap_spectrum spectrum, ap_filter *filters, ap_real *weights)
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
        for (int c = 0; c < AP_CHROMA_CLASSES; c++) weights[c * bins + k] = (ap_real)(column[c] * weight);
    }
    for (int c = 0; c < AP_CHROMA_CLASSES; c++) filters[c] = (ap_filter){0, bins, weights + c * bins};
}

/* Writes the filters of a bank; weights: room for as many as bands times bins. */
typedef void fill_bank(ap_spectrum spectrum, ap_filter *filters, ap_real *weights);

typedef struct bank {
    struct bank *next;
    fill_bank *fill;
    ap_spectrum spectrum;
    ap_filter *filters; /* [bands] */
} bank;

static bank *new_bank(ap_spectrum spectrum, int64_t bands, fill_bank *fill)
{
    bank *made = ap_allocate(1, sizeof *made);
    *made = (bank){.fill = fill, .spectrum = spectrum};
    made->filters = ap_allocate((size_t)bands, sizeof *made->filters);
    fill(spectrum, made->filters, ap_allocate((size_t)(bands * ap_spectrum_bins(spectrum)), sizeof(ap_real)));
    return made;
}

/* Made once for each kind of spectrum, and kept for the life of the process. */
static const ap_filter *filters_of(ap_spectrum spectrum, int64_t bands, fill_bank *fill)
{
    static bank *banks;
    bank *found;
#pragma omp critical(ap_banks)
    {
        for (found = banks; found && !(found->fill == fill && found->spectrum.size == spectrum.size &&
                                       found->spectrum.rate == spectrum.rate);)
            found = found->next;
        if (!found) {
            found = new_bank(spectrum, bands, fill);
            found->next = banks;
            banks = found;
        }
    }
    return found->filters;
}

/* [frames, bands], on the arena */
static ap_real *through_bank(ap_arena *arena, ap_spectrum spectrum, int64_t bands, fill_bank *fill, int64_t n,
                             const ap_real *x)
{
    return ap_spectrum_bands(arena, spectrum, bands, filters_of(spectrum, bands, fill), n, x);
}

static void decibels(int64_t n, ap_real *x)
{
    const ap_real power_least = (ap_real)POWER_LEAST, factor = (ap_real)(10 / M_LN10);
    for (int64_t i = 0; i < n; i++) x[i] = x[i] > power_least ? x[i] : power_least;
    ap_vlog(n, x, x);
    const ap_real least = factor * ap_vmax(n, x) - DECIBEL_RANGE;
    for (int64_t i = 0; i < n; i++) {
        ap_real level = factor * x[i];
        x[i] = level > least ? level : least;
    }
}

ap_real *ap_mel_decibels(ap_arena *arena, ap_spectrum spectrum, int64_t n, const ap_real *x)
{
    ap_real *mel = through_bank(arena, spectrum, AP_MEL_BANDS, fill_mel, n, x);
    decibels(ap_spectrum_frames(spectrum, n) * AP_MEL_BANDS, mel);
    return mel;
}

ap_real *ap_chroma_bands(ap_arena *arena, ap_spectrum spectrum, int64_t n, const ap_real *x)
{
    return through_bank(arena, spectrum, AP_CHROMA_CLASSES, fill_chroma, n, x);
}
