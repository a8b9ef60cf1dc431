/** @file codec.h
 * Two codecs behind one interface: audio [B, 1, S] to latents [B, D, T] and back, both with gradients.
 *
 * mdct has no weights; seanet is EnCodec's network with its tensor names ("encoder.layers.…",
 * "decoder.layers.…"). A codec changes as it computes: seanet keeps frozen weights normalised. One codec serves one
 * thread at a time.
 */
#ifndef ANTIPHON_CODEC_H
#define ANTIPHON_CODEC_H

#include "antiphon/api.h"
#include "antiphon/params.h"

AP_API_BEGIN

#define AP_CODEC_RATIOS_MAX 8

typedef enum ap_codec_type { AP_CODEC_MDCT, AP_CODEC_SEANET } ap_codec_type;

typedef struct ap_codec_config {
    ap_codec_type type;
    int dim;     /**< D */
    int hop;     /**< mdct: samples a frame */
    double gain; /**< mdct: factor on the latents */
    int width;   /**< seanet: channels at full rate */
    int ratio_count;
    int ratios[AP_CODEC_RATIOS_MAX]; /**< seanet: the decoder's upsampling factors, deepest first */
    int lstm;                        /**< seanet: LSTM layers, 0 for none */
    bool trained;                    /**< seanet: whether its weights have gradients */
} ap_codec_config;

typedef struct ap_codec ap_codec;

/** Registers a seanet's weights in `params`; the codec itself is the caller's, to be freed before the
 * parameters. */
ap_codec *ap_codec_create(ap_params *params, const ap_codec_config *config);
void ap_codec_free(ap_codec *codec);

/** Says that a frozen codec's weights were changed after it was used. */
void ap_codec_reload(ap_codec *codec);

/** Whether a parameter of this name belongs to a codec ("encoder.…", "decoder.…"). */
bool ap_codec_owns(const char *name);

/** Latent dimensions D. */
int64_t ap_codec_dim(const ap_codec *codec);

/** Samples a latent frame stands for. */
int64_t ap_codec_hop(const ap_codec *codec);

/** Latent frames of S samples. */
int64_t ap_codec_frames(const ap_codec *codec, int64_t S);

/** z [B, D, T] from x [B, 1, S] */
ap_var *ap_codec_encode(ap_tape *tape, ap_codec *codec, ap_var *x);

/** y [B, 1, S] from z [B, D, ap_codec_frames(S)] */
ap_var *ap_codec_decode(ap_tape *tape, ap_codec *codec, ap_var *z, int64_t S);

AP_API_END

#endif
