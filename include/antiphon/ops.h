/** @file ops.h
 * The operations of the tape (tape.h). Each pushes its output and returns it; misuse, such as shapes that do
 * not fit, is fatal and prints them. Dimensions: B items, C channels, T frames, S samples. src/ops/ holds
 * equation, forward and backward of each side by side.
 */
#ifndef ANTIPHON_OPS_H
#define ANTIPHON_OPS_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

#include <stdint.h>

AP_API_BEGIN

/* ---------------------------------------------------------------- element by element */

/* Shapes of two inputs must be the same. */

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

/** y = x (1 + erf(x / sqrt 2)) / 2 (Hendrycks, Gimpel, 2016; the exact form, not the tanh approximation),
 * under dropout of probability `dropout`. */
ap_var *ap_gelu(ap_tape *tape, ap_var *x, ap_real dropout);

/** y = tanh(x), e^x, sqrt(x) (x > 0), 1 / x (x not 0), ln(x + sqrt(x^2 + 1)). */
ap_var *ap_tanh(ap_tape *tape, ap_var *x);
ap_var *ap_exp(ap_tape *tape, ap_var *x);
ap_var *ap_sqrt(ap_tape *tape, ap_var *x);
ap_var *ap_reciprocal(ap_tape *tape, ap_var *x);
ap_var *ap_asinh(ap_tape *tape, ap_var *x);

/* ---------------------------------------------------------------- moving, joining, broadcasting, summing */

/** y [B, Q, P] from x [B, P, Q] */
ap_var *ap_transpose(ap_tape *tape, ap_var *x);

/** The `count` parts joined along `axis`; their other sizes agree. */
ap_var *ap_concat(ap_tape *tape, int axis, int count, ap_var *const *parts);

/** Elements start .. start + length - 1 of x along `axis`. */
ap_var *ap_slice(ap_tape *tape, ap_var *x, int axis, int64_t start, int64_t length);

/** y[..., t] = x[..., t - late] along the last axis, zeros where x has nothing: later by `late` elements,
 * earlier if it is negative; x itself if it is 0. */
ap_var *ap_delay(ap_tape *tape, ap_var *x, int64_t late);

/** y[b, ...] = x[b, ...] + row[...]: row has the shape of x without its first dimension. */
ap_var *ap_add_rows(ap_tape *tape, ap_var *x, ap_var *row);

/** y[b, ...] = x[b, ...] factor[b]: one factor for each item of the first dimension; factor is [B]. */
ap_var *ap_mul_items(ap_tape *tape, ap_var *x, ap_var *factor);

/** y [B, G c, T] = x [B, G c, T] with each of the G groups of c neighbouring channels multiplied by its row
 * of w [B, G, T]. */
ap_var *ap_mul_groups(ap_tape *tape, ap_var *x, ap_var *w);

/** The sum of all elements, a scalar; added up in double. */
ap_var *ap_sum(ap_tape *tape, ap_var *x);

/** The mean of all elements, a scalar; added up in double. */
ap_var *ap_mean(ap_tape *tape, ap_var *x);

/** y [B]: sqrt(mean of x[b, ...]^2 + 1e-8) for each item of the first dimension. */
ap_var *ap_rms(ap_tape *tape, ap_var *x);

/* ---------------------------------------------------------------- matrix products */

/** y [..., N] = x [..., K] weight' + bias, with weight [N, K] and bias [N] (NULL: none). */
ap_var *ap_linear(ap_tape *tape, ap_var *x, ap_var *weight, ap_var *bias);

/** y [M, N] = a [M, K] b [K, N] */
ap_var *ap_matmul(ap_tape *tape, ap_var *a, ap_var *b);

/* ---------------------------------------------------------------- normalisation, softmax, dropout */

/** y = (x - mean) / sqrt(variance + 1e-5) gamma + beta over the last dimension of x [..., C]; gamma and beta
 * [C]; the variance is that of C samples, not C - 1 (Ba, Kiros, Hinton, 2016). */
ap_var *ap_layer_norm(ap_tape *tape, ap_var *x, ap_var *gamma, ap_var *beta);

/** y = layer_norm(x + dropout(part)): the join of a residual branch. Backward reads neither x nor part. */
ap_var *ap_residual_norm(ap_tape *tape, ap_var *x, ap_var *part, ap_var *gamma, ap_var *beta,
                         ap_real dropout);

/** Layer normalisation's equation over B and T for each channel of x [B, C, T] (Ioffe, Szegedy, 2015). In
 * training mode the batch's statistics serve, and running_mean and running_var [C] (the caller's, never NULL)
 * move a tenth of the way to them, the variance there being that of BT - 1 samples; otherwise the running
 * ones serve. */
ap_var *ap_batch_norm(ap_tape *tape, ap_var *x, ap_var *gamma, ap_var *beta, ap_real *running_mean,
                      ap_real *running_var);

/** e^x normalised to sum 1 along `axis`. */
ap_var *ap_softmax(ap_tape *tape, ap_var *x, int axis);

/** In training mode each element is zero with probability p, the others divided by 1 - p; which ones is drawn
 * anew from the tape's stream at every call. Otherwise, and for p = 0, x itself is returned. 0 <= p < 1. */
ap_var *ap_dropout(ap_tape *tape, ap_var *x, ap_real p);

/* ---------------------------------------------------------------- convolution */

/* Over [B, C, T]. "Convolution" is what the field calls so: a cross-correlation, the kernel is not flipped.
 */

typedef enum ap_pad_mode {
    AP_PAD_ZERO,
    AP_PAD_REFLECT /**< mirrored without repeating the edge; a signal no longer than the pad is first extended
                        with zeros on the right, and the padded result cut back by as many (EnCodec's pad1d)
                    */
} ap_pad_mode;

typedef struct ap_conv1d_geometry {
    int64_t stride, dilation;    /**< both at least 1 */
    int64_t pad_left, pad_right; /**< samples put before and behind x */
    ap_pad_mode mode;
} ap_conv1d_geometry;

/** Frames that ap_conv1d gives for T frames and a kernel of K taps; 0 when the kernel does not fit. */
int64_t ap_conv1d_length(int64_t T, int64_t K, ap_conv1d_geometry geometry);

/** y [B, Cout, T'] from x [B, Cin, T], weight [Cout, Cin, K] and bias [Cout] (NULL: none):
 * y[b, o, t] = bias[o] + sum over i, k of weight[o, i, k] padded_x[b, i, t stride + k dilation] */
ap_var *ap_conv1d(ap_tape *tape, ap_var *x, ap_var *weight, ap_var *bias, ap_conv1d_geometry geometry);

/** y [B, Cout, T'] from x [B, Cin, T], weight [Cin, Cout, K] and bias [Cout] (NULL: none), with
 * T' = (T - 1) stride + K - trim_left - trim_right:
 * y[b, o, t stride + k - trim_left] collects weight[i, o, k] x[b, i, t], then bias[o] is added. */
ap_var *ap_conv_transpose1d(ap_tape *tape, ap_var *x, ap_var *weight, ap_var *bias, int64_t stride,
                            int64_t trim_left, int64_t trim_right);

/** w = g v / ||v||, the norm over all dimensions but the first (Salimans, Kingma, 2016).
 * v [N, ...], g of N elements; w has the shape of v. */
ap_var *ap_weight_norm(ap_tape *tape, ap_var *v, ap_var *g);

/** The kernel of it, over N rows of `size` numbers: for weights that are normalised once and for all. */
void ap_weight_norm_forward(int64_t N, int64_t size, const ap_real *v, const ap_real *g, ap_real *w);

/* ---------------------------------------------------------------- recurrence */

/* Hochreiter and Schmidhuber, 1997; with forget gates, gates in PyTorch's order i, f, g, o. */

/** One layer over time, from a zero state: y [B, H, T] from x [B, C, T], weight_ih [4H, C], weight_hh [4H,
 * H], bias_ih and bias_hh [4H]: i, f, o = sigmoid, g = tanh of (weight_ih x_t + bias_ih + weight_hh h_(t-1) +
 * bias_hh), c_t = f c_(t-1) + i g, h_t = o tanh(c_t), y_t = h_t. */
ap_var *ap_lstm(ap_tape *tape, ap_var *x, ap_var *weight_ih, ap_var *weight_hh, ap_var *bias_ih,
                ap_var *bias_hh);

/* ---------------------------------------------------------------- attention */

/* Multi-head self-attention (Vaswani et al., 2017) that never stores the T x T scores: they are formed for a
 * strip of queries at a time, and for a strip of keys again in the backward pass, as in Dao et al.,
 * "FlashAttention" (2022). */

/** y [B, T, C] from qkv [B, T, 3C]: queries, keys and values side by side, each cut into `heads` of C /
 * heads; y = concat over heads of dropout(softmax(q k' / sqrt(C / heads))) v. In training mode each weight is
 * dropped with probability `dropout`. `heads` divides C. */
ap_var *ap_attention(ap_tape *tape, ap_var *qkv, int heads, ap_real dropout);

/* ---------------------------------------------------------------- short-time Fourier transform */

/** How many frames ap_stft_magnitude gives for S samples: S / hop + 1. */
int64_t ap_stft_frames(int64_t S, int hop);

/** Magnitudes [B, frames, n/2 + 1] of x ([B, S] or [B, 1, S]): sqrt(re^2 + im^2 + 1e-9) of the transform of
 * length n at every `hop` samples under a periodic Hann window, frames centred on their sample, x mirrored at
 * its ends (torch.stft with center=True, but frames before bins). n is even and at most 2 (S - 1). */
ap_var *ap_stft_magnitude(ap_tape *tape, ap_var *x, int n, int hop);

/* ---------------------------------------------------------------- lapped transform */

/* Modified discrete cosine transform with a sine window (Princen, Johnson, Bradley, 1987): frames of 2 hop
 * samples, every hop samples, the lowest `dim` of hop coefficients kept, scaled by `gain`.
 *
 *     basis[k, n] = sin(pi (n + 1/2) / (2 hop)) sqrt(2 / hop) cos(pi / hop (n + 1/2 + hop/2) (k + 1/2)) */

typedef struct ap_mdct ap_mdct;

/** A transform, owned by the caller; 1 <= dim <= hop, gain > 0. It must outlive the tapes it is used on. */
ap_mdct *ap_mdct_create(int dim, int hop, ap_real gain);
void ap_mdct_free(ap_mdct *mdct);

/** Frames for S samples: ceil(S / hop) + 1. */
int64_t ap_mdct_frames(const ap_mdct *mdct, int64_t S);

/** z [B, dim, frames] from x [B, 1, S], which is padded with zeros to a multiple of hop and by hop on both
 * sides. */
ap_var *ap_mdct_encode(ap_tape *tape, const ap_mdct *mdct, ap_var *x);

/** y [B, 1, S] from z [B, dim, frames], the overlapped sum, for S <= (frames - 1) hop; with dim = hop it
 * undoes the encoding exactly. */
ap_var *ap_mdct_decode(ap_tape *tape, const ap_mdct *mdct, ap_var *z, int64_t S);

AP_API_END

#endif
