/* The checkpoint of a verb that composes. */
#ifndef ANTIPHON_CLI_CHECKPOINT_H
#define ANTIPHON_CLI_CHECKPOINT_H

#include "antiphon/config.h"
#include "antiphon/model.h"
#include "antiphon/status.h"

/* ap_checkpoint_load for an agent, from a file or from a run's folder (ap_run_folder_checkpoint): a
 * checkpoint that holds a codec alone fails. */
ap_status checkpoint_load_agent(const char *checkpoint, ap_config *config, ap_model **model);

#endif
