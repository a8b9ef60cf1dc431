#include "antiphon/objective.h"

#include "antiphon/agent.h"
#include "antiphon/elementwise.h"
#include "antiphon/guidance.h"
#include "antiphon/losses.h"
#include "loss/modulation.h"

#include <math.h>
#include <string.h>

static const char *const names[AP_MEASURE_COUNT] = {
    [AP_MEASURE_LOSS] = "loss",
    [AP_MEASURE_RMS_INPUT] = "rms_input",
    [AP_MEASURE_RMS_TARGET] = "rms_target",
    [AP_MEASURE_SPECTRAL] = "spectral",
    [AP_MEASURE_MEL] = "mel",
    [AP_MEASURE_NOVELTY] = "novelty_loss",
    [AP_MEASURE_CORR_COST] = "corr_cost",
    [AP_MEASURE_ONSET] = "onset_loss",
    [AP_MEASURE_CHROMA] = "chroma_loss",
    [AP_MEASURE_TIMBRE] = "timbre_loss",
    [AP_MEASURE_VARIATION] = "variation_loss",
    [AP_MEASURE_LEVEL] = "level_loss",
    [AP_MEASURE_MIXTURE] = "mixture_loss",
    [AP_MEASURE_R_INPUT] = "r_input",
    [AP_MEASURE_R_TARGET] = "r_target",
    [AP_MEASURE_WEIGHTS] = "input_rhythm_weight",
    "input_harmony_weight",
    "input_timbre_weight",
    "target_rhythm_weight",
    "target_harmony_weight",
    "target_timbre_weight",
};

const char *ap_measure_name(ap_measure measure)
{
    return names[measure];
}

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

typedef struct term {
    ap_measure measure;
    double weight;
    ap_var *(*build)(ap_tape *tape, const ap_config *config, const ap_heard *heard);
} term;

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
    const term terms[] = {
        {AP_MEASURE_RMS_INPUT, config->loss.rms_input, rms_input},
        {AP_MEASURE_RMS_TARGET, config->loss.rms_target, rms_target},
        {AP_MEASURE_SPECTRAL, config->loss.spectral, spectral},
        {AP_MEASURE_MEL, config->loss.mel, mel},
        {AP_MEASURE_NOVELTY, config->loss.novelty, novelty},
        {AP_MEASURE_CORR_COST, config->loss.corr_weight, correlation},
        {AP_MEASURE_ONSET, config->loss.onset, onset},
        {AP_MEASURE_CHROMA, config->loss.chroma, chroma},
        {AP_MEASURE_TIMBRE, config->loss.timbre, timbre},
        {AP_MEASURE_VARIATION, config->loss.variation, variation},
        {AP_MEASURE_LEVEL, config->loss.level, level},
        {AP_MEASURE_MIXTURE, config->loss.mixture, mixture},
    };
    *measures = (ap_measures){0};
    ap_var *total = NULL, *correlated = NULL;
    for (size_t k = 0; k < sizeof terms / sizeof *terms; k++) {
        if (terms[k].weight == 0) continue;
        ap_tape_section(tape, names[terms[k].measure]);
        ap_var *value = terms[k].build(tape, config, heard);
        measures->present[terms[k].measure] = true;
        measures->value[terms[k].measure] = (double)value->value.data[0];
        if (terms[k].build == correlation) correlated = value;
        ap_var *weighted = ap_scale(tape, value, (ap_real)terms[k].weight);
        total = total ? ap_add(tape, total, weighted) : weighted;
    }
    ap_tape_section(tape, "measures");
    measure_correlation(config, heard, correlated, measures);
    if (heard->composed.weights) measure_weights(heard->composed.weights, measures);
    measures->present[AP_MEASURE_LOSS] = true;
    measures->value[AP_MEASURE_LOSS] = total ? (double)total->value.data[0] : 0;
    return total;
}
