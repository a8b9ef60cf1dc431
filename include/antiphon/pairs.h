/** @file pairs.h
 * Pair sets: folders of input and target recordings that belong together.
 *
 * A set is DIR/train and DIR/val, each with pair_NNNN_input.wav and pair_NNNN_target.wav (the target); a folder
 * that holds such files itself is taken as one split.
 */
#ifndef ANTIPHON_PAIRS_H
#define ANTIPHON_PAIRS_H

#include "antiphon/api.h"
#include "antiphon/status.h"

#include <stddef.h>

AP_API_BEGIN

typedef struct ap_pair {
    char *name;   /**< "pair_0007" */
    char *input;  /**< path of the input recording */
    char *target; /**< path of the target recording */
} ap_pair;

typedef struct ap_pairs {
    ap_pair *at; /**< sorted by name; owned */
    size_t count;
    size_t lone;       /**< files whose partner is missing: they are left out */
    char *first_lone;  /**< the path of one of them, or NULL; owned */
} ap_pairs;

/** Lists the pairs of a split ("train" or "val") of a set, or, with split NULL, of the folder itself. No such folder
 * or no pair in it is a failure that names the folder (and the lone files' count). */
ap_status ap_pairs_list(const char *folder, const char *split, ap_pairs *pairs);

/** Lists the pairs to compose from: the split "val" if the folder has one, otherwise the folder itself. */
ap_status ap_pairs_list_held_out(const char *folder, ap_pairs *pairs);

/** Frees the list; an empty one is allowed. */
void ap_pairs_free(ap_pairs *pairs);

AP_API_END

#endif
