#include "antiphon/codec.h"

#include "antiphon/status.h"
#include "base/memory.h"
#include "model/lapped.h"
#include "model/seanet.h"
#include "model/segments.h"

#include <stdlib.h>
#include <string.h>

/* Exactly one of the two is not NULL. */
struct ap_codec {
    ap_codec_config config;
    ap_lapped *lapped;
    ap_seanet *seanet;
    ap_segments segments; /* in which the seanet works */
};

ap_codec *ap_codec_create(ap_params *params, const ap_codec_config *config)
{
    ap_codec *codec = ap_allocate(1, sizeof *codec);
    codec->config = *config;
    if (config->type != AP_CODEC_SEANET) {
        codec->lapped = ap_lapped_create(&(ap_lapped_config){.dim = config->dim,
                                                             .bands = config->bands,
                                                             .hop = config->hop,
                                                             .gain = (ap_real)config->gain,
                                                             .complex = config->type == AP_CODEC_MCLT});
        return codec;
    }
    ap_seanet_config seanet = {.dim = config->dim,
                               .width = config->width,
                               .ratio_count = config->ratio_count,
                               .lstm = config->lstm,
                               .channels = config->channels,
                               .causal = config->causal,
                               .norm = config->norm};
    for (int i = 0; i < config->ratio_count; i++) seanet.ratios[i] = config->ratios[i];
    ap_param_kind kind = config->trained ? AP_PARAM_TRAINED : AP_PARAM_FROZEN;
    codec->seanet = ap_seanet_create(params, &seanet, kind, "encoder.", "decoder.");
    codec->segments = (ap_segments){.length = config->segment,
                                    .stride = config->stride,
                                    .hop = ap_seanet_hop(codec->seanet),
                                    .normalize = config->normalize};
    return codec;
}

void ap_codec_free(ap_codec *codec)
{
    if (!codec) return;
    ap_lapped_free(codec->lapped);
    free(codec);
}

void ap_codec_reload(ap_codec *codec)
{
    if (codec->seanet) ap_seanet_reload(codec->seanet);
}

bool ap_codec_owns(const char *name)
{
    return strncmp(name, "encoder.", 8) == 0 || strncmp(name, "decoder.", 8) == 0;
}

int64_t ap_codec_dim(const ap_codec *codec)
{
    return codec->config.dim;
}

int64_t ap_codec_hop(const ap_codec *codec)
{
    return codec->lapped ? codec->config.hop : codec->segments.hop;
}

int ap_codec_channels(const ap_codec *codec)
{
    return codec->lapped ? 1 : codec->config.channels;
}

int64_t ap_codec_frames(const ap_codec *codec, int64_t S)
{
    return codec->lapped ? ap_lapped_frames(codec->lapped, S) : ap_segments_frames(&codec->segments, S);
}

int64_t ap_codec_segments(const ap_codec *codec, int64_t S)
{
    return codec->lapped ? 1 : ap_segments_count(&codec->segments, S);
}

ap_var *ap_codec_encode_scaled(ap_tape *tape, ap_codec *codec, ap_var *x, ap_var **scale)
{
    *scale = NULL;
    return codec->lapped ? ap_lapped_encode(tape, codec->lapped, x)
                         : ap_segments_encode(tape, &codec->segments, codec->seanet, x, scale);
}

ap_var *ap_codec_decode_scaled(ap_tape *tape, ap_codec *codec, ap_var *z, ap_var *scale, int64_t S)
{
    if (codec->config.normalize && codec->seanet && !scale)
        ap_fatal("codec: it normalises, and has no scale");
    return codec->lapped ? ap_lapped_decode(tape, codec->lapped, z, S)
                         : ap_segments_decode(tape, &codec->segments, codec->seanet, z, scale, S);
}

ap_var *ap_codec_encode(ap_tape *tape, ap_codec *codec, ap_var *x)
{
    ap_var *scale, *z = ap_codec_encode_scaled(tape, codec, x, &scale);
    if (scale) ap_fatal("codec: it normalises, and its scale would be lost");
    return z;
}

ap_var *ap_codec_decode(ap_tape *tape, ap_codec *codec, ap_var *z, int64_t S)
{
    return ap_codec_decode_scaled(tape, codec, z, NULL, S);
}

const ap_real *ap_codec_round_trip(ap_tape *tape, ap_codec *codec, int64_t S, const ap_real *x)
{
    const ap_tensor audio = {AP_SHAPE(1, 1, S), (ap_real *)x};
    ap_var *z = ap_codec_encode(tape, codec, ap_tape_constant(tape, audio));
    return ap_codec_decode(tape, codec, z, S)->value.data;
}
