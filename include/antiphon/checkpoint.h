/** @file checkpoint.h
 * Checkpoints: one safetensors file with the model, its running statistics, the optimiser's state and, as
 * metadata, the resolved configuration ("config", JSON) and the progress of training ("state", JSON).
 */
#ifndef ANTIPHON_CHECKPOINT_H
#define ANTIPHON_CHECKPOINT_H

#include "antiphon/api.h"
#include "antiphon/model.h"
#include "antiphon/objective.h"
#include "antiphon/optimiser.h"

AP_API_BEGIN

/** The progress of training. With the weights and the optimiser's state, it is all that a resumed run needs.
 */
typedef struct ap_progress {
    int64_t epoch;        /**< completed epochs */
    int64_t items;        /**< items done in the current epoch */
    int64_t step;         /**< optimiser steps in total */
    uint64_t set;         /**< ap_dataset_fingerprint of the training set; 0: unknown (older checkpoints) */
    int64_t steps;        /**< the step at which training is planned to end; 0: unknown (older checkpoints) */
    double share;         /**< share of the learning rate's cosine that was done, 0 to 1, ... */
    int64_t share_step;   /**< ... at this step; see ap_learning_rate */
    ap_balancer balancer; /**< where loss.balancer is on */
    ap_rng rng;           /**< the tape's random stream (dropout, noise) */
    bool has_best;        /**< whether `best` is set */
    double best;          /**< the lowest validation loss so far */
    int64_t stale;        /**< epochs since the lowest validation loss */
    int64_t counted;      /**< items in `sums` */
    ap_measures sums;     /**< sums of the measures over the items of the current epoch */
} ap_progress;

/** Writes a checkpoint atomically. Where optimiser->average is there, the model's tensors are that mean, and
 * the weights in training stand beside the optimiser's state. A number that is not finite, anywhere in it, is
 * a failure that names the tensor. After a failure `path` is as before. */
ap_status ap_checkpoint_save(const char *path, const ap_config *config, ap_model *model,
                             const ap_adamw *optimiser, const ap_progress *progress);

/** Loads a checkpoint to resume training: the model's tensors, which must be exactly those of `model`, the
 * optimiser's state and the progress. The status names the file and the tensor or key that is missing,
 * unexpected, of another shape, not finite or out of range (a negative running variance or mean of squared
 * gradients, an impossible counter). After a failure the model's weights are undefined. */
ap_status ap_checkpoint_resume(const char *path, ap_model *model, ap_adamw *optimiser, ap_progress *progress);

/** Called with a tensor that only the model has (`left_out` false) or only the file has (true). */
typedef void ap_weights_told(void *context, bool left_out, const char *name, ap_shape shape);

/** Loads the weights of a checkpoint into a model that may have other parts: every tensor, running statistics
 * included, that both have. *taken is their number. The rest of the model stays as it is; the rest of the
 * file is left out. `told` (NULL: nobody) hears of each tensor that only one of them has, except the
 * optimiser's. All shapes are checked before the first tensor is loaded: AP_FAILED if one differs, or if no
 * tensor is in both. */
ap_status ap_checkpoint_weights(const char *path, ap_model *model, ap_weights_told *told, void *context,
                                size_t *taken);

/** Reads the configuration stored in a checkpoint, and nothing else. */
ap_status ap_checkpoint_config(const char *path, ap_config *config);

/** Loads a checkpoint for composing: its configuration and a model built from it, owned by the caller. */
ap_status ap_checkpoint_load(const char *path, ap_config *config, ap_model **model);

AP_API_END

#endif
