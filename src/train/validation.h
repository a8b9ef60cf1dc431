/* Computes a model's measures over the validation set. */
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
    const ap_observer *observer;       /* told about each item; NULL: nobody */
    const volatile sig_atomic_t *stop; /* nonzero: stop; NULL: never */
} ap_validation;

/* Computes the means over the set, item by item, and writes the output of the first to `output` [S]. A codec
 * that learns from both recordings of a pair is validated on both. *whole is false, with incomplete means, if
 * it was asked to stop. A file that cannot be read is a failure. */
ap_status ap_validate(const ap_validation *validation, ap_measures *mean, ap_real *output, bool *whole);

#endif
