/* The convolutional codec: SEANet's encoder and decoder (Tagliasacchi et al., 2020) with the padding,
 * arithmetic and names of EnCodec (Défossez et al., "High Fidelity Neural Audio Compression", 2022), so that
 * its published weights can be loaded: those of 24 kHz, mono, causal, with weight norm, and those of 48 kHz,
 * stereo, not causal, with group norm.
 *
 * The encoder divides time by each of `ratios`, from the last to the first, and doubles the channels each
 * time, starting at `width`. The decoder does the reverse. Padding is mirrored: all of it in front in a
 * causal network, half of it otherwise. */
#ifndef ANTIPHON_MODEL_SEANET_H
#define ANTIPHON_MODEL_SEANET_H

#include "antiphon/codec.h"
#include "antiphon/params.h"

#define AP_SEANET_RATIOS_MAX 8
#define AP_SEANET_LSTM_MAX 4

typedef struct ap_seanet_config {
    int64_t dim;   /**< latent dimensions D */
    int64_t width; /**< channels at the full rate; even */
    int ratio_count;
    int64_t
        ratios[AP_SEANET_RATIOS_MAX]; /**< strides in the decoder's order: 8, 5, 4, 2 for EnCodec at 24 kHz */
    int lstm;                         /**< number of LSTM layers between convolutions and latents */
    int channels;                     /**< of the audio */
    bool causal;
    ap_codec_norm norm;
} ap_seanet_config;

typedef struct ap_seanet ap_seanet;

/** Registers "<encoder>layers.0.conv.weight_v" and so on under the prefix `encoder` (with group norm
 * "….conv.weight" and "….norm.weight"), and the decoder's parameters under `decoder`. A NULL prefix leaves
 * that half out. A prefix is "" or ends in a dot. `kind` is AP_PARAM_TRAINED or AP_PARAM_FROZEN. Owned by
 * `params`. */
ap_seanet *ap_seanet_create(ap_params *params, const ap_seanet_config *config, ap_param_kind kind,
                            const char *encoder, const char *decoder);

/** Samples per latent frame: the product of the ratios. */
int64_t ap_seanet_hop(const ap_seanet *seanet);

/** Latents [B, D, T] of audio [B, channels, S]; T = S / hop, rounded up at each stride. Without gradients,
 * memory between layers is recycled as soon as it has been read. */
ap_var *ap_seanet_encode(ap_tape *tape, ap_seanet *seanet, ap_var *audio);

/** Audio [B, channels, T hop] from latents [B, D, T]. Frozen weights are normalised on first use and kept,
 * since every training step uses them; load them before (or see ap_seanet_reload). */
ap_var *ap_seanet_decode(ap_tape *tape, ap_seanet *seanet, ap_var *latents);

/** To be called when frozen weights have changed after they were used. */
void ap_seanet_reload(ap_seanet *seanet);

#endif
