#include "assembly/encodec.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- names */

ap_encodec_names ap_encodec_names_of(const ap_safetensors *file)
{
    static const char *const anchors[] = {"encoder.layers.0.conv.bias", "encoder.model.0.conv.conv.bias"};
    for (size_t i = 0; i < ap_safetensors_count(file); i++)
        for (int k = 0; k < 2; k++) {
            const char *name = ap_safetensors_name(file, i);
            size_t length = strlen(name), before = length - strlen(anchors[k]);
            if (ap_text_ends_in(name, length, anchors[k]) && (before == 0 || name[before - 1] == '.'))
                return (ap_encodec_names){name, before, k == 1};
        }
    return (ap_encodec_names){"", 0, false};
}

/* A copy of the text with the last `from` in it replaced, if there is one. */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *found = NULL;
    for (const char *at = text; (at = strstr(at, from)); at++) found = at;
    if (!found) return ap_copy_text(text);
    return ap_format_text("%.*s%s%s", (int)(found - text), text, to, found + strlen(from));
}

/* The name in the package encodec, which wraps convolutions twice, the second time together with the norm
 * behind them. `wrapper` is conv, or convtr for transposed convolutions. */
static char *original_name(const char *ours, const char *wrapper)
{
    char *twice = ap_format_text(".%s.%s.", wrapper, wrapper), *beside = ap_format_text(".%s.norm.", wrapper);
    char *model = replaced(ours, "coder.layers.", "coder.model."), *conv = replaced(model, ".conv.", twice);
    char *name = replaced(conv, ".norm.", beside);
    free(twice);
    free(beside);
    free(model);
    free(conv);
    return name;
}

/* The names of weights in PyTorch's weight norm since 2.1. */
static char *parametrized(const char *name)
{
    char *g = replaced(name, "weight_g", "parametrizations.weight.original0");
    char *v = replaced(g, "weight_v", "parametrizations.weight.original1");
    free(g);
    return v;
}

char *ap_encodec_name(const ap_safetensors *file, const ap_encodec_names *names, const char *ours)
{
    static const char *const wrappers[] = {"conv", "convtr"};
    char *first = NULL;
    for (int k = 0; k < (names->original ? 2 : 1); k++) {
        char *own = names->original ? original_name(ours, wrappers[k]) : ap_copy_text(ours);
        char *older = ap_format_text("%.*s%s", (int)names->before, names->prefix, own),
             *newer = parametrized(older);
        free(own);
        bool by_newer = ap_safetensors_find(file, older) < 0 && ap_safetensors_find(file, newer) >= 0;
        char *name = by_newer ? newer : older;
        free(by_newer ? older : newer);
        if (ap_safetensors_find(file, name) >= 0) {
            free(first);
            return name;
        }
        if (first)
            free(name);
        else
            first = name;
    }
    return first;
}

ap_shape ap_encodec_shape(const ap_safetensors *file, const ap_encodec_names *names, const char *ours)
{
    char *name = ap_encodec_name(file, names, ours);
    long at = ap_safetensors_find(file, name);
    free(name);
    return at < 0 ? (ap_shape){.rank = 0} : ap_safetensors_shape(file, (size_t)at);
}

ap_shape ap_encodec_kernel(const ap_safetensors *file, const ap_encodec_names *names, const char *layer)
{
    char *v = ap_format_text("%sconv.weight_v", layer), *plain = ap_format_text("%sconv.weight", layer);
    ap_shape shape = ap_encodec_shape(file, names, v);
    if (shape.rank == 0) shape = ap_encodec_shape(file, names, plain);
    free(v);
    free(plain);
    return shape;
}

/* ---------------------------------------------------------------- which model it is */

static ap_status refuse(const char *path, const char *what)
{
    return ap_error(AP_FAILED, "%s: of a model that seanet does not compute: %s", path, what);
}

/* The value of an item as the text of a key: "true", "48000", "time_group_norm". The caller frees it. */
static char *text_of(const cJSON *item)
{
    if (cJSON_IsString(item)) return ap_copy_text(item->valuestring);
    char *printed = cJSON_PrintUnformatted(item), *text = ap_copy_text(printed ? printed : "?");
    cJSON_free(printed);
    return text;
}

/* Refuses what no key describes. */
static ap_status check_fixed(const char *path, const cJSON *config)
{
    static const struct {
        const char *key, *value;
    } fixed[] = {
        {"pad_mode", "reflect"}, {"use_conv_shortcut", "true"}, {"num_residual_layers", "1"},
        {"kernel_size", "7"},    {"last_kernel_size", "7"},     {"residual_kernel_size", "3"},
        {"compress", "2"},       {"trim_right_ratio", "1"},
    };
    ap_status status = ap_ok();
    for (size_t k = 0; k < sizeof fixed / sizeof *fixed && !ap_failed(&status); k++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(config, fixed[k].key);
        if (!item) continue;
        char *value = text_of(item),
             *what = ap_format_text("the config.json beside it says %s: %s", fixed[k].key, value);
        if (strcmp(value, fixed[k].value) != 0) status = refuse(path, what);
        free(value);
        free(what);
    }
    return status;
}

/* Sets the keys to what a configuration of transformers says. */
static ap_status read_keys(const char *path, const cJSON *config, ap_config *to)
{
    static const struct {
        const char *theirs, *ours;
    } keys[] = {
        {"use_causal_conv", "codec.causal"},  {"norm_type", "codec.norm"},
        {"audio_channels", "codec.channels"}, {"sampling_rate", "codec.sample_rate"},
        {"normalize", "codec.normalize"},     {"chunk_length_s", "codec.segment"},
        {"overlap", "codec.overlap"},
    };
    ap_status status = ap_ok();
    for (size_t k = 0; k < sizeof keys / sizeof *keys && !ap_failed(&status); k++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(config, keys[k].theirs);
        if (!item || cJSON_IsNull(item)) continue;
        char *value = text_of(item);
        status = ap_config_override(to, keys[k].ours, value);
        if (ap_failed(&status))
            status = ap_error(AP_FAILED, "%s: the config.json beside it says %s: %s: %s", path,
                              keys[k].theirs, value, status.message);
        free(value);
    }
    return status;
}

/* Reads a config.json beside the weights, of the codec itself or of a model around it (MusicGen's
 * "audio_encoder"). Any other configuration is ignored. */
static ap_status read_config_beside(const char *path, ap_config *config, bool *told)
{
    const char *slash = strrchr(path, '/');
    char *beside = ap_format_text("%.*sconfig.json", slash ? (int)(slash - path) + 1 : 0, path);
    cJSON *json;
    ap_status status = ap_json_read(beside, &json);
    free(beside);
    if (ap_failed(&status)) return ap_ok();
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(json, "audio_encoder");
    const cJSON *codec = cJSON_IsObject(inner) ? inner : json;
    status = ap_ok();
    *told = cJSON_IsObject(codec) && cJSON_GetObjectItemCaseSensitive(codec, "use_causal_conv");
    if (*told) status = check_fixed(path, codec);
    if (*told && !ap_failed(&status)) status = read_keys(path, codec, config);
    cJSON_Delete(json);
    return status;
}

/* Whether any tensor of the codec has `part` in its name. */
static bool has(const ap_safetensors *file, const ap_encodec_names *names, const char *part)
{
    for (size_t i = 0; i < ap_safetensors_count(file); i++) {
        const char *name = ap_safetensors_name(file, i), *own = name + names->before;
        if (strncmp(name, names->prefix, names->before) != 0) continue;
        if ((strncmp(own, "encoder.", 8) == 0 || strncmp(own, "decoder.", 8) == 0) && strstr(own, part))
            return true;
    }
    return false;
}

/* A published model of four stages, told by its shapes. */
typedef struct published {
    int64_t channels, width, strides[4];
} published;

static bool has_shapes_of(const ap_safetensors *file, const ap_encodec_names *names, const published *model)
{
    static const char *const layers[] = {"decoder.layers.3.", "decoder.layers.6.", "decoder.layers.9.",
                                         "decoder.layers.12."};
    ap_shape first = ap_encodec_kernel(file, names, "encoder.layers.0.");
    bool same = first.rank == 3 && first.at[0] == model->width && first.at[1] == model->channels;
    for (int k = 0; k < 4; k++) {
        ap_shape shape = ap_encodec_kernel(file, names, layers[k]);
        same = same && shape.rank == 3 && shape.at[2] == 2 * model->strides[k];
    }
    return same;
}

/* The keys that the shapes tell. */
static ap_status read_shapes(const char *path, const ap_safetensors *file, const ap_encodec_names *names,
                             ap_config *config)
{
    ap_shape first = ap_encodec_kernel(file, names, "encoder.layers.0.");
    config->codec.norm = has(file, names, ".norm.") ? AP_CODEC_TIME_GROUP_NORM : AP_CODEC_WEIGHT_NORM;
    if (config->codec.norm == AP_CODEC_TIME_GROUP_NORM) config->codec.causal = false;
    if (first.rank == 3 && first.at[1] > 2) return refuse(path, "it has more than two channels");
    if (first.rank == 3) config->codec.channels = (int)first.at[1];
    if (has(file, names, ".block.") && !has(file, names, ".shortcut."))
        return refuse(path, "it has no convolutions as shortcuts, like MusicGen's of 32 kHz");
    return ap_ok();
}

static ap_status check_told(const char *path, const ap_config *shapes, const ap_config *told)
{
    const bool norm = shapes->codec.norm != told->codec.norm;
    if (!norm && shapes->codec.channels == told->codec.channels) return ap_ok();
    return ap_error(AP_FAILED,
                    "%s: the config.json beside it is of another model: its %s differs from the weights'",
                    path, norm ? "norm_type" : "audio_channels");
}

/* A checkpoint of our own holds its configuration. */
static ap_status read_own(const char *path, const char *text, ap_config *config)
{
    ap_config own = ap_config_default();
    AP_TRY(ap_config_parse(path, text, strlen(text), &own));
    config->codec = own.codec;
    return ap_ok();
}

ap_status ap_encodec_describe(const char *path, const ap_safetensors *file, const ap_encodec_names *names,
                              ap_config *config, bool *told)
{
    static const published of_32khz = {1, 64, {8, 5, 4, 4}}, of_48khz = {2, 32, {8, 5, 4, 2}};
    const char *own = ap_safetensors_metadata(file, "config");
    *told = own;
    if (own) return read_own(path, own, config);
    AP_TRY(read_shapes(path, file, names, config));
    const ap_config shapes = *config;
    AP_TRY(read_config_beside(path, config, told));
    if (*told) return check_told(path, &shapes, config);
    if (has_shapes_of(file, names, &of_32khz))
        return refuse(path, "its shapes are those of MusicGen's of 32 kHz, which is not causal (a "
                            "config.json beside it could say more)");
    *told = config->codec.norm == AP_CODEC_TIME_GROUP_NORM && has_shapes_of(file, names, &of_48khz);
    if (!*told) return ap_ok();
    config->codec.sample_rate = 48000;
    config->codec.normalize = true;
    config->codec.segment = 1;
    return ap_ok();
}
