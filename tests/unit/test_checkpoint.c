/* Checkpoints: what comes back is what was saved, and what no training can have left is refused by name. */
#include "antiphon/checkpoint.h"

#include "antiphon/safetensors.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/settings.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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

static whole create_with(uint64_t seed, bool agent)
{
    static const char *const settings[][2] = {
        {"codec.type", "seanet"}, {"codec.dim", "4"},       {"codec.width", "2"},      {"codec.ratios", "4"},
        {"codec.lstm", "0"},      {"agent.component", "2"}, {"agent.model", "4"},      {"agent.heads", "2"},
        {"agent.layers", "1"},    {"agent.ff", "4"},        {"agent.output", "direct"}};
    whole w = {.config = ap_config_default()};
    set_all(&w.config, sizeof settings / sizeof *settings, settings);
    w.config.agent.compositional = agent;
    ok(ap_model_create(&w.config, seed, &w.model));
    w.optimiser = ap_adamw_init(ap_params_trained_count(ap_model_params(w.model)));
    for (int64_t i = 0; i < w.optimiser.count; i++) {
        w.optimiser.m[i] = (ap_real)(0.25 * (double)(i % 5) - 0.5);
        w.optimiser.v[i] = (ap_real)(0.125 * (double)(i % 7));
    }
    w.optimiser.step = 7;
    w.progress = (ap_progress){
        .epoch = 3, .items = 2, .step = 8, .has_best = true, .best = 0.5, .stale = 1, .counted = 2};
    w.progress.sums.present[AP_MEASURE_LOSS] = true;
    w.progress.sums.value[AP_MEASURE_LOSS] = 1.25;
    return w;
}

static whole create(uint64_t seed)
{
    return create_with(seed, true);
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
    assert_true(into.optimiser.step == 7 && into.progress.epoch == 3 && into.progress.items == 2 &&
                into.progress.step == 8 && into.progress.best == 0.5 && into.progress.stale == 1 &&
                into.progress.counted == 2);
    assert_true(into.progress.sums.present[AP_MEASURE_LOSS] &&
                isnan(into.progress.sums.value[AP_MEASURE_LOSS]));
    discard(&from);
    discard(&into);
}

/* ---------------------------------------------------------------- weights alone */

typedef struct heard {
    size_t fresh, left_out;
    bool agent_only; /* whether all of them were the agent's */
} heard;

static void on_told(void *context, bool left_out, const char *name, ap_shape shape)
{
    heard *h = context;
    ++*(left_out ? &h->left_out : &h->fresh);
    h->agent_only &= strncmp(name, "agent.", strlen("agent.")) == 0;
    assert_true(ap_shape_count(shape) > 0);
}

static bool same_numbers(const ap_param *a, const ap_param *b)
{
    bool same = true;
    for (int64_t n = 0; n < ap_shape_count(a->value.shape); n++)
        same &= (float)a->value.data[n] == (float)b->value.data[n];
    return same;
}

/* Every tensor of `into` that `from` has too is now the same, every other as it was in `before`. */
static void taken_over(const whole *into, const whole *from, const whole *before)
{
    const ap_params *params = ap_model_params(into->model);
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        const ap_param *source = ap_params_find(ap_model_params(from->model), param->name);
        if (!source) source = ap_params_find(ap_model_params(before->model), param->name);
        if (!same_numbers(param, source)) fail_msg("%s", param->name);
    }
}

/* Between a model and the same without the agent, both ways; nothing of the optimiser, and no word of it. */
static void weights_that_both_have_are_taken(void **state)
{
    const char *path = folder_path(state, "a.safetensors");
    for (int way = 0; way < 2; way++) {
        whole from = create_with(1, way == 0), into = create_with(2, way == 1),
              before = create_with(2, way == 1);
        const ap_params *larger = ap_model_params(way == 0 ? from.model : into.model);
        size_t shared = ap_params_count(ap_model_params(way == 0 ? into.model : from.model)), taken;
        heard h = {.agent_only = true};
        ok(save(path, &from));
        ok(ap_checkpoint_weights(path, into.model, on_told, &h, &taken));
        assert_int_equal(taken, shared);
        assert_int_equal(h.fresh, way == 0 ? 0 : ap_params_count(larger) - shared);
        assert_int_equal(h.left_out, way == 0 ? ap_params_count(larger) - shared : 0);
        assert_true(h.agent_only);
        taken_over(&into, &from, &before);
        discard(&from);
        discard(&into);
        discard(&before);
    }
}

/* The last tensor of the file has another shape: those before it are as they were. */
static void weights_of_another_shape_change_nothing(void **state)
{
    const char *path = folder_path(state, "a.safetensors");
    whole from = create(1), into = create(2), before = create(2);
    const ap_params *params = ap_model_params(from.model);
    ap_param *last = ap_params_at(params, ap_params_count(params) - 1);
    size_t taken;
    last->value.shape.at[0] = 1;
    ok(save(path, &from));
    refused(ap_checkpoint_weights(path, into.model, NULL, NULL, &taken), path, last->name);
    taken_over(&into, &before, &before);
    discard(&from);
    discard(&into);
    discard(&before);
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
        {"epoch", &w.progress.epoch, 1000001},
        {"epoch", &w.progress.epoch, INT64_MAX},
        {"items", &w.progress.items, INT64_MAX},
        {"items", &w.progress.items, -1},
        {"steps", &w.progress.steps, -1},
        {"share_step", &w.progress.share_step, 9},
        {"step", &w.progress.step, INT64_MAX},
        {"optimiser_step", &w.optimiser.step, INT64_MAX},
        {"optimiser_step", &w.optimiser.step, 9},
        {"stale", &w.progress.stale, 4},
        {"counted", &w.progress.counted, 3}, /* more than there were items */
        {"counted", &w.progress.counted, INT64_MIN},
        {"counted", &w.progress.counted, INT64_MAX - 1},
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

/* ---------------------------------------------------------------- small files cost little */

#define MEBIBYTE 1024 /* as getrusage counts */
/* What a process may take for a small file or a header of 4 MiB: gigabytes are what this is about. */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_MOST (1024 * MEBIBYTE)
#else
#define MEMORY_MOST (256 * MEBIBYTE)
#endif

static void put_header(const char *path, const char *header)
{
    ap_replacement file;
    uint64_t length = strlen(header);
    ok(ap_replace_begin(path, &file));
    ok(ap_replace_write(&file, &length, sizeof length));
    ok(ap_replace_write(&file, header, length));
    ok(ap_replace_commit(&file));
}

/* In a process of its own, whose memory is then looked at: the file is refused. */
static void refused_in_little_memory(const char *path, const char *reason)
{
    struct rusage used;
    int outcome;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ap_config config;
        ap_model *model;
        ap_status status = ap_checkpoint_load(path, &config, &model);
        _exit(ap_failed(&status) && strstr(status.message, path) && strstr(status.message, reason) ? 0 : 1);
    }
    assert_int_equal(wait4(child, &outcome, 0, &used), child);
    if (!WIFEXITED(outcome) || WEXITSTATUS(outcome) != 0) fail_msg("not refused as \"%s\"", reason);
    if (used.ru_maxrss > MEMORY_MOST) fail_msg("\"%s\" took %ld MiB", reason, used.ru_maxrss / MEBIBYTE);
}

/* A checkpoint of a few hundred bytes that says it is of a model of this configuration. */
static void put_claim(const char *path, const char *config)
{
    cJSON *header = cJSON_CreateObject(), *metadata = cJSON_AddObjectToObject(header, "__metadata__");
    cJSON_AddStringToObject(metadata, "format", "antiphon-1");
    cJSON_AddStringToObject(metadata, "config", config);
    cJSON_AddStringToObject(metadata, "state", "{}");
    char *text = cJSON_PrintUnformatted(header);
    put_header(path, text);
    cJSON_free(text);
    cJSON_Delete(header);
}

static void small_files_cost_little(void **state)
{
    const char *path = folder_path(state, "a.safetensors");
    put_claim(path, "{\"agent\": {\"model\": 4096, \"ff\": 16384, \"layers\": 2}}"); /* 3.2 GB */
    refused_in_little_memory(path, "tensor agent.input_extractor.rhythm.conv1.weight: is missing");
    put_claim(path, "{\"codec\": {\"type\": \"seanet\", \"width\": 1024, \"dim\": 4096}}");
    refused_in_little_memory(path, "tensor encoder.layers.0.conv.weight_v: is missing");
    put_claim(path, "{\"codec\": {\"dim\": 16384, \"hop\": 16384}}"); /* a table of 2.1 GB */
    refused_in_little_memory(path, "the transform's table has 537 million numbers");
    put_claim(path, "{\"codec\": {\"dim\": 65536, \"hop\": 65536}, \"agent\": {\"compositional\": false, "
                    "\"output\": \"direct\"}}");
    refused_in_little_memory(path, "the transform's table has 8590 million numbers");
}

/* A header as long as is read, of what takes most memory for its length, and a longer one. */
static void large_headers_cost_little(void **state)
{
    static const struct {
        const char *begin, *item, *end, *reason;
    } cases[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0", ",0", "],\"data_offsets\":[0,0]}}",
         "dimensions, more than 4"},
        {"{\"a\":[\"\"", ",\"\"", "]}", "tensor a: not an object"},
        {"{\"a\":0", ",\"\":0", "}", "tensor : is there twice"},
    };
    const char *path = folder_path(state, "a.safetensors");
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int longer = 0; longer < 2; longer++) {
            size_t most = (size_t)4 << 20, item = strlen(cases[k].item),
                   ends = strlen(cases[k].begin) + strlen(cases[k].end);
            size_t count = (most - ends) / item + (size_t)longer;
            char *header = malloc(ends + count * item + 1), *at = stpcpy(header, cases[k].begin);
            for (size_t i = 0; i < count; i++) at = stpcpy(at, cases[k].item);
            strcpy(at, cases[k].end);
            put_header(path, header);
            refused_in_little_memory(path,
                                     longer ? "bytes: the limit is 4194304" : cases[k].reason);
            free(header);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_saved_comes_back, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(weights_that_both_have_are_taken, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(weights_of_another_shape_change_nothing, folder_create,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(nothing_that_is_not_finite_is_saved, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(squares_are_not_negative, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(counters_are_in_range, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(small_files_cost_little, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(large_headers_cost_little, folder_create, folder_remove),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
