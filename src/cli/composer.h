/* The checkpoint of a verb that composes. */
#ifndef ANTIPHON_CLI_COMPOSER_H
#define ANTIPHON_CLI_COMPOSER_H

#include "antiphon/config.h"
#include "antiphon/model.h"
#include "antiphon/status.h"

/* ap_checkpoint_load, but a checkpoint that holds a codec alone fails. */
ap_status composer_load(const char *checkpoint, ap_config *config, ap_model **model);

#endif
