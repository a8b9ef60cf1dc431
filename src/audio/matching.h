/* Which input belongs to which target, by their names. */
#ifndef ANTIPHON_AUDIO_MATCHING_H
#define ANTIPHON_AUDIO_MATCHING_H

#include "antiphon/prepare.h"
#include "base/folder.h"

#include <stdint.h>

/* partner[k]: the index of input k's target, or -1. The first way that finds any pair is taken:
 *   1. names (paths without extension) that are the same, 01 and 1 being the same number;
 *   2. the same of the parts in which the names of each side differ: drums_1, drums_10 and piano_01,
 * piano_10;
 *   3. the order of both lists, where they have the same number of recordings; otherwise it is a failure,
 * whose message has the pairs that this would make. */
ap_status ap_match_recordings(const ap_prepare_options *options, const ap_names *inputs,
                              const ap_names *targets, int64_t *partner, ap_prepare_match *how);

#endif
