/* The convolutional codec: SEANet's encoder and decoder (Tagliasacchi et al., 2020) with the padding,
 * arithmetic and names of EnCodec (Défossez et al., "High Fidelity Neural Audio Compression", 2022), so that
 * its published weights load as they are.
 *
 * The encoder divides time by each of `ratios`, from the last to the first, and doubles the channels each
 * time, from `width` on; the decoder goes the same way back. Everything is causal: padding stands in front, mirrored.
 */
#ifndef ANTIPHON_MODEL_SEANET_H
#define ANTIPHON_MODEL_SEANET_H

#include "antiphon/params.h"

#define AP_SEANET_RATIOS_MAX 8
#define AP_SEANET_LSTM_MAX 4

typedef struct ap_seanet_config {
    int64_t dim;   /**< latent dimensions D */
    int64_t width; /**< channels at the full rate; even */
    int ratio_count;
    int64_t
        ratios[AP_SEANET_RATIOS_MAX]; /**< strides as the decoder has them: 8, 5, 4, 2 is EnCodec at 24 kHz */
    int lstm;                         /**< LSTM layers between convolutions and latents; 0: none */
} ap_seanet_config;

typedef struct ap_seanet ap_seanet;

/** Registers "<encoder>layers.0.conv.weight_v" and so on under the prefix `encoder`, and the decoder's
 * parameters under `decoder`; with a prefix of NULL that half does not exist. A prefix is "" or ends in a
 * dot. `kind` is AP_PARAM_TRAINED or AP_PARAM_FROZEN. Owned by `params`. */
ap_seanet *ap_seanet_create(ap_params *params, const ap_seanet_config *config, ap_param_kind kind,
                            const char *encoder, const char *decoder);

/** Samples to a latent frame: the product of the ratios. */
int64_t ap_seanet_hop(const ap_seanet *seanet);

/** Latents [B, D, T] of audio [B, 1, S]; T = S / hop, rounded up at each stride.
 *
 * Where nothing is to be differentiated, memory between layers is given back as soon as it has been read. */
ap_var *ap_seanet_encode(ap_tape *tape, ap_seanet *seanet, ap_var *audio);

/** Audio [B, 1, T hop] from latents [B, D, T].
 *
 * Frozen weights, which every step of a training goes through, are normalised when they are first used, and
 * kept: they are to be loaded before (see ap_seanet_reload). Memory is given back as ap_seanet_encode does.
 */
ap_var *ap_seanet_decode(ap_tape *tape, ap_seanet *seanet, ap_var *latents);

/** Says that frozen weights have been changed after they were used. */
void ap_seanet_reload(ap_seanet *seanet);

#endif
