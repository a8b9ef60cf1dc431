#include "model/transformer.h"

#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "model/layers.h"

#include <math.h>
#include <stdio.h>

typedef struct layer {
    ap_affine_params in, out; /* `in` computes queries, keys and values in one product */
    ap_affine_params linear1, linear2, norm1, norm2;
} layer;

struct ap_transformer {
    ap_transformer_config config;
    layer *layers;
};

static layer layer_create(ap_params *params, ap_transformer_config c, const char *prefix, int index)
{
    char name[160];
    layer l;
#define NAME(part) (snprintf(name, sizeof name, "%s.layers.%d.%s", prefix, index, part), name)
    ap_init xavier = {.kind = AP_INIT_UNIFORM, .a = sqrt(6.0 / (4.0 * (double)c.model))},
            zero = {.kind = AP_INIT_CONSTANT, .a = 0};
    l.in.weight = ap_params_add(params, AP_PARAM_TRAINED, AP_SHAPE(3 * c.model, c.model), xavier, "%s",
                                NAME("self_attn.in_proj_weight"));
    l.in.bias = ap_params_add(params, AP_PARAM_TRAINED, AP_SHAPE(3 * c.model), zero, "%s",
                              NAME("self_attn.in_proj_bias"));
    l.out = ap_linear_create(params, c.model, c.model, NAME("self_attn.out_proj"));
    l.out.bias->init = zero;
    l.linear1 = ap_linear_create(params, c.model, c.ff, NAME("linear1"));
    l.linear2 = ap_linear_create(params, c.ff, c.model, NAME("linear2"));
    l.norm1 = ap_layer_norm_create(params, c.model, NAME("norm1"));
    l.norm2 = ap_layer_norm_create(params, c.model, NAME("norm2"));
#undef NAME
    return l;
}

ap_transformer *ap_transformer_create(ap_params *params, ap_transformer_config config, const char *prefix)
{
    ap_transformer *t = ap_params_alloc(params, sizeof *t);
    t->config = config;
    t->layers = ap_params_alloc(params, (size_t)config.layers * sizeof *t->layers);
    for (int i = 0; i < config.layers; i++) t->layers[i] = layer_create(params, config, prefix, i);
    return t;
}

/* LayerNorm(x + dropout(part)) */
static ap_var *add_and_norm(ap_tape *tape, ap_affine_params norm, ap_var *x, ap_var *part, ap_real p)
{
    return ap_residual_norm(tape, x, part, ap_tape_param(tape, norm.weight), ap_tape_param(tape, norm.bias),
                            p);
}

static ap_var *self_attention(ap_tape *tape, const layer *l, ap_transformer_config c, ap_var *x)
{
    ap_tape_enter(tape);
    ap_var *heard = ap_attention(tape, ap_linear_apply(tape, l->in, x), c.heads, c.past, c.dropout);
    ap_var *part = ap_linear_apply(tape, l->out, heard);
    return ap_tape_leave(tape, add_and_norm(tape, l->norm1, x, part, c.dropout));
}

static ap_var *feed_forward(ap_tape *tape, const layer *l, ap_transformer_config c, ap_var *x)
{
    ap_tape_enter(tape);
    ap_var *hidden = ap_gelu(tape, ap_linear_apply(tape, l->linear1, x), c.dropout);
    ap_var *part = ap_linear_apply(tape, l->linear2, hidden);
    return ap_tape_leave(tape, add_and_norm(tape, l->norm2, x, part, c.dropout));
}

ap_var *ap_transformer_apply(ap_tape *tape, const ap_transformer *transformer, ap_var *x)
{
    const ap_transformer_config c = transformer->config;
    ap_tape_enter(tape);
    for (int i = 0; i < c.layers; i++) {
        const layer *l = &transformer->layers[i];
        x = ap_tape_carry(tape, self_attention(tape, l, c, x));
        x = ap_tape_carry(tape, feed_forward(tape, l, c, x));
    }
    return ap_tape_leave(tape, x);
}

/* ---------------------------------------------------------------- positions */

struct ap_positions {
    ap_params *owner;
    int64_t model, rows;
    ap_real *table; /* [rows, model] */
};

ap_positions *ap_positions_create(ap_params *params, int64_t model)
{
    if (model % 2) ap_fatal("positions: width %lld is odd", (long long)model);
    ap_positions *p = ap_params_alloc(params, sizeof *p);
    p->owner = params;
    p->model = model;
    return p;
}

static void grow(ap_positions *p, int64_t rows)
{
    p->rows = rows;
    p->table = ap_params_alloc(p->owner, (size_t)(rows * p->model) * sizeof(ap_real));
#pragma omp parallel for schedule(static)
    for (int64_t t = 0; t < rows; t++)
        for (int64_t i = 0; i < p->model; i += 2) {
            double angle = (double)t * exp((double)i * -log(10000.0) / (double)p->model);
            p->table[t * p->model + i] = (ap_real)sin(angle);
            p->table[t * p->model + i + 1] = (ap_real)cos(angle);
        }
}

ap_var *ap_positions_add(ap_tape *tape, ap_positions *positions, ap_var *x)
{
    ap_shape shape = x->value.shape;
    if (shape.rank != 3 || shape.at[2] != positions->model)
        ap_fatal("positions of width %lld for %s", (long long)positions->model, ap_shape_print(shape).text);
    if (shape.at[1] > positions->rows) grow(positions, shape.at[1]);
    ap_tensor table = {AP_SHAPE(shape.at[1], positions->model), positions->table};
    return ap_add_rows(tape, x, ap_tape_constant(tape, table));
}
