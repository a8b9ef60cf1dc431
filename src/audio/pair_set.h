/* Making pair sets: the folders of one, and what says how it was made. (Listing them: antiphon/pairs.h.) */
#ifndef ANTIPHON_AUDIO_PAIR_SET_H
#define ANTIPHON_AUDIO_PAIR_SET_H

#include "antiphon/audio.h"
#include "base/leftovers.h"

#include <stdbool.h>

/* The file in a set that says how it was made: one line. */
#define PAIR_SET_NOTE "made_by.txt"

/* A set that is being made. Until it is whole it stands in a folder of its own within the set's, so that
 * nobody can take half a set for one; what a run that was killed has left there is removed by the next. */
typedef struct pair_set {
    char *folder; /* where the set will be */
    char *place;  /* where it is made: `folder`/unfinished, or `folder` where the same set is made again */
    bool created; /* `folder` was not there before */
    bool
        whole; /* all of it is there: a run that was killed while it moved the set had left only that to do */
    ap_leftover *left[2];
} pair_set;

/* Begins a set in `folder`. A folder that holds something already is refused; but where the same note always
 * makes the same files (repeatable), the folder may be a set with this note, whose files are then replaced.
 * Where set->whole there is nothing to write. */
ap_status ap_pair_set_begin(const char *folder, const char *note, bool repeatable, pair_set *set);

/* Writes one side of pair `number` of a split. */
ap_status ap_pair_set_write(const pair_set *set, bool validation, int64_t number, bool target,
                            const ap_audio *audio);

/* After a success moves the set to where it will be; after a failure removes what was made. Frees `set`;
 * returns `status`, or what went wrong in moving. */
ap_status ap_pair_set_end(pair_set *set, ap_status status);

#endif
