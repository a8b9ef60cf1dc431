#include "antiphon/ops.h"
#include "model/layers.h"
#include "model/output.h"
#include "model/transformer.h"

#include <stdio.h>

#define FF_FACTOR 4
#define MATCH_LOW ((ap_real)0.7)
#define MATCH_HIGH ((ap_real)1.5)
#define MATCH_GUARD ((ap_real)1e-8)

typedef struct stage {
    ap_positions *positions;
    ap_affine_params norm_in, norm_out, out;
    ap_transformer *transformer;
} stage;

struct ap_cascade {
    stage stages[2];
};

static stage stage_create(ap_params *params, int64_t dim, ap_transformer_config config, const char *prefix)
{
    char name[128];
    stage s;
#define NAME(part) (snprintf(name, sizeof name, "%s.%s", prefix, part), name)
    s.positions = ap_positions_create(params, config.model);
    s.norm_in = ap_layer_norm_create(params, config.model, NAME("norm_in"));
    s.norm_out = ap_layer_norm_create(params, config.model, NAME("norm_out"));
    s.transformer = ap_transformer_create(params, config, NAME("transformer"));
    s.out = ap_linear_create(params, config.model, dim, NAME("out"));
#undef NAME
    return s;
}

ap_cascade *ap_cascade_create(ap_params *params, int64_t dim, int heads, int layers, ap_real dropout,
                              const char *prefix)
{
    ap_cascade *cascade = ap_params_alloc(params, sizeof *cascade);
    for (int k = 0; k < 2; k++) {
        int64_t width = (2 + k) * dim;
        ap_transformer_config config = {width, heads, layers, FF_FACTOR * width, dropout, 0};
        char name[64];
        snprintf(name, sizeof name, "%sstage%d", prefix, k);
        cascade->stages[k] = stage_create(params, dim, config, name);
    }
    return cascade;
}

static ap_var *stage_apply(ap_tape *tape, const stage *s, int count, ap_var *const *sources)
{
    ap_tape_enter(tape);
    ap_var *x = ap_transpose(tape, ap_concat(tape, 1, count, sources));
    x = ap_layer_norm_apply(tape, s->norm_in, ap_positions_add(tape, s->positions, x));
    x = ap_layer_norm_apply(tape, s->norm_out, ap_transformer_apply(tape, s->transformer, x));
    return ap_tape_leave(tape, ap_transpose(tape, ap_linear_apply(tape, s->out, x)));
}

/* y, each item scaled towards the root of the mean power of a and b */
static ap_var *match_level(ap_tape *tape, ap_var *y, ap_var *a, ap_var *b)
{
    ap_tape_enter(tape);
    ap_var *ra = ap_rms(tape, a), *rb = ap_rms(tape, b);
    ap_var *power = ap_add(tape, ap_mul(tape, ra, ra), ap_mul(tape, rb, rb));
    ap_var *want = ap_sqrt(tape, ap_scale(tape, power, (ap_real)0.5));
    ap_var *have = ap_affine(tape, ap_rms(tape, y), 1, MATCH_GUARD);
    ap_var *factor = ap_mul(tape, want, ap_reciprocal(tape, have));
    return ap_tape_leave(tape, ap_mul_items(tape, y, ap_clamp(tape, factor, MATCH_LOW, MATCH_HIGH)));
}

ap_var *ap_cascade_refine(ap_tape *tape, ap_cascade *cascade, ap_var *zc, ap_var *zt)
{
    ap_tape_enter(tape);
    ap_var *sum = ap_add(tape, zc, zt);
    ap_var *y = stage_apply(tape, &cascade->stages[0], 2, (ap_var *[]){zc, zt});
    y = match_level(tape, ap_add(tape, y, ap_scale(tape, sum, (ap_real)0.5)), zc, zt);
    ap_var *mean = ap_scale(tape, ap_add(tape, sum, y), (ap_real)(1.0 / 3));
    ap_var *refined = stage_apply(tape, &cascade->stages[1], 3, (ap_var *[]){zc, y, zt});
    return ap_tape_leave(tape, match_level(tape, ap_add(tape, refined, mean), zc, zt));
}
