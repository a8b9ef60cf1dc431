/* Makes pair sets: their folders, and the note that says how a set was made. (For listing them see
 * antiphon/pairs.h.) */
#ifndef ANTIPHON_AUDIO_PAIR_SET_H
#define ANTIPHON_AUDIO_PAIR_SET_H

#include "antiphon/audio.h"
#include "base/leftovers.h"

#include <stdbool.h>

/* The note: one line that says how the set was made. */
#define PAIR_SET_NOTE "made_by.txt"

/* A set in the making. Until it is complete it is in a folder of its own inside the set's folder, so that
 * half a set is never taken for a whole one. What a killed run has left there is removed by the next run, or,
 * if that makes the same set and it is long work, taken over. */
typedef struct pair_set {
    char *folder; /* the final place of the set */
    char *place;  /* where it is made: `folder`/unfinished, or `folder` if the same set is made again */
    bool created; /* `folder` did not exist before */
    bool
        whole; /* all of it is there: a run that was killed while it moved the set had left only that to do */
    bool resumable; /* what an interrupted run has made stays there for the next */
    ap_leftover *left[2];
} pair_set;

/* Begins a set in `folder`, which must be empty or not exist. If the same note always makes the same files
 * (repeatable), the folder may also be a set with this note; its files are then replaced. Otherwise, what an
 * interrupted run with this note has left in the unfinished set is there: the caller knows what of it is of
 * use. */
ap_status ap_pair_set_begin(const char *folder, const char *note, bool repeatable, pair_set *set);

/* Writes one side of pair `number` of a split. */
ap_status ap_pair_set_write(const pair_set *set, bool validation, int64_t number, bool target,
                            const ap_audio *audio);

/* The path of a file for the caller's notes, in the unfinished set; it is not part of the set that is moved.
 * The caller frees it. */
char *ap_pair_set_journal(const pair_set *set);

/* Removes the pairs that are in the unfinished set. */
ap_status ap_pair_set_clear(const pair_set *set);

/* Ends the set: if `status` is success, moves it to its final place, otherwise removes it, unless
 * it was interrupted and can go on. Frees `set`.
 * Returns `status`, or the failure to move. */
ap_status ap_pair_set_end(pair_set *set, ap_status status);

#endif
