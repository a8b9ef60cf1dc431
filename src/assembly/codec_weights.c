#include "assembly/codec_weights.h"

#include "antiphon/codec.h"
#include "antiphon/safetensors.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* How much stands before a codec's own names in the file. */
static size_t prefix_length(const ap_safetensors *file, const char **prefix)
{
    static const char anchor[] = "encoder.layers.0.conv.bias";
    for (size_t i = 0; i < ap_safetensors_count(file); i++) {
        const char *name = ap_safetensors_name(file, i);
        size_t length = strlen(name), before = length - strlen(anchor);
        if (!ap_text_ends_in(name, length, anchor) || (before > 0 && name[before - 1] != '.')) continue;
        *prefix = name;
        return before;
    }
    *prefix = "";
    return 0;
}

/* A parameter's name as PyTorch's newer weight norm has it; NULL where it is no other. For the caller to
 * free. */
static char *parametrized(const char *name)
{
    static const char *const names[][2] = {{"weight_g", "parametrizations.weight.original0"},
                                           {"weight_v", "parametrizations.weight.original1"}};
    size_t length = strlen(name);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (ap_text_ends_in(name, length, names[k][0]))
            return ap_format_text("%.*s%s", (int)(length - strlen(names[k][0])), name, names[k][1]);
    return NULL;
}

static ap_status load(ap_safetensors *file, size_t before, const char *prefix, const ap_param *param)
{
    char *name = ap_format_text("%.*s%s", (int)before, prefix, param->name), *newer = parametrized(name);
    bool by_newer = newer && ap_safetensors_find(file, name) < 0 && ap_safetensors_find(file, newer) >= 0;
    ap_status status = ap_safetensors_load(file, by_newer ? newer : name, param->value);
    free(name);
    free(newer);
    return status;
}

ap_status ap_codec_weights_load(const char *path, const ap_params *params)
{
    ap_safetensors *file;
    const char *prefix;
    AP_TRY(ap_safetensors_open(path, &file));
    size_t before = prefix_length(file, &prefix);
    ap_status status = ap_ok();
    for (size_t i = 0; i < ap_params_count(params) && !ap_failed(&status); i++) {
        const ap_param *param = ap_params_at(params, i);
        if (ap_codec_owns(param->name)) status = load(file, before, prefix, param);
    }
    ap_safetensors_close(file);
    return status;
}
