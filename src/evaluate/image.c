#include "evaluate/image.h"

#include "base/memory.h"
#include "kernels/fft.h"

#include <math.h>
#include <stdlib.h>

#define LENGTH 2048
#define HOP (LENGTH / 2)
#define BINS (LENGTH / 2 + 1)
#define LOWEST 100.0
#define HIGHEST 16000.0
#define LEVEL_MOST 40.0

/* Sums over the frames of a recording. */
typedef struct image {
    double power[2][AP_IMAGE_BANDS];
    double re[AP_IMAGE_BANDS], im[AP_IMAGE_BANDS]; /* of left times the conjugate of right */
} image;

/* The band of a bin; -1: none. */
static int band_of(int rate, int bin)
{
    double hertz = (double)bin * rate / LENGTH;
    if (hertz < LOWEST || hertz >= HIGHEST) return -1;
    return (int)(AP_IMAGE_BANDS * log(hertz / LOWEST) / log(HIGHEST / LOWEST));
}

static void add_frame(image *to, int rate, const ap_complex *left, const ap_complex *right)
{
    for (int k = 1; k < BINS - 1; k++) {
        int b = band_of(rate, k);
        if (b < 0) continue;
        double lr = (double)left[k].re, li = (double)left[k].im, rr = (double)right[k].re,
               ri = (double)right[k].im;
        to->power[0][b] += lr * lr + li * li;
        to->power[1][b] += rr * rr + ri * ri;
        to->re[b] += lr * rr + li * ri;
        to->im[b] += li * rr - lr * ri;
    }
}

static image image_of(int rate, int64_t n, const ap_real *const x[2])
{
    image of = {.re = {0}};
    ap_fft *fft = ap_fft_create(LENGTH);
    ap_real frame[LENGTH];
    ap_complex spectrum[2][BINS];
    for (int64_t at = 0; at + LENGTH <= n; at += HOP) {
        for (int c = 0; c < 2; c++) {
            for (int i = 0; i < LENGTH; i++) {
                double window = 0.5 - 0.5 * cos(2 * M_PI * i / LENGTH);
                frame[i] = (ap_real)(window * (double)x[c][at + i]);
            }
            ap_fft_forward(fft, frame, spectrum[c]);
        }
        add_frame(&of, rate, spectrum[0], spectrum[1]);
    }
    ap_fft_free(fft);
    return of;
}

static double level_of(const image *of, int b)
{
    double level = 10 * log10((of->power[0][b] + 1e-12) / (of->power[1][b] + 1e-12));
    return fmax(-LEVEL_MOST, fmin(level, LEVEL_MOST));
}

ap_image_distance ap_image_compare(int rate, int64_t n, const ap_real *const x[2], const ap_real *const y[2])
{
    const image a = image_of(rate, n, x), b = image_of(rate, n, y);
    ap_image_distance sum = {0, 0};
    double weights = 0;
    for (int k = 0; k < AP_IMAGE_BANDS; k++) {
        double weight = a.power[0][k] + a.power[1][k];
        double sizes[2] = {sqrt(a.power[0][k] * a.power[1][k]) + 1e-12,
                           sqrt(b.power[0][k] * b.power[1][k]) + 1e-12};
        sum.level += weight * fabs(level_of(&a, k) - level_of(&b, k));
        sum.coherence +=
            weight * hypot(a.re[k] / sizes[0] - b.re[k] / sizes[1], a.im[k] / sizes[0] - b.im[k] / sizes[1]);
        weights += weight;
    }
    return weights > 0 ? (ap_image_distance){sum.level / weights, sum.coherence / weights}
                       : (ap_image_distance){NAN, NAN};
}
