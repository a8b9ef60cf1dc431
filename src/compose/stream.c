#include "compose/stream.h"

#include "antiphon/ops.h"
#include "antiphon/rate.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "model/extractor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A source: its last two hops of samples, which a frame covers, and the frames that an answer hangs on. */
typedef struct source {
    ap_real *samples; /* [2 hop] */
    ap_real *frames;  /* [dim, width] */
} source;

struct ap_stream {
    ap_model *model;
    ap_params *params; /* of the codec: none */
    ap_codec *codec;   /* the model's, at the stream's rate */
    ap_tape *tape;
    int64_t hop, dim, width;
    source sources[2];
};

ap_status ap_stream_check(const ap_config *config)
{
    if (!config->agent.compositional || config->agent.past == 0)
        return ap_error(AP_MISUSE, "the model looks ahead (agent.past is 0): train one with "
                                   "configs/live.json, which sets agent.past");
    if (config->agent.positions)
        return ap_error(
            AP_MISUSE,
            "the model counts from its window's beginning (agent.positions), and a stream has none");
    if (config->agent.output != AP_OUTPUT_GATES && config->agent.output != AP_OUTPUT_DIRECT)
        return ap_error(AP_MISUSE, "the model's output part looks ahead: train one with agent.output gates");
    if (config->codec.type == AP_CODEC_SEANET || config->codec.bands > 0)
        return ap_error(AP_MISUSE, "a stream wants the codec mdct or mclt, with codec.bands 0");
    return ap_ok();
}

/* The frames before it that a composed frame hangs on. */
static int64_t reach_of(const ap_config *config)
{
    int64_t delay = 0;
    for (int k = 0; k < config->agent.gate_delays.count; k++)
        delay = ap_most(delay, config->agent.gate_delays.at[k]);
    return ap_most(delay, config->agent.layers * ((int64_t)config->agent.past - 1) + ap_extractor_reach());
}

/* The codec at the stream's rate. Its functions have unit power: with more samples of the same music
 * coefficients grow. */
static ap_codec *codec_at(const ap_config *config, int64_t hop, ap_params *params)
{
    ap_codec_config codec = {.type = config->codec.type, .dim = config->codec.dim, .hop = (int)hop};
    codec.gain = config->codec.gain * sqrt((double)config->codec.hop / (double)hop);
    return ap_codec_create(params, &codec);
}

ap_status ap_stream_create(const ap_config *config, ap_model *model, int rate, ap_stream **stream)
{
    AP_TRY(ap_stream_check(config));
    if ((int64_t)config->codec.hop * rate % AP_SAMPLE_RATE)
        return ap_error(AP_MISUSE, "at %d Hz a hop of %d / %d s is no whole number of samples", rate,
                        config->codec.hop, AP_SAMPLE_RATE);
    ap_stream *s = *stream = ap_allocate(1, sizeof *s);
    *s = (ap_stream){.model = model,
                     .params = ap_params_create(),
                     .tape = ap_tape_create(0),
                     .hop = (int64_t)config->codec.hop * rate / AP_SAMPLE_RATE,
                     .dim = config->codec.dim,
                     .width = reach_of(config) + 2};
    s->codec = codec_at(config, s->hop, s->params);
    for (int k = 0; k < 2; k++) {
        s->sources[k].samples = ap_allocate((size_t)(2 * s->hop), sizeof(ap_real));
        s->sources[k].frames = ap_allocate((size_t)(s->dim * s->width), sizeof(ap_real));
    }
    return ap_ok();
}

void ap_stream_free(ap_stream *s)
{
    if (!s) return;
    for (int k = 0; k < 2; k++) {
        free(s->sources[k].samples);
        free(s->sources[k].frames);
    }
    ap_tape_free(s->tape);
    ap_codec_free(s->codec);
    ap_params_free(s->params);
    free(s);
}

int64_t ap_stream_hop(const ap_stream *s)
{
    return s->hop;
}

/* Moves everything one place back, and puts x behind it: the next hop, and the frame that it completes. */
static void hear(ap_stream *s, source *from, const float *x)
{
    memmove(from->samples, from->samples + s->hop, (size_t)s->hop * sizeof *from->samples);
    for (int64_t i = 0; i < s->hop; i++) from->samples[s->hop + i] = (ap_real)x[i];
    memmove(from->frames, from->frames + 1, (size_t)(s->dim * s->width - 1) * sizeof *from->frames);
    ap_var *z = ap_codec_encode(
        s->tape, s->codec, ap_tape_constant(s->tape, (ap_tensor){AP_SHAPE(1, 1, 2 * s->hop), from->samples}));
    int64_t frames = z->value.shape.at[2]; /* three: the first and the last are half empty */
    for (int64_t d = 0; d < s->dim; d++)
        from->frames[d * s->width + s->width - 1] = z->value.data[d * frames + 1];
}

void ap_stream_next(ap_stream *s, const float *input, const float *target, float *output)
{
    ap_tape_reset(s->tape);
    ap_tape_training_set(s->tape, false);
    ap_tape_gradients_set(s->tape, false);
    hear(s, &s->sources[0], input);
    hear(s, &s->sources[1], target);
    ap_var *z[2];
    for (int k = 0; k < 2; k++)
        z[k] = ap_tape_constant(s->tape, (ap_tensor){AP_SHAPE(1, s->dim, s->width), s->sources[k].frames});
    ap_var *composed = ap_model_compose(s->tape, s->model, z[0], z[1]).latents;
    ap_var *last = ap_slice(s->tape, composed, 2, s->width - 2, 2);
    ap_var *y = ap_codec_decode(s->tape, s->codec, last, s->hop);
    for (int64_t i = 0; i < s->hop; i++) output[i] = (float)y->value.data[i];
}
