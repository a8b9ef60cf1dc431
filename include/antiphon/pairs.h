/** @file pairs.h
 * Pair sets: folders of recordings in pairs of an input and a target.
 *
 * A set has the folders train and val, each with files pair_NNNN_input.wav and pair_NNNN_target.wav. A folder
 * that holds such files itself counts as a single split.
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
    size_t lone;      /**< files without a partner, which are left out */
    char *first_lone; /**< the path of one of them, or NULL; owned */
} ap_pairs;

/** Lists the pairs of a split ("train" or "val") of a set or, if `split` is NULL, of the folder itself. A
 * missing folder is a failure, and so is one without pairs; the status names the folder and counts files
 * without a partner. On success the caller frees *pairs. */
ap_status ap_pairs_list(const char *folder, const char *split, ap_pairs *pairs);

/** Lists the pairs to compose from: those of the split "val" if there is one, otherwise those of the folder
 * itself. Failures and ownership as above. */
ap_status ap_pairs_list_held_out(const char *folder, ap_pairs *pairs);

/** Frees the list. An empty one is allowed. */
void ap_pairs_free(ap_pairs *pairs);

AP_API_END

#endif
