/* One optimiser step of a training. */
#ifndef ANTIPHON_TRAIN_TRAINING_STEP_H
#define ANTIPHON_TRAIN_TRAINING_STEP_H

#include "train/training.h"

/* One optimiser step over the next group of batches; none when it is asked to stop meanwhile, or a file
 * cannot be read (*unread). A step without a finite gradient is skipped; too many in succession are a
 * failure. */
ap_status ap_training_step(ap_trainer *trainer, bool *unread);

/* The learning rate of optimiser step `step`. */
double ap_training_rate(const ap_trainer *trainer, int64_t step);

/* Explains what goes wrong with these `count` items of a set, by repeating a step over them. To be freed. */
char *ap_training_explain(ap_trainer *trainer, const ap_dataset *set, int64_t count,
                          const ap_choice *choices);

#endif
