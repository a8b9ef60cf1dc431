/* The configuration of a verb: from a file, with the command line's overrides. */
#ifndef ANTIPHON_CLI_SETTINGS_H
#define ANTIPHON_CLI_SETTINGS_H

#include "antiphon/config.h"
#include "cli/options.h"

/* Applies the file to *config, which holds the defaults. A checkpoint or a run's folder in place of the file
 * is AP_MISUSE; the message tells what to do instead and, for `train`, how to start from it. */
ap_status settings_load(const char *path, bool train, ap_config *config);

/* Applies the overrides in the order of the words, and checks the result. */
ap_status settings_override(const parsed_options *options, ap_config *config);

#endif
