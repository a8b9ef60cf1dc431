#include "cli/checkpoint.h"

#include "antiphon/checkpoint.h"
#include "antiphon/run_folder.h"

#include <stdlib.h>

static ap_status load_agent(const char *path, ap_config *config, ap_model **model)
{
    AP_TRY(ap_checkpoint_load(path, config, model));
    if (config->agent.compositional || config->agent.output != AP_OUTPUT_DIRECT) return ap_ok();
    ap_model_free(*model);
    *model = NULL;
    return ap_error(AP_FAILED,
                    "%s: holds only a codec, which cannot compose; it can be used as codec.weights", path);
}

ap_status checkpoint_load_agent(const char *checkpoint, ap_config *config, ap_model **model)
{
    char *path;
    *model = NULL;
    AP_TRY(ap_run_folder_checkpoint(checkpoint, &path));
    ap_status status = load_agent(path, config, model);
    free(path);
    return status;
}
