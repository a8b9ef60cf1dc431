/* Beginning a training with the weights of another. */
#ifndef ANTIPHON_TRAIN_TRANSFER_H
#define ANTIPHON_TRAIN_TRANSFER_H

#include "antiphon/trainer.h"

/* How the model of a training by `config` is created before the weights of the checkpoint are loaded: without
 * codec.weights, where it holds a codec. */
ap_status ap_transfer_config(const char *checkpoint, const ap_config *config, ap_config *model);

/* Loads the weights and tells the observer what was taken, what is new and what is left out. */
ap_status ap_transfer_weights(const char *checkpoint, ap_model *model, const ap_observer *observer);

#endif
