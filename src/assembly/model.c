#include "antiphon/model.h"

#include "antiphon/agent.h"
#include "antiphon/ops.h"
#include "antiphon/rate.h"
#include "assembly/arrangement.h"
#include "assembly/codec_weights.h"
#include "assembly/model_create.h"
#include "base/memory.h"
#include "kernels/array.h"
#include "model/attacks.h"
#include "model/output.h"
#include "model/score.h"
#include "ops/band_gains.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define GIBIBYTE ((double)((int64_t)1 << 30))

struct ap_model {
    ap_params *params;
    ap_codec *codec;
    ap_agent *agent;     /* NULL: the output part gets the input's latents alone */
    ap_cascade *cascade; /* at most one of these three */
    ap_gates *gates;
    ap_takes *takes;
    bool compress, gate_input, take_input;
};

/* A segment and the way to the next in samples, rounded as EnCodec rounds them. */
static void set_segments(const ap_config *config, ap_codec_config *c)
{
    c->segment = (int64_t)(config->codec.segment * config->codec.sample_rate);
    c->stride = (int64_t)((1.0 - config->codec.overlap) * (double)c->segment);
    if (c->stride < 1) c->stride = 1;
}

static ap_codec_config codec_config(const ap_config *config)
{
    ap_codec_config c = {.type = config->codec.type,
                         .dim = config->codec.dim,
                         .bands = config->codec.bands,
                         .hop = config->codec.hop,
                         .gain = config->codec.gain,
                         .width = config->codec.width,
                         .ratio_count = config->codec.ratios.count,
                         .lstm = config->codec.lstm,
                         .channels = config->codec.channels,
                         .causal = config->codec.causal,
                         .norm = config->codec.norm,
                         .normalize = config->codec.normalize,
                         .trained = config->codec.train};
    for (int i = 0; i < c.ratio_count; i++) c.ratios[i] = config->codec.ratios.at[i];
    set_segments(config, &c);
    return c;
}

static void create_agent(ap_model *model, const ap_config *config)
{
    ap_agent_config agent = {.dim = config->codec.dim,
                             .component = config->agent.component,
                             .model = config->agent.model,
                             .heads = config->agent.attention_heads,
                             .layers = config->agent.layers,
                             .ff = config->agent.ff,
                             .dropout = (ap_real)config->agent.dropout,
                             .positions = config->agent.positions,
                             .past = config->agent.past};
    model->agent = ap_agent_create(model->params, agent, "agent.");
}

static ap_gates_config gates_config(const ap_config *config)
{
    ap_gates_config gates = {.dim = config->codec.dim,
                             .bands = config->agent.gate_bands,
                             .delay_count = config->agent.gate_delays.count,
                             .own = (ap_real)config->agent.gate_new};
    for (int k = 0; k < gates.delay_count; k++) gates.delays[k] = config->agent.gate_delays.at[k];
    return gates;
}

static void create_output(ap_model *model, const ap_config *config)
{
    if (config->agent.output == AP_OUTPUT_CASCADE)
        model->cascade =
            ap_cascade_create(model->params, config->codec.dim, config->cascade.attention_heads,
                              config->cascade.layers, (ap_real)config->cascade.dropout, "cascade.");
    if (config->agent.output == AP_OUTPUT_GATES)
        model->gates = ap_gates_create(model->params, gates_config(config), "gates.");
    if (config->agent.output == AP_OUTPUT_TAKES)
        model->takes = ap_takes_create(
            model->params,
            (ap_takes_config){.dim = config->codec.dim,
                              .hop = ap_codec_hop(model->codec),
                              .component = config->agent.compositional ? config->agent.component : 0,
                              .bands = config->agent.take_bands,
                              .width = config->agent.take_width},
            "takes.");
}

/* Refuses models whose weights and gradients exceed the machine's memory. Otherwise they would drive other
 * programs out of memory before the failure shows. */
static ap_status check_memory(ap_model *model)
{
    double bytes = 0, physical = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGE_SIZE);
    for (size_t i = 0; i < ap_params_count(model->params); i++) {
        const ap_param *param = ap_params_at(model->params, i);
        bytes += (double)ap_shape_count(param->value.shape) * (double)sizeof(ap_real) *
                 (param->kind == AP_PARAM_TRAINED ? 2 : 1);
    }
    if (bytes <= physical) return ap_ok();
    return ap_error(AP_FAILED,
                    "the model's weights and gradients need %.0f GiB of memory, but the machine has %.0f",
                    bytes / GIBIBYTE, physical / GIBIBYTE);
}

ap_status ap_model_create(const ap_config *config, uint64_t seed, ap_model **model)
{
    return ap_model_create_checked(config, seed, NULL, NULL, model);
}

ap_status ap_model_create_checked(const ap_config *config, uint64_t seed, ap_params_check *check,
                                  void *context, ap_model **out)
{
    ap_codec_config codec = codec_config(config);
    ap_model *model = ap_allocate(1, sizeof *model);
    model->params = ap_params_create();
    model->codec = ap_codec_create(model->params, &codec);
    if (config->agent.compositional) create_agent(model, config);
    create_output(model, config);
    model->compress = config->agent.compress;
    model->gate_input = config->agent.gate_input;
    model->take_input = config->agent.take_input;
    ap_rng rng = ap_rng_init(seed);
    ap_status status = check ? check(model->params, context) : ap_ok();
    if (!ap_failed(&status)) status = check_memory(model);
    if (!ap_failed(&status)) ap_params_build(model->params, &rng);
    if (!ap_failed(&status) && config->codec.type == AP_CODEC_SEANET && *config->codec.weights)
        status = ap_codec_weights_load(config, model->params);
    if (ap_failed(&status)) {
        ap_model_free(model);
        model = NULL;
    }
    *out = model;
    return status;
}

void ap_model_free(ap_model *model)
{
    if (!model) return;
    ap_codec_free(model->codec);
    ap_params_free(model->params);
    free(model);
}

ap_params *ap_model_params(ap_model *model)
{
    return model->params;
}

ap_codec *ap_model_codec(ap_model *model)
{
    return model->codec;
}

static ap_var *heard(ap_tape *tape, ap_model *model, ap_var *z)
{
    return model->compress ? ap_asinh(tape, z) : z;
}

ap_var *ap_model_output(ap_tape *tape, ap_model *model, ap_var *z, ap_var *zi, ap_var *zt)
{
    if (model->cascade) {
        ap_tape_section(tape, "cascade");
        return ap_cascade_refine(tape, model->cascade, z, zt);
    }
    if (model->gates) {
        ap_tape_section(tape, "gates");
        return ap_gates_apply(tape, model->gates, z, model->gate_input ? zi : NULL, zt);
    }
    return z;
}

ap_composition ap_model_compose(ap_tape *tape, ap_model *model, ap_var *zi, ap_var *zt)
{
    ap_composition out = {.z = zi};
    if (model->agent) {
        ap_tape_section(tape, "agent");
        ap_var *target = heard(tape, model, zt), *input = heard(tape, model, zi);
        ap_agent_output agent = ap_agent_compose(tape, model->agent, input, target);
        out = (ap_composition){
            .z = agent.z, .components = agent.components, .weights = agent.weights, .logits = agent.logits};
    }
    out.latents = ap_model_output(tape, model, out.z, zi, zt);
    return out;
}

/* ---------------------------------------------------------------- takes */

/* The takes of each item, [B, AP_TAKES, S] on the tape's arena; scores [B] receives the scores. */
static ap_tensor play_takes(ap_tape *tape, const ap_model *model, ap_var *input, const ap_onsets *onsets,
                            ap_var *target, uint64_t seed, int64_t origin, ap_score *scores)
{
    ap_arena *arena = ap_tape_arena(tape);
    int64_t B = target->value.shape.at[0], S = target->value.shape.at[2];
    ap_tensor attacks = model->take_input ? ap_attack_gains(tape, input) : (ap_tensor){.data = NULL};
    int64_t T = attacks.data ? attacks.shape.at[2] : 0, pitch = attacks.data ? attacks.shape.at[1] * T : 0;
    ap_tensor takes = {AP_SHAPE(B, AP_TAKES, S),
                       ap_arena_alloc(arena, (size_t)(B * AP_TAKES * S) * sizeof(ap_real))};
    if (!onsets) onsets = ap_onset_times_of(arena, B, S, input->value.data);
    for (int64_t b = 0; b < B; b++) {
        const ap_score_sources sources = {
            .S = S,
            .input = input->value.data + b * S,
            .target = target->value.data + b * S,
            .input_hits = ap_hits_at(arena, onsets[b]),
            .target_hits = ap_hits_at(arena, ap_onset_times(arena, S, target->value.data + b * S)),
            .attacks = attacks.data ? attacks.data + b * pitch : NULL,
            .T = T};
        scores[b] = ap_score_write(arena, &sources, seed + (uint64_t)b, origin);
        ap_score_play(arena, &scores[b], AP_SAMPLE_RATE, S, sources.input, sources.target,
                      takes.data + b * AP_TAKES * S);
    }
    return takes;
}

ap_var *ap_model_sound(ap_tape *tape, ap_model *model, const ap_composition *composed, ap_var *input,
                       const ap_onsets *onsets, ap_var *target, uint64_t seed)
{
    int64_t B = target->value.shape.at[0];
    if (!model->takes)
        return ap_codec_decode(tape, model->codec, composed->latents, target->value.shape.at[2]);
    ap_score *scores = ap_arena_alloc(ap_tape_arena(tape), (size_t)B * sizeof *scores);
    ap_tensor takes = play_takes(tape, model, input, onsets, target, seed, 0, scores);
    ap_var *gains = ap_takes_gains(tape, model->takes, composed->z, composed->components, takes, 0);
    return ap_band_gains(tape, ap_tape_constant(tape, takes), gains, ap_takes_geometry(model->takes));
}

struct ap_arrangement {
    ap_score score;
    ap_tensor gains; /* [1, AP_TAKES bands, T] */
    ap_band_gains_geometry geometry;
    double dry;
};

bool ap_model_arranges(const ap_model *model)
{
    return model->takes;
}

/* At -1 nothing is struck; just above it, strokes are this much lower, in dB. */
#define RHYTHM_LOWERED 40
/* At 1 struck notes die away by this much faster, in dB a second. */
#define RHYTHM_DECAY 60

/* What the rhythm's knob makes of a take's gains. Down from 0 all that is struck fades; up from 0 all that
 * does not strike with the input does. */
static double rhythm_factor(double rhythm, int take)
{
    const bool struck = take > 0;
    if (rhythm > 0) return struck && !ap_take_is_late(take) ? 1 : 1 - rhythm;
    if (rhythm == 0 || !struck) return 1;
    return rhythm > -1 ? pow(10, RHYTHM_LOWERED * rhythm / 20) : 0;
}

static double harmony_factor(double harmony, int take)
{
    return ap_take_wanders(take) ? 1 - harmony : 1 + harmony;
}

/* What the knobs make of the gains [AP_TAKES, count]. */
static void turn_gains(const ap_knobs *knobs, int64_t count, ap_real *gains)
{
    for (int take = 0; take < AP_TAKE_INPUT; take++) {
        double factor = rhythm_factor(knobs->rhythm, take) * harmony_factor(knobs->harmony, take);
        for (int64_t i = 0; i < count; i++) gains[take * count + i] *= (ap_real)factor;
    }
}

/* Struck short, each note leaves room for the next to be heard. */
static void shorten(double rhythm, ap_score *score)
{
    for (int take = 0; take < AP_TAKES; take++)
        for (int64_t i = 0; i < score->count[take]; i++)
            score->grains[take][i].decay += RHYTHM_DECAY * fmax(rhythm, 0);
}

const ap_arrangement *ap_model_arrange(ap_tape *tape, ap_model *model, ap_var *input, ap_var *target,
                                       const ap_knobs *knobs, int64_t origin)
{
    ap_arrangement *made = ap_arena_alloc(ap_tape_arena(tape), sizeof *made);
    ap_composition composed = ap_model_compose(tape, model, ap_codec_encode(tape, model->codec, input),
                                               ap_codec_encode(tape, model->codec, target));
    ap_tensor takes = play_takes(tape, model, input, NULL, target, knobs->seed, origin, &made->score);
    made->gains =
        ap_takes_gains(tape, model->takes, composed.z, composed.components, takes, knobs->without)->value;
    made->geometry = ap_takes_geometry(model->takes);
    made->dry = knobs->dry;
    turn_gains(knobs, made->geometry.bands * made->gains.shape.at[2], made->gains.data);
    shorten(knobs->rhythm, &made->score); /* the gains were made from the takes as training has them */
    return made;
}

void ap_arrangement_play(ap_arena *arena, const ap_arrangement *a, int rate, int channels, int64_t count,
                         const ap_real *const input[], const ap_real *const target[], ap_real *const output[])
{
    ap_band_gains_geometry geometry = ap_band_gains_at(a->geometry, rate);
    size_t bytes = (size_t)(AP_TAKES * count) * sizeof(ap_real);
    ap_real *takes = ap_arena_alloc(arena, bytes);
    for (int c = 0; c < channels; c++) {
        ap_score_play(arena, &a->score, rate, count, input[c], target[c], takes);
        ap_band_gains_forward(arena, &geometry, 1, AP_TAKES, count, a->gains.shape.at[2], takes,
                              a->gains.data, 0, output[c]);
        ap_array_accumulate(count, (ap_real)(a->dry * a->score.input_factor), input[c], output[c]);
    }
    ap_arena_recycle(arena, takes, bytes);
}
