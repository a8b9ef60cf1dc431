/* Starts a training from the weights of another. */
#ifndef ANTIPHON_TRAIN_TRANSFER_H
#define ANTIPHON_TRAIN_TRANSFER_H

#include "antiphon/trainer.h"

/* The configuration for creating the model before the checkpoint's weights are loaded: `config` without
 * codec.weights if the checkpoint contains a codec. */
ap_status ap_transfer_config(const char *checkpoint, const ap_config *config, ap_config *model);

/* Loads the weights and tells the observer which tensors were loaded, are new, or are left out. */
ap_status ap_transfer_weights(const char *checkpoint, ap_model *model, const ap_observer *observer);

#endif
