#include "antiphon/objective.h"

#include "antiphon/agent.h"
#include "antiphon/elementwise.h"
#include "antiphon/guidance.h"
#include "antiphon/losses.h"
#include "loss/modulation.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- the terms, each a scalar variable */

static ap_var *rms_input(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    (void)config;
    return ap_rms_loss(tape, h->output, h->input);
}

static ap_var *rms_target(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    (void)config;
    return ap_rms_loss(tape, h->output, h->target);
}

static ap_var *spectral(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    (void)config;
    return ap_stft_loss_mean(tape, h->output, 2, (ap_var *[]){h->input, h->target});
}

static ap_var *mel(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    (void)config;
    return ap_mel_loss_mean(tape, h->output, 2, (ap_var *[]){h->input, h->target});
}

static ap_var *novelty(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    ap_var *term = ap_novelty(tape, h->composed.z, h->zi, h->zt);
    if (!h->composed.logits || config->loss.balance == 0) return term;
    ap_var *balance = ap_balance(tape, h->composed.logits);
    return ap_add(tape, term, ap_scale(tape, balance, (ap_real)config->loss.balance));
}

static ap_var *correlation(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    const ap_modulation settings = {.segments = config->loss.corr_segments,
                                    .barrier = config->loss.corr_barrier,
                                    .envelope = config->loss.corr_envelope,
                                    .bands = config->loss.corr_bands,
                                    .lag_ms = config->loss.corr_lag_ms,
                                    .tolerance_input = config->loss.corr_tolerance_input,
                                    .tolerance_target = config->loss.corr_tolerance_target};
    return ap_modulation_cost_with(tape, h->input, h->target, h->output, &settings);
}

static ap_var *onset(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    return ap_onset_loss(tape, h->output, h->input, config->loss.onset_scale);
}

static ap_var *chroma(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    (void)config;
    return ap_chroma_loss(tape, h->output, h->target);
}

static ap_var *timbre(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    (void)config;
    return ap_timbre_loss(tape, h->output, h->target);
}

static ap_var *variation(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    return ap_variation_loss(tape, h->output, (ap_real)config->loss.variation_least,
                             config->loss.corr_segments);
}

static ap_var *level(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    (void)config;
    return ap_level_loss(tape, h->output, h->target);
}

static ap_var *mixture(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    return ap_mixture_loss(tape, h->output, h->input, h->target, (ap_real)config->loss.mixture_most);
}

/* ---------------------------------------------------------------- all that is measured */

typedef struct kind {
    const char *name, *key; /* key: of the term's weight; NULL: no term of the loss */
    size_t weight;          /* where that is in ap_config */
    ap_var *(*build)(ap_tape *tape, const ap_config *config, const ap_heard *heard);
} kind;

#define TERM(name, key, build)                                                                               \
    {                                                                                                        \
        name, "loss." #key, offsetof(ap_config, loss.key), build                                             \
    }

static const kind kinds[AP_MEASURE_COUNT] = {
    [AP_MEASURE_LOSS] = {.name = "loss"},
    [AP_MEASURE_RMS_INPUT] = TERM("rms_input", rms_input, rms_input),
    [AP_MEASURE_RMS_TARGET] = TERM("rms_target", rms_target, rms_target),
    [AP_MEASURE_SPECTRAL] = TERM("spectral", spectral, spectral),
    [AP_MEASURE_MEL] = TERM("mel", mel, mel),
    [AP_MEASURE_NOVELTY] = TERM("novelty_loss", novelty, novelty),
    [AP_MEASURE_CORR_COST] = TERM("corr_cost", corr_weight, correlation),
    [AP_MEASURE_ONSET] = TERM("onset_loss", onset, onset),
    [AP_MEASURE_CHROMA] = TERM("chroma_loss", chroma, chroma),
    [AP_MEASURE_TIMBRE] = TERM("timbre_loss", timbre, timbre),
    [AP_MEASURE_VARIATION] = TERM("variation_loss", variation, variation),
    [AP_MEASURE_LEVEL] = TERM("level_loss", level, level),
    [AP_MEASURE_MIXTURE] = TERM("mixture_loss", mixture, mixture),
    [AP_MEASURE_R_INPUT] = {.name = "r_input"},
    [AP_MEASURE_R_TARGET] = {.name = "r_target"},
    [AP_MEASURE_WEIGHTS] = {.name = "input_rhythm_weight"},
    {.name = "input_harmony_weight"},
    {.name = "input_timbre_weight"},
    {.name = "target_rhythm_weight"},
    {.name = "target_harmony_weight"},
    {.name = "target_timbre_weight"},
};

const char *ap_measure_name(ap_measure measure)
{
    return kinds[measure].name;
}

const char *ap_measure_key(ap_measure measure)
{
    return kinds[measure].key;
}

double ap_measure_weight(const ap_config *config, ap_measure measure)
{
    if (!kinds[measure].key) return 0;
    return *(const double *)((const char *)config + kinds[measure].weight);
}

/* ---------------------------------------------------------------- what is measured without a gradient */

/* The coefficients of both sources for the item b of the batch. */
static void coefficients_of_item(const ap_config *config, const ap_heard *h, int64_t b, double r[2])
{
    int64_t B = h->output->value.shape.at[0], S = ap_shape_count(h->output->value.shape) / B;
    ap_real r_input, r_target;
    ap_modulation_cost_arrays(1, S, config->loss.corr_segments, AP_BARRIER_SEED, h->input->value.data + b * S,
                              h->target->value.data + b * S, h->output->value.data + b * S, &r_input,
                              &r_target, NULL);
    r[0] = (double)r_input;
    r[1] = (double)r_target;
}

/* `cost`: the term, which may know the coefficients already, or NULL. */
static void measure_correlation(const ap_config *config, const ap_heard *h, const ap_var *cost,
                                ap_measures *measures)
{
    const ap_measure which[3] = {AP_MEASURE_CORR_COST, AP_MEASURE_R_INPUT, AP_MEASURE_R_TARGET};
    const double *known = cost ? ap_correlation_cost_r(cost) : NULL;
    int64_t B = h->output->value.shape.at[0];
    for (int k = 0; k < 3; k++) {
        measures->present[which[k]] = true;
        measures->value[which[k]] = 0; /* in place of the term's, which may be of another form */
    }
    for (int64_t b = 0; b < B; b++) {
        double r[2];
        if (known)
            memcpy(r, known + 2 * b, sizeof r);
        else
            coefficients_of_item(config, h, b, r);
        const double values[3] = {ap_modulation_cost_of(r[0]) + ap_modulation_cost_of(r[1]), fabs(r[0]),
                                  fabs(r[1])};
        for (int k = 0; k < 3; k++) measures->value[which[k]] += values[k] / (double)B;
    }
}

static void measure_weights(const ap_var *weights, ap_measures *measures)
{
    int64_t B = weights->value.shape.at[0], T = weights->value.shape.at[2];
    for (int k = 0; k < AP_COMPONENTS; k++) {
        double sum = 0;
        for (int64_t b = 0; b < B; b++)
            for (int64_t t = 0; t < T; t++)
                sum += (double)weights->value.data[(b * AP_COMPONENTS + k) * T + t];
        measures->present[AP_MEASURE_WEIGHTS + k] = true;
        measures->value[AP_MEASURE_WEIGHTS + k] = sum / (double)(B * T);
    }
}

ap_var *ap_objective(ap_tape *tape, const ap_config *config, const ap_heard *heard, ap_measures *measures)
{
    *measures = (ap_measures){0};
    ap_var *total = NULL, *correlated = NULL;
    for (int k = 0; k < AP_MEASURE_COUNT; k++) {
        double weight = ap_measure_weight(config, k);
        if (weight == 0) continue;
        ap_tape_section(tape, kinds[k].name);
        ap_var *value = kinds[k].build(tape, config, heard);
        measures->present[k] = true;
        measures->value[k] = (double)value->value.data[0];
        if (k == AP_MEASURE_CORR_COST) correlated = value;
        ap_var *weighted = ap_scale(tape, value, (ap_real)weight);
        total = total ? ap_add(tape, total, weighted) : weighted;
    }
    ap_tape_section(tape, "measures");
    measure_correlation(config, heard, correlated, measures);
    if (heard->composed.weights) measure_weights(heard->composed.weights, measures);
    measures->present[AP_MEASURE_LOSS] = true;
    measures->value[AP_MEASURE_LOSS] = total ? (double)total->value.data[0] : 0;
    return total;
}
