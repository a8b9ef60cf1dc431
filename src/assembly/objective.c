#include "antiphon/objective.h"

#include "antiphon/agent.h"
#include "antiphon/guidance.h"
#include "antiphon/losses.h"
#include "antiphon/ops.h"
#include "kernels/array.h"
#include "loss/modulation.h"

#include <math.h>

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
    return ap_modulation_cost(tape, h->input, h->target, h->output, &settings);
}

static ap_var *onset(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    return ap_onset_loss(tape, h->output, h->input, h->input_onsets, config->loss.onset_scale);
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

static ap_var *crest(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    (void)config;
    return ap_crest_loss(tape, h->output, h->input, h->target);
}

static ap_var *mixture(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    return ap_mixture_loss(tape, h->output, h->input, h->target, (ap_real)config->loss.mixture_most);
}

static ap_var *answer(ap_tape *tape, const ap_config *config, const ap_heard *h)
{
    (void)config;
    ap_var *spectra = ap_stft_loss_mean(tape, h->output, 1, (ap_var *[]){h->answer});
    return ap_add(tape, spectra, ap_rms_loss(tape, h->output, h->answer));
}

/* ---------------------------------------------------------------- all that is measured */

typedef struct kind {
    const char *name,
        *key;      /* name in the log; configuration key of the weight, NULL if the measure is not a term */
    size_t weight; /* offset of the weight in ap_config */
    ap_var *(*build)(ap_tape *tape, const ap_config *config, const ap_heard *heard);
} kind;

/* A term and its contribution to the loss. */
#define TERM(measure, logged, key, short_name, build)                                                        \
    [AP_MEASURE_##measure] = {logged, "loss." #key, offsetof(ap_config, loss.key), build},                   \
    [AP_MEASURE_ADDED + AP_MEASURE_##measure - AP_MEASURE_RMS_INPUT] = {.name = "loss_" short_name}

static const kind kinds[AP_MEASURE_COUNT] = {
    [AP_MEASURE_LOSS] = {.name = "loss"},
    TERM(RMS_INPUT, "rms_input", rms_input, "rms_input", rms_input),
    TERM(RMS_TARGET, "rms_target", rms_target, "rms_target", rms_target),
    TERM(SPECTRAL, "spectral", spectral, "spectral", spectral),
    TERM(MEL, "mel", mel, "mel", mel),
    TERM(NOVELTY, "novelty_loss", novelty, "novelty", novelty),
    TERM(CORR_COST, "corr_cost", corr_weight, "corr", correlation),
    TERM(ONSET, "onset_loss", onset, "onset", onset),
    TERM(CHROMA, "chroma_loss", chroma, "chroma", chroma),
    TERM(TIMBRE, "timbre_loss", timbre, "timbre", timbre),
    TERM(VARIATION, "variation_loss", variation, "variation", variation),
    TERM(LEVEL, "level_loss", level, "level", level),
    TERM(CREST, "crest_loss", crest, "crest", crest),
    TERM(MIXTURE, "mixture_loss", mixture, "mixture", mixture),
    TERM(ANSWER, "answer_loss", answer, "answer", answer),
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

static void add_mean(ap_measures *measures, ap_measure which, double value, int64_t count)
{
    measures->present[which] = true;
    measures->value[which] += value / (double)count;
}

/* Measures the original cost and its coefficients, whichever form the loss uses, so that the figures of all
 * runs are comparable. */
static void measure_correlation(ap_tape *tape, const ap_heard *h, ap_measures *measures)
{
    int64_t B = h->output->value.shape.at[0], S = ap_shape_count(h->output->value.shape) / B;
    measures->value[AP_MEASURE_CORR_COST] = 0; /* replaces the value of the term */
    measures->present[AP_MEASURE_CORR_COST] = false;
    if (S < AP_MODULATION_SEGMENTS) return;
    for (int64_t b = 0; b < B; b++) {
        double r[2];
        ap_modulation_coefficients(ap_tape_arena(tape), S, AP_MODULATION_SEGMENTS,
                                   h->input->value.data + b * S, h->target->value.data + b * S,
                                   h->output->value.data + b * S, r);
        add_mean(measures, AP_MEASURE_CORR_COST, ap_modulation_cost_of(r[0]) + ap_modulation_cost_of(r[1]),
                 B);
        add_mean(measures, AP_MEASURE_R_INPUT, fabs(r[0]), B);
        add_mean(measures, AP_MEASURE_R_TARGET, fabs(r[1]), B);
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

/* A term's value, and what that adds to the loss. */
static void note_term(ap_measure term, double value, double weighted, ap_measures *measures)
{
    ap_measure added = AP_MEASURE_ADDED + term - AP_MEASURE_RMS_INPUT;
    measures->present[term] = measures->present[added] = true;
    measures->value[term] = value;
    measures->value[added] = weighted;
}

static void measure_rest(ap_tape *tape, const ap_heard *heard, double loss, ap_measures *measures)
{
    ap_tape_section(tape, "measures");
    if (!heard->answer) measure_correlation(tape, heard, measures);
    if (heard->composed.weights) measure_weights(heard->composed.weights, measures);
    measures->present[AP_MEASURE_LOSS] = true;
    measures->value[AP_MEASURE_LOSS] = loss;
}

/* Whether a term is one of this batch: where there is an answer, the distance to it alone. */
static bool counts(int term, const ap_heard *heard)
{
    return (term == AP_MEASURE_ANSWER) == (heard->answer != NULL);
}

ap_var *ap_objective(ap_tape *tape, const ap_config *config, const ap_heard *heard, ap_measures *measures)
{
    *measures = (ap_measures){0};
    ap_var *total = NULL;
    for (int k = AP_MEASURE_RMS_INPUT; k < AP_MEASURE_ADDED; k++) {
        double weight = ap_measure_weight(config, k);
        if (weight == 0 || !counts(k, heard)) continue;
        ap_tape_section(tape, kinds[k].name);
        ap_tape_enter(tape);
        ap_var *value = kinds[k].build(tape, config, heard);
        ap_var *weighted = ap_scale(tape, value, (ap_real)weight);
        ap_tape_leave_all(tape, 2, (ap_var *[]){value, weighted});
        note_term(k, (double)value->value.data[0], (double)weighted->value.data[0], measures);
        total = total ? ap_add(tape, total, weighted) : weighted;
    }
    measure_rest(tape, heard, total ? (double)total->value.data[0] : 0, measures);
    return total;
}

/* ---------------------------------------------------------------- the balancer */

#define BALANCER_BETA 0.999
#define BALANCER_FLOOR 1e-12 /* a term without any gradient adds nothing */

/* The gradient of one term at the output, on the arena of the terms' tape. */
static const ap_real *gradient_of(ap_tape *terms, const ap_config *config, ap_measure term,
                                  const ap_heard *heard, ap_measures *measures)
{
    ap_tape_reset(terms);
    ap_tape_gradients_set(terms, true);
    int64_t n = ap_var_count(heard->output);
    ap_real *grad = ap_arena_zeros(ap_tape_arena(terms), (size_t)n * sizeof *grad);
    const ap_heard alone = {.answer = heard->answer ? ap_tape_constant(terms, heard->answer->value) : NULL,
                            .input = ap_tape_constant(terms, heard->input->value),
                            .input_onsets = heard->input_onsets,
                            .target = ap_tape_constant(terms, heard->target->value),
                            .output = ap_tape_leaf(terms, heard->output->value, grad)};
    ap_var *value = kinds[term].build(terms, config, &alone);
    double number = (double)value->value.data[0];
    note_term(term, number, ap_measure_weight(config, term) * number, measures);
    ap_tape_backward(terms, value, (ap_real)ap_tape_share(terms));
    return grad;
}

/* The running mean of the norm, with this one in it. */
static double mean_norm(ap_balancer *balancer, ap_measure term, double norm)
{
    if (isfinite(norm)) {
        balancer->sum[term] = BALANCER_BETA * balancer->sum[term] + norm;
        balancer->weight[term] = BALANCER_BETA * balancer->weight[term] + 1;
    }
    return balancer->weight[term] > 0 ? balancer->sum[term] / balancer->weight[term] : 1;
}

void ap_objective_balanced(ap_tape *tape, ap_tape *terms, const ap_config *config, const ap_heard *heard,
                           ap_balancer *balancer, double share, ap_measures *measures)
{
    *measures = (ap_measures){0};
    if (config->loss.novelty > 0) ap_fatal("objective: loss.novelty cannot be balanced");
    double weights = 0, loss = 0;
    for (int k = AP_MEASURE_RMS_INPUT; k < AP_MEASURE_ADDED; k++)
        if (counts(k, heard)) weights += ap_measure_weight(config, k);
    ap_real *dy = ap_var_grad(tape, heard->output);
    int64_t n = ap_var_count(heard->output);
    for (int k = AP_MEASURE_RMS_INPUT; k < AP_MEASURE_ADDED; k++) {
        double weight = ap_measure_weight(config, k);
        if (weight == 0 || !counts(k, heard)) continue;
        const ap_real *g = gradient_of(terms, config, k, heard, measures);
        double squares = ap_array_dot(n, g, g);
        ap_tape_sum(tape, 1, &squares);
        double mean = mean_norm(balancer, k, sqrt(squares));
        const ap_real factor = (ap_real)(share * weight / weights / fmax(mean, BALANCER_FLOOR));
        for (int64_t i = 0; dy && i < n; i++) dy[i] += factor * g[i];
        loss += weight * measures->value[k];
    }
    measure_rest(tape, heard, loss, measures);
}
