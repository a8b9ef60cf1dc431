/** @file ops.h
 * The operations of the tape (tape.h). Each pushes its output and returns it. Misuse, such as shapes that do
 * not match, is fatal, and the message prints the shapes. Dimensions: B items, C channels, T frames, S
 * samples. The files in src/ops/ hold equation, forward and backward of each operation side by side.
 */
#ifndef ANTIPHON_OPS_H
#define ANTIPHON_OPS_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

#include <stdint.h>

AP_API_BEGIN

/* ---------------------------------------------------------------- element by element */

/* Two inputs must have the same shape. */

/** y = a + b */
ap_var *ap_add(ap_tape *tape, ap_var *a, ap_var *b);

/** y = a b, element by element */
ap_var *ap_mul(ap_tape *tape, ap_var *a, ap_var *b);

/** y = factor x + offset */
ap_var *ap_affine(ap_tape *tape, ap_var *x, ap_real factor, ap_real offset);

/** y = factor x */
ap_var *ap_scale(ap_tape *tape, ap_var *x, ap_real factor);

/** y = |x|; no gradient where x is 0. */
ap_var *ap_abs(ap_tape *tape, ap_var *x);

/** y = min(max(x, low), high); no gradient where x is beyond a bound. */
ap_var *ap_clamp(ap_tape *tape, ap_var *x, ap_real low, ap_real high);

/** y = x for x > 0, e^x - 1 otherwise (Clevert, Unterthiner, Hochreiter, 2016; alpha = 1). */
ap_var *ap_elu(ap_tape *tape, ap_var *x);

/** y = x for x > 0, slope x otherwise; slope > 0. */
ap_var *ap_leaky_relu(ap_tape *tape, ap_var *x, ap_real slope);

/** y = dropout(x (1 + erf(x / sqrt 2)) / 2), with dropout of probability `dropout` (Hendrycks, Gimpel, 2016;
 * the exact form, not the tanh approximation). */
ap_var *ap_gelu(ap_tape *tape, ap_var *x, ap_real dropout);

/** y = tanh(x); e^x; sqrt(x), for x > 0; 1 / x, for x not 0; ln(x + sqrt(x^2 + 1)). */
ap_var *ap_tanh(ap_tape *tape, ap_var *x);
ap_var *ap_exp(ap_tape *tape, ap_var *x);
ap_var *ap_sqrt(ap_tape *tape, ap_var *x);
ap_var *ap_reciprocal(ap_tape *tape, ap_var *x);
ap_var *ap_asinh(ap_tape *tape, ap_var *x);

/* ---------------------------------------------------------------- moving, joining, broadcasting, summing */

/** y [B, Q, P] from x [B, P, Q] */
ap_var *ap_transpose(ap_tape *tape, ap_var *x);

/** The `count` parts joined along `axis`. All other sizes must agree. */
ap_var *ap_concat(ap_tape *tape, int axis, int count, ap_var *const *parts);

/** Elements start .. start + length - 1 of x along `axis`. */
ap_var *ap_slice(ap_tape *tape, ap_var *x, int axis, int64_t start, int64_t length);

/** y[..., t] = x[..., t - late] along the last axis, and zero where t - late is outside x. A negative `late`
 * shifts to earlier times; 0 returns x itself. */
ap_var *ap_delay(ap_tape *tape, ap_var *x, int64_t late);

/** y[b, ...] = x[b, ...] + row[...]. row has the shape of x without its first dimension. */
ap_var *ap_add_rows(ap_tape *tape, ap_var *x, ap_var *row);

/** y[b, ...] = x[b, ...] factor[b], with factor [B]. */
ap_var *ap_mul_items(ap_tape *tape, ap_var *x, ap_var *factor);

/** y[b, g c + i, t] = x[b, g c + i, t] w[b, g, t]: x [B, G c, T] has G groups of c adjacent channels, and
 * each group is multiplied by its row of w [B, G, T]. */
ap_var *ap_mul_groups(ap_tape *tape, ap_var *x, ap_var *w);

/** The sum of all elements, a scalar; added up in double. */
ap_var *ap_sum(ap_tape *tape, ap_var *x);

/** The mean of all elements, a scalar; added up in double. */
ap_var *ap_mean(ap_tape *tape, ap_var *x);

/** y [B]: sqrt(mean of x[b, ...]^2 + 1e-8) for each item of the first dimension. */
ap_var *ap_rms(ap_tape *tape, ap_var *x);

/** y [B]: sqrt(mean of x[b, ...]^2) + 1e-8 for each item of the first dimension, what EnCodec divides a
 * segment by. No gradient in silence. */
ap_var *ap_volume(ap_tape *tape, ap_var *x);

/* ---------------------------------------------------------------- matrix products */

/** y [..., N] = x [..., K] weight' + bias, with weight [N, K] and bias [N] (NULL: none). */
ap_var *ap_linear(ap_tape *tape, ap_var *x, ap_var *weight, ap_var *bias);

/** y [M, N] = a [M, K] b [K, N] */
ap_var *ap_matmul(ap_tape *tape, ap_var *a, ap_var *b);

/* ---------------------------------------------------------------- normalisation, softmax, dropout */

/** y = (x - mean) / sqrt(variance + 1e-5) gamma + beta over the last dimension of x [..., C], with gamma and
 * beta [C]. The variance is normalised by C, not C - 1 (Ba, Kiros, Hinton, 2016). */
ap_var *ap_layer_norm(ap_tape *tape, ap_var *x, ap_var *gamma, ap_var *beta);

/** y = layer_norm(x + dropout(part)): the end of a residual branch. Backward reads neither x nor part. */
ap_var *ap_residual_norm(ap_tape *tape, ap_var *x, ap_var *part, ap_var *gamma, ap_var *beta,
                         ap_real dropout);

/** y = (x - mean) / sqrt(variance + 1e-5) gamma + beta, with statistics over B and T for each channel of x
 * [B, C, T] (Ioffe, Szegedy, 2015). In training mode these are the batch's, and running_mean and running_var
 * [C] (owned by the caller, never NULL) move a tenth of the way towards them, the variance normalised by BT -
 * 1 for this. Otherwise the running statistics are used. */
ap_var *ap_batch_norm(ap_tape *tape, ap_var *x, ap_var *gamma, ap_var *beta, ap_real *running_mean,
                      ap_real *running_var);

/** y = (x - mean) / sqrt(variance + 1e-5) gamma + beta, with statistics over C and T for each item of x
 * [B, C, T], and gamma and beta [C]: torch.nn.GroupNorm of one group (Wu, He, 2018). */
ap_var *ap_group_norm(ap_tape *tape, ap_var *x, ap_var *gamma, ap_var *beta);

/** e^x normalised to sum 1 along `axis`. */
ap_var *ap_softmax(ap_tape *tape, ap_var *x, int axis);

/** In training mode sets each element to zero with probability p, 0 <= p < 1, and divides the others by 1 -
 * p. The mask is drawn from the tape's stream at every call. Otherwise, and for p = 0, returns x itself. */
ap_var *ap_dropout(ap_tape *tape, ap_var *x, ap_real p);

/* ---------------------------------------------------------------- convolution */

/* Over [B, C, T]. As everywhere in deep learning, "convolution" is a cross-correlation: the kernel is not
 * flipped. */

typedef enum ap_pad_mode {
    AP_PAD_ZERO,
    AP_PAD_REFLECT /**< mirrored without repeating the edge. A signal no longer than the pad is first extended
                      with zeros on the right, and the result is shortened by as many (EnCodec's pad1d) */
} ap_pad_mode;

typedef struct ap_conv1d_geometry {
    int64_t stride, dilation;    /**< both at least 1 */
    int64_t pad_left, pad_right; /**< samples added before and after x */
    ap_pad_mode mode;
} ap_conv1d_geometry;

/** The number of frames ap_conv1d gives for T frames and a kernel of K taps; 0 if the kernel does not fit. */
int64_t ap_conv1d_length(int64_t T, int64_t K, ap_conv1d_geometry geometry);

/** y [B, Cout, T'] from x [B, Cin, T], weight [Cout, Cin, K] and bias [Cout] (NULL: none):
 * y[b, o, t] = bias[o] + sum over i, k of weight[o, i, k] padded_x[b, i, t stride + k dilation] */
ap_var *ap_conv1d(ap_tape *tape, ap_var *x, ap_var *weight, ap_var *bias, ap_conv1d_geometry geometry);

/** y [B, Cout, T'] from x [B, Cin, T], weight [Cin, Cout, K] and bias [Cout] (NULL: none), with
 * T' = (T - 1) stride + K - trim_left - trim_right:
 * y[b, o, t stride + k - trim_left] sums weight[i, o, k] x[b, i, t], then bias[o] is added. */
ap_var *ap_conv_transpose1d(ap_tape *tape, ap_var *x, ap_var *weight, ap_var *bias, int64_t stride,
                            int64_t trim_left, int64_t trim_right);

/** w = g v / ||v||, with the norm over all dimensions but the first (Salimans, Kingma, 2016).
 * v [N, ...], g of N elements; w has the shape of v. */
ap_var *ap_weight_norm(ap_tape *tape, ap_var *v, ap_var *g);

/** The same on plain arrays, N rows of `size` numbers, for weights that are normalised only once. */
void ap_weight_norm_forward(int64_t N, int64_t size, const ap_real *v, const ap_real *g, ap_real *w);

/* ---------------------------------------------------------------- recurrence */

/* The LSTM with forget gates (Hochreiter, Schmidhuber, 1997); gates in PyTorch's order i, f, g, o. */

/** One layer over time, from a zero state: y [B, H, T] from x [B, C, T], weight_ih [4H, C], weight_hh [4H,
 * H], bias_ih and bias_hh [4H]: i, f, o = sigmoid, g = tanh of (weight_ih x_t + bias_ih + weight_hh h_(t-1) +
 * bias_hh), c_t = f c_(t-1) + i g, h_t = o tanh(c_t), y_t = h_t. */
ap_var *ap_lstm(ap_tape *tape, ap_var *x, ap_var *weight_ih, ap_var *weight_hh, ap_var *bias_ih,
                ap_var *bias_hh);

/* ---------------------------------------------------------------- attention */

/* Multi-head self-attention (Vaswani et al., 2017) that never stores the T x T scores. The forward pass
 * computes them for a strip of queries at a time, the backward pass computes them again for a strip of keys,
 * as in Dao et al., "FlashAttention" (2022). */

/** y [B, T, C] from qkv [B, T, 3C]. qkv holds queries, keys and values side by side, each split into `heads`
 * heads of size C / heads; `heads` must divide C. y = concat over heads of dropout(softmax(q k' / sqrt(C /
 * heads))) v. With `past` 0 every row attends to all T rows; otherwise to itself and the past - 1 rows before
 * it, as in Beltagy et al., "Longformer" (2020), but back in time alone. In training mode each attention
 * weight is dropped with probability `dropout`. */
ap_var *ap_attention(ap_tape *tape, ap_var *qkv, int heads, int64_t past, ap_real dropout);

/* ---------------------------------------------------------------- short-time Fourier transform */

/** The number of frames ap_stft_magnitude gives for S samples: S / hop + 1. */
int64_t ap_stft_frames(int64_t S, int hop);

/** Magnitudes [B, frames, n/2 + 1] of x ([B, S] or [B, 1, S]): sqrt(re^2 + im^2 + 1e-9) of Fourier transforms
 * of length n, one every `hop` samples, under a periodic Hann window. Frames are centred and x is mirrored at
 * its ends (torch.stft with center=True, but with frames before bins). n is even and at most 2 (S - 1). */
ap_var *ap_stft_magnitude(ap_tape *tape, ap_var *x, int n, int hop);

/* ---------------------------------------------------------------- gains by band and time */

typedef struct ap_band_gains_geometry {
    int n;          /**< length of the transform in samples, a multiple of 8 */
    int rate;       /**< of the signals, in samples per second */
    int bands;      /**< evenly spaced in log frequency from 60 Hz to 12 kHz */
    double spacing; /**< between two columns of gains, in samples */
} ap_band_gains_geometry;

/** y [B, 1, S]: the sum of K signals x [B, K, S], each times its own gains. g [B, K bands, T] holds the gains
 * by signal and band; column t is that of sample t spacing, and the last holds to the end. Between columns
 * and between the middles of bands the gain is interpolated; beyond the outer middles it stays. Gains of 1
 * give the plain sum. Short-time Fourier transforms under a Hann window, n / 4 samples apart, so that nothing
 * moves faster than a window. x must be a constant: it is not differentiated. */
ap_var *ap_band_gains(ap_tape *tape, ap_var *x, ap_var *g, ap_band_gains_geometry geometry);

/* ---------------------------------------------------------------- overlap and add */

/** y [B, C, S] from `count` segments x_k [B, C, L_k] that begin every `stride` samples: where several of them
 * cover a sample, their mean, weighted by a triangle over a segment, 1/2 - |(t + 1) / (L_0 + 1) - 1/2|. No
 * segment is longer than the first. They cover all S samples; what is behind is cut off (EnCodec's
 * _linear_overlap_add). */
ap_var *ap_overlap_add(ap_tape *tape, int count, ap_var *const *segments, int64_t stride, int64_t S);

/* ---------------------------------------------------------------- lapped transform */

/* The modified discrete cosine transform with a sine window (Princen, Johnson, Bradley, 1987). Frames are 2
 * hop samples long and start every hop samples. The lowest `dim` of the hop coefficients are kept and scaled
 * by `gain`.
 *
 *     basis[k, n] = sin(pi (n + 1/2) / (2 hop)) sqrt(2 / hop) cos(pi / hop (n + 1/2 + hop/2) (k + 1/2)) */

typedef struct ap_mdct ap_mdct;

/** A transform, to be freed after the tapes that use it (NULL is allowed). 1 <= dim <= hop, gain > 0. */
ap_mdct *ap_mdct_create(int dim, int hop, ap_real gain);
void ap_mdct_free(ap_mdct *mdct);

/** Which functions of a bin are used: the cosine of the MDCT, the sine of the MDST, or both of them divided
 * by sqrt 2, side by side (Malvar, "A modulated complex lapped transform and its applications to audio
 * processing", 1999). With both, decoding still inverts encoding, and it does so without the aliases that the
 * cosines of two frames must cancel: frames may be given different gains. */
typedef enum ap_mdct_parts { AP_MDCT_COSINES, AP_MDCT_SINES, AP_MDCT_BOTH } ap_mdct_parts;

/** Bins first .. first + count - 1 of 0 .. hop - 1. */
typedef struct ap_mdct_bins {
    int first, count;
    ap_mdct_parts parts;
} ap_mdct_bins;

/** As ap_mdct_create, of other bins. `dim` below is then the number of functions: `count`, or twice that for
 * AP_MDCT_BOTH. */
ap_mdct *ap_mdct_create_bins(ap_mdct_bins bins, int hop, ap_real gain);

/** The number of frames for S samples: ceil(S / hop) + 1. */
int64_t ap_mdct_frames(const ap_mdct *mdct, int64_t S);

/** z [B, dim, frames] from x [B, 1, S]. x is padded with zeros to a multiple of hop, and by hop more on both
 * sides. */
ap_var *ap_mdct_encode(ap_tape *tape, const ap_mdct *mdct, ap_var *x);

/** y [B, 1, S] from z [B, dim, frames] by overlap-add, for S <= (frames - 1) hop. With dim = hop it inverts
 * the encoding exactly. */
ap_var *ap_mdct_decode(ap_tape *tape, const ap_mdct *mdct, ap_var *z, int64_t S);

AP_API_END

#endif
