#include "antiphon/params.h"

#include "antiphon/status.h"
#include "base/memory.h"
#include "kernels/array.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 200

struct ap_params {
    ap_arena *arena;
    ap_param **all;
    size_t count, capacity;
    ap_real *values, *grads; /* of the trained parameters, in the order of registration */
    int64_t trained;
};

ap_params *ap_params_create(void)
{
    ap_params *params = ap_allocate(1, sizeof *params);
    params->arena = ap_arena_create();
    return params;
}

void ap_params_free(ap_params *params)
{
    if (!params) return;
    ap_arena_free(params->arena);
    free(params->all);
    free(params);
}

void *ap_params_alloc(ap_params *params, size_t bytes)
{
    return ap_arena_zeros(params->arena, bytes);
}

ap_param *ap_params_add(ap_params *params, ap_param_kind kind, ap_shape shape, ap_init init, const char *name,
                        ...)
{
    char text[NAME_MAX_BYTES];
    va_list arguments;
    va_start(arguments, name);
    int length = vsnprintf(text, sizeof text, name, arguments);
    va_end(arguments);
    if (params->values) ap_fatal("parameter %s registered after the set was built", text);
    if (length < 0 || length >= NAME_MAX_BYTES) ap_fatal("parameter name %s is too long", text);
    if (ap_params_find(params, text)) ap_fatal("parameter %s registered twice", text);
    if (params->count == params->capacity) {
        params->capacity = params->capacity ? 2 * params->capacity : 64;
        params->all = ap_reallocate(params->all, params->capacity, sizeof *params->all);
    }
    ap_param *param = ap_arena_zeros(params->arena, sizeof *param);
    char *owned = ap_arena_alloc(params->arena, (size_t)length + 1);
    memcpy(owned, text, (size_t)length + 1);
    *param = (ap_param){.name = owned, .kind = kind, .init = init, .value.shape = shape};
    return params->all[params->count++] = param;
}

/* `before` is the parameter registered just before, NULL for the first. */
static void initialise_row_norms(ap_param *param, const ap_param *before)
{
    int64_t n = ap_shape_count(param->value.shape);
    if (!before || before->value.shape.rank == 0 || before->value.shape.at[0] != n)
        ap_fatal("parameter %s needs the row norms of the parameter before it, but %s", param->name,
                 before ? ap_shape_print(before->value.shape).text : "there is none");
    int64_t size = ap_shape_count(before->value.shape) / n;
    for (int64_t i = 0; i < n; i++) {
        const ap_real *row = before->value.data + i * size;
        param->value.data[i] = (ap_real)(param->init.a * sqrt(ap_array_dot(size, row, row)));
    }
}

static void initialise(ap_param *param, ap_rng *rng)
{
    int64_t n = ap_shape_count(param->value.shape);
    for (int64_t i = 0; i < n; i++) {
        double a = param->init.a;
        if (param->init.kind == AP_INIT_UNIFORM) a *= 2 * ap_rng_uniform(rng) - 1;
        if (param->init.kind == AP_INIT_ALL_BUT_BLOCK && i * param->init.blocks / n == param->init.zero_block)
            a = 0;
        if (param->init.kind == AP_INIT_NORMAL) a *= ap_rng_normal(rng);
        param->value.data[i] = (ap_real)a;
    }
}

void ap_params_build(ap_params *params, ap_rng *rng)
{
    for (size_t i = 0; i < params->count; i++)
        if (params->all[i]->kind == AP_PARAM_TRAINED)
            params->trained += ap_shape_count(params->all[i]->value.shape);
    size_t bytes = (size_t)params->trained * sizeof(ap_real);
    params->values = ap_arena_zeros(params->arena, bytes);
    params->grads = ap_arena_zeros(params->arena, bytes);
    int64_t at = 0;
    for (size_t i = 0; i < params->count; i++) {
        ap_param *param = params->all[i];
        int64_t n = ap_shape_count(param->value.shape);
        if (param->kind == AP_PARAM_TRAINED) {
            param->value.data = params->values + at;
            param->grad = params->grads + at;
            at += n;
        } else
            param->value.data = ap_arena_alloc(params->arena, (size_t)n * sizeof(ap_real));
        if (param->init.kind == AP_INIT_ROW_NORM)
            initialise_row_norms(param, i > 0 ? params->all[i - 1] : NULL);
        else
            initialise(param, rng);
    }
}

size_t ap_params_count(const ap_params *params)
{
    return params->count;
}

ap_param *ap_params_at(const ap_params *params, size_t index)
{
    return params->all[index];
}

ap_param *ap_params_find(const ap_params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++)
        if (strcmp(params->all[i]->name, name) == 0) return params->all[i];
    return NULL;
}

ap_real *ap_params_trained_values(const ap_params *params)
{
    return params->values;
}

ap_real *ap_params_trained_grads(const ap_params *params)
{
    return params->grads;
}

int64_t ap_params_trained_count(const ap_params *params)
{
    return params->trained;
}

void ap_params_zero_grads(ap_params *params)
{
    memset(params->grads, 0, (size_t)params->trained * sizeof(ap_real));
}

ap_var *ap_tape_param(ap_tape *tape, const ap_param *param)
{
    return param ? ap_tape_leaf(tape, param->value, param->grad) : NULL;
}
