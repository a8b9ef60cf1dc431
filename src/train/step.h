/* A training step in its two halves, as the trainer and the bench take it. */
#ifndef ANTIPHON_TRAIN_STEP_H
#define ANTIPHON_TRAIN_STEP_H

#include "antiphon/optimiser.h"
#include "train/batch.h"

/* Whether latents can be kept from the start: the codec does not change, and a change of level goes through
 * it as a factor. */
bool ap_step_keeps_latents(const ap_config *config);

/* The optimiser's state before the first step; to be freed by ap_adamw_free. */
ap_adamw ap_step_optimiser(const ap_config *config, ap_model *model);

/* Forward and backward over one batch, in training mode, on the tape, which is reset: `share` times the
 * gradient of the loss is added to those of the parameters. */
ap_measures ap_step_gradient(ap_tape *tape, const ap_config *config, ap_model *model,
                             const ap_batch *batch, double share);

/* The same with the gradient of ap_objective_balanced, which moves `balancer` on; `terms` is another tape. */
ap_measures ap_step_gradient_balanced(ap_tape *tape, ap_tape *terms, const ap_config *config, ap_model *model,
                                      const ap_batch *batch, ap_balancer *balancer, double share);

/* Clips the gradients, moves the parameters and zeroes the gradients. Gives the gradients' norm before
 * clipping; where it is not finite the parameters stay as they are. */
double ap_step_update(const ap_config *config, ap_model *model, ap_adamw *optimiser,
                      double learning_rate);

#endif
