/* What an epoch trains on: which recordings play together, in which order, and how loud. */
#ifndef ANTIPHON_TRAIN_ORDER_H
#define ANTIPHON_TRAIN_ORDER_H

#include "train/batch.h"

/* Fills order [length] in rounds over the set: in each, every item is the input once, in an order of its own;
 * the last round ends where `length` does. Its target is its own or, with data.targets = shuffled, that of a
 * random item of another piece; its own again where there is no other piece. Levels change by
 * data.augment_level_db at most, evenly in dB; input and target change apart unless one serves as both.
 * The order follows from the seed alone. */
void ap_order_draw(const ap_config *config, const ap_dataset *set, uint64_t seed, int64_t length,
                   ap_choice *order);

/* The first key on which the order hangs, beside the set and the epoch's number, and which is another in the
 * one configuration than in the other; NULL: there is none, and the one order is the beginning of the other.
 */
const char *ap_order_key_changed(const ap_config *before, const ap_config *config);

#endif
