/* Explains why a training step has no finite gradient: repeats it item by item and watches the values. */
#ifndef ANTIPHON_TRAIN_DIVERGENCE_H
#define ANTIPHON_TRAIN_DIVERGENCE_H

#include "train/batch.h"

/* The step that failed. Everything is borrowed. */
typedef struct ap_failed_step {
    const ap_config *config;
    ap_model *model;
    const ap_dataset *set;
    const ap_choice *choices; /* the step's items */
    int64_t count;
    ap_rng rng;   /* the tape's stream before the step */
    bool trained; /* whether this run has changed the weights */
} ap_failed_step;

/* Names what first became not finite (the section and the operation, or the parameter), the pair, and the
 * cause: the samples, if the same pair works at full scale; the learning rate only if this run has changed
 * the weights. Returns a text without a newline, to be freed. Afterwards the tape is reset, its random
 * stream has advanced, running statistics have moved, and the parameters' gradients are zero. */
char *ap_divergence_explain(ap_tape *tape, const ap_failed_step *step);

#endif
