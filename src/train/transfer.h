/* Starts a training from the weights of another. */
#ifndef ANTIPHON_TRAIN_TRANSFER_H
#define ANTIPHON_TRAIN_TRANSFER_H

#include "antiphon/trainer.h"

/* The configuration for creating the model before the checkpoint's weights are loaded: `config` without
 * codec.weights if the checkpoint contains a codec. */
ap_status ap_transfer_config(const char *checkpoint, const ap_config *config, ap_config *model);

/* What a checkpoint that does not fit says instead of `status`, which names a tensor: the keys that differ,
 * of the model's sections, and `otherwise`, what else can be done. Any other status is returned as it is. */
ap_status ap_transfer_explain(ap_status status, const char *checkpoint, const ap_config *config,
                              ap_model *model, const char *otherwise);

/* Loads the weights and tells the observer which tensors were loaded, are new, or are left out. */
ap_status ap_transfer_weights(const char *checkpoint, ap_model *model, const ap_observer *observer);

#endif
