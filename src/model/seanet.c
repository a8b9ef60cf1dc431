#include "model/seanet.h"

#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "base/bounds.h"
#include "ops/residual_block.h"

#include <math.h>

/* Kernel sizes of the first and last convolution, and of a residual block's. */
#define OUTER_TAPS 7
#define BLOCK_TAPS 3
/* A residual block uses this many times fewer channels. */
#define BLOCK_SQUEEZE 2
/* The kernel size of a strided convolution, as a multiple of its stride. */
#define TAPS_TO_STRIDE 2

/* A convolution or transposed convolution with weight norm, or with group norm behind it. */
typedef struct normed_conv {
    ap_param *v, *g, *bias; /* the weight is g v / ||v||; without g it is v */
    ap_param *gamma, *beta; /* of group norm, or NULL */
    ap_tensor folded;       /* the weight of a frozen decoder with weight norm, which every step uses */
} normed_conv;

typedef struct residual {
    normed_conv squeeze, expand, shortcut;
} residual;

typedef struct recurrent {
    ap_param *weight_ih, *weight_hh, *bias_ih, *bias_hh;
} recurrent;

/* The encoder or the decoder, with stages in forward order. */
typedef struct half {
    bool exists;
    normed_conv first, last;
    normed_conv resample[AP_SEANET_RATIOS_MAX];
    residual block[AP_SEANET_RATIOS_MAX];
    recurrent lstm[AP_SEANET_LSTM_MAX];
} half;

struct ap_seanet {
    ap_params *params;
    ap_seanet_config config;
    ap_param_kind kind;
    half encoder, decoder;
    bool folded;
};

/* ---------------------------------------------------------------- registration */

/* Where layers are registered, with the next index in the published model's sequence of modules. */
typedef struct place {
    ap_params *params;
    ap_param_kind kind;
    ap_codec_norm norm;
    const char *prefix;
    int index;
} place;

/* First values. torch.nn draws weights and biases within 1 / sqrt(numbers of a row): a layer passes a third
 * of the variance on, and after a dozen layers little is left but biases. A codec that starts so learns a
 * constant. Here the directions of the weights are torch.nn's; weight norm's gains make the variance of the
 * output `variance` times that of the input (He et al., "Delving deep into rectifiers", 2015), where `fan_in`
 * products make one sample; biases are zero. An ELU counts for nothing: at the level of music it is nearly
 * linear. */
typedef struct conv_gain {
    double variance;
    int64_t fan_in;
} conv_gain;

static normed_conv create_conv(const place *at, ap_shape weight, int64_t out, conv_gain gain,
                               const char *inside)
{
    double bound = 1 / sqrt((double)(weight.at[1] * weight.at[2]));
    double factor = sqrt(3 * gain.variance / (double)gain.fan_in) / bound;
    ap_init zero = {.kind = AP_INIT_CONSTANT, .a = 0}, one = {.kind = AP_INIT_CONSTANT, .a = 1};
    ap_init uniform = {.kind = AP_INIT_UNIFORM, .a = bound}, norm = {.kind = AP_INIT_ROW_NORM, .a = factor};
    normed_conv conv = {.folded.shape = weight};
#define ADD(shape, init, part)                                                                               \
    ap_params_add(at->params, at->kind, shape, init, "%slayers.%d.%s" part, at->prefix, at->index, inside)
    if (at->norm == AP_CODEC_WEIGHT_NORM) {
        conv.v = ADD(weight, uniform, "conv.weight_v");
        conv.g = ADD(AP_SHAPE(weight.at[0], 1, 1), norm, "conv.weight_g");
        conv.bias = ADD(AP_SHAPE(out), zero, "conv.bias");
        return conv;
    }
    conv.v = ADD(weight, uniform, "conv.weight");
    conv.bias = ADD(AP_SHAPE(out), zero, "conv.bias");
    conv.gamma = ADD(AP_SHAPE(out), one, "norm.weight");
    conv.beta = ADD(AP_SHAPE(out), zero, "norm.bias");
#undef ADD
    return conv;
}

static normed_conv create_plain(place *at, int64_t in, int64_t out, int64_t taps)
{
    conv_gain gain = {1, in * taps};
    normed_conv conv = create_conv(at, AP_SHAPE(out, in, taps), out, gain, "");
    at->index++;
    return conv;
}

/* Of the taps, each output sample hears TAPS_TO_STRIDE. */
static normed_conv create_upsampling(place *at, int64_t in, int64_t out, int64_t ratio)
{
    conv_gain gain = {1, in * TAPS_TO_STRIDE};
    normed_conv conv = create_conv(at, AP_SHAPE(in, out, TAPS_TO_STRIDE * ratio), out, gain, "");
    at->index++;
    return conv;
}

/* Its two ways, which are added up, have half the variance each. */
static residual create_block(place *at, int64_t channels)
{
    int64_t inner = channels / BLOCK_SQUEEZE;
    const conv_gain squeeze = {1, channels * BLOCK_TAPS}, expand = {0.5, inner}, shortcut = {0.5, channels};
    residual block = {
        .squeeze = create_conv(at, AP_SHAPE(inner, channels, BLOCK_TAPS), inner, squeeze, "block.1."),
        .expand = create_conv(at, AP_SHAPE(channels, inner, 1), channels, expand, "block.3."),
        .shortcut = create_conv(at, AP_SHAPE(channels, channels, 1), channels, shortcut, "shortcut.")};
    at->index++;
    return block;
}

/* Weights as torch.nn.LSTM draws them; they are added to what goes past them. */
static void create_lstm(place *at, int64_t width, int layers, recurrent *lstm)
{
    ap_init uniform = {.kind = AP_INIT_UNIFORM, .a = 1 / sqrt((double)width)};
    ap_init zero = {.kind = AP_INIT_CONSTANT, .a = 0};
    for (int l = 0; l < layers; l++) {
#define ADD(shape, init, part)                                                                               \
    ap_params_add(at->params, at->kind, shape, init, "%slayers.%d.lstm.%s_l%d", at->prefix, at->index, part, \
                  l)
        lstm[l].weight_ih = ADD(AP_SHAPE(4 * width, width), uniform, "weight_ih");
        lstm[l].weight_hh = ADD(AP_SHAPE(4 * width, width), uniform, "weight_hh");
        lstm[l].bias_ih = ADD(AP_SHAPE(4 * width), zero, "bias_ih");
        lstm[l].bias_hh = ADD(AP_SHAPE(4 * width), zero, "bias_hh");
#undef ADD
    }
    if (layers > 0) at->index++;
}

static half create_encoder(place at, const ap_seanet_config *config)
{
    half h = {.exists = true};
    int64_t channels = config->width;
    h.first = create_plain(&at, config->channels, channels, OUTER_TAPS);
    for (int i = 0; i < config->ratio_count; i++) {
        int64_t ratio = config->ratios[config->ratio_count - 1 - i];
        h.block[i] = create_block(&at, channels);
        at.index++; /* ELU */
        h.resample[i] = create_plain(&at, channels, 2 * channels, TAPS_TO_STRIDE * ratio);
        channels *= 2;
    }
    create_lstm(&at, channels, config->lstm, h.lstm);
    at.index++; /* ELU */
    h.last = create_plain(&at, channels, config->dim, OUTER_TAPS);
    return h;
}

static half create_decoder(place at, const ap_seanet_config *config)
{
    half h = {.exists = true};
    int64_t channels = config->width << config->ratio_count;
    h.first = create_plain(&at, config->dim, channels, OUTER_TAPS);
    create_lstm(&at, channels, config->lstm, h.lstm);
    for (int i = 0; i < config->ratio_count; i++) {
        at.index++; /* ELU */
        h.resample[i] = create_upsampling(&at, channels, channels / 2, config->ratios[i]);
        channels /= 2;
        h.block[i] = create_block(&at, channels);
    }
    at.index++; /* ELU */
    h.last = create_plain(&at, channels, config->channels, OUTER_TAPS);
    return h;
}

ap_seanet *ap_seanet_create(ap_params *params, const ap_seanet_config *config, ap_param_kind kind,
                            const char *encoder, const char *decoder)
{
    bool sizes = config->dim > 0 && config->width > 0 && config->width % BLOCK_SQUEEZE == 0 &&
                 config->lstm >= 0 && config->lstm <= AP_SEANET_LSTM_MAX && config->ratio_count > 0 &&
                 config->ratio_count <= AP_SEANET_RATIOS_MAX;
    for (int i = 0; sizes && i < config->ratio_count; i++) sizes = config->ratios[i] > 0;
    if (!sizes || config->channels < 1)
        ap_fatal("seanet: dim %lld, width %lld, %d ratios, %d LSTM layers, %d channels",
                 (long long)config->dim, (long long)config->width, config->ratio_count, config->lstm,
                 config->channels);
    ap_seanet *seanet = ap_params_alloc(params, sizeof *seanet);
    *seanet = (ap_seanet){.params = params, .config = *config, .kind = kind};
    if (encoder) seanet->encoder = create_encoder((place){params, kind, config->norm, encoder, 0}, config);
    if (decoder) seanet->decoder = create_decoder((place){params, kind, config->norm, decoder, 0}, config);
    return seanet;
}

int64_t ap_seanet_hop(const ap_seanet *seanet)
{
    int64_t hop = 1;
    for (int i = 0; i < seanet->config.ratio_count; i++) hop *= seanet->config.ratios[i];
    return hop;
}

/* ---------------------------------------------------------------- frozen weights */

static void fold(ap_params *params, normed_conv *conv)
{
    int64_t count = ap_shape_count(conv->folded.shape), rows = conv->folded.shape.at[0], size = count / rows;
    if (!conv->folded.data) conv->folded.data = ap_params_alloc(params, (size_t)count * sizeof(ap_real));
    ap_weight_norm_forward(rows, size, conv->v->value.data, conv->g->value.data, conv->folded.data);
}

static void fold_half(ap_params *params, half *h, int stages)
{
    fold(params, &h->first);
    fold(params, &h->last);
    for (int i = 0; i < stages; i++) {
        fold(params, &h->resample[i]);
        fold(params, &h->block[i].squeeze);
        fold(params, &h->block[i].expand);
        fold(params, &h->block[i].shortcut);
    }
}

static void prepare(ap_seanet *seanet)
{
    if (seanet->kind != AP_PARAM_FROZEN || seanet->folded || !seanet->decoder.exists) return;
    if (seanet->config.norm != AP_CODEC_WEIGHT_NORM) return;
    fold_half(seanet->params, &seanet->decoder, seanet->config.ratio_count);
    seanet->folded = true;
}

void ap_seanet_reload(ap_seanet *seanet)
{
    seanet->folded = false;
}

static ap_var *weight_of(ap_tape *tape, const normed_conv *conv)
{
    if (conv->folded.data) return ap_tape_constant(tape, conv->folded);
    if (!conv->g) return ap_tape_param(tape, conv->v);
    return ap_weight_norm(tape, ap_tape_param(tape, conv->v), ap_tape_param(tape, conv->g));
}

/* ---------------------------------------------------------------- the way through */

static ap_var *normed(ap_tape *tape, const normed_conv *conv, ap_var *x)
{
    if (!conv->gamma) return x;
    return ap_group_norm(tape, x, ap_tape_param(tape, conv->gamma), ap_tape_param(tape, conv->beta));
}

/* A convolution. Where it is causal, no output depends on later samples. Behind, padding reaches as far as
 * the stride needs to cover the last samples. */
static ap_var *convolved(ap_tape *tape, const ap_seanet *seanet, const normed_conv *conv, int64_t stride,
                         ap_var *x)
{
    int64_t total = conv->folded.shape.at[2] - stride, T = x->value.shape.at[2];
    int64_t before = seanet->config.causal ? total : total - total / 2;
    ap_conv1d_geometry geometry = {.stride = stride,
                                   .dilation = 1,
                                   .pad_left = before,
                                   .pad_right = total - before + ap_round_up(T, stride) - T,
                                   .mode = AP_PAD_REFLECT};
    ap_tape_enter(tape);
    ap_var *y = ap_conv1d(tape, x, weight_of(tape, conv), ap_tape_param(tape, conv->bias), geometry);
    return ap_tape_leave(tape, normed(tape, conv, y));
}

/* A transposed convolution, with its ends trimmed to `stride` samples for each of x; group norm hears the
 * ends. */
static ap_var *upsampled(ap_tape *tape, const ap_seanet *seanet, const normed_conv *conv, int64_t stride,
                         ap_var *x)
{
    int64_t total = conv->folded.shape.at[2] - stride, length = x->value.shape.at[2] * stride;
    int64_t behind = seanet->config.causal ? total : total / 2, before = total - behind;
    ap_var *weight = weight_of(tape, conv), *bias = ap_tape_param(tape, conv->bias);
    if (!conv->gamma) return ap_conv_transpose1d(tape, x, weight, bias, stride, before, behind);
    ap_tape_enter(tape);
    ap_var *y = ap_conv_transpose1d(tape, x, weight, bias, stride, 0, 0);
    y = ap_tape_carry(tape, normed(tape, conv, y));
    return ap_tape_leave(tape, ap_slice(tape, y, 2, before, length));
}

/* A causal residual block with weight norm is one operation. */
static ap_var *through_causal_block(ap_tape *tape, const residual *block, ap_var *x)
{
    ap_residual_weights weights = {.squeeze = weight_of(tape, &block->squeeze),
                                   .squeeze_bias = ap_tape_param(tape, block->squeeze.bias),
                                   .expand = weight_of(tape, &block->expand),
                                   .expand_bias = ap_tape_param(tape, block->expand.bias),
                                   .shortcut = weight_of(tape, &block->shortcut),
                                   .shortcut_bias = ap_tape_param(tape, block->shortcut.bias)};
    return ap_residual_block(tape, x, weights);
}

/* ELU(shortcut(x) + expand(ELU(squeeze(ELU(x))))) */
static ap_var *through_block(ap_tape *tape, const ap_seanet *seanet, const residual *block, ap_var *x)
{
    if (seanet->config.causal && seanet->config.norm == AP_CODEC_WEIGHT_NORM)
        return through_causal_block(tape, block, x);
    ap_tape_enter(tape);
    ap_var *y = ap_tape_carry(tape, ap_elu(tape, x));
    y = ap_tape_carry(tape, convolved(tape, seanet, &block->squeeze, 1, y));
    y = ap_tape_carry(tape, ap_elu(tape, y));
    y = ap_tape_carry(tape, convolved(tape, seanet, &block->expand, 1, y));
    y = ap_tape_carry(tape, ap_add(tape, y, convolved(tape, seanet, &block->shortcut, 1, x)));
    return ap_tape_leave(tape, ap_elu(tape, y));
}

static ap_var *through_layer(ap_tape *tape, const recurrent *lstm, ap_var *x)
{
    return ap_lstm(tape, x, ap_tape_param(tape, lstm->weight_ih), ap_tape_param(tape, lstm->weight_hh),
                   ap_tape_param(tape, lstm->bias_ih), ap_tape_param(tape, lstm->bias_hh));
}

/* ELU(x + lstm(x)), or ELU(x) without LSTM layers */
static ap_var *through_lstm(ap_tape *tape, ap_seanet *seanet, const recurrent *lstm, ap_var *x)
{
    ap_tape_enter(tape);
    ap_var *y = x;
    for (int l = 0; l < seanet->config.lstm; l++) y = ap_tape_carry(tape, through_layer(tape, &lstm[l], y));
    if (y != x) y = ap_tape_carry(tape, ap_add(tape, y, x));
    return ap_tape_leave(tape, ap_elu(tape, y));
}

ap_var *ap_seanet_encode(ap_tape *tape, ap_seanet *seanet, ap_var *audio)
{
    const ap_seanet_config *config = &seanet->config;
    const half *h = &seanet->encoder;
    if (!h->exists) ap_fatal("seanet: this codec has no encoder");
    ap_tape_enter(tape);
    ap_var *x = convolved(tape, seanet, &h->first, 1, audio);
    for (int i = 0; i < config->ratio_count; i++) {
        int64_t stride = config->ratios[config->ratio_count - 1 - i];
        x = ap_tape_carry(tape, through_block(tape, seanet, &h->block[i], x));
        x = ap_tape_carry(tape, convolved(tape, seanet, &h->resample[i], stride, x));
    }
    x = ap_tape_carry(tape, through_lstm(tape, seanet, h->lstm, x));
    return ap_tape_leave(tape, convolved(tape, seanet, &h->last, 1, x));
}

ap_var *ap_seanet_decode(ap_tape *tape, ap_seanet *seanet, ap_var *latents)
{
    const ap_seanet_config *config = &seanet->config;
    const half *h = &seanet->decoder;
    if (!h->exists) ap_fatal("seanet: this codec has no decoder");
    prepare(seanet);
    ap_tape_enter(tape);
    ap_var *x = convolved(tape, seanet, &h->first, 1, latents);
    x = ap_tape_carry(tape, through_lstm(tape, seanet, h->lstm, x));
    for (int i = 0; i < config->ratio_count; i++) {
        x = ap_tape_carry(tape, upsampled(tape, seanet, &h->resample[i], config->ratios[i], x));
        x = ap_tape_carry(tape, through_block(tape, seanet, &h->block[i], x));
    }
    return ap_tape_leave(tape, convolved(tape, seanet, &h->last, 1, x));
}
