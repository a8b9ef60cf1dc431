#include "assembly/codec_weights.h"

#include "antiphon/codec.h"
#include "antiphon/safetensors.h"
#include "assembly/encodec.h"

#include <stdlib.h>

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
