/** @file conv.h
 * One-dimensional convolution and its transpose over [B, C, T].
 *
 * "Convolution" is what the field calls so: a cross-correlation, the kernel is not flipped.
 */
#ifndef ANTIPHON_CONV_H
#define ANTIPHON_CONV_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

typedef enum ap_pad_mode {
    AP_PAD_ZERO,
    AP_PAD_REFLECT /**< mirrored without repeating the edge; a signal no longer than the pad is first extended
                        with zeros on the right, and the padded result cut back by as many (EnCodec's pad1d) */
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

AP_API_END

#endif
