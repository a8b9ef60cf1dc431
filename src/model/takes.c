#include "antiphon/agent.h"
#include "antiphon/ops.h"
#include "antiphon/rate.h"
#include "model/extractor.h"
#include "model/layers.h"
#include "model/output.h"
#include "model/score.h"
#include "ops/band_gains.h"
#include "ops/stft_bands.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A column of gains comes with every fourth latent frame, so that none moves faster than music does. */
#define STRIDE 4
#define FIRST_TAPS 9
#define TAPS 5
#define LAYERS 4
#define SLOPE ((ap_real)0.1)
/* Gains stay within e^+-4.5, that is +-39 dB. */
#define GAIN_BOUND ((ap_real)4.5)
/* The length of the transforms by which takes are heard, and under whose windows their gains move. */
#define LENGTH 1024
/* Where no head says otherwise, the take in which every hit strikes a note sounds as it is, and all others at
 * e^(4.5 tanh(-5 / 4.5)), that is -31 dB. */
#define LOW (-5.0)
#define STRUCK 1
/* What strikes has gains for this many groups of bands, lowest first. */
#define GROUPS 4
/* The seconds over which what the harmony and the timbre heads write is averaged. */
#define HARMONY_WIDTH 1.0
#define TIMBRE_WIDTH 4.0

/* What one head writes. */
typedef struct part {
    ap_affine_params into, body[LAYERS], out;
    int layers;
    double width; /* seconds; 0: as it comes */
} part;

struct ap_takes {
    ap_takes_config config;
    part parts[AP_HEADS_EACH];
};

/* At first it writes zeros. */
static part create_part(ap_params *params, const ap_takes_config *config, const char *prefix, int64_t heard,
                        int64_t rows, int layers, double width)
{
    part made = {.layers = layers, .width = width};
    char name[160];
    snprintf(name, sizeof name, "%sinto", prefix);
    made.into = ap_conv_create(params, heard, config->width, FIRST_TAPS, name);
    for (int i = 0; i < layers; i++) {
        snprintf(name, sizeof name, "%sbody.%d", prefix, i);
        made.body[i] = ap_conv_create(params, config->width, config->width, TAPS, name);
    }
    snprintf(name, sizeof name, "%sout", prefix);
    made.out = ap_conv_create(params, config->width, rows, 1, name);
    made.out.weight->init = (ap_init){.kind = AP_INIT_CONSTANT, .a = 0};
    made.out.bias->init = (ap_init){.kind = AP_INIT_CONSTANT, .a = 0};
    return made;
}

ap_takes *ap_takes_create(ap_params *params, ap_takes_config config, const char *prefix)
{
    ap_takes *takes = ap_params_alloc(params, sizeof *takes);
    int64_t agent = 2 * config.component + config.dim, levels = AP_TAKES * config.bands;
    char name[128];
    takes->config = config;
#define NAME(head) (snprintf(name, sizeof name, "%s" head, prefix), name)
    takes->parts[AP_RHYTHM] =
        create_part(params, &config, NAME("rhythm."), agent + levels, AP_TAKES * GROUPS, LAYERS, 0);
    takes->parts[AP_HARMONY] =
        create_part(params, &config, NAME("harmony."), agent, AP_TAKES, 0, HARMONY_WIDTH);
    takes->parts[AP_TIMBRE] =
        create_part(params, &config, NAME("timbre."), agent, config.bands, 0, TIMBRE_WIDTH);
#undef NAME
    return takes;
}

ap_band_gains_geometry ap_takes_geometry(const ap_takes *takes)
{
    return (ap_band_gains_geometry){LENGTH, AP_SAMPLE_RATE, (int)takes->config.bands,
                                    (double)(STRIDE * takes->config.hop)};
}

/* The levels of the takes x [B, AP_TAKES, S], [B, AP_TAKES bands, T], roughly logarithmic and of unit size: a
 * constant. */
static ap_var *levels_of(ap_tape *tape, const ap_takes *takes, ap_tensor x, int64_t T)
{
    ap_arena *arena = ap_tape_arena(tape);
    int64_t B = x.shape.at[0], rows = B * AP_TAKES, S = x.shape.at[2], bands = takes->config.bands;
    ap_real *kept = ap_arena_alloc(arena, (size_t)(rows * bands * T) * sizeof *kept);
    ap_tape_enter(tape);
    ap_var *signals = ap_tape_constant(tape, (ap_tensor){AP_SHAPE(rows, 1, S), x.data});
    ap_var *levels = ap_stft_bands(tape, signals, LENGTH, (int)takes->config.hop,
                                   ap_band_means(tape, ap_takes_geometry(takes))->value);
    levels = ap_affine(tape, ap_asinh(tape, ap_scale(tape, levels, 30)), (ap_real)(1 / 3.0), -1);
    levels = ap_slice(tape, ap_transpose(tape, levels), 2, 0, T);
    memcpy(kept, levels->value.data, (size_t)(rows * bands * T) * sizeof *kept);
    ap_tape_leave(tape, signals);
    return ap_tape_constant(tape, (ap_tensor){AP_SHAPE(B, AP_TAKES * bands, T), kept});
}

static ap_var *layer(ap_tape *tape, ap_affine_params conv, ap_var *x, int64_t taps, int64_t stride,
                     int64_t dilation)
{
    int64_t pad = dilation * (taps - 1) / 2;
    return ap_conv1d(tape, x, ap_tape_param(tape, conv.weight), ap_tape_param(tape, conv.bias),
                     (ap_conv1d_geometry){stride, dilation, pad, pad, AP_PAD_ZERO});
}

/* Averages along the last axis, [T, T]: a Hann window of `width` columns about each, as far as there are any.
 */
static ap_var *averages(ap_tape *tape, int64_t T, double width)
{
    ap_real *rows = ap_arena_alloc(ap_tape_arena(tape), (size_t)(T * T) * sizeof *rows);
    for (int64_t t = 0; t < T; t++) {
        double sum = 0;
        for (int64_t s = 0; s < T; s++) {
            double away = fabs((double)(s - t)) / width;
            double w = away < 0.5 ? 0.5 + 0.5 * cos(2 * M_PI * away) : 0;
            sum += w;
            rows[t * T + s] = (ap_real)w;
        }
        for (int64_t s = 0; s < T; s++) rows[t * T + s] = (ap_real)((double)rows[t * T + s] / sum);
    }
    return ap_tape_constant(tape, (ap_tensor){AP_SHAPE(T, T), rows});
}

/* What a head writes, [B, rows, T'], from what it hears, [B, ., T]: zeros where it is silent. */
static ap_var *write_part(ap_tape *tape, const ap_takes *takes, int head, ap_var *heard, bool silent)
{
    const part *p = &takes->parts[head];
    ap_tape_enter(tape);
    ap_var *h = ap_leaky_relu(tape, layer(tape, p->into, heard, FIRST_TAPS, STRIDE, 1), SLOPE);
    for (int i = 0; i < p->layers; i++) {
        ap_var *more = ap_leaky_relu(tape, layer(tape, p->body[i], h, TAPS, 1, (int64_t)1 << i), SLOPE);
        h = ap_tape_carry(tape, ap_add(tape, h, more));
    }
    ap_var *u = layer(tape, p->out, h, 1, 1, 1);
    double columns = p->width * AP_SAMPLE_RATE / (double)(STRIDE * takes->config.hop);
    if (silent) u = ap_scale(tape, u, 0);
    if (p->width > 0) u = ap_linear(tape, u, averages(tape, u->value.shape.at[2], columns), NULL);
    return ap_tape_leave(tape, u);
}

/* To whom each row of the parts belongs: [AP_TAKES bands, AP_TAKES (GROUPS + 1) + bands], ones and zeros. */
static ap_var *ownership(ap_tape *tape, int64_t bands)
{
    int64_t rows = AP_TAKES * (GROUPS + 1) + bands;
    size_t bytes = (size_t)(AP_TAKES * bands * rows) * sizeof(ap_real);
    ap_real *owns = memset(ap_arena_alloc(ap_tape_arena(tape), bytes), 0, bytes);
    for (int64_t take = 0; take < AP_TAKES; take++)
        for (int64_t band = 0; band < bands; band++) {
            ap_real *row = owns + (take * bands + band) * rows;
            row[take * GROUPS + band * GROUPS / bands] = row[AP_TAKES * GROUPS + take] =
                row[AP_TAKES * (GROUPS + 1) + band] = 1;
        }
    return ap_tape_constant(tape, (ap_tensor){AP_SHAPE(AP_TAKES * bands, rows), owns});
}

/* What is there before the heads write, [AP_TAKES bands]. */
static ap_var *rule(ap_tape *tape, int64_t bands)
{
    ap_real *start = ap_arena_alloc(ap_tape_arena(tape), (size_t)(AP_TAKES * bands) * sizeof *start);
    for (int64_t i = 0; i < AP_TAKES * bands; i++) start[i] = i / bands == STRUCK ? 0 : (ap_real)LOW;
    return ap_tape_constant(tape, (ap_tensor){AP_SHAPE(AP_TAKES * bands), start});
}

ap_var *ap_takes_gains(ap_tape *tape, ap_takes *takes, ap_var *z, ap_var *components, ap_tensor x,
                       unsigned without)
{
    int64_t frames = ap_stft_frames(x.shape.at[2], (int)takes->config.hop), T = z->value.shape.at[2];
    int64_t C = takes->config.component;
    if (frames < T) T = frames;
    ap_tape_enter(tape);
    ap_var *written[AP_HEADS_EACH], *levels = levels_of(tape, takes, x, T);
    z = ap_slice(tape, z, 2, 0, T);
    if (components) components = ap_slice(tape, components, 2, 0, T);
    for (int head = 0; head < AP_HEADS_EACH; head++) {
        ap_var *heard[4] = {z};
        int count = 1;
        for (int source = 0; components && source < 2; source++)
            heard[count++] = ap_scale(
                tape, ap_slice(tape, components, 1, (source * AP_HEADS_EACH + head) * C, C), AP_COMPONENTS);
        if (head == AP_RHYTHM) heard[count++] = levels;
        written[head] = write_part(tape, takes, head, ap_concat(tape, 1, count, heard), without >> head & 1);
    }
    ap_var *rows = ap_transpose(tape, ap_concat(tape, 1, AP_HEADS_EACH, written));
    int64_t bands = takes->config.bands;
    ap_var *u = ap_transpose(tape, ap_linear(tape, rows, ownership(tape, bands), rule(tape, bands)));
    ap_var *g = ap_exp(tape, ap_scale(tape, ap_tanh(tape, ap_scale(tape, u, 1 / GAIN_BOUND)), GAIN_BOUND));
    return ap_tape_leave(tape, g);
}
