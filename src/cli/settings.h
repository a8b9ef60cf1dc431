/* The configuration of a verb: from a file, with the command line's overrides. */
#ifndef ANTIPHON_CLI_SETTINGS_H
#define ANTIPHON_CLI_SETTINGS_H

#include "antiphon/config.h"
#include "cli/options.h"

/* Replaces in *config, which holds the defaults, what the file says. A checkpoint or a run's folder in its
 * place is misuse that says what to do instead, and where a training is what is asked for (`train`) how it is
 * begun from one. */
ap_status settings_load(const char *path, bool train, ap_config *config);

/* Applies the overrides in the order of the words, and checks the result. */
ap_status settings_override(const parsed_options *options, ap_config *config);

#endif
