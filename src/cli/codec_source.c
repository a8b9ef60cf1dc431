#include "cli/codec_source.h"

#include "antiphon/checkpoint.h"
#include "antiphon/run_folder.h"
#include "antiphon/safetensors.h"
#include "assembly/codec_weights.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of the default configuration's latents: without these, the codec that is used when none is named would keep
 * a fifth of the spectrum at 44.1 kHz. */
#define DEFAULT_BANDS 16

/* The codec alone, without an agent. */
static ap_status create(ap_config *config, ap_model **model)
{
    config->agent.compositional = false;
    config->agent.output = AP_OUTPUT_DIRECT;
    AP_TRY(ap_config_check_codec(config));
    return ap_model_create(config, 0, model);
}

static bool is_checkpoint(const ap_safetensors *file)
{
    return ap_safetensors_metadata(file, "config") && ap_safetensors_metadata(file, "state");
}

static ap_status load_tensors(const char *path, ap_config *config, ap_model **model)
{
    ap_safetensors *file;
    AP_TRY(ap_safetensors_open(path, &file));
    bool checkpoint = is_checkpoint(file);
    ap_safetensors_close(file);
    if (checkpoint) return ap_checkpoint_load(path, config, model);
    *config = ap_config_default();
    AP_TRY(ap_codec_weights_describe(path, config));
    ap_status status = create(config, model);
    return ap_failed(&status) ? ap_error(AP_FAILED, "%s: %s", path, status.message) : status;
}

ap_status codec_source_load(const char *path, ap_config *config, ap_model **model)
{
    *config = ap_config_default();
    *model = NULL;
    if (!path) {
        config->codec.bands = DEFAULT_BANDS;
        return create(config, model);
    }
    if (ap_text_ends_in(path, strlen(path), ".json")) {
        AP_TRY(ap_config_load(path, config));
        return create(config, model);
    }
    char *file;
    AP_TRY(ap_run_folder_checkpoint(path, &file));
    ap_status status = load_tensors(file, config, model);
    free(file);
    return status;
}

/* What a seanet has that EnCodec's of 24 kHz has not: the keys that are not at their defaults. */
static char *describe_variant(const ap_config *config)
{
    static const char *const keys[] = {"codec.sample_rate", "codec.channels", "codec.causal", "codec.norm",
                                       "codec.normalize",   "codec.segment",  "codec.overlap"};
    const ap_config usual = ap_config_default();
    char *text = ap_copy_text(""), is[AP_CONFIG_TEXT], was[AP_CONFIG_TEXT];
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        ap_config_value(config, ap_config_index(keys[k]), is);
        ap_config_value(&usual, ap_config_index(keys[k]), was);
        if (strcmp(is, was) == 0) continue;
        char *longer = ap_format_text("%s %s=%s", text, keys[k] + strlen("codec."), is);
        free(text);
        text = longer;
    }
    return text;
}

char *codec_source_describe(const ap_config *config)
{
    if (config->codec.type != AP_CODEC_SEANET)
        return ap_format_text("%s dim=%d bands=%d hop=%d gain=%g",
                              config->codec.type == AP_CODEC_MCLT ? "mclt" : "mdct", config->codec.dim,
                              config->codec.bands, config->codec.hop, config->codec.gain);
    int64_t hop = 1;
    for (int i = 0; i < config->codec.ratios.count; i++) hop *= config->codec.ratios.at[i];
    char *variant = describe_variant(config),
         *text = ap_format_text("seanet dim=%d hop=%" PRId64 "%s", config->codec.dim, hop, variant);
    free(variant);
    return text;
}
