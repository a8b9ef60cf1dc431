#include "antiphon/losses.h"
#include "antiphon/ops.h"
#include "antiphon/rate.h"
#include "antiphon/status.h"
#include "base/bounds.h"
#include "kernels/array.h"
#include "kernels/terms.h"
#include "loss/spectral.h"
#include "loss/stft_distance.h"
#include "ops/registry.h"

#include <tgmath.h>

/* ---------------------------------------------------------------- spectral_distance
 * y = w ||a - b|| / (||b|| + 1e-6) + mean |ln((a + 1e-5) / (b + 1e-5))|, over all rows of the batch */

/* The number of partial sums, independent of the number of threads. */
#define PORTIONS 64

typedef struct distance {
    double difference, reference, logs; /* ||a - b||, ||b||, sum of |ln|, and in the end its mean */
    double convergence;                 /* w */
} distance;

static distance spectral_distance_forward(const ap_tape *tape, int64_t n, const ap_real *a, const ap_real *b,
                                          double convergence)
{
    ap_term_distance partial[PORTIONS] = {{0}};
    distance d = {.convergence = convergence};
    int64_t blocks = ap_divide_up(n, AP_BLOCK);
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < PORTIONS; k++)
        for (int64_t at = blocks * k / PORTIONS * AP_BLOCK; at < blocks * (k + 1) / PORTIONS * AP_BLOCK;
             at += AP_BLOCK)
            ap_term_distance_add(ap_least(AP_BLOCK, n - at), AP_SPECTRAL_LOG_FLOOR, a + at, b + at,
                                 &partial[k]);
    for (int k = 0; k < PORTIONS; k++) {
        d.difference += partial[k].squares;
        d.reference += partial[k].reference;
        d.logs += partial[k].logs;
    }
    double sums[3] = {d.difference, d.reference, d.logs};
    ap_tape_sum(tape, 3, sums);
    d.difference = sqrt(sums[0]);
    d.reference = sqrt(sums[1]);
    d.logs = sums[2] / ap_tape_total(tape, n);
    return d;
}

/* With D = ||a - b||, R = ||b|| + 1e-6:
 * dy/da = w (a - b) / (D R) + sign(a - b) / (n (a + 1e-5)),
 * dy/db = -w (a - b) / (D R) - w D / R^2 b / ||b|| - sign(a - b) / (n (b + 1e-5)).
 * The sign of a difference is that of the logarithms' difference; where a = b everywhere nothing is
 * contributed. `share` of the batch's rows are here, and dy contains it, which suits n, the number of values
 * here, but not the norms. */
static void spectral_distance_backward(int64_t n, double share, const distance *d, const ap_real *a,
                                       const ap_real *b, double dy, ap_real *da, ap_real *db)
{
    if (d->difference == 0 || share == 0) return;
    double R = d->reference + AP_SPECTRAL_NORM_FLOOR, w = dy / share * d->convergence;
    const ap_real linear = (ap_real)(w / (d->difference * R)), each = (ap_real)(dy / (double)n);
    const ap_real shrink = (ap_real)(d->reference > 0 ? w * d->difference / (R * R * d->reference) : 0);
    const ap_term_slopes slopes = {
        .square = linear, .reference = shrink, .log = each, .floor = AP_SPECTRAL_LOG_FLOOR};
    AP_FOR_EACH_BLOCK(n, at, length)
    ap_term_distance_back(length, &slopes, a + at, b + at, ap_array_row(da, at, 1), ap_array_row(db, at, 1));
}

static void spectral_distance_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *a = y->inputs[0], *b = y->inputs[1];
    spectral_distance_backward(ap_var_count(a), ap_tape_share(tape), y->saved, a->value.data, b->value.data,
                               (double)y->grad[0], ap_var_grad(tape, a), ap_var_grad(tape, b));
}

AP_DEFINE_OP(spectral_distance, .reads = AP_READS_INPUTS(2));

ap_var *ap_spectral_distance(ap_tape *tape, ap_var *a, ap_var *b, ap_real convergence)
{
    if (!ap_shape_same(a->value.shape, b->value.shape))
        ap_fatal("spectral_distance: shapes %s and %s differ", ap_shape_print(a->value.shape).text,
                 ap_shape_print(b->value.shape).text);
    int64_t n = ap_var_count(a);
    ap_var *y = ap_tape_push(tape, &op_spectral_distance, AP_SHAPE_SCALAR, 2, (ap_var *[]){a, b});
    distance d = spectral_distance_forward(tape, n, a->value.data, b->value.data, (double)convergence);
    distance *saved = ap_tape_save(tape, y, sizeof *saved);
    if (saved) *saved = d;
    y->value.data[0] =
        (ap_real)(d.convergence * d.difference / (d.reference + AP_SPECTRAL_NORM_FLOOR) + d.logs);
    return y;
}

/* ---------------------------------------------------------------- multi-resolution STFT loss */

ap_var *ap_stft_loss_mean(ap_tape *tape, ap_var *a, int count, ap_var *const *references)
{
    static const int lengths[] = {512, 1024, 2048};
    return ap_stft_distance(tape, a, count, references, sizeof lengths / sizeof *lengths, lengths);
}

ap_var *ap_stft_loss(ap_tape *tape, ap_var *a, ap_var *b)
{
    return ap_stft_loss_mean(tape, a, 1, &b);
}

/* ---------------------------------------------------------------- mel loss */

#define MEL_BANDS 80
#define MEL_LENGTH 1024
#define MEL_HOP 256

/* Slaney's scale, "Auditory Toolbox" (1998): linear up to 1000 Hz, 15 bands of 200 / 3 Hz, and from there
 * logarithmic, a factor of 6.4 in 27 bands. */
static double hertz_of_mel(double mel)
{
    const double linear_bands = 15, linear_width = 200.0 / 3;
    return mel < linear_bands ? mel * linear_width : 1000 * pow(6.4, (mel - linear_bands) / 27);
}

static double mel_of_hertz(double hertz)
{
    return hertz < 1000 ? hertz / (200.0 / 3) : 15 + 27 * log(hertz / 1000) / log(6.4);
}

/* triangles [MEL_BANDS, MEL_LENGTH / 2 + 1] of unit area, each from its lower to its upper neighbour's peak
 */
static void mel_matrix(ap_real *matrix)
{
    double step = mel_of_hertz(AP_SAMPLE_RATE / 2.0) / (MEL_BANDS + 1);
    for (int band = 0; band < MEL_BANDS; band++) {
        double low = hertz_of_mel(band * step), peak = hertz_of_mel((band + 1) * step);
        double high = hertz_of_mel((band + 2) * step);
        for (int k = 0; k <= MEL_LENGTH / 2; k++) {
            double f = (double)k * AP_SAMPLE_RATE / MEL_LENGTH;
            double height = fmin((f - low) / (peak - low), (high - f) / (high - peak));
            *matrix++ = (ap_real)(fmax(0, height) * 2 / (high - low));
        }
    }
}

static ap_var *mel_spectra(ap_tape *tape, ap_var *matrix, ap_var *x)
{
    return ap_linear(tape, ap_stft_magnitude(tape, x, MEL_LENGTH, MEL_HOP), matrix, NULL);
}

ap_var *ap_mel_loss_mean(ap_tape *tape, ap_var *a, int count, ap_var *const *references)
{
    if (count < 1) ap_fatal("mel_loss: %d references", count);
    ap_shape shape = AP_SHAPE(MEL_BANDS, MEL_LENGTH / 2 + 1);
    ap_real *data = ap_arena_alloc(ap_tape_arena(tape), (size_t)ap_shape_count(shape) * sizeof *data);
    mel_matrix(data);
    ap_var *matrix = ap_tape_constant(tape, (ap_tensor){shape, data}), *total = NULL;
    ap_var *A = mel_spectra(tape, matrix, a);
    for (int r = 0; r < count; r++) {
        ap_var *term = ap_spectral_distance(tape, A, mel_spectra(tape, matrix, references[r]), 0);
        total = total ? ap_add(tape, total, term) : term;
    }
    return ap_scale(tape, total, 1 / (ap_real)count);
}

ap_var *ap_mel_loss(ap_tape *tape, ap_var *a, ap_var *b)
{
    return ap_mel_loss_mean(tape, a, 1, &b);
}
