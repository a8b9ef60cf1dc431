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

ap_status ap_codec_weights_load(const char *path, const ap_params *params)
{
    ap_safetensors *file;
    AP_TRY(ap_safetensors_open(path, &file));
    ap_encodec_names names = ap_encodec_names_of(file);
    ap_status status = ap_encodec_check(path, file, &names);
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

/* The shape of "encoder.layers.<index>.<part>". */
static ap_shape layer(const described *d, int index, const char *part)
{
    char *name = ap_format_text("encoder.layers.%d.%s", index, part);
    ap_shape shape = ap_encodec_shape(d->file, &d->names, name);
    free(name);
    return shape;
}

/* Strides as the encoder has them; each of its layers doubles the channels, with twice its stride in taps. */
static int read_ratios(const described *d, int ratios[AP_CODEC_RATIOS_MAX])
{
    int count = 0;
    for (; count < AP_CODEC_RATIOS_MAX; count++) {
        ap_shape shape = layer(d, 3 * count + 3, "conv.weight_v");
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
        char *part = ap_format_text("lstm.weight_ih_l%d", count);
        bool there = layer(d, index, part).rank == 2;
        free(part);
        if (!there) break;
    }
    return count;
}

static bool describe(const described *d, ap_config *config)
{
    int ratios[AP_CODEC_RATIOS_MAX];
    ap_shape first = layer(d, 0, "conv.weight_v");
    int count = read_ratios(d, ratios);
    config->codec.type = AP_CODEC_SEANET;
    config->codec.ratios.count = count;
    for (int i = 0; i < count; i++) config->codec.ratios.at[i] = ratios[count - 1 - i];
    config->codec.lstm = count_lstm(d, 3 * count + 1);
    ap_shape last = layer(d, 3 * count + 2 + (config->codec.lstm > 0), "conv.weight_v");
    if (first.rank != 3 || last.rank != 3 || count == 0 || first.at[0] > 1024 || last.at[0] > 65536)
        return false;
    config->codec.width = (int)first.at[0];
    config->codec.dim = (int)last.at[0];
    return true;
}

ap_status ap_codec_weights_describe(const char *path, ap_config *config)
{
    if (strlen(path) >= sizeof config->codec.weights)
        return ap_error(AP_FAILED, "%s: the path is too long for codec.weights", path);
    ap_safetensors *file;
    AP_TRY(ap_safetensors_open(path, &file));
    described d = {file, ap_encodec_names_of(file)};
    ap_status status = ap_encodec_check(path, file, &d.names);
    if (!ap_failed(&status) && !describe(&d, config))
        status =
            ap_error(AP_FAILED, "%s: holds neither a checkpoint nor the weights of an EnCodec model", path);
    ap_safetensors_close(file);
    memcpy(config->codec.weights, path, strlen(path) + 1);
    return status;
}
