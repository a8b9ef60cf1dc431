#include "antiphon/checkpoint.h"

#include "antiphon/safetensors.h"
#include "assembly/model_create.h"
#include "assembly/safetensors_types.h"
#include "base/memory.h"
#include "base/text.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "antiphon-1"
#define M_PREFIX "optimiser.m."
#define V_PREFIX "optimiser.v."
#define W_PREFIX "optimiser.w." /* the weights as they are, where the model's are their running mean */
/* Bounds of counters, so that counting cannot overflow. train.epochs has the same bound. */
#define EPOCHS_MOST INT64_C(1000000)
#define COUNT_MOST (INT64_C(1) << 53)

/* ---------------------------------------------------------------- progress as JSON */

/* Numbers are written as text: a double cannot hold all 64-bit counters, and sums must be restored bit for
 * bit. */
static void put(cJSON *object, const char *key, const char *text)
{
    if (!cJSON_AddStringToObject(object, key, text)) ap_fatal("out of memory: a checkpoint's state");
}

static void put_bits(cJSON *object, const char *key, uint64_t bits)
{
    char text[AP_NUMBER_TEXT];
    snprintf(text, sizeof text, "%" PRIu64, bits);
    put(object, key, text);
}

static void put_real(cJSON *object, const char *key, double x)
{
    char text[AP_NUMBER_TEXT];
    ap_text_of_number(x, text);
    put(object, key, text);
}

/* Of each term that has one: [sum, weight]. */
static void put_balancer(cJSON *root, const ap_balancer *balancer)
{
    cJSON *sums = cJSON_AddObjectToObject(root, "balancer"),
          *weights = cJSON_AddObjectToObject(root, "balancer_weights");
    if (!sums || !weights) ap_fatal("out of memory: a checkpoint's state");
    for (int k = 0; k < AP_MEASURE_ADDED; k++) {
        if (balancer->weight[k] == 0) continue;
        put_real(sums, ap_measure_name(k), balancer->sum[k]);
        put_real(weights, ap_measure_name(k), balancer->weight[k]);
    }
}

static char *progress_to_json(const ap_progress *p, int64_t optimiser_step)
{
    cJSON *root = cJSON_CreateObject(), *sums = root ? cJSON_AddObjectToObject(root, "sums") : NULL;
    cJSON *weights = sums ? cJSON_AddObjectToObject(root, "sum_weights") : NULL;
    if (!weights) ap_fatal("out of memory: a checkpoint's state");
    put_bits(root, "epoch", (uint64_t)p->epoch);
    put_bits(root, "items", (uint64_t)p->items);
    put_bits(root, "step", (uint64_t)p->step);
    put_bits(root, "set", p->set);
    put_bits(root, "steps", (uint64_t)p->steps);
    put_real(root, "share", p->share);
    put_bits(root, "share_step", (uint64_t)p->share_step);
    put_bits(root, "optimiser_step", (uint64_t)optimiser_step);
    put_bits(root, "rng_seed", p->rng.seed);
    put_bits(root, "rng_counter", p->rng.counter);
    if (p->has_best) put_real(root, "best", p->best);
    put_bits(root, "stale", (uint64_t)p->stale);
    put_bits(root, "counted", (uint64_t)p->counted);
    for (int k = 0; k < AP_MEASURE_COUNT; k++)
        if (p->sums.present[k]) {
            put_real(sums, ap_measure_name(k), p->sums.value[k]);
            put_real(weights, ap_measure_name(k), p->sums.weight[k]);
        }
    put_balancer(root, &p->balancer);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text) ap_fatal("out of memory: a checkpoint's state");
    return text;
}

/* The text behind `key`, or NULL. */
static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* Reads an unsigned 64-bit number; nothing may follow it. */
static bool get_bits(const cJSON *object, const char *key, uint64_t *bits)
{
    const char *text = text_of(object, key);
    char *end;
    if (!text || !isdigit((unsigned char)*text)) return false;
    errno = 0;
    *bits = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

static bool get_count(const cJSON *object, const char *key, int64_t most, int64_t *count)
{
    uint64_t bits = 0;
    bool good = get_bits(object, key, &bits) && bits <= (uint64_t)most;
    *count = good ? (int64_t)bits : 0;
    return good;
}

static bool get_real(const cJSON *object, const char *key, double *x)
{
    const char *text = text_of(object, key);
    return text && ap_text_to_number(text, x);
}

/* The sums may be NaN: an epoch may have had a skipped step. Older checkpoints have no weights of their own:
 * every measure was there in every step. */
static const char *get_sums(const cJSON *root, double counted, ap_measures *into)
{
    const cJSON *sums = cJSON_GetObjectItemCaseSensitive(root, "sums"),
                *weights = cJSON_GetObjectItemCaseSensitive(root, "sum_weights");
    if (!cJSON_IsObject(sums)) return "sums";
    for (int k = 0; k < AP_MEASURE_COUNT; k++) {
        const char *name = ap_measure_name(k);
        into->present[k] = cJSON_GetObjectItemCaseSensitive(sums, name) != NULL;
        if (into->present[k] && !get_real(sums, name, &into->value[k])) return name;
        into->weight[k] = into->present[k] ? counted : 0;
        if (weights && into->present[k] && !get_real(weights, name, &into->weight[k])) return name;
    }
    return NULL;
}

/* Older checkpoints have none. */
static const char *get_balancer(const cJSON *root, ap_balancer *balancer)
{
    const cJSON *sums = cJSON_GetObjectItemCaseSensitive(root, "balancer"),
                *weights = cJSON_GetObjectItemCaseSensitive(root, "balancer_weights");
    for (int k = 0; k < AP_MEASURE_ADDED; k++) {
        const char *name = ap_measure_name(k);
        if (!cJSON_HasObjectItem(sums, name)) continue;
        double *sum = &balancer->sum[k], *weight = &balancer->weight[k];
        bool good = get_real(sums, name, sum) && get_real(weights, name, weight) && isfinite(*sum) &&
                    isfinite(*weight) && *sum >= 0 && *weight > 0;
        if (!good) return "balancer";
    }
    return NULL;
}

/* Reads what older checkpoints do not have. These count batches of `batch_size` items instead of items. */
static const char *get_plan(const cJSON *root, int64_t batch_size, ap_progress *p)
{
    int64_t batches;
    if (!cJSON_HasObjectItem(root, "items") && get_count(root, "batch", COUNT_MOST, &batches)) {
        return __builtin_mul_overflow(batches, batch_size, &p->items) ? "batch" : NULL;
    }
    if (!get_count(root, "items", COUNT_MOST, &p->items)) return "items";
    if (!get_bits(root, "set", &p->set)) return "set";
    if (!get_count(root, "steps", COUNT_MOST, &p->steps)) return "steps";
    if (!get_count(root, "share_step", COUNT_MOST, &p->share_step) || p->share_step > p->step)
        return "share_step";
    return get_real(root, "share", &p->share) && p->share >= 0 && p->share <= 1 ? NULL : "share";
}

static ap_status progress_from_json(const char *path, const char *text, int64_t batch_size, ap_progress *p,
                                    int64_t *optimiser_step)
{
    cJSON *root = cJSON_ParseWithOpts(text, NULL, true);
    *p = (ap_progress){0};
    const char *bad = NULL;
    const struct {
        const char *key;
        int64_t most, *into;
    } counts[] = {{"epoch", EPOCHS_MOST, &p->epoch},
                  {"step", COUNT_MOST, &p->step},
                  {"optimiser_step", COUNT_MOST, optimiser_step},
                  {"stale", EPOCHS_MOST, &p->stale},
                  {"counted", COUNT_MOST, &p->counted}};
    for (size_t k = 0; k < sizeof counts / sizeof *counts && !bad; k++)
        if (!get_count(root, counts[k].key, counts[k].most, counts[k].into)) bad = counts[k].key;
    if (!bad && *optimiser_step > p->step) bad = "optimiser_step";
    if (!bad && p->stale > p->epoch) bad = "stale";
    if (!bad) bad = get_plan(root, batch_size, p);
    if (!bad && p->counted > p->items) bad = "counted";
    if (!bad && !get_bits(root, "rng_seed", &p->rng.seed)) bad = "rng_seed";
    if (!bad && !get_bits(root, "rng_counter", &p->rng.counter)) bad = "rng_counter";
    p->has_best = cJSON_GetObjectItemCaseSensitive(root, "best") != NULL;
    if (!bad && p->has_best && !(get_real(root, "best", &p->best) && isfinite(p->best))) bad = "best";
    if (!bad) bad = get_balancer(root, &p->balancer);
    if (!bad) bad = get_sums(root, (double)p->counted, &p->sums);
    cJSON_Delete(root);
    return bad ? ap_error(AP_FAILED, "%s: the state's \"%s\" is missing or out of its range", path, bad)
               : ap_ok();
}

/* ---------------------------------------------------------------- saving */

static void add_optimiser(ap_safetensors_writer *writer, const ap_params *params, const ap_adamw *optimiser)
{
    char name[256];
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        if (param->kind != AP_PARAM_TRAINED) continue;
        int64_t at = param->value.data - ap_params_trained_values(params);
        snprintf(name, sizeof name, M_PREFIX "%s", param->name);
        ap_safetensors_writer_add(writer, name, (ap_tensor){param->value.shape, optimiser->m + at});
        snprintf(name, sizeof name, V_PREFIX "%s", param->name);
        ap_safetensors_writer_add(writer, name, (ap_tensor){param->value.shape, optimiser->v + at});
        if (!optimiser->average) continue;
        snprintf(name, sizeof name, W_PREFIX "%s", param->name);
        ap_safetensors_writer_add(writer, name, param->value);
    }
}

/* What the model is to others: the running mean where there is one. */
static void add_model(ap_safetensors_writer *writer, const ap_params *params, const ap_adamw *optimiser)
{
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        ap_tensor value = param->value;
        if (optimiser->average && param->kind == AP_PARAM_TRAINED)
            value.data = optimiser->average + (value.data - ap_params_trained_values(params));
        ap_safetensors_writer_add(writer, param->name, value);
    }
}

ap_status ap_checkpoint_save(const char *path, const ap_config *config, ap_model *model,
                             const ap_adamw *optimiser, const ap_progress *progress)
{
    const ap_params *params = ap_model_params(model);
    ap_safetensors_writer *writer = ap_safetensors_writer_create();
    char *config_text = ap_config_to_json(config), *state = progress_to_json(progress, optimiser->step);
    ap_safetensors_writer_metadata(writer, "format", FORMAT);
    ap_safetensors_writer_metadata(writer, "version", AP_VERSION);
    ap_safetensors_writer_metadata(writer, "config", config_text);
    ap_safetensors_writer_metadata(writer, "state", state);
    add_model(writer, params, optimiser);
    add_optimiser(writer, params, optimiser);
    ap_status status = ap_safetensors_writer_save(writer, path);
    ap_safetensors_writer_free(writer);
    free(config_text);
    free(state);
    return status;
}

/* ---------------------------------------------------------------- loading */

static bool is_optimiser(const char *name)
{
    return strncmp(name, "optimiser.", strlen("optimiser.")) == 0;
}

/* Squares and variances are never negative. */
static ap_status check_not_negative(const char *path, const char *name, ap_tensor tensor)
{
    bool negative = false;
    for (int64_t i = 0; i < ap_shape_count(tensor.shape); i++) negative |= tensor.data[i] < 0;
    if (!negative) return ap_ok();
    return ap_error(AP_FAILED, "%s: tensor %s: holds a negative number, but is a mean of squares", path,
                    name);
}

static ap_status load_param(ap_safetensors *file, const char *path, const ap_param *param)
{
    AP_TRY(ap_safetensors_load(file, param->name, param->value));
    if (!ap_text_ends_in(param->name, strlen(param->name), ".running_var")) return ap_ok();
    return check_not_negative(path, param->name, param->value);
}

/* Checks that the file holds these parameters and, besides them, only the optimiser's state. */
static ap_status check_tensors(ap_safetensors *file, const char *path, const ap_params *params)
{
    for (size_t i = 0; i < ap_safetensors_count(file); i++) {
        const char *name = ap_safetensors_name(file, i);
        if (!is_optimiser(name) && !ap_params_find(params, name))
            return ap_error(AP_FAILED, "%s: holds %s, which a model of this configuration does not have",
                            path, name);
    }
    for (size_t i = 0; i < ap_params_count(params); i++)
        AP_TRY(
            ap_safetensors_expect(file, ap_params_at(params, i)->name, ap_params_at(params, i)->value.shape));
    return ap_ok();
}

static ap_status load_tensors(ap_safetensors *file, const char *path, ap_model *model)
{
    const ap_params *params = ap_model_params(model);
    AP_TRY(check_tensors(file, path, params));
    for (size_t i = 0; i < ap_params_count(params); i++)
        AP_TRY(load_param(file, path, ap_params_at(params, i)));
    ap_codec_reload(ap_model_codec(model));
    return ap_ok();
}

static ap_status load_optimiser(ap_safetensors *file, const char *path, const ap_params *params,
                                ap_adamw *optimiser)
{
    char name[256];
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        if (param->kind != AP_PARAM_TRAINED) continue;
        int64_t at = param->value.data - ap_params_trained_values(params);
        snprintf(name, sizeof name, M_PREFIX "%s", param->name);
        AP_TRY(ap_safetensors_load(file, name, (ap_tensor){param->value.shape, optimiser->m + at}));
        snprintf(name, sizeof name, V_PREFIX "%s", param->name);
        ap_tensor squares = {param->value.shape, optimiser->v + at};
        AP_TRY(ap_safetensors_load(file, name, squares));
        AP_TRY(check_not_negative(path, name, squares));
    }
    return ap_ok();
}

/* The weights in training beside their running mean, which the model has been loaded with. */
static ap_status load_average(ap_safetensors *file, const ap_config *config, const ap_params *params,
                              ap_adamw *optimiser)
{
    char name[256];
    if (optimiser->average)
        memcpy(optimiser->average, ap_params_trained_values(params),
               (size_t)ap_params_trained_count(params) * sizeof *optimiser->average);
    for (size_t i = 0; config->train.ema > 0 && i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        if (param->kind != AP_PARAM_TRAINED) continue;
        snprintf(name, sizeof name, W_PREFIX "%s", param->name);
        AP_TRY(ap_safetensors_load(file, name, param->value));
    }
    return ap_ok();
}

/* opens a file whose metadata says that it is a checkpoint of this program */
static ap_status open_checkpoint(const char *path, ap_safetensors **file)
{
    AP_TRY(ap_safetensors_open(path, file));
    const char *format = ap_safetensors_metadata(*file, "format");
    if (format && strcmp(format, FORMAT) == 0 && ap_safetensors_metadata(*file, "config") &&
        ap_safetensors_metadata(*file, "state"))
        return ap_ok();
    ap_safetensors_close(*file);
    return ap_error(
        AP_FAILED,
        "%s: a safetensors file, but not a checkpoint of antiphon (its metadata has no \"format\": \"%s\")",
        path, FORMAT);
}

/* Reads the configuration. A fault in it is a failure of the file, not a misuse by the user. */
static ap_status read_config(ap_safetensors *file, const char *path, ap_config *config)
{
    const char *text = ap_safetensors_metadata(file, "config");
    *config = ap_config_default();
    ap_status status = ap_config_parse(path, text, strlen(text), config); /* the message names the path */
    if (ap_failed(&status)) return ap_error(AP_FAILED, "%s", status.message);
    status = ap_config_check(config);
    return ap_failed(&status) ? ap_error(AP_FAILED, "%s: %s", path, status.message) : status;
}

ap_status ap_checkpoint_resume(const char *path, ap_model *model, ap_adamw *optimiser, ap_progress *progress)
{
    ap_safetensors *file;
    ap_config config;
    AP_TRY(open_checkpoint(path, &file));
    ap_status status = read_config(file, path, &config);
    if (!ap_failed(&status)) status = load_tensors(file, path, model);
    if (!ap_failed(&status)) status = load_optimiser(file, path, ap_model_params(model), optimiser);
    if (!ap_failed(&status)) status = load_average(file, &config, ap_model_params(model), optimiser);
    if (!ap_failed(&status))
        status = progress_from_json(path, ap_safetensors_metadata(file, "state"), config.train.batch_size,
                                    progress, &optimiser->step);
    ap_safetensors_close(file);
    return status;
}

static bool holds(const ap_safetensors *file, const ap_param *param)
{
    return ap_safetensors_find(file, param->name) >= 0;
}

/* Checks that tensors in both the file and the model have the same shapes, and counts them. */
static ap_status check_shared(const ap_safetensors *file, const char *path, const ap_params *params,
                              size_t *shared)
{
    *shared = 0;
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        if (!holds(file, param)) continue;
        AP_TRY(ap_safetensors_expect(file, param->name, param->value.shape));
        ++*shared;
    }
    if (*shared) return ap_ok();
    return ap_error(AP_FAILED, "%s: holds no tensor of the model that this configuration describes", path);
}

static ap_status load_shared(ap_safetensors *file, const char *path, const ap_params *params)
{
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        if (holds(file, param)) AP_TRY(load_param(file, path, param));
    }
    return ap_ok();
}

static void tell_unshared(const ap_safetensors *file, const ap_params *params, ap_weights_told *told,
                          void *context)
{
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        if (!holds(file, param)) told(context, false, param->name, param->value.shape);
    }
    for (size_t i = 0; i < ap_safetensors_count(file); i++) {
        const char *name = ap_safetensors_name(file, i);
        if (!is_optimiser(name) && !ap_params_find(params, name))
            told(context, true, name, ap_safetensors_shape(file, i));
    }
}

ap_status ap_checkpoint_weights(const char *path, ap_model *model, ap_weights_told *told, void *context,
                                size_t *taken)
{
    const ap_params *params = ap_model_params(model);
    ap_safetensors *file;
    *taken = 0;
    AP_TRY(open_checkpoint(path, &file));
    ap_status status = check_shared(file, path, params, taken);
    if (!ap_failed(&status)) status = load_shared(file, path, params);
    if (!ap_failed(&status)) {
        ap_codec_reload(ap_model_codec(model));
        if (told) tell_unshared(file, params, told, context);
    }
    ap_safetensors_close(file);
    return status;
}

ap_status ap_checkpoint_config(const char *path, ap_config *config)
{
    ap_safetensors *file;
    AP_TRY(open_checkpoint(path, &file));
    ap_status status = read_config(file, path, config);
    ap_safetensors_close(file);
    return status;
}

typedef struct source {
    ap_safetensors *file;
    const char *path;
} source;

static ap_status fits(const ap_params *params, void *context)
{
    const source *from = context;
    return check_tensors(from->file, from->path, params);
}

ap_status ap_checkpoint_load(const char *path, ap_config *config, ap_model **model)
{
    ap_safetensors *file;
    *model = NULL;
    AP_TRY(open_checkpoint(path, &file));
    ap_status status = read_config(file, path, config);
    config->codec.weights[0] = '\0'; /* the weights are in the checkpoint */
    source from = {file, path};
    if (!ap_failed(&status)) status = ap_model_create_checked(config, 0, fits, &from, model);
    if (!ap_failed(&status)) {
        status = load_tensors(file, path, *model);
        if (ap_failed(&status)) {
            ap_model_free(*model);
            *model = NULL;
        }
    }
    ap_safetensors_close(file);
    return status;
}
