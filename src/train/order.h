/* What an epoch trains on: which recordings play together, in which order, and how loud. */
#ifndef ANTIPHON_TRAIN_ORDER_H
#define ANTIPHON_TRAIN_ORDER_H

#include "train/batch.h"

/* Fills order [length] in rounds over the set: in each, every item is the input once, in an order of its own;
 * the last round ends where `length` does. Its target is its own, or with data.targets = shuffled that of an
 * item of another piece, all alike likely; or, for a share data.same_piece of the items, that of another
 * window of the same piece. Where there is no other piece or window it is its own. Levels are
 * data.augment_level_db up or down at most, even in dB, the two of an item apart unless one serves as both.
 * The order follows from the seed alone. */
void ap_order_draw(const ap_config *config, const ap_dataset *set, uint64_t seed, int64_t length,
                   ap_choice *order);

/* The first key on which the order hangs, beside the set and the epoch's number, and which is another in the
 * one configuration than in the other; NULL: there is none, and the one order is the beginning of the other.
 */
const char *ap_order_key_changed(const ap_config *before, const ap_config *config);

#endif
