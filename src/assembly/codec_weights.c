#include "assembly/codec_weights.h"

#include "antiphon/codec.h"
#include "antiphon/model.h"
#include "antiphon/safetensors.h"
#include "assembly/encodec.h"
#include "base/memory.h"
#include "model/seanet.h"

#include <stdlib.h>
#include <string.h>

static ap_status load(ap_safetensors *file, const ap_encodec_names *names, const ap_param *param)
{
    char *name = ap_encodec_name(file, names, param->name);
    ap_status status = ap_safetensors_load(file, name, param->value);
    free(name);
    return status;
}

/* Refuses weights of a model that pads, cuts or scales otherwise than the configuration says: their shapes
 * may be the same. `told`: what is known of the file's model is more than its shapes. */
static ap_status compare(const char *path, const ap_config *file, const ap_config *config, bool told)
{
    static const char *const keys[] = {"codec.channels", "codec.norm",      "codec.sample_rate",
                                       "codec.causal",   "codec.normalize", "codec.segment",
                                       "codec.overlap"};
    const size_t by_shape = 2;
    char its[AP_CONFIG_TEXT], ours[AP_CONFIG_TEXT];
    for (size_t k = 0; k < (told ? sizeof keys / sizeof *keys : by_shape); k++) {
        ap_config_value(file, ap_config_index(keys[k]), its);
        ap_config_value(config, ap_config_index(keys[k]), ours);
        if (strcmp(its, ours) != 0)
            return ap_error(AP_FAILED, "%s: of a model with %s = %s; the configuration has %s", path, keys[k],
                            its, ours);
    }
    return ap_ok();
}

static ap_status check(const char *path, const ap_safetensors *file, const ap_encodec_names *names,
                       const ap_config *config)
{
    ap_config its = ap_config_default();
    bool told;
    AP_TRY(ap_encodec_describe(path, file, names, &its, &told));
    return compare(path, &its, config, told);
}

ap_status ap_codec_weights_load(const ap_config *config, const ap_params *params)
{
    const char *path = config->codec.weights;
    ap_safetensors *file;
    AP_TRY(ap_safetensors_open(path, &file));
    ap_encodec_names names = ap_encodec_names_of(file);
    ap_status status = check(path, file, &names, config);
    for (size_t i = 0; i < ap_params_count(params) && !ap_failed(&status); i++) {
        const ap_param *param = ap_params_at(params, i);
        if (ap_codec_owns(param->name)) status = load(file, &names, param);
    }
    ap_safetensors_close(file);
    return status;
}

typedef struct described {
    const ap_safetensors *file;
    ap_encodec_names names;
} described;

/* The shape of the kernel of "encoder.layers.<index>". */
static ap_shape kernel(const described *d, int index)
{
    char *layer = ap_format_text("encoder.layers.%d.", index);
    ap_shape shape = ap_encodec_kernel(d->file, &d->names, layer);
    free(layer);
    return shape;
}

/* Strides as the encoder has them; each of its layers doubles the channels, with twice its stride in taps. */
static int read_ratios(const described *d, int ratios[AP_CODEC_RATIOS_MAX])
{
    int count = 0;
    for (; count < AP_CODEC_RATIOS_MAX; count++) {
        ap_shape shape = kernel(d, 3 * count + 3);
        bool strided = shape.rank == 3 && shape.at[0] == 2 * shape.at[1] && shape.at[2] % 2 == 0;
        if (!strided || shape.at[2] > 2 * 64) break;
        ratios[count] = (int)shape.at[2] / 2;
    }
    return count;
}

static int count_lstm(const described *d, int index)
{
    int count = 0;
    for (; count < AP_SEANET_LSTM_MAX; count++) {
        char *name = ap_format_text("encoder.layers.%d.lstm.weight_ih_l%d", index, count);
        bool there = ap_encodec_shape(d->file, &d->names, name).rank == 2;
        free(name);
        if (!there) break;
    }
    return count;
}

static bool describe(const described *d, ap_config *config)
{
    int ratios[AP_CODEC_RATIOS_MAX];
    ap_shape first = kernel(d, 0);
    int count = read_ratios(d, ratios);
    config->codec.type = AP_CODEC_SEANET;
    config->codec.ratios.count = count;
    for (int i = 0; i < count; i++) config->codec.ratios.at[i] = ratios[count - 1 - i];
    config->codec.lstm = count_lstm(d, 3 * count + 1);
    ap_shape last = kernel(d, 3 * count + 2 + (config->codec.lstm > 0));
    if (first.rank != 3 || last.rank != 3 || count == 0 || first.at[0] > 1024 || last.at[0] > 65536)
        return false;
    config->codec.width = (int)first.at[0];
    config->codec.dim = (int)last.at[0];
    return true;
}

/* Mono and with weight norm, it is taken for one like EnCodec's of 24 kHz; of others nothing is known. */
static ap_status check_known(const char *path, const ap_config *config)
{
    const bool group = config->codec.norm == AP_CODEC_TIME_GROUP_NORM;
    if (!group && config->codec.channels == 1) return ap_ok();
    return ap_error(AP_FAILED,
                    "%s: has %s, and shapes do not tell its sample rate, padding and segments: a config.json "
                    "beside it could, or a configuration with codec.weights",
                    path, group ? "group norm" : "two channels");
}

ap_status ap_codec_weights_describe(const char *path, ap_config *config)
{
    if (strlen(path) >= sizeof config->codec.weights)
        return ap_error(AP_FAILED, "%s: the path is too long for codec.weights", path);
    ap_safetensors *file;
    AP_TRY(ap_safetensors_open(path, &file));
    described d = {file, ap_encodec_names_of(file)};
    bool told;
    ap_status status = ap_encodec_describe(path, file, &d.names, config, &told);
    if (!ap_failed(&status) && !describe(&d, config))
        status =
            ap_error(AP_FAILED, "%s: holds neither a checkpoint nor the weights of an EnCodec model", path);
    if (!ap_failed(&status) && !told) status = check_known(path, config);
    ap_safetensors_close(file);
    memcpy(config->codec.weights, path, strlen(path) + 1);
    return status;
}
