#include "kernels/fft.h"

#include "antiphon/status.h"
#include "base/memory.h"
#include "kernels/fft_plan.h"
#include "kernels/flops.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#ifndef AP_DOUBLE
#include <kiss_fft.h>
#endif

/* Records where the frequencies of one part of the transform end up: frequency, frequency + step, ... are
 * spread over `length` positions from `at` on. Each step of transform_lanes divides a part into four (at
 * last into two) that hold every fourth frequency. */
static void place_frequencies(int *place, int at, int length, int frequency, int step)
{
    int radix = length % 4 == 0 ? 4 : length;
    if (length == 1) place[frequency] = at;
    for (int r = 0; length > 1 && r < radix; r++)
        place_frequencies(place, at + r * (length / radix), length / radix, frequency + r * step,
                          step * radix);
}

ap_fft *ap_fft_create(int n)
{
    if (n < 2 || n % 2) ap_fatal("fft: a length of %d is not even and positive", n);
    ap_fft *fft = ap_allocate(1, sizeof *fft);
    fft->n = n;
    fft->flops = llround(2.5 * n * log2(n));
    fft->turn = ap_allocate((size_t)n, sizeof *fft->turn);
    for (int k = 0; k < n; k++) {
        double angle = 2 * M_PI * k / n;
        fft->turn[k] = (ap_complex){(ap_real)cos(angle), (ap_real)-sin(angle)};
    }
    if ((n & (n - 1)) == 0) {
        fft->place = ap_allocate((size_t)n / 2, sizeof *fft->place);
        place_frequencies(fft->place, 0, n / 2, 0, 1);
    }
#ifndef AP_DOUBLE
    fft->kiss = kiss_fft_alloc(n / 2, 0, NULL, NULL);
    if (!fft->kiss) ap_fatal("out of memory: a transform of length %d", n);
#endif
    return fft;
}

void ap_fft_free(ap_fft *fft)
{
    if (!fft) return;
#ifndef AP_DOUBLE
    kiss_fft_free(fft->kiss);
#endif
    free(fft->place);
    free(fft->turn);
    free(fft);
}

DEFINE_SPLIT(split, ap_real, FFT_AT, FFT_PUT)
DEFINE_JOIN(join, ap_real, FFT_AT)
#ifdef AP_DOUBLE
DEFINE_SUM(sum, ap_real, FFT_AT)
#endif

/* ---------------------------------------------------------------- one signal */

/* Z = the complex transform of z, both n/2 long */
static void transform(const ap_fft *fft, const ap_real *z, ap_real *Z)
{
#ifdef AP_DOUBLE
    sum(fft, z, Z);
#else
    kiss_fft(fft->kiss, (const kiss_fft_cpx *)z, (kiss_fft_cpx *)Z);
#endif
}

void ap_fft_forward(const ap_fft *fft, const ap_real *x, ap_complex *X)
{
    ap_flops_add(fft->flops);
    ap_real *parts = (ap_real *)X;
    transform(fft, x, parts);
    split(fft->n / 2, fft->turn, NULL, parts, parts);
}

void ap_fft_inverse(const ap_fft *fft, ap_complex *X, ap_real *x)
{
    ap_flops_add(fft->flops);
    ap_real *parts = (ap_real *)X;
    join(fft->n / 2, fft->turn, parts);
    transform(fft, parts, x);
    for (int m = 0; m < fft->n / 2; m++) x[2 * m + 1] = -x[2 * m + 1];
}
