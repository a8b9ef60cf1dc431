#include "antiphon/elementwise.h"
#include "antiphon/layout.h"
#include "antiphon/output.h"
#include "antiphon/status.h"
#include "model/layers.h"

#include <stdio.h>

/* Gains stay within e^+-3, that is +-26 dB. */
#define GAIN_BOUND ((ap_real)3)
/* Where the input's gains start: e^(3 tanh(-2/3)), that is -17 dB. */
#define INPUT_BIAS (-2.0)

struct ap_gates {
    ap_affine_params linear;
    int64_t bands;
    ap_real fresh;
};

ap_gates *ap_gates_create(ap_params *params, int64_t dim, int64_t bands, ap_real fresh, const char *prefix)
{
    if (dim % bands) ap_fatal("gates: %lld bands over %lld dimensions", (long long)bands, (long long)dim);
    ap_gates *gates = ap_params_alloc(params, sizeof *gates);
    char name[64];
    snprintf(name, sizeof name, "%slinear", prefix);
    gates->linear = ap_linear_create(params, dim, 2 * bands, name);
    gates->linear.weight->init = (ap_init){AP_INIT_CONSTANT, 0};
    gates->linear.bias->init = (ap_init){AP_INIT_FIRST_HALF, INPUT_BIAS};
    gates->bands = bands;
    gates->fresh = fresh;
    return gates;
}

/* one source's latents under its gains: bands first .. first + bands - 1 of g */
static ap_var *gated(ap_tape *tape, const ap_gates *gates, ap_var *g, int64_t first, ap_var *z)
{
    return ap_mul_groups(tape, z, ap_slice(tape, g, 1, first, gates->bands));
}

ap_var *ap_gates_apply(ap_tape *tape, const ap_gates *gates, ap_var *z, ap_var *zi, ap_var *zt)
{
    ap_var *u = ap_transpose(tape, ap_linear_apply(tape, gates->linear, ap_transpose(tape, z)));
    ap_var *g = ap_exp(tape, ap_scale(tape, ap_tanh(tape, ap_scale(tape, u, 1 / GAIN_BOUND)), GAIN_BOUND));
    ap_var *y = ap_add(tape, gated(tape, gates, g, gates->bands, zt), ap_scale(tape, z, gates->fresh));
    return zi ? ap_add(tape, gated(tape, gates, g, 0, zi), y) : y;
}
