/* Checkpoints: what comes back is what was saved, and what no training can have left is refused by name. */
#include "antiphon/checkpoint.h"

#include "antiphon/safetensors.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/settings.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A model with BatchNorm, a frozen codec and all that a checkpoint holds. */
typedef struct whole {
    ap_config config;
    ap_model *model;
    ap_adamw optimiser;
    ap_progress progress;
} whole;

static void ok(ap_status status)
{
    assert_string_equal(status.message, "");
    assert_int_equal(status.code, AP_OK);
}

static void refused(ap_status status, const char *path, const char *reason)
{
    assert_int_equal(status.code, AP_FAILED);
    if (!strstr(status.message, path) || !strstr(status.message, reason))
        fail_msg("\"%s\" names neither \"%s\" nor \"%s\"", status.message, path, reason);
}

static whole create(uint64_t seed)
{
    static const char *const settings[][2] = {
        {"codec.type", "seanet"}, {"codec.dim", "4"},       {"codec.width", "2"},      {"codec.ratios", "4"},
        {"codec.lstm", "0"},      {"agent.component", "2"}, {"agent.model", "4"},      {"agent.heads", "2"},
        {"agent.layers", "1"},    {"agent.ff", "4"},        {"agent.output", "direct"}};
    whole w = {.config = ap_config_default()};
    set_all(&w.config, sizeof settings / sizeof *settings, settings);
    ok(ap_model_create(&w.config, seed, &w.model));
    w.optimiser = ap_adamw_init(ap_params_trained_count(ap_model_params(w.model)));
    for (int64_t i = 0; i < w.optimiser.count; i++) {
        w.optimiser.m[i] = (ap_real)(0.25 * (double)(i % 5) - 0.5);
        w.optimiser.v[i] = (ap_real)(0.125 * (double)(i % 7));
    }
    w.optimiser.step = 7;
    w.progress = (ap_progress){
        .epoch = 3, .batch = 2, .step = 8, .has_best = true, .best = 0.5, .stale = 1, .counted = 4};
    w.progress.sums.present[AP_MEASURE_LOSS] = true;
    w.progress.sums.value[AP_MEASURE_LOSS] = 1.25;
    return w;
}

static void discard(whole *w)
{
    ap_adamw_free(&w->optimiser);
    ap_model_free(w->model);
}

static ap_status save(const char *path, const whole *w)
{
    return ap_checkpoint_save(path, &w->config, w->model, &w->optimiser, &w->progress);
}

static ap_status resume(const char *path, whole *w)
{
    return ap_checkpoint_resume(path, w->model, &w->optimiser, &w->progress);
}

static void what_is_saved_comes_back(void **state)
{
    const char *path = folder_path(state, "a.safetensors");
    whole from = create(1), into = create(2);
    from.progress.sums.value[AP_MEASURE_LOSS] = NAN; /* a step of this epoch was skipped */
    memset(into.optimiser.m, 0, (size_t)into.optimiser.count * sizeof(ap_real));
    into.optimiser.step = 0;
    into.progress = (ap_progress){0};
    ok(save(path, &from));
    ok(resume(path, &into));
    const ap_params *a = ap_model_params(from.model), *b = ap_model_params(into.model);
    for (size_t i = 0; i < ap_params_count(a); i++)
        for (int64_t n = 0; n < ap_shape_count(ap_params_at(a, i)->value.shape); n++)
            assert_true((float)ap_params_at(a, i)->value.data[n] == (float)ap_params_at(b, i)->value.data[n]);
    for (int64_t i = 0; i < from.optimiser.count; i++)
        assert_true(from.optimiser.m[i] == into.optimiser.m[i] && from.optimiser.v[i] == into.optimiser.v[i]);
    assert_true(into.optimiser.step == 7 && into.progress.epoch == 3 && into.progress.batch == 2 &&
                into.progress.step == 8 && into.progress.best == 0.5 && into.progress.stale == 1 &&
                into.progress.counted == 4);
    assert_true(into.progress.sums.present[AP_MEASURE_LOSS] &&
                isnan(into.progress.sums.value[AP_MEASURE_LOSS]));
    discard(&from);
    discard(&into);
}

/* ---------------------------------------------------------------- nothing broken is saved over what is sound
 */

/* Saves with *number broken; what was there stays. */
static void not_saved(const char *path, const whole *w, ap_real *number, const char *tensor)
{
    const ap_real bad[] = {(ap_real)NAN, (ap_real)INFINITY, -(ap_real)INFINITY,
                           (ap_real)1e300 /* as float */};
    ap_real kept = *number;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        char reason[200];
        snprintf(reason, sizeof reason, "not written: tensor %s holds a number that is not finite", tensor);
        *number = bad[k];
        refused(save(path, w), path, reason);
    }
    *number = kept;
}

static void nothing_that_is_not_finite_is_saved(void **state)
{
    const char *path = folder_path(state, "a.safetensors");
    whole w = create(1);
    char *before, *after;
    size_t length, now;
    ok(save(path, &w));
    ok(ap_file_read(path, SIZE_MAX, &before, &length));
    const ap_params *params = ap_model_params(w.model);
    int kinds[AP_PARAM_BUFFER + 1] = {0};
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        int64_t last = ap_shape_count(param->value.shape) - 1;
        kinds[param->kind]++;
        not_saved(path, &w, &param->value.data[last], param->name);
        if (param->kind != AP_PARAM_TRAINED) continue;
        int64_t at = param->value.data - ap_params_trained_values(params);
        char name[200];
        snprintf(name, sizeof name, "optimiser.m.%s", param->name);
        not_saved(path, &w, &w.optimiser.m[at], name);
        snprintf(name, sizeof name, "optimiser.v.%s", param->name);
        not_saved(path, &w, &w.optimiser.v[at], name);
    }
    for (int k = 0; k <= AP_PARAM_BUFFER; k++) assert_true(kinds[k] > 0);
    ok(ap_file_read(path, SIZE_MAX, &after, &now));
    assert_int_equal(length, now);
    assert_memory_equal(before, after, length);
    assert_int_equal(folder_count(state), 1);
    free(before);
    free(after);
    discard(&w);
}

/* ---------------------------------------------------------------- what a checkpoint must obey */

static void squares_are_not_negative(void **state)
{
    const char *path = folder_path(state, "a.safetensors");
    whole w = create(1);
    const ap_params *params = ap_model_params(w.model);
    int variances = 0;
    char reason[200];
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        int64_t last = ap_shape_count(param->value.shape) - 1;
        bool variance = strstr(param->name, "running_var") != NULL;
        ap_real *number = &param->value.data[last];
        if (param->kind == AP_PARAM_TRAINED)
            number = &w.optimiser.v[number - ap_params_trained_values(params)];
        if (param->kind != AP_PARAM_TRAINED && !variance) continue;
        ap_real kept = *number;
        variances += variance;
        *number = (ap_real)-1e-30;
        ok(save(path, &w));
        snprintf(reason, sizeof reason, "tensor %s%s: holds a negative number",
                 variance ? "" : "optimiser.v.", param->name);
        refused(resume(path, &w), path, reason);
        ap_config config;
        ap_model *model;
        if (variance) refused(ap_checkpoint_load(path, &config, &model), path, reason);
        number = variance ? &param->value.data[last] : number;
        *number = kept;
    }
    assert_true(variances > 0);
    discard(&w);
}

static void counters_are_in_range(void **state)
{
    const char *path = folder_path(state, "a.safetensors");
    whole w = create(1);
    ap_progress good = w.progress;
    const struct {
        const char *key;
        int64_t *counter, bad;
    } cases[] = {
        {"epoch", &w.progress.epoch, 1000001},       {"epoch", &w.progress.epoch, INT64_MAX},
        {"batch", &w.progress.batch, INT64_MAX},     {"batch", &w.progress.batch, -1},
        {"step", &w.progress.step, INT64_MAX},       {"optimiser_step", &w.optimiser.step, INT64_MAX},
        {"optimiser_step", &w.optimiser.step, 9},    {"stale", &w.progress.stale, 4},
        {"counted", &w.progress.counted, INT64_MIN}, {"counted", &w.progress.counted, INT64_MAX - 1},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char reason[100];
        *cases[k].counter = cases[k].bad;
        ok(save(path, &w));
        snprintf(reason, sizeof reason, "the state's \"%s\" is missing or out of its range", cases[k].key);
        refused(resume(path, &w), path, reason);
        w.progress = good;
        w.optimiser.step = 7;
    }
    ok(save(path, &w));
    ok(resume(path, &w));
    discard(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_saved_comes_back, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(nothing_that_is_not_finite_is_saved, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(squares_are_not_negative, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(counters_are_in_range, folder_create, folder_remove),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
