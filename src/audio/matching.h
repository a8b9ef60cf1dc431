/* Matches inputs to targets by their names. */
#ifndef ANTIPHON_AUDIO_MATCHING_H
#define ANTIPHON_AUDIO_MATCHING_H

#include "antiphon/prepare.h"
#include "base/folder.h"

#include <stdint.h>

/* partner[k] becomes the index of the target of input k, or -1. The first of these ways that finds any pair
 * is used:
 *   1. names without extension that are equal, where 01 and 1 are the same number: first paths, then, of what
 * is left, names without their folders, if each side has the name once;
 *   2. the varying parts of the names of each side that are equal: drums_1, drums_10 and piano_01, piano_10;
 *      of paths, or else of names without their folders;
 *   3. the order of both lists, if they are equally long. Otherwise it is a failure; the message shows some
 * of the pairs that this would make. */
ap_status ap_match_recordings(const ap_prepare_options *options, const ap_names *inputs,
                              const ap_names *targets, int64_t *partner, ap_prepare_match *how);

#endif
