#include "antiphon/codec.h"

#include "antiphon/ops.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "model/lapped.h"
#include "model/seanet.h"

#include <stdlib.h>
#include <string.h>

/* Exactly one of the two is not NULL. */
struct ap_codec {
    ap_codec_config config;
    ap_lapped *lapped;
    ap_seanet *seanet;
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
    ap_seanet_config seanet = {
        .dim = config->dim, .width = config->width, .ratio_count = config->ratio_count, .lstm = config->lstm};
    for (int i = 0; i < config->ratio_count; i++) seanet.ratios[i] = config->ratios[i];
    ap_param_kind kind = config->trained ? AP_PARAM_TRAINED : AP_PARAM_FROZEN;
    codec->seanet = ap_seanet_create(params, &seanet, kind, "encoder.", "decoder.");
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
    return codec->lapped ? codec->config.hop : ap_seanet_hop(codec->seanet);
}

int64_t ap_codec_frames(const ap_codec *codec, int64_t S)
{
    int64_t hop = ap_codec_hop(codec);
    return codec->lapped ? ap_lapped_frames(codec->lapped, S) : ap_divide_up(S, hop);
}

ap_var *ap_codec_encode(ap_tape *tape, ap_codec *codec, ap_var *x)
{
    return codec->lapped ? ap_lapped_encode(tape, codec->lapped, x)
                         : ap_seanet_encode(tape, codec->seanet, x);
}

ap_var *ap_codec_decode(ap_tape *tape, ap_codec *codec, ap_var *z, int64_t S)
{
    if (codec->lapped) return ap_lapped_decode(tape, codec->lapped, z, S);
    ap_tape_enter(tape);
    ap_var *y = ap_seanet_decode(tape, codec->seanet, z);
    return ap_tape_leave(tape, y->value.shape.at[2] == S ? y : ap_slice(tape, y, 2, 0, S));
}

const ap_real *ap_codec_round_trip(ap_tape *tape, ap_codec *codec, int64_t S, const ap_real *x)
{
    const ap_tensor audio = {AP_SHAPE(1, 1, S), (ap_real *)x};
    ap_var *z = ap_codec_encode(tape, codec, ap_tape_constant(tape, audio));
    return ap_codec_decode(tape, codec, z, S)->value.data;
}
