#include "antiphon/agent.h"

#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "model/extractor.h"
#include "model/layers.h"
#include "model/transformer.h"

#include <stdio.h>

#define SELECTOR_WIDTH 256
#define SELECTOR_SLOPE ((ap_real)0.2)
#define LATENT_BOUND 50

struct ap_agent {
    ap_agent_config config;
    ap_extractor input, target;
    ap_affine_params select1, select2, project, out1, out2;
    ap_transformer *composer;
    ap_positions *positions;
};

ap_agent *ap_agent_create(ap_params *params, ap_agent_config config, const char *prefix)
{
    ap_agent *agent = ap_params_alloc(params, sizeof *agent);
    int64_t parts = AP_COMPONENTS * config.component;
    char name[128];
#define NAME(part) (snprintf(name, sizeof name, "%s%s", prefix, part), name)
    agent->config = config;
    agent->input =
        ap_extractor_create(params, config.dim, config.component, config.past, NAME("input_extractor"));
    agent->target =
        ap_extractor_create(params, config.dim, config.component, config.past, NAME("target_extractor"));
    agent->select1 = ap_conv_create(params, parts, SELECTOR_WIDTH, 1, NAME("select1"));
    agent->select2 = ap_conv_create(params, SELECTOR_WIDTH, AP_COMPONENTS, 1, NAME("select2"));
    agent->project = ap_linear_create(params, parts, config.model, NAME("project"));
    ap_transformer_config composer = {config.model, config.heads,   config.layers,
                                      config.ff,    config.dropout, config.past};
    agent->composer = ap_transformer_create(params, composer, NAME("composer"));
    if (config.positions) agent->positions = ap_positions_create(params, config.model);
    agent->out1 = ap_linear_create(params, config.model, config.model / 2, NAME("out1"));
    agent->out2 = ap_linear_create(params, config.model / 2, config.dim, NAME("out2"));
#undef NAME
    return agent;
}

/* the components of both sources, [B, 6 component, T] */
static ap_var *hear(ap_tape *tape, ap_agent *agent, ap_var *zi, ap_var *zt)
{
    ap_var *heard[AP_COMPONENTS];
    ap_tape_enter(tape);
    ap_extractor_apply(tape, &agent->input, zi, heard);
    ap_extractor_apply(tape, &agent->target, zt, heard + AP_HEADS_EACH);
    return ap_tape_leave(tape, ap_concat(tape, 1, AP_COMPONENTS, heard));
}

/* the logits of the selector: their softmax is the weight of each component at each frame */
static ap_var *select_components(ap_tape *tape, ap_agent *agent, ap_var *parts)
{
    ap_tape_enter(tape);
    ap_var *hidden = ap_leaky_relu(tape, ap_conv_apply(tape, agent->select1, parts), SELECTOR_SLOPE);
    return ap_tape_leave(tape, ap_conv_apply(tape, agent->select2, hidden));
}

/* the weighted components, projected to the composer's width, [B, T, model] */
static ap_var *project(ap_tape *tape, ap_agent *agent, ap_var *parts)
{
    ap_tape_enter(tape);
    ap_var *rows = ap_transpose(tape, parts);
    ap_var *x = ap_linear_apply(tape, agent->project, rows);
    if (agent->positions) x = ap_positions_add(tape, agent->positions, x);
    return ap_tape_leave(tape, x);
}

ap_agent_output ap_agent_compose(ap_tape *tape, ap_agent *agent, ap_var *zi, ap_var *zt)
{
    if (!ap_shape_same(zi->value.shape, zt->value.shape) || zi->value.shape.rank != 3 ||
        zi->value.shape.at[1] != agent->config.dim)
        ap_fatal("agent: latents %s and %s do not have %lld dimensions", ap_shape_print(zi->value.shape).text,
                 ap_shape_print(zt->value.shape).text, (long long)agent->config.dim);
    ap_tape_enter(tape);
    ap_var *parts = hear(tape, agent, zi, zt), *logits = select_components(tape, agent, parts);
    ap_var *weights = ap_softmax(tape, logits, 1);
    ap_var *selected = ap_mul_groups(tape, parts, weights);
    ap_var *x = ap_transformer_apply(tape, agent->composer, project(tape, agent, selected));
    x = ap_gelu(tape, ap_linear_apply(tape, agent->out1, x), agent->config.dropout);
    x = ap_transpose(tape, ap_linear_apply(tape, agent->out2, x));
    ap_var *z = ap_clamp(tape, x, -LATENT_BOUND, LATENT_BOUND);
    ap_tape_leave_all(tape, 4, (ap_var *[]){z, selected, weights, logits});
    return (ap_agent_output){.z = z, .components = selected, .weights = weights, .logits = logits};
}
