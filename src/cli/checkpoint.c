#include "cli/checkpoint.h"

#include "antiphon/checkpoint.h"

ap_status checkpoint_load_agent(const char *checkpoint, ap_config *config, ap_model **model)
{
    AP_TRY(ap_checkpoint_load(checkpoint, config, model));
    if (config->agent.compositional || config->agent.output != AP_OUTPUT_DIRECT) return ap_ok();
    ap_model_free(*model);
    *model = NULL;
    return ap_error(AP_FAILED, "%s: holds a codec alone, which composes nothing; it serves as codec.weights",
                    checkpoint);
}
