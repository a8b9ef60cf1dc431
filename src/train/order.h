/* Draws an epoch's items: which recordings are paired, in which order, and how loud. */
#ifndef ANTIPHON_TRAIN_ORDER_H
#define ANTIPHON_TRAIN_ORDER_H

#include "train/batch.h"

/* Fills order [length] in rounds over the set. In each round every item is the input once, in a random
 * order; the last round ends at `length`. The target is the item's own or, with data.targets = shuffled,
 * that of a random item of another piece (its own if there is no other piece). Levels change by at most
 * data.augment_level_db, uniformly in dB, independently for input and target unless one recording is both.
 * The order depends only on the seed. */
void ap_order_draw(const ap_config *config, const ap_dataset *set, uint64_t seed, int64_t length,
                   ap_choice *order);

/* The first key that determines the order (besides the set and the epoch's number) and differs between the
 * two configurations. NULL: none; then one order is the beginning of the other. */
const char *ap_order_key_changed(const ap_config *before, const ap_config *config);

#endif
