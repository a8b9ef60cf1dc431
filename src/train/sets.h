/* Loads the training set and the validation set. */
#ifndef ANTIPHON_TRAIN_SETS_H
#define ANTIPHON_TRAIN_SETS_H

#include "antiphon/trainer.h"
#include "train/dataset.h"

/* Reads the training set and the validation set of the configuration, and tells the observer what they
 * contain. The caller frees both sets, even after a failure. */
ap_status ap_sets_load(const ap_config *config, const ap_observer *observer, ap_dataset *train,
                       ap_dataset *validation);

#endif
