/* Draws the items of an epoch: which windows are paired, in which order, and how loud. */
#ifndef ANTIPHON_TRAIN_ORDER_H
#define ANTIPHON_TRAIN_ORDER_H

#include "train/batch.h"

/* The seed of an epoch's order, which depends on train.seed and the epoch's number alone, so that a resumed
 * run gets the same. */
uint64_t ap_order_seed(const ap_config *config, int64_t epoch);

/* Item `index` of an epoch, which depends on the set, the epoch's seed and the index alone: no list is kept.
 * Item 0 to set->windows - 1 are a round over the set, in which every window is the input once, in a random
 * order; another order each round. With data.crop = random the window begins anywhere in its piece instead.
 * The target is the item's own or, with data.targets = shuffled, a random window of another piece (its own if
 * there is no other piece). Levels change by at most data.augment_level_db, uniformly in dB, independently
 * for input and target unless one recording is both. */
ap_choice ap_order_item(const ap_config *config, const ap_dataset *set, uint64_t seed, int64_t index);

/* The item that is window `index` of the grid as it is: what validation hears. */
ap_choice ap_order_plain(const ap_config *config, const ap_dataset *set, int64_t index);

/* The first key that determines the order (besides the set and the epoch's number) and differs between the
 * two configurations. NULL: none; then one order is the beginning of the other. */
const char *ap_order_key_changed(const ap_config *before, const ap_config *config);

#endif
