#include "golden/golden.h"

#include "antiphon/agent.h"
#include "antiphon/codec.h"
#include "antiphon/guidance.h"
#include "antiphon/losses.h"
#include "antiphon/modulation.h"
#include "model/output.h"
#include "model/seanet.h"

#include <stdlib.h>
#include <string.h>

static golden_outputs one(ap_var *y)
{
    return (golden_outputs){.count = 1, .at = {{"y", y}}};
}

/* "(5, 2, 2)" */
static int parse_list(const char *text, int64_t *at, int most)
{
    int count = 0;
    while (*text && count < most) {
        char *end;
        long value = strtol(text, &end, 10);
        if (end == text) {
            text++;
            continue;
        }
        at[count++] = value;
        text = end;
    }
    return count;
}

/* ---------------------------------------------------------------- losses */

/* a setting that a file need not have */
static double setting(const golden *g, const char *key, double otherwise)
{
    const char *text = ap_safetensors_metadata(g->file, key);
    return text ? strtod(text, NULL) : otherwise;
}

static ap_envelope_type envelope_type(const golden *g)
{
    const char *name = ap_safetensors_metadata(g->file, "envelope");
    if (!name || strcmp(name, "max") == 0) return AP_ENVELOPE_MAX;
    return strcmp(name, "rms") == 0 ? AP_ENVELOPE_RMS : AP_ENVELOPE_P8;
}

static golden_outputs modulation(golden *g)
{
    const ap_modulation settings = {.segments = golden_number(g, "segments"),
                                    .barrier = AP_BARRIER_ORIGINAL,
                                    .envelope = envelope_type(g),
                                    .bands = (int)setting(g, "bands", 1),
                                    .lag_ms = setting(g, "lag_ms", 0),
                                    .tolerance_input = setting(g, "tolerance_input", 0),
                                    .tolerance_target = setting(g, "tolerance_target", 0)};
    ap_var *input = golden_input(g, "input"), *target = golden_input(g, "target"),
           *output = golden_input(g, "output");
    return one(ap_modulation_cost(g->tape, input, target, output, &settings));
}

/* a loss of two signals, under the names the file gives them */
#define TWO_SIGNALS(name, function, first, second)                                                           \
    static golden_outputs name(golden *g)                                                                    \
    {                                                                                                        \
        ap_var *a = golden_input(g, first), *b = golden_input(g, second);                                    \
        return one(function(g->tape, a, b));                                                                 \
    }
TWO_SIGNALS(stft_loss, ap_stft_loss, "x", "y")
TWO_SIGNALS(rms_loss, ap_rms_loss, "x", "y")
TWO_SIGNALS(chroma_loss, ap_chroma_loss, "out", "tgt")
TWO_SIGNALS(timbre_loss, ap_timbre_loss, "out", "tgt")
TWO_SIGNALS(level_loss, ap_level_loss, "out", "tgt")

static golden_outputs onset_loss(golden *g)
{
    ap_onset_scale scale = strcmp(g->name, "onset_loss_bands") == 0 ? AP_ONSET_BANDS : AP_ONSET_BINS;
    ap_var *output = golden_input(g, "out"), *input = golden_input(g, "inp");
    return one(ap_onset_loss(g->tape, output, input, NULL, scale));
}

static golden_outputs mixture_loss(golden *g)
{
    ap_var *output = golden_input(g, "out"), *input = golden_input(g, "inp"),
           *target = golden_input(g, "tgt");
    return one(ap_mixture_loss(g->tape, output, input, target, (ap_real)golden_real(g, "most")));
}

static golden_outputs variation_loss(golden *g)
{
    ap_real least = (ap_real)golden_real(g, "least");
    return one(ap_variation_loss(g->tape, golden_input(g, "out"), least, golden_number(g, "segments")));
}

static golden_outputs novelty(golden *g)
{
    ap_var *z = golden_input(g, "z"), *zi = golden_input(g, "zi"), *zt = golden_input(g, "zt");
    return one(ap_novelty(g->tape, z, zi, zt));
}

static golden_outputs balance(golden *g)
{
    return one(ap_balance(g->tape, golden_input(g, "logits")));
}

/* ---------------------------------------------------------------- the model */

/* The sizes of a head are read off its weights: conv1 [2 out, dim, k1], conv2 [out, 2 out, k2]. */
static golden_outputs head(golden *g)
{
    ap_shape s1, s2;
    golden_read(g, "param.conv1.weight", &s1);
    golden_read(g, "param.conv2.weight", &s2);
    ap_head *h = ap_head_create(g->params, s1.at[1], s2.at[0], s1.at[2], s2.at[2], false, "");
    golden_load_params(g);
    return one(ap_head_apply(g->tape, h, golden_input(g, "x")));
}

static golden_outputs agent(golden *g)
{
    ap_agent_config config = {.dim = golden_number(g, "dim"),
                              .component = golden_number(g, "component"),
                              .model = golden_number(g, "model"),
                              .heads = (int)golden_number(g, "heads"),
                              .positions = true,
                              .past = (int64_t)setting(g, "past", 0),
                              .layers = (int)golden_number(g, "layers"),
                              .ff = golden_number(g, "ff"),
                              .dropout = (ap_real)golden_real(g, "dropout")};
    ap_agent *a = ap_agent_create(g->params, config, "");
    golden_load_params(g);
    ap_var *zi = golden_input(g, "zi"), *zt = golden_input(g, "zt");
    ap_agent_output out = ap_agent_compose(g->tape, a, zi, zt);
    return (golden_outputs){.count = 3,
                            .at = {{"z", out.z}, {"weights", out.weights}, {"logits", out.logits}}};
}

static golden_outputs cascade(golden *g)
{
    ap_shape out;
    golden_read(g, "param.stage0.out.weight", &out); /* [dim, 2 dim] */
    int heads = (int)golden_number(g, "heads"), layers = (int)golden_number(g, "layers");
    ap_cascade *c = ap_cascade_create(g->params, out.at[0], heads, layers, 0, "");
    golden_load_params(g);
    ap_var *zc = golden_input(g, "zc"), *zt = golden_input(g, "zt");
    return one(ap_cascade_refine(g->tape, c, zc, zt));
}

static golden_outputs gates(golden *g)
{
    ap_shape weight;
    golden_read(g, "param.linear.weight", &weight); /* [2 bands, dim] */
    ap_gates_config config = {.dim = weight.at[1],
                              .bands = golden_number(g, "bands"),
                              .delay_count = 1,
                              .own = (ap_real)golden_real(g, "new")};
    const char *delays = ap_safetensors_metadata(g->file, "delays");
    if (delays) config.delay_count = parse_list(delays, config.delays, AP_GATES_DELAYS_MOST);
    ap_gates *gate = ap_gates_create(g->params, config, "");
    golden_load_params(g);
    ap_var *z = golden_input(g, "z"), *zi = golden_input(g, "zi"), *zt = golden_input(g, "zt");
    return one(ap_gates_apply(g->tape, gate, z, zi, zt));
}

/* ---------------------------------------------------------------- the codecs */

static bool group_normed(const golden *g)
{
    const char *norm = ap_safetensors_metadata(g->file, "norm");
    return norm && strcmp(norm, "time_group_norm") == 0;
}

static golden_outputs seanet(golden *g)
{
    bool encode = strstr(g->name, "encoder") != NULL;
    ap_seanet_config config = {.width = golden_number(g, "width"),
                               .lstm = (int)golden_number(g, "lstm"),
                               .channels = (int)setting(g, "channels", 1),
                               .causal = setting(g, "causal", 1) != 0,
                               .norm = group_normed(g) ? AP_CODEC_TIME_GROUP_NORM : AP_CODEC_WEIGHT_NORM};
    config.ratio_count =
        parse_list(ap_safetensors_metadata(g->file, "ratios"), config.ratios, AP_SEANET_RATIOS_MAX);
    ap_shape z;
    golden_read(g, encode ? "out.y" : "in.z", &z);
    config.dim = z.at[1];
    ap_seanet *net =
        ap_seanet_create(g->params, &config, AP_PARAM_TRAINED, encode ? "" : NULL, encode ? NULL : "");
    golden_load_params(g);
    return one(encode ? ap_seanet_encode(g->tape, net, golden_input(g, "x"))
                      : ap_seanet_decode(g->tape, net, golden_input(g, "z")));
}

/* Audio to latents and scales of segments, and back. */
static golden_outputs round_trip(golden *g)
{
    ap_codec_config config = {.type = AP_CODEC_SEANET,
                              .dim = (int)golden_number(g, "dim"),
                              .width = (int)golden_number(g, "width"),
                              .lstm = (int)golden_number(g, "lstm"),
                              .channels = (int)golden_number(g, "channels"),
                              .causal = golden_number(g, "causal") != 0,
                              .norm = group_normed(g) ? AP_CODEC_TIME_GROUP_NORM : AP_CODEC_WEIGHT_NORM,
                              .normalize = golden_number(g, "normalize") != 0,
                              .segment = golden_number(g, "segment"),
                              .stride = golden_number(g, "stride"),
                              .trained = true};
    int64_t ratios[AP_CODEC_RATIOS_MAX];
    config.ratio_count = parse_list(ap_safetensors_metadata(g->file, "ratios"), ratios, AP_CODEC_RATIOS_MAX);
    for (int i = 0; i < config.ratio_count; i++) config.ratios[i] = (int)ratios[i];
    g->codec = ap_codec_create(g->params, &config);
    golden_load_params(g);
    ap_var *x = golden_input(g, "x"), *scale, *z = ap_codec_encode_scaled(g->tape, g->codec, x, &scale);
    ap_var *y = ap_codec_decode_scaled(g->tape, g->codec, z, scale, x->value.shape.at[2]);
    golden_outputs outputs = {.count = 2, .at = {{"y", y}, {"z", z}}};
    if (scale) outputs.at[outputs.count++] = (golden_output_of){"scale", scale};
    for (int k = 0; k < outputs.count; k++) ap_tape_keep(outputs.at[k].var);
    return outputs;
}

static void make_mdct(golden *g)
{
    g->mdct = ap_mdct_create((int)golden_number(g, "dim"), (int)golden_number(g, "hop"),
                             (ap_real)golden_real(g, "gain"));
}

static golden_outputs mdct_encoder(golden *g)
{
    make_mdct(g);
    return one(ap_mdct_encode(g->tape, g->mdct, golden_input(g, "x")));
}

static golden_outputs mdct_decoder(golden *g)
{
    make_mdct(g);
    return one(ap_mdct_decode(g->tape, g->mdct, golden_input(g, "z"), golden_number(g, "samples")));
}

static golden_outputs lapped(golden *g)
{
    const char *type = ap_safetensors_metadata(g->file, "type");
    g->lapped = ap_lapped_create(&(ap_lapped_config){.dim = (int)golden_number(g, "dim"),
                                                     .bands = (int)golden_number(g, "bands"),
                                                     .hop = (int)golden_number(g, "hop"),
                                                     .gain = (ap_real)golden_real(g, "gain"),
                                                     .complex = type && strcmp(type, "mclt") == 0});
    if (strstr(g->name, "encoder")) return one(ap_lapped_encode(g->tape, g->lapped, golden_input(g, "x")));
    return one(ap_lapped_decode(g->tape, g->lapped, golden_input(g, "z"), golden_number(g, "samples")));
}

const golden_case golden_cases[] = {
    {"modulation", modulation, NULL},
    {"stft_loss", stft_loss, NULL},
    {"rms_loss", rms_loss, NULL},
    {"novelty", novelty, NULL},
    {"balance", balance, NULL},
    {"head", head, NULL},
    {"agent", agent, NULL},
    {"cascade", cascade, NULL},
    {"gates", gates, NULL},
    {"codec", seanet, NULL},
    {"codec_round_trip", round_trip, NULL},
    {"mdct_encoder", mdct_encoder, NULL},
    {"mdct_decoder", mdct_decoder, NULL},
    {"lapped", lapped, NULL},
    {"onset_loss", onset_loss, NULL},
    {"chroma_loss", chroma_loss, NULL},
    {"timbre_loss", timbre_loss, NULL},
    {"variation_loss", variation_loss, NULL},
    {"level_loss", level_loss, NULL},
    {"mixture_loss", mixture_loss, NULL},
    {"train_step", NULL, golden_train_step},
    {NULL, NULL, NULL},
};
