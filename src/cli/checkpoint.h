/* Loads the checkpoint of a verb that composes. */
#ifndef ANTIPHON_CLI_CHECKPOINT_H
#define ANTIPHON_CLI_CHECKPOINT_H

#include "antiphon/config.h"
#include "antiphon/model.h"
#include "antiphon/status.h"

/* As ap_checkpoint_load, from a file or a run's folder (ap_run_folder_checkpoint). Fails if the checkpoint
 * holds only a codec. */
ap_status checkpoint_load_agent(const char *checkpoint, ap_config *config, ap_model **model);

#endif
