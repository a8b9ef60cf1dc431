#include "antiphon/metrics.h"
#include "antiphon/rate.h"
#include "evaluate/harmony.h"
#include "listen/banks.h"
#include "listen/spectrum.h"

#include <math.h>
#include <stddef.h>

/* Windows of about 0.17 s, whatever the rate. */
static ap_spectrum chroma_spectrum(int rate)
{
    int size = rate < 36000 ? 4096 : rate < 72000 ? 8192 : 16384;
    return (ap_spectrum){.size = size, .hop = size / 4, .rate = rate};
}

/* Mean square of the samples under frame f, zeros beyond the ends. */
static double frame_energy(ap_spectrum spectrum, int64_t n, const ap_real *x, int64_t f)
{
    int64_t start = f * spectrum.hop - spectrum.size / 2, end = start + spectrum.size;
    double sum = 0;
    for (int64_t t = start < 0 ? 0 : start; t < end && t < n; t++) sum += (double)x[t] * (double)x[t];
    return sum / spectrum.size;
}

ap_chroma ap_chroma_of(ap_arena *arena, int64_t n, const ap_real *x)
{
    return ap_chroma_at(arena, AP_SAMPLE_RATE, n, x);
}

ap_chroma ap_chroma_at(ap_arena *arena, int rate, int64_t n, const ap_real *x)
{
    const ap_spectrum spectrum = chroma_spectrum(rate);
    ap_chroma chroma = {.count = ap_spectrum_frames(spectrum, n)};
    chroma.rows = ap_chroma_bands(arena, spectrum, n, x);
    const double sounding = pow(10, AP_SOUNDING_DBFS / 10);
    for (int64_t f = 0; f < chroma.count; f++) {
        ap_real *row = chroma.rows + f * AP_CHROMA_CLASSES, largest = 0;
        for (int c = 0; c < AP_CHROMA_CLASSES; c++) largest = row[c] > largest ? row[c] : largest;
        bool sounds = frame_energy(spectrum, n, x, f) >= sounding && largest > 0;
        for (int c = 0; c < AP_CHROMA_CLASSES; c++) row[c] = sounds ? row[c] / largest : 0;
    }
    return chroma;
}

double ap_chroma_cosine(ap_chroma a, ap_chroma b)
{
    int64_t frames = a.count < b.count ? a.count : b.count, sounding = 0;
    double sum = 0;
    for (int64_t f = 0; f < frames; f++) {
        const ap_real *p = a.rows + f * AP_CHROMA_CLASSES, *q = b.rows + f * AP_CHROMA_CLASSES;
        double pq = 0, pp = 0, qq = 0;
        for (int c = 0; c < AP_CHROMA_CLASSES; c++) {
            pq += (double)p[c] * (double)q[c];
            pp += (double)p[c] * (double)p[c];
            qq += (double)q[c] * (double)q[c];
        }
        sounding += qq > 0;
        if (pq > 0) sum += pq / sqrt(pp * qq);
    }
    return sounding ? sum / (double)sounding : 0;
}
