#include "antiphon/ops.h"
#include "antiphon/rate.h"
#include "model/layers.h"
#include "model/output.h"
#include "model/score.h"
#include "ops/band_gains.h"

#include <stdio.h>
#include <string.h>

/* A column of gains comes with every fourth latent frame, so that none moves faster than music does. */
#define STRIDE 4
#define FIRST_TAPS 9
#define TAPS 5
#define LAYERS 4
#define SLOPE ((ap_real)0.1)
/* Gains stay within e^+-3, that is +-26 dB. */
#define GAIN_BOUND ((ap_real)3)
/* The length of the transforms by which takes are heard, and under whose windows their gains move. */
#define LENGTH 1024
/* What a gain starts at: e^(3 tanh(-4 / 3)), that is -23 dB, for every take but the first that is struck.
 */
#define LOW_BIAS (-4.0)
#define STRUCK 1

struct ap_takes {
    ap_takes_config config;
    ap_affine_params into, body[LAYERS], out;
};

ap_takes *ap_takes_create(ap_params *params, ap_takes_config config, const char *prefix)
{
    ap_takes *takes = ap_params_alloc(params, sizeof *takes);
    int64_t heard = config.dim + AP_TAKES * config.bands, gains = AP_TAKES * config.bands;
    char name[64];
    takes->config = config;
    snprintf(name, sizeof name, "%sinto", prefix);
    takes->into = ap_conv_create(params, heard, config.width, FIRST_TAPS, name);
    for (int i = 0; i < LAYERS; i++) {
        snprintf(name, sizeof name, "%sbody.%d", prefix, i);
        takes->body[i] = ap_conv_create(params, config.width, config.width, TAPS, name);
    }
    snprintf(name, sizeof name, "%sout", prefix);
    takes->out = ap_conv_create(params, config.width, gains, 1, name);
    takes->out.weight->init = (ap_init){.kind = AP_INIT_CONSTANT, .a = 0};
    takes->out.bias->init =
        (ap_init){.kind = AP_INIT_ALL_BUT_BLOCK, .a = LOW_BIAS, .zero_block = STRUCK, .blocks = AP_TAKES};
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
    ap_var *spectra = ap_stft_magnitude(tape, signals, LENGTH, (int)takes->config.hop);
    ap_var *levels = ap_linear(tape, spectra, ap_band_means(tape, ap_takes_geometry(takes)), NULL);
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

ap_var *ap_takes_gains(ap_tape *tape, ap_takes *takes, ap_var *z, ap_tensor x)
{
    int64_t frames = ap_stft_frames(x.shape.at[2], (int)takes->config.hop), T = z->value.shape.at[2];
    if (frames < T) T = frames;
    ap_tape_enter(tape);
    ap_var *heard[2] = {ap_slice(tape, z, 2, 0, T), levels_of(tape, takes, x, T)};
    ap_var *h = ap_leaky_relu(
        tape, layer(tape, takes->into, ap_concat(tape, 1, 2, heard), FIRST_TAPS, STRIDE, 1), SLOPE);
    for (int i = 0; i < LAYERS; i++) {
        ap_var *more = ap_leaky_relu(tape, layer(tape, takes->body[i], h, TAPS, 1, (int64_t)1 << i), SLOPE);
        h = ap_tape_carry(tape, ap_add(tape, h, more));
    }
    ap_var *u = layer(tape, takes->out, h, 1, 1, 1);
    ap_var *g = ap_exp(tape, ap_scale(tape, ap_tanh(tape, ap_scale(tape, u, 1 / GAIN_BOUND)), GAIN_BOUND));
    return ap_tape_leave(tape, g);
}
