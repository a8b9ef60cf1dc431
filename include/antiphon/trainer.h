/** @file trainer.h
 * Training: from a configuration and a pair set to checkpoints.
 */
#ifndef ANTIPHON_TRAINER_H
#define ANTIPHON_TRAINER_H

#include "antiphon/api.h"
#include "antiphon/checkpoint.h"

#include <signal.h>

AP_API_BEGIN

typedef struct ap_trainer ap_trainer;

/** Where training stands, for whoever watches. */
typedef struct ap_step_report {
    int64_t epoch, epochs;  /**< the epoch under way, from 1, of how many */
    int64_t batch, batches; /**< batches done in it, of how many */
    int64_t step;           /**< optimiser steps in all */
    double learning_rate, gradient_norm;
    double pairs_per_second, seconds_left;
    ap_measures measures; /**< means over the step's items */
} ap_step_report;

typedef struct ap_epoch_report {
    int64_t epoch, step;
    double learning_rate, seconds;
    ap_measures train; /**< means over the items of the epoch's steps, without those of skipped steps; NaN if
                          all were skipped */
    ap_measures validation; /**< means over the validation set; of a codec that is trained with
                               data.unity_test over both recordings of each pair */
    bool best;              /**< whether the validation loss is the lowest so far */
    int64_t S;              /**< samples of the following three, which are one validation item's */
    const ap_real *input, *target, *output;
} ap_epoch_report;

/** What is called as training goes on; any entry may be NULL. `context` is handed through. */
typedef struct ap_observer {
    void *context;
    void (*note)(void *context, const char *line); /**< something to tell: files left out, a skipped step */
    void (*step)(void *context, const ap_step_report *report);
    void (*epoch)(void *context, const ap_epoch_report *report);
} ap_observer;

/** Reads the data and builds the model. `observer` is copied. On success *trainer is the caller's. Where
 * train.threads is not 0 it becomes OpenMP's number of threads for the whole process, and stays so. */
ap_status ap_trainer_create(const ap_config *config, const ap_observer *observer, ap_trainer **trainer);
void ap_trainer_free(ap_trainer *trainer);

/** As ap_trainer_create, but going on from a checkpoint: the numbers are those of a run that was not
 * interrupted. codec.weights is not read, as the checkpoint holds the codec. Where the loss or the data are
 * others than the checkpoint's, the best epoch is judged anew. An epoch that was interrupted goes on with the
 * item after the last it has done, in the same order, in batches of whatever size; but if what says that
 * order (the training set, train.seed and some keys of data) is another, the epoch begins anew. The observer
 * is told of all but the expected. */
ap_status ap_trainer_resume(const ap_config *config, const ap_observer *observer, const char *checkpoint,
                            ap_trainer **trainer);

/** As ap_trainer_create, but with the weights of a checkpoint (ap_checkpoint_weights) in place of fresh ones:
 * for training on, with other data or in another model, from what another run has learned. Optimiser,
 * learning rate, epochs and random numbers begin anew. codec.weights is not read where the checkpoint holds a
 * codec. The observer is told how many tensors were taken and, a line each up to ten, which are new and which
 * are left out. */
ap_status ap_trainer_create_from(const ap_config *config, const ap_observer *observer, const char *checkpoint,
                                 ap_trainer **trainer);

/** Epochs completed, and whether there is nothing left to do. */
int64_t ap_trainer_epoch(const ap_trainer *trainer);
int64_t ap_trainer_step(const ap_trainer *trainer);
bool ap_trainer_done(const ap_trainer *trainer);

/** Encodes, when called first, what need be encoded only once, and trains to the last epoch (or until
 * train.patience runs out), writing `folder`/last.safetensors and, of the epoch with the lowest validation
 * loss, best.safetensors; if there is none in `folder` the best is judged anew. When *stop becomes nonzero
 * (NULL: never) it saves and returns AP_INTERRUPTED. */
ap_status ap_trainer_run(ap_trainer *trainer, const char *folder, const volatile sig_atomic_t *stop);

/** The learning rate of optimiser step `step` (from 0): train.lr, or, where train.schedule is cosine, what a
 * half cosine from train.lr to train.min_lr has come to with `share` (0 to 1) of its way behind it; times
 * (step + 1) / train.warmup_steps during the warm-up.
 *
 * The cosine's way leads from the end of the warm-up to the last step of the last epoch, in equal parts a
 * step. A run that goes on with as many steps left as were planned has the rates of one that was not
 * interrupted. With more or fewer (as train.epochs, train.batch_size, train.accumulate, train.steps_per_epoch
 * or the training set are others) the cosine keeps its share of the way, so that the rate goes on from where
 * it is, and the rest of the way is spread over the steps left. A cosine that had come to its end stays at
 * train.min_lr; but if train.lr is another too, a new one begins there. The observer is told. */
double ap_learning_rate(const ap_config *config, int64_t step, double share);

AP_API_END

#endif
