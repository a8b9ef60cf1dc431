#include "train/together.h"

#include "base/memory.h"
#include "ranks/collect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void sum_over_ranks(void *context, int64_t n, double *x)
{
    (void)context;
    ap_ranks_sum(n, x);
}

ap_tape_rows ap_together_rows(int64_t count)
{
    int64_t ranks = ap_ranks_count(), own = ap_ranks_own();
    int64_t first = count * own / ranks, end = count * (own + 1) / ranks;
    return (ap_tape_rows){.first = first, .count = end - first, .total = count, .sum = sum_over_ranks};
}

void ap_together_enter(ap_tape *tape, const ap_tape_rows *rows)
{
    if (tape && ap_ranks_count() > 1) ap_tape_rows_set(tape, rows);
}

/* Adds up measures over the ranks, some of which may have none. */
static void sum_measures(ap_measures *m, double weight, int64_t *count)
{
    double sums[2 * AP_MEASURE_COUNT + 1], *present = sums + AP_MEASURE_COUNT,
                                           *items = present + AP_MEASURE_COUNT;
    for (int k = 0; k < AP_MEASURE_COUNT; k++) {
        sums[k] = m->present[k] && weight > 0 ? weight * m->value[k] : 0;
        present[k] = m->present[k];
    }
    *items = count ? (double)*count : 0;
    ap_ranks_sum(2 * AP_MEASURE_COUNT + 1, sums);
    for (int k = 0; k < AP_MEASURE_COUNT; k++) {
        m->present[k] = present[k] > 0;
        m->value[k] = sums[k];
    }
    if (count) *count = (int64_t)*items;
}

void ap_together_means(const ap_tape_rows *rows, ap_measures *measures)
{
    if (ap_ranks_count() > 1) sum_measures(measures, (double)rows->count / (double)rows->total, NULL);
}

void ap_together_sums(ap_measures *sums, int64_t *count)
{
    if (ap_ranks_count() > 1) sum_measures(sums, 1, count);
}

/* ---------------------------------------------------------------- what must be the same */

ap_status ap_together_config(const ap_config *config)
{
    ap_status status = ap_ok();
    for (size_t i = 0; i < ap_config_count() && ap_ranks_count() > 1; i++) {
        char own[AP_CONFIG_TEXT] = "", first[AP_CONFIG_TEXT];
        const char *name = ap_config_name(i);
        ap_config_value(config, i, own);
        memcpy(first, own, sizeof first);
        ap_ranks_broadcast(sizeof first, first);
        if (!ap_failed(&status) && strcmp(own, first) != 0 && strcmp(name, "data.path") != 0)
            status = ap_error(AP_MISUSE, "%s is %s, but %s on rank 0", name, own, first);
    }
    return ap_ranks_agree(status);
}

ap_status ap_together_sets(uint64_t train, uint64_t validation)
{
    uint64_t first[2] = {train, validation};
    ap_ranks_broadcast(sizeof first, first);
    ap_status status = ap_ok();
    if (first[0] != train || first[1] != validation)
        status = ap_error(AP_FAILED, "the %s set has other recordings than that of rank 0",
                          first[0] != train ? "training" : "validation");
    return ap_ranks_agree(status);
}

/* ---------------------------------------------------------------- the state */

static void copy_numbers(int64_t count, ap_real *x)
{
    if (x) ap_ranks_broadcast((size_t)count * sizeof *x, x);
}

void ap_together_begin(ap_model *model, ap_adamw *optimiser, ap_progress *progress, ap_rng *rng)
{
    ap_params *params = ap_model_params(model);
    for (size_t i = 0; i < ap_params_count(params) && ap_ranks_count() > 1; i++) {
        const ap_param *param = ap_params_at(params, i);
        copy_numbers(ap_shape_count(param->value.shape), param->value.data);
    }
    copy_numbers(optimiser->count, optimiser->m);
    copy_numbers(optimiser->count, optimiser->v);
    copy_numbers(optimiser->count, optimiser->average);
    ap_ranks_broadcast(sizeof optimiser->step, &optimiser->step);
    ap_ranks_broadcast(sizeof *progress, progress);
    ap_ranks_broadcast(sizeof *rng, rng);
}

static uint64_t hash_weights(const ap_params *params)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a over words */
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        for (int64_t k = 0; k < ap_shape_count(param->value.shape); k++) {
            float number = (float)param->value.data[k];
            uint32_t word;
            memcpy(&word, &number, sizeof word);
            hash = (hash ^ word) * UINT64_C(0x100000001b3);
        }
    }
    return hash;
}

bool ap_together_check(ap_model *model, ap_adamw *optimiser)
{
    if (ap_ranks_count() == 1 || ap_ranks_same(hash_weights(ap_model_params(model)))) return true;
    ap_progress unused = {0};
    ap_rng rng = {0};
    ap_together_begin(model, optimiser, &unused, &rng);
    return false;
}
