/* The two halves of a training step, for the trainer and the bench. */
#ifndef ANTIPHON_TRAIN_STEP_H
#define ANTIPHON_TRAIN_STEP_H

#include "antiphon/optimiser.h"
#include "train/batch.h"

/* Whether latents can be computed once and kept: the codec is frozen, and a change of level is a factor on
 * the latents. */
bool ap_step_keeps_latents(const ap_config *config);

/* The initial state of the optimiser. To be freed by ap_adamw_free. */
ap_adamw ap_step_optimiser(const ap_config *config, ap_model *model);

/* Forward and backward over one batch, in training mode, on the tape, which is reset. Adds `share` times the
 * gradient of the loss to the gradients of the parameters. */
ap_measures ap_step_gradient(ap_tape *tape, const ap_config *config, ap_model *model, const ap_batch *batch,
                             double share);

/* The same with the gradient of ap_objective_balanced, which moves `balancer` on; `terms` is another tape. */
ap_measures ap_step_gradient_balanced(ap_tape *tape, ap_tape *terms, const ap_config *config, ap_model *model,
                                      const ap_batch *batch, ap_balancer *balancer, double share);

/* Clips the gradients, updates the parameters and zeroes the gradients. Returns the norm of the gradients
 * before clipping; if it is not finite, the parameters stay unchanged. */
double ap_step_update(const ap_config *config, ap_model *model, ap_adamw *optimiser, double learning_rate);

#endif
