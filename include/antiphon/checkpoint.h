/** @file checkpoint.h
 * Checkpoints: one safetensors file with the model, its running statistics, the optimiser's state and, as
 * metadata, the resolved configuration ("config", JSON) and how far training has come ("state", JSON).
 */
#ifndef ANTIPHON_CHECKPOINT_H
#define ANTIPHON_CHECKPOINT_H

#include "antiphon/api.h"
#include "antiphon/model.h"
#include "antiphon/objective.h"
#include "antiphon/optimiser.h"

AP_API_BEGIN

/** How far training has come: with the weights and the optimiser's state, all that a resumed run needs. */
typedef struct ap_progress {
    int64_t epoch;      /**< epochs completed */
    int64_t items;      /**< items trained on in the epoch under way */
    int64_t step;       /**< optimiser steps in all */
    uint64_t set;       /**< ap_dataset_fingerprint of the training set; 0: not known (older checkpoints) */
    int64_t steps;      /**< the step at which training ends as planned; 0: not known (older checkpoints) */
    double share;       /**< how much of its way the learning rate's cosine had behind it, 0 to 1, */
    int64_t share_step; /**< at this step: see ap_learning_rate */
    ap_rng rng;         /**< the tape's stream (dropout, noise) */
    bool has_best;      /**< whether `best` is set */
    double best;        /**< lowest validation loss so far */
    int64_t stale;      /**< epochs since it was lowest */
    int64_t counted;    /**< items in `sums` */
    ap_measures sums;   /**< of the epoch under way: each measure times the items it was over */
} ap_progress;

/** Writes a checkpoint atomically. A number that is not finite, anywhere in it, is a failure that names the
 * tensor; what stands under `path` then stays. */
ap_status ap_checkpoint_save(const char *path, const ap_config *config, ap_model *model,
                             const ap_adamw *optimiser, const ap_progress *progress);

/** Loads a checkpoint to go on training: the model's tensors, which must be exactly those of `model`, the
 * optimiser's state and the progress. The status names the file and the tensor or key that is missing, too
 * many, of another shape, not finite, or out of its range: a running variance or a mean of squared gradients
 * (optimiser.v) below zero, a counter that no training comes to. On failure the model's weights are
 * undefined. */
ap_status ap_checkpoint_resume(const char *path, ap_model *model, ap_adamw *optimiser, ap_progress *progress);

/** Called with a tensor that is the model's alone (`left_out` false) or the file's alone (true). */
typedef void ap_weights_told(void *context, bool left_out, const char *name, ap_shape shape);

/** Loads the weights of a checkpoint into a model that may have other parts: every tensor of the model that
 * the file holds too, running statistics included. *taken: how many. The rest of the model stays as it is,
 * and the file's other tensors are left out; `told` (NULL: nobody) hears of each of both, but not of the
 * optimiser's. Every shape is checked before the first tensor is loaded: AP_FAILED if one differs, or if the
 * file holds none of the model's tensors. */
ap_status ap_checkpoint_weights(const char *path, ap_model *model, ap_weights_told *told, void *context,
                                size_t *taken);

/** Reads the configuration that a checkpoint carries, and nothing else. */
ap_status ap_checkpoint_config(const char *path, ap_config *config);

/** Loads a checkpoint to compose with: its configuration and a model built from it, which is the caller's. */
ap_status ap_checkpoint_load(const char *path, ap_config *config, ap_model **model);

AP_API_END

#endif
