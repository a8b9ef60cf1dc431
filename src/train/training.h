/* What a trainer consists of, for the parts of the trainer alone. */
#ifndef ANTIPHON_TRAIN_TRAINING_H
#define ANTIPHON_TRAIN_TRAINING_H

#include "antiphon/trainer.h"
#include "ranks/collect.h"
#include "train/feed.h"
#include "train/reducer.h"
#include "train/schedule.h"
#include "train/statistics.h"

struct ap_trainer {
    ap_config config;
    ap_observer observer;
    ap_model *model;
    ap_tape *tape;
    ap_tape *terms;       /* of the loss, where they are balanced; NULL: they are not */
    ap_balancer balancer; /* as it was before the step under way */
    ap_adamw optimiser;
    ap_statistics statistics; /* their state before the current step */
    ap_dataset train, validation;
    uint64_t set;        /* fingerprint of the training set */
    ap_feed *feed;       /* of the training set; NULL until the run starts */
    ap_reducer *reducer; /* of the gradients of several ranks; NULL: there is but one */
    ap_progress progress;
    double started;                    /* clock at the start of the run */
    int64_t pairs_since;               /* items done since then */
    int skipped;                       /* number of steps skipped in succession */
    char *trouble;                     /* what went wrong in the first of them; NULL: none was skipped */
    int64_t began;                     /* number of optimiser steps at the start of the run */
    const volatile sig_atomic_t *stop; /* nonzero: stop; NULL: never */
};

/* The number of items in an epoch. */
static inline int64_t ap_training_items(const ap_trainer *trainer)
{
    return ap_schedule_items(&trainer->config, trainer->train.windows);
}

/* The number of steps to the end of training. */
static inline int64_t ap_training_steps_left(const ap_trainer *trainer)
{
    return ap_schedule_steps_left(&trainer->config, &trainer->progress, trainer->train.windows);
}

/* Whether no epoch is left, or patience has run out. */
static inline bool ap_training_done(const ap_trainer *trainer)
{
    int patience = trainer->config.train.patience;
    return trainer->progress.epoch >= trainer->config.train.epochs ||
           (patience > 0 && trainer->progress.stale >= patience);
}

/* Whether a stop was requested, of any rank. */
static inline bool ap_training_asked_to_stop(const ap_trainer *trainer)
{
    return ap_ranks_any(trainer->stop && *trainer->stop);
}

#endif
