/* Goes on with a training from a checkpoint, also with other settings or data. */
#ifndef ANTIPHON_TRAIN_TRAINING_RESUME_H
#define ANTIPHON_TRAIN_TRAINING_RESUME_H

#include "train/training.h"

/* Takes over weights, optimiser and progress, and adjusts the progress to what the configuration of the
 * trainer has changed since. The observer is told of it. */
ap_status ap_training_resume(ap_trainer *trainer, const char *checkpoint);

/* Forgets the best epoch, because validation losses can no longer be compared: the next epoch is the best so
 * far. */
void ap_training_forget_best(ap_trainer *trainer, const char *why);

#endif
