#include "kernels/level/names.h"

#include "kernels/fft_lanes.h"

#include "kernels/fft_plan.h"
#include "kernels/flops.h"
#include "kernels/level/vec.h"

/* A vector of the lanes at a time: number i of them. */
#define AT(x, i) (*(vec *)((x) + (i) * (int64_t)AP_LANES))
#define AT_CONST(x, i) (*(const vec *)((x) + (i) * (int64_t)AP_LANES))

DEFINE_SPLIT(split, vec, AT)
DEFINE_JOIN(join, vec, AT)
DEFINE_SUM(sum, vec, AT)

/* z = y w, both complex */
static ALWAYS_INLINE void turned(ap_real *z, vec re, vec im, ap_complex w)
{
    AT(z, 0) = re * w.re - im * w.im;
    AT(z, 1) = re * w.im + im * w.re;
}

/* In place: decimation in frequency, radix 4, with a last step of radix 2 if needed. Depth first, so that
 * parts that fit a cache are completed in it. place_frequencies says where frequencies end up. */
static void transform(const ap_fft *fft, ap_real *z, int length)
{
    if (length == 2) {
        vec re = AT(z, 0), im = AT(z, 1);
        AT(z, 0) = re + AT(z, 2);
        AT(z, 1) = im + AT(z, 3);
        AT(z, 2) = re - AT(z, 2);
        AT(z, 3) = im - AT(z, 3);
    }
    if (length < 4) return;
    int quarter = length / 4, step = fft->n / length;
    for (int j = 0; j < quarter; j++) {
        const int64_t next = (int64_t)2 * quarter * AP_LANES;
        ap_real *a = z + (int64_t)2 * j * AP_LANES, *b = a + next, *c = b + next, *d = c + next;
        vec ac_re = AT(a, 0) + AT(c, 0), ac_im = AT(a, 1) + AT(c, 1);
        vec bd_re = AT(b, 0) + AT(d, 0), bd_im = AT(b, 1) + AT(d, 1);
        vec p_re = AT(a, 0) - AT(c, 0), p_im = AT(a, 1) - AT(c, 1);
        vec q_re = AT(b, 1) - AT(d, 1), q_im = AT(d, 0) - AT(b, 0); /* -i (b - d) */
        AT(a, 0) = ac_re + bd_re;
        AT(a, 1) = ac_im + bd_im;
        turned(b, p_re + q_re, p_im + q_im, fft->turn[j * step]);
        turned(c, ac_re - bd_re, ac_im - bd_im, fft->turn[2 * j * step]);
        turned(d, p_re - q_re, p_im - q_im, fft->turn[3 * j * step]);
    }
    for (int r = 0; quarter > 1 && r < 4; r++)
        transform(fft, z + (int64_t)2 * r * quarter * AP_LANES, quarter);
}

void ap_fft_forward_lanes(const ap_fft *fft, ap_lanes *signals, ap_lanes *spectra)
{
    ap_flops_add(AP_LANES * fft->flops);
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES) {
        ap_real *x = (ap_real *)signals + lane, *X = (ap_real *)spectra + lane;
        if (fft->place)
            transform(fft, x, fft->n / 2);
        else
            sum(fft, x, X);
        split(fft->n / 2, fft->turn, fft->place, fft->place ? x : X, X);
    }
}

void ap_fft_inverse_lanes(const ap_fft *fft, ap_lanes *spectra, ap_lanes *signals)
{
    ap_flops_add(AP_LANES * fft->flops);
    int h = fft->n / 2;
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES) {
        ap_real *x = (ap_real *)signals + lane, *X = (ap_real *)spectra + lane;
        join(h, fft->turn, X);
        if (fft->place)
            transform(fft, X, h);
        else
            sum(fft, X, x);
        const ap_real *from = fft->place ? X : x;
        for (int m = 0; m < h; m++) {
            int at = fft->place ? fft->place[m] : m;
            AT(x, 2 * m) = AT_CONST(from, 2 * at);
            AT(x, 2 * m + 1) = -AT_CONST(from, 2 * at + 1);
        }
    }
}
