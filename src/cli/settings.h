/* What the command line changes in a configuration. */
#ifndef ANTIPHON_CLI_SETTINGS_H
#define ANTIPHON_CLI_SETTINGS_H

#include "antiphon/config.h"
#include "cli/options.h"

/* Sets every key that was overridden, in the order of the words, and checks the whole. */
ap_status settings_override(const parsed_options *options, ap_config *config);

#endif
