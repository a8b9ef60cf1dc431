#include "golden/golden.h"

#include "antiphon/agent.h"
#include "antiphon/losses.h"
#include "antiphon/modulation.h"
#include "antiphon/ops.h"
#include "antiphon/optimiser.h"
#include "model/output.h"
#include "model/seanet.h"

#include <math.h>
#include <stdio.h>

/* What the vectors were made with, beside what their metadata says. */
#define CODEC_WIDTH 4
#define CODEC_RATIOS                                                                                         \
    {                                                                                                        \
        4, 2                                                                                                 \
    }
#define CODEC_RATIO_COUNT 2
#define SEGMENTS 250
#define STEPS_MAX 16
/* A gradient below this share of the whole is rounding noise (a bias before BatchNorm, a key's bias): Adam
 * divides it by itself, so that where the parameter goes says nothing. */
#define NOISE 1e-6
/* How near the norms of two gradients are that are the same. */
#define NORM_MOST 1e-3
/* What comes after a step of Adam is held to so many times the tolerance: where a gradient is near rounding
 * noise its sign, and with it a whole step of the learning rate, is left to chance, in PyTorch from run to
 * run as well. */
#define LATER 10.0

enum { TOTAL, NORM, RMS_INPUT, RMS_TARGET, SPECTRAL, NOVELTY, CORR, COLUMNS };
static const double term_weights[COLUMNS] = {
    [RMS_INPUT] = 0.3, [RMS_TARGET] = 0.3, [SPECTRAL] = 0.1, [NOVELTY] = 0.1, [CORR] = 0.5};

typedef struct composition {
    ap_seanet *codec;
    ap_agent *agent;
    ap_cascade *cascade;
    ap_var *audio, *weights; /* of the last step */
} composition;

static composition build(golden *g)
{
    composition s = {0};
    ap_agent_config config = {.dim = golden_number(g, "dim"),
                              .component = golden_number(g, "component"),
                              .model = golden_number(g, "model"),
                              .heads = (int)golden_number(g, "heads"),
                              .positions = true,
                              .layers = (int)golden_number(g, "layers"),
                              .ff = golden_number(g, "ff")};
    ap_seanet_config codec = {.dim = config.dim,
                              .width = CODEC_WIDTH,
                              .ratio_count = CODEC_RATIO_COUNT,
                              .ratios = CODEC_RATIOS,
                              .channels = 1,
                              .causal = true};
    s.codec = ap_seanet_create(g->params, &codec, AP_PARAM_FROZEN, "encoder.", "decoder.");
    s.agent = ap_agent_create(g->params, config, "agent.");
    s.cascade = ap_cascade_create(g->params, config.dim, config.heads, config.layers, 0, "cascade.");
    golden_load_params(g);
    return s;
}

static ap_var *constant(golden *g, const char *name)
{
    ap_tensor x = {.data = NULL};
    x.data = golden_read(g, name, &x.shape);
    if (g->rounded) golden_round_otherwise(x);
    return ap_tape_constant(g->tape, x);
}

/* The original cost, of fewer segments. */
static const ap_modulation original = {.segments = SEGMENTS, .barrier = AP_BARRIER_ORIGINAL, .bands = 1};

/* one forward pass; fills in the terms and gives the loss */
static ap_var *forward(golden *g, composition *s, ap_real row[COLUMNS])
{
    ap_tape *tape = g->tape;
    ap_var *xi = constant(g, "in.input"), *xt = constant(g, "in.target");
    ap_var *zi = ap_seanet_encode(tape, s->codec, xi), *zt = ap_seanet_encode(tape, s->codec, xt);
    ap_agent_output agent = ap_agent_compose(tape, s->agent, zi, zt);
    s->weights = agent.weights;
    ap_tape_keep(s->weights);
    s->audio = ap_seanet_decode(tape, s->codec, ap_cascade_refine(tape, s->cascade, agent.z, zt));
    ap_tape_keep(s->audio);
    ap_var *spectral = ap_add(tape, ap_stft_loss(tape, s->audio, xi), ap_stft_loss(tape, s->audio, xt));
    ap_var *terms[COLUMNS] = {
        [RMS_INPUT] = ap_rms_loss(tape, s->audio, xi),
        [RMS_TARGET] = ap_rms_loss(tape, s->audio, xt),
        [SPECTRAL] = ap_scale(tape, spectral, (ap_real)0.5),
        [NOVELTY] = ap_add(tape, ap_novelty(tape, agent.z, zi, zt), ap_balance(tape, agent.logits)),
        [CORR] = ap_modulation_cost(tape, xi, xt, s->audio, &original),
    };
    ap_var *total = NULL;
    for (int k = RMS_INPUT; k < COLUMNS; k++) {
        row[k] = terms[k]->value.data[0];
        ap_var *weighted = ap_scale(tape, terms[k], (ap_real)term_weights[k]);
        total = total ? ap_add(tape, total, weighted) : weighted;
    }
    row[TOTAL] = total->value.data[0];
    return total;
}

static void compare_first(golden *g, const composition *s)
{
    if (g->rounded) return;
    golden_output(g, "audio", ap_shape_count(s->audio->value.shape), s->audio->value.data);
    golden_output(g, "weights", ap_shape_count(s->weights->value.shape), s->weights->value.data);
}

/* ||got - want|| over ||want||, gathered from several arrays */
typedef struct gap {
    double difference, norm;
} gap;

static void add_to_gap(gap *to, int64_t n, const ap_real *got, const ap_real *want)
{
    for (int64_t i = 0; i < n; i++) {
        double d = (double)got[i] - (double)want[i];
        to->difference += d * d;
        to->norm += (double)want[i] * (double)want[i];
    }
}

/* Trained numbers against those the file has under "<kind><name>", all as one vector: the extractors'
 * gradients, which come through logarithms of small magnitudes, are a thousandth of the whole, and PyTorch's
 * own in single precision are off by half a percent there. */
static void compare_trained(golden *g, const char *kind, bool gradients, const bool *skipped)
{
    gap whole = {0};
    char key[256];
    for (size_t i = 0; i < ap_params_count(g->params); i++) {
        const ap_param *param = ap_params_at(g->params, i);
        if (param->kind != AP_PARAM_TRAINED || (skipped && skipped[i])) continue;
        snprintf(key, sizeof key, "%s%s", kind, param->name);
        const ap_real *want = golden_read(g, key, NULL);
        if (!want) {
            golden_fail(g, "a trained parameter is not in the file");
            return;
        }
        add_to_gap(&whole, ap_shape_count(param->value.shape), gradients ? param->grad : param->value.data,
                   want);
    }
    double distance = sqrt(whole.difference / whole.norm) / (gradients ? 1 : LATER);
    double *worst = g->rounded ? &g->condition : &g->grad;
    if (!(distance <= *worst)) *worst = distance;
    g->grads++;
}

/* The file's gradients are meant to be the first step's, after clipping. PyTorch before 2.0 refills the same
 * tensors in every step, so that a file made with it holds the last step's instead: two Adam steps on, where
 * rounding noise has grown to percents (PyTorch itself does not find them again). Their norm tells, and only
 * the first step's are compared. */
static void compare_gradients(golden *g, double clipped_norm)
{
    double difference = fabs(golden_all_gradients(g) - clipped_norm);
    if (difference < NORM_MOST * clipped_norm) compare_trained(g, "grad.", true, NULL);
}

/* Loss, norm and terms of the first step; of the others, which come after an Adam step, loss and terms, held
 * to LATER times the tolerance. */
static void compare_losses(golden *g, int64_t steps, ap_real losses[][COLUMNS])
{
    ap_shape shape;
    const ap_real *want = golden_read(g, "out.losses", &shape);
    if (!want || ap_shape_count(shape) != steps * COLUMNS) {
        golden_fail(g, "out.losses is missing or of another size");
        return;
    }
    for (int64_t step = 0; step < steps; step++) {
        const ap_real *row = want + step * COLUMNS;
        if (step > 0) losses[step][NORM] = row[NORM];
        double distance = golden_distance(COLUMNS, losses[step], row, 0) / (step ? LATER : 1);
        if (!(distance <= g->out)) g->out = distance;
    }
}

static void mark_noise(const golden *g, double length, bool *noise)
{
    for (size_t i = 0; i < ap_params_count(g->params); i++) {
        const ap_param *param = ap_params_at(g->params, i);
        noise[i] = param->grad && ap_norm(ap_shape_count(param->value.shape), param->grad) < NOISE * length;
    }
}

void golden_train_step(golden *g)
{
    composition s = build(g);
    int64_t n = ap_params_trained_count(g->params), steps = golden_number(g, "steps");
    ap_real *grads = ap_params_trained_grads(g->params), losses[STEPS_MAX][COLUMNS];
    if (steps > STEPS_MAX) ap_fatal("%s: more than %d steps", g->name, STEPS_MAX);
    bool *noise = ap_arena_zeros(g->arena, ap_params_count(g->params) * sizeof *noise);
    ap_adamw optimiser = ap_adamw_init(n);
    optimiser.weight_decay = golden_real(g, "weight_decay");
    for (int64_t step = 0; step < steps; step++) {
        ap_tape_reset(g->tape);
        ap_params_zero_grads(g->params);
        ap_tape_backward(g->tape, forward(g, &s, losses[step]), 1);
        double length = ap_norm(n, grads);
        losses[step][NORM] = (ap_real)length;
        if (step == 0) {
            compare_first(g, &s);
            mark_noise(g, length, noise);
        }
        double scale = ap_clip_scale(length, golden_real(g, "clip"));
        for (int64_t i = 0; i < n; i++) grads[i] *= (ap_real)scale;
        if (step == 0) compare_gradients(g, scale * length);
        ap_adamw_step(&optimiser, golden_real(g, "lr"), 1, grads, ap_params_trained_values(g->params));
    }
    if (!g->rounded) {
        compare_losses(g, steps, losses);
        compare_trained(g, "after.", false, noise);
    }
    ap_adamw_free(&optimiser);
}
