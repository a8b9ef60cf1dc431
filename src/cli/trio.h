/* Trios (audio/trio.h): composing and comparing three recordings. */
#ifndef ANTIPHON_CLI_TRIO_H
#define ANTIPHON_CLI_TRIO_H

#include "antiphon/compose.h"
#include "antiphon/pairs.h"
#include "audio/trio.h"

/* If the lengths of three recordings differ, so that part of one is left out, prints one line on the
 * standard error that begins with `who`. `lengths` comes from ap_audio_measure_all. */
void trio_tell_lengths(const char *who, const int64_t lengths[TRIO], int64_t shortest);

/* Composes from a pair into the three files; `settings` says how, its paths are not read. `watch` and
 * `composed` may be NULL. */
ap_status trio_compose(const ap_config *config, ap_model *model, const ap_pair *pair, const trio_paths *paths,
                       const ap_compose_paths *settings, ap_compose_watch *watch, ap_composed *composed);

#endif
