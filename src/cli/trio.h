/* Trios (audio/trio.h) as the verbs compose and compare them. */
#ifndef ANTIPHON_CLI_TRIO_H
#define ANTIPHON_CLI_TRIO_H

#include "antiphon/compose.h"
#include "antiphon/pairs.h"
#include "audio/trio.h"

/* The length that all three have. Where that leaves something out, the standard error says so in one line
 * that begins with `who`. */
int64_t trio_length(const char *who, const ap_audio trio[TRIO]);

/* Composes from a pair into the three files, with the output's peaks limited or not. `watch` and `composed`
 * may be NULL. */
ap_status trio_compose(const ap_config *config, const ap_model *model, const ap_pair *pair,
                       const trio_paths *paths, bool limit, ap_compose_watch *watch, ap_composed *composed);

#endif
