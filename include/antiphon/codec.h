/** @file codec.h
 * Codecs: audio [B, C, S] to latents [B, D, T] and back, both ways with gradients. C is 1, except for a
 * seanet that encodes two channels jointly.
 *
 * mdct and mclt are lapped transforms, without weights, at any sample rate. seanet is EnCodec's network, with
 * EnCodec's tensor names ("encoder.layers.…", "decoder.layers.…"): the causal one with weight norm, as
 * published for 24 kHz, or one that hears both sides, with weight or group norm, in one channel or two, as
 * published for 48 kHz (Défossez et al., "High Fidelity Neural Audio Compression", 2022). A codec changes as
 * it computes: seanet keeps its frozen weights normalised. One codec serves one thread at a time.
 */
#ifndef ANTIPHON_CODEC_H
#define ANTIPHON_CODEC_H

#include "antiphon/api.h"
#include "antiphon/params.h"

AP_API_BEGIN

/** The largest number of strides of a seanet. */
#define AP_CODEC_RATIOS_MAX 8

/** mdct: the lowest coefficients of a modified discrete cosine transform. mclt: those of the sine transform
 * as well, twice as many latents, so that frames may be given different gains without aliases. */
typedef enum ap_codec_type { AP_CODEC_MDCT, AP_CODEC_MCLT, AP_CODEC_SEANET } ap_codec_type;

/** How the convolutions of a seanet are normalised: their weights (Salimans, Kingma, 2016), or their output,
 * over all channels and all time (Wu, He, 2018). */
typedef enum ap_codec_norm { AP_CODEC_WEIGHT_NORM, AP_CODEC_TIME_GROUP_NORM } ap_codec_norm;

typedef struct ap_codec_config {
    ap_codec_type type;
    int dim;     /**< latent dimensions D */
    int bands;   /**< mdct, mclt: the last of them, levels of what is above the coefficients; 0: it is gone */
    int hop;     /**< mdct, mclt: samples per frame */
    double gain; /**< mdct, mclt: factor on the latents */
    int width;   /**< seanet: channels at the full rate */
    int ratio_count;
    int ratios[AP_CODEC_RATIOS_MAX]; /**< seanet: the decoder's upsampling factors, deepest first */
    int lstm;                        /**< seanet: number of LSTM layers, 0 for none */
    int channels;                    /**< seanet: channels C that are encoded jointly, 1 or 2 */
    bool causal;                     /**< seanet: no output depends on later samples than the frame's own */
    ap_codec_norm norm;              /**< seanet */
    bool normalize;                  /**< seanet: each segment is divided by its volume */
    int64_t segment;                 /**< seanet: samples that are encoded at once; 0: all */
    int64_t stride;                  /**< seanet: samples from one segment to the next, at most `segment` */
    bool trained;                    /**< seanet: whether the weights have gradients */
} ap_codec_config;

typedef struct ap_codec ap_codec;

/** Registers the weights of a seanet in `params`. The codec is the caller's, to be freed before `params`. */
ap_codec *ap_codec_create(ap_params *params, const ap_codec_config *config);

/** Frees the codec, not its weights. NULL is allowed. */
void ap_codec_free(ap_codec *codec);

/** To be called when the weights of a frozen codec have changed after it was used. */
void ap_codec_reload(ap_codec *codec);

/** Whether a parameter of this name belongs to a codec ("encoder.…", "decoder.…"). */
bool ap_codec_owns(const char *name);

/** Latent dimensions D. */
int64_t ap_codec_dim(const ap_codec *codec);

/** Channels C of the audio. */
int ap_codec_channels(const ap_codec *codec);

/** Samples per latent frame. */
int64_t ap_codec_hop(const ap_codec *codec);

/** The number of latent frames for S samples; where there are segments, of all of them. */
int64_t ap_codec_frames(const ap_codec *codec, int64_t S);

/** z [B, D, T] from x [B, C, S], of a codec that does not normalise. */
ap_var *ap_codec_encode(ap_tape *tape, ap_codec *codec, ap_var *x);

/** y [B, C, S] from z [B, D, ap_codec_frames(S)], of a codec that does not normalise. */
ap_var *ap_codec_decode(ap_tape *tape, ap_codec *codec, ap_var *z, int64_t S);

/** The number of segments for S samples: 1 where there is no codec.segment. */
int64_t ap_codec_segments(const ap_codec *codec, int64_t S);

/** As ap_codec_encode, of any codec. *scale: what each segment was divided by, [segments B], first all of the
 * first segment's; NULL if the codec does not normalise. The frames of the segments stand one after the other
 * in z, so that there are more of them than the hop tells where segments overlap. */
ap_var *ap_codec_encode_scaled(ap_tape *tape, ap_codec *codec, ap_var *x, ap_var **scale);

/** As ap_codec_decode, of any codec; `scale` as ap_codec_encode_scaled gives it. Where segments overlap, one
 * is faded into the next. */
ap_var *ap_codec_decode_scaled(ap_tape *tape, ap_codec *codec, ap_var *z, ap_var *scale, int64_t S);

/** What is left of x [S] after it was encoded and decoded: [S], the tape's until it is reset. x must stay as
 * long. */
const ap_real *ap_codec_round_trip(ap_tape *tape, ap_codec *codec, int64_t S, const ap_real *x);

AP_API_END

#endif
