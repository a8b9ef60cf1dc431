/** @file trainer.h
 * Training: from a configuration and a pair set to checkpoints.
 */
#ifndef ANTIPHON_TRAINER_H
#define ANTIPHON_TRAINER_H

#include "antiphon/api.h"
#include "antiphon/checkpoint.h"

#include <signal.h>

AP_API_BEGIN

/** A training in progress. */
typedef struct ap_trainer ap_trainer;

/** The state of training after a step. */
typedef struct ap_step_report {
    int64_t epoch, epochs;  /**< the current epoch, from 1, and how many there are */
    int64_t batch, batches; /**< batches done in this epoch, and how many there are */
    int64_t step;           /**< optimiser steps in total */
    double learning_rate, gradient_norm;
    double pairs_per_second, seconds_left;
    double waited;        /**< share of the step spent waiting for recordings; NaN: they are in memory */
    ap_measures measures; /**< means over the step's items */
} ap_step_report;

/** The result of an epoch. */
typedef struct ap_epoch_report {
    int64_t epoch, step;
    double learning_rate, seconds;
    ap_measures train; /**< means over the epoch's items, without skipped steps; NaN if all were skipped */
    ap_measures validation; /**< means over the validation set; for a codec trained with data.unity_test, over
                               both recordings of each pair */
    bool best;              /**< whether the validation loss is the lowest so far */
    int64_t S;              /**< samples of input, target and output: one item of the validation set */
    const ap_real *input, *target, *output;
} ap_epoch_report;

/** Callbacks of a training. Any entry may be NULL. `context` is passed on to them. */
typedef struct ap_observer {
    void *context;
    void (*note)(void *context, const char *line); /**< a message: files left out, a skipped step, ... */
    void (*step)(void *context, const ap_step_report *report);
    /** each item of a validation, before the epoch's report: S samples as the codec hears them, its `count`
     * latents of them, and the model's output [S]. Of several ranks each hears some, but rank 0 all of a
     * codec that is trained. */
    void (*heard)(void *context, int64_t S, const ap_real *audio, int64_t count, const ap_real *latents,
                  const ap_real *output);
    void (*epoch)(void *context, const ap_epoch_report *report);
} ap_observer;

/** Of several ranks (ap_ranks_begin) each creates and runs its trainer, with the same configuration;
 * data.path may differ. Each reads the data; checkpoints and weights are read and written by rank 0 alone.
 * train.batch_size counts the items of all ranks, which share them out: whatever their number, it is the same
 * training, up to rounding. What fails on one rank fails on all, and the status says on which; on others than
 * rank 0 it has no message.
 *
 * Reads the data and builds the model. `observer` is copied. On success the caller owns *trainer. If
 * train.threads is not 0, it becomes the number of OpenMP threads of the whole process, for good. */
ap_status ap_trainer_create(const ap_config *config, const ap_observer *observer, ap_trainer **trainer);

/** Frees the trainer. NULL is allowed. */
void ap_trainer_free(ap_trainer *trainer);

/** As ap_trainer_create, but resumes from a checkpoint. The results are those of a run that was never
 * interrupted. codec.weights is not read, because the checkpoint contains the codec. An interrupted epoch
 * continues with the item after the last one done, in the same order, whatever the batch size. If the order
 * changes (another training set, train.seed or some keys of data), the epoch starts again. If the loss or the
 * data change, the best epoch is judged anew. The observer is told of each deviation. */
ap_status ap_trainer_resume(const ap_config *config, const ap_observer *observer, const char *checkpoint,
                            ap_trainer **trainer);

/** As ap_trainer_create, but starts from the weights of a checkpoint (ap_checkpoint_weights), to train with
 * other data or another model on top of what another run has learned. Optimiser, learning rate, epochs and
 * random numbers start anew. codec.weights is not read if the checkpoint contains a codec. The observer is
 * told how many tensors were loaded and, in up to ten lines, which are new and which are left out. */
ap_status ap_trainer_create_from(const ap_config *config, const ap_observer *observer, const char *checkpoint,
                                 ap_trainer **trainer);

/** The number of completed epochs, the number of optimiser steps, and whether training is complete. */
int64_t ap_trainer_epoch(const ap_trainer *trainer);
int64_t ap_trainer_step(const ap_trainer *trainer);
bool ap_trainer_done(const ap_trainer *trainer);

/** Encodes what can be encoded once (in the first call), then trains to the last epoch, or until
 * train.patience runs out. Writes `folder`/last.safetensors and, for the epoch with the lowest validation
 * loss, best.safetensors. If `folder` has no best.safetensors, the best is judged anew. When *stop becomes
 * nonzero (NULL: never), training is saved and AP_INTERRUPTED is returned. */
ap_status ap_trainer_run(ap_trainer *trainer, const char *folder, const volatile sig_atomic_t *stop);

/** The learning rate of optimiser step `step` (from 0). With a constant train.schedule it is train.lr. With
 * cosine it follows a half cosine from train.lr to train.min_lr, of which `share` (0 to 1) is done. During
 * the warm-up it is multiplied by (step + 1) / train.warmup_steps.
 *
 * The cosine runs from the end of the warm-up to the last step of the last epoch. A run that is resumed with
 * as many steps left as planned has the same rates as one that was never interrupted. If the number of steps
 * left changes (by train.epochs, train.batch_size, train.accumulate, train.steps_per_epoch or the training
 * set), the share that is done stays and the rest is spread over the steps left, so that the rate does not
 * jump. A cosine that has ended stays at train.min_lr, unless train.lr changes, too: then a new cosine
 * begins. The observer is told. */
double ap_learning_rate(const ap_config *config, int64_t step, double share);

AP_API_END

#endif
