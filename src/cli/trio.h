/* Trios (audio/trio.h) as the verbs compose and compare them. */
#ifndef ANTIPHON_CLI_TRIO_H
#define ANTIPHON_CLI_TRIO_H

#include "antiphon/compose.h"
#include "antiphon/pairs.h"
#include "audio/trio.h"

/* Where the lengths of three recordings differ, so that something of one is left out, the standard error says
 * so in one line that begins with `who`. lengths: as by ap_audio_measure_all. */
void trio_tell_lengths(const char *who, const int64_t lengths[TRIO], int64_t shortest);

/* Composes from a pair into the three files, with the output's peaks limited or not. `watch` and `composed`
 * may be NULL. */
ap_status trio_compose(const ap_config *config, ap_model *model, const ap_pair *pair, const trio_paths *paths,
                       bool limit, ap_compose_watch *watch, ap_composed *composed);

#endif
