/* Training by several ranks (ranks.h): who has which items, what they must have in common, and what they tell
 * each other. With one rank nothing happens. */
#ifndef ANTIPHON_TRAIN_TOGETHER_H
#define ANTIPHON_TRAIN_TOGETHER_H

#include "antiphon/checkpoint.h"
#include "antiphon/optimiser.h"

/* The items of a batch of `count` that are this rank's: next to each other, and as many as any other's, or
 * one more. A rank without any has rows.count 0. */
ap_tape_rows ap_together_rows(int64_t count);

/* Tells a tape (NULL: none) of the rows, or that it has all of them (NULL). */
void ap_together_enter(ap_tape *tape, const ap_tape_rows *rows);

/* Turns the means over this rank's rows into those over the whole batch. */
void ap_together_means(const ap_tape_rows *rows, ap_measures *measures);

/* Turns the sums over `count` items, and the count, into those over all ranks. */
void ap_together_sums(ap_measures *sums, int64_t *count);

/* Fails, on every rank, unless each has the configuration of rank 0: it names the rank and the key. data.path
 * may differ, as the data may be on a disk of the machine. */
ap_status ap_together_config(const ap_config *config);

/* Fails, on every rank, unless each has the sets of rank 0. */
ap_status ap_together_sets(uint64_t train, uint64_t validation);

/* Copies rank 0's state of training to all. */
void ap_together_begin(ap_model *model, ap_adamw *optimiser, ap_progress *progress, ap_rng *rng);

/* Whether every rank has the weights of rank 0, bit for bit. They are computed by each from the same sums, so
 * that only another kind of processor can make a difference; where there is one, rank 0's are copied to all.
 */
bool ap_together_check(ap_model *model, ap_adamw *optimiser);

#endif
