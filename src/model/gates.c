#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "model/layers.h"
#include "model/output.h"

#include <stdio.h>

/* Gains stay within e^+-3, that is +-26 dB. */
#define GAIN_BOUND ((ap_real)3)
/* The initial gains of the input and of the delayed target: e^(3 tanh(-2/3)), that is -17 dB. */
#define LOW_BIAS (-2.0)

struct ap_gates {
    ap_gates_config config;
    ap_affine_params linear;
};

ap_gates *ap_gates_create(ap_params *params, ap_gates_config config, const char *prefix)
{
    if (config.dim % config.bands)
        ap_fatal("gates: %lld bands do not divide %lld dimensions", (long long)config.bands,
                 (long long)config.dim);
    if (config.delay_count < 1 || config.delay_count > AP_GATES_DELAYS_MOST)
        ap_fatal("gates: %d delays, not 1 to %d", config.delay_count, AP_GATES_DELAYS_MOST);
    ap_gates *gates = ap_params_alloc(params, sizeof *gates);
    char name[64];
    snprintf(name, sizeof name, "%slinear", prefix);
    *gates = (ap_gates){config,
                        ap_linear_create(params, config.dim, (1 + config.delay_count) * config.bands, name)};
    gates->linear.weight->init = (ap_init){.kind = AP_INIT_CONSTANT, .a = 0};
    /* the target at gain 1, all else low */
    gates->linear.bias->init = (ap_init){
        .kind = AP_INIT_ALL_BUT_BLOCK, .a = LOW_BIAS, .zero_block = 1, .blocks = 1 + config.delay_count};
    return gates;
}

/* a source's latents times the gains of group k of g */
static ap_var *gated(ap_tape *tape, const ap_gates *gates, ap_var *g, int k, ap_var *z)
{
    int64_t bands = gates->config.bands;
    return ap_mul_groups(tape, z, ap_slice(tape, g, 1, k * bands, bands));
}

ap_var *ap_gates_apply(ap_tape *tape, const ap_gates *gates, ap_var *z, ap_var *zi, ap_var *zt)
{
    ap_tape_enter(tape);
    ap_var *u = ap_transpose(tape, ap_linear_apply(tape, gates->linear, ap_transpose(tape, z)));
    ap_var *g = ap_exp(tape, ap_scale(tape, ap_tanh(tape, ap_scale(tape, u, 1 / GAIN_BOUND)), GAIN_BOUND));
    ap_var *y = ap_scale(tape, z, gates->config.own);
    for (int k = 0; k < gates->config.delay_count; k++)
        y = ap_add(tape, gated(tape, gates, g, 1 + k, ap_delay(tape, zt, gates->config.delays[k])), y);
    if (zi) y = ap_add(tape, gated(tape, gates, g, 0, zi), y);
    return ap_tape_leave(tape, y);
}
