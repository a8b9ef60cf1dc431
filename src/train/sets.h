/* Loads the training set and the validation set, and decides what of them is in memory. */
#ifndef ANTIPHON_TRAIN_SETS_H
#define ANTIPHON_TRAIN_SETS_H

#include "antiphon/trainer.h"
#include "train/dataset.h"

/* Opens the training set and the validation set of the configuration, and tells the observer what they
 * contain. If both, with their latents, need no more than data.memory, they are held in memory, otherwise
 * windows are read from their files when they are needed; validation is held if it takes no more than half of
 * data.memory. The caller frees both sets, even after a failure. */
ap_status ap_sets_load(const ap_config *config, const ap_observer *observer, ap_dataset *train,
                       ap_dataset *validation);

/* Computes what latents can be kept, once the weights of the model's codec are final. Held sets keep them in
 * memory. For other sets those of a neural codec are in a cache in data.cache, which is named by the codec's
 * weights, and those of a lapped transform are computed for each batch. The model and the tape are borrowed
 * by the sets. AP_INTERRUPTED if `stop` becomes nonzero; another call goes on from there. */
ap_status ap_sets_encode(const ap_config *config, const ap_observer *observer, ap_model *model, ap_tape *tape,
                         const volatile sig_atomic_t *stop, ap_dataset *train, ap_dataset *validation);

#endif
