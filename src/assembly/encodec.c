#include "assembly/encodec.h"

#include "antiphon/rate.h"
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

/* The name in the package encodec, which wraps convolutions twice. `wrapper` is conv, or convtr for
 * transposed convolutions. */
static char *original_name(const char *ours, const char *wrapper)
{
    char *twice = ap_format_text(".%s.%s.", wrapper, wrapper);
    char *model = replaced(ours, "coder.layers.", "coder.model."), *name = replaced(model, ".conv.", twice);
    free(twice);
    free(model);
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

/* ---------------------------------------------------------------- which model it is */

static ap_status refuse(const char *path, const char *what)
{
    return ap_error(
        AP_FAILED, "%s: not EnCodec's model of 24 kHz, which seanet computes (causal, mono, weight norm): %s",
        path, what);
}

/* Refuses a configuration of transformers with settings that this codec does not implement. */
static ap_status check_config(const char *path, const cJSON *config, bool *causal)
{
    static const struct {
        const char *key, *text; /* a text value */
        double number;          /* or a number; or a bool as 0 or 1 */
    } wanted[] = {
        {"use_causal_conv", NULL, 1},
        {"norm_type", "weight_norm", 0},
        {"pad_mode", "reflect", 0},
        {"audio_channels", NULL, 1},
        {"use_conv_shortcut", NULL, 1},
        {"sampling_rate", NULL, AP_SAMPLE_RATE},
        {"num_residual_layers", NULL, 1},
        {"kernel_size", NULL, 7},
        {"last_kernel_size", NULL, 7},
        {"residual_kernel_size", NULL, 3},
        {"compress", NULL, 2},
        {"trim_right_ratio", NULL, 1},
    };
    for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(config, wanted[k].key);
        if (!item) continue;
        bool same = wanted[k].text ? cJSON_IsString(item) && strcmp(item->valuestring, wanted[k].text) == 0
                    : cJSON_IsBool(item) ? cJSON_IsTrue(item) == (wanted[k].number != 0)
                                         : cJSON_IsNumber(item) && item->valuedouble == wanted[k].number;
        if (same && k == 0) *causal = true;
        if (same) continue;
        char *value = cJSON_PrintUnformatted(item);
        char *what =
            ap_format_text("the config.json beside it says %s: %s", wanted[k].key, value ? value : "?");
        ap_status status = refuse(path, what);
        free(what);
        cJSON_free(value);
        return status;
    }
    return ap_ok();
}

/* Checks a config.json beside the weights, of the codec itself or of a model around it (MusicGen's
 * "audio_encoder"). Any other configuration is ignored. *causal: whether it says that the model is causal.
 */
static ap_status check_config_beside(const char *path, bool *causal)
{
    const char *slash = strrchr(path, '/');
    char *beside = ap_format_text("%.*sconfig.json", slash ? (int)(slash - path) + 1 : 0, path);
    cJSON *config;
    ap_status status = ap_json_read(beside, &config);
    free(beside);
    if (ap_failed(&status)) return ap_ok();
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(config, "audio_encoder");
    const cJSON *codec = cJSON_IsObject(inner) ? inner : config;
    status = cJSON_IsObject(codec) && cJSON_GetObjectItemCaseSensitive(codec, "use_causal_conv")
                 ? check_config(path, codec, causal)
                 : ap_ok();
    cJSON_Delete(config);
    return status;
}

ap_shape ap_encodec_shape(const ap_safetensors *file, const ap_encodec_names *names, const char *ours)
{
    char *name = ap_encodec_name(file, names, ours);
    long at = ap_safetensors_find(file, name);
    free(name);
    return at < 0 ? (ap_shape){.rank = 0} : ap_safetensors_shape(file, (size_t)at);
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

/* Width 64 and strides 8, 5, 4, 4: MusicGen's codec. */
static bool is_musicgens(const ap_safetensors *file, const ap_encodec_names *names)
{
    static const struct {
        const char *weight;
        int64_t kernel;
    } strides[] = {{"decoder.layers.3.conv.weight_v", 16},
                   {"decoder.layers.6.conv.weight_v", 10},
                   {"decoder.layers.9.conv.weight_v", 8},
                   {"decoder.layers.12.conv.weight_v", 8}};
    ap_shape first = ap_encodec_shape(file, names, "encoder.layers.0.conv.weight_v");
    bool same = first.rank == 3 && first.at[0] == 64;
    for (size_t k = 0; k < sizeof strides / sizeof *strides; k++) {
        ap_shape shape = ap_encodec_shape(file, names, strides[k].weight);
        same = same && shape.rank == 3 && shape.at[2] == strides[k].kernel;
    }
    return same;
}

ap_status ap_encodec_check(const char *path, const ap_safetensors *file, const ap_encodec_names *names)
{
    bool causal = false;
    if (ap_safetensors_metadata(file, "config")) return ap_ok(); /* a checkpoint of our own */
    AP_TRY(check_config_beside(path, &causal));
    if (has(file, names, ".norm.")) return refuse(path, "it has group norm, as the model of 48 kHz has");
    ap_shape first = ap_encodec_shape(file, names, "encoder.layers.0.conv.weight_v");
    if (first.rank == 3 && first.at[1] == 2)
        return refuse(path, "it has two channels, as the model of 48 kHz has");
    if (has(file, names, ".block.") && !has(file, names, ".shortcut."))
        return refuse(path,
                      "it has no convolutions as shortcuts, like MusicGen's of 32 kHz, which is not causal");
    if (!causal && is_musicgens(file, names))
        return refuse(
            path, "its shapes are those of MusicGen's of 32 kHz, which is not causal (a config.json beside "
                  "it could say use_causal_conv: true)");
    return ap_ok();
}
