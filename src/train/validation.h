/* What a model is judged by: its measures over the validation set. */
#ifndef ANTIPHON_TRAIN_VALIDATION_H
#define ANTIPHON_TRAIN_VALIDATION_H

#include "antiphon/objective.h"
#include "antiphon/trainer.h"
#include "train/dataset.h"

#include <signal.h>

typedef struct ap_validation {
    const ap_config *config;
    ap_model *model;
    ap_tape *tape;
    const ap_dataset *set;
    const ap_observer *observer;       /* told what was heard; NULL: nobody */
    const volatile sig_atomic_t *stop; /* nonzero: it is to end; NULL: nobody asks */
} ap_validation;

/* Means over the set, one item at a time; the output of the first is written to `output` [S]. A codec that
 * learns from both recordings of a pair is validated on both. False, with part of them, when it was asked to
 * stop. */
bool ap_validate(const ap_validation *validation, ap_measures *mean, ap_real *output);

#endif
