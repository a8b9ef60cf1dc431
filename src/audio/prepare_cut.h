/* Cuts recordings into the windows of a pair set, as planned. */
#ifndef ANTIPHON_AUDIO_PREPARE_CUT_H
#define ANTIPHON_AUDIO_PREPARE_CUT_H

#include "audio/journal.h"
#include "audio/pair_set.h"
#include "audio/prepare_sources.h"

#include <stdint.h>

/* Cuts all sources into windows of `window` samples, with all threads, and goes on with what an earlier run
 * with the same plan has cut. tally of each source: what its windows have become. The failure is that of the
 * first source that fails. */
ap_status ap_prepare_cut(const pair_set *set, const ap_prepare_options *o, ap_journal *journal,
                         int64_t window, ap_prepare_sources *all);

#endif
