#include "antiphon/optimiser.h"

#include "base/memory.h"
#include "kernels/array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ap_adamw ap_adamw_init(int64_t count)
{
    ap_adamw state = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01, .count = count};
    state.m = ap_allocate((size_t)count, sizeof *state.m);
    state.v = ap_allocate((size_t)count, sizeof *state.v);
    return state;
}

void ap_adamw_average(ap_adamw *state, double decay, const ap_real *values)
{
    state->averaging = decay;
    state->average = ap_allocate((size_t)state->count, sizeof *state->average);
    memcpy(state->average, values, (size_t)state->count * sizeof *values);
}

void ap_adamw_free(ap_adamw *state)
{
    free(state->average);
    state->average = NULL;
    free(state->m);
    free(state->v);
    free(state->spared);
    state->m = state->v = NULL;
    state->spared = NULL;
}

static void move_average(ap_adamw *state, const ap_real *values)
{
    double t = (double)state->step;
    const ap_real keep = (ap_real)fmin(state->averaging, (1 + t) / (10 + t));
    ap_real *average = state->average;
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < state->count; i++) average[i] = keep * average[i] + (1 - keep) * values[i];
}

void ap_adamw_step(ap_adamw *state, double lr, double grad_scale, const ap_real *grads, ap_real *values)
{
    state->step++;
    double correct1 = 1 - pow(state->beta1, (double)state->step),
           correct2 = 1 - pow(state->beta2, (double)state->step);
    const ap_real b1 = (ap_real)state->beta1, b2 = (ap_real)state->beta2, scale = (ap_real)grad_scale;
    const ap_real keep = (ap_real)(1 - lr * state->weight_decay), rate = (ap_real)(lr / correct1);
    const ap_real root = (ap_real)(1 / sqrt(correct2)), eps = (ap_real)state->eps;
    ap_real *m = state->m, *v = state->v;
    const bool *spared = state->spared;
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < state->count; i++) {
        ap_real g = scale * grads[i];
        m[i] = b1 * m[i] + (1 - b1) * g;
        v[i] = b2 * v[i] + (1 - b2) * g * g;
        values[i] =
            (spared && spared[i] ? 1 : keep) * values[i] - rate * m[i] / ((ap_real)sqrt(v[i]) * root + eps);
    }
    if (state->average) move_average(state, values);
}

double ap_norm(int64_t count, const ap_real *x)
{
    return sqrt(ap_array_dot(count, x, x));
}

double ap_clip_scale(double norm, double most)
{
    if (!isfinite(norm)) return 0;
    return most > 0 ? fmin(1, most / (norm + 1e-6)) : 1;
}
