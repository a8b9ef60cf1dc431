/* Why a training step has no finite gradient: it is computed once more, an item at a time, and watched. */
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
    bool trained; /* whether this run has moved the weights */
} ap_failed_step;

/* Names what first became not finite: the part of the step and the operation, or the parameter; the pair; and
 * what is to blame: the samples, if the same pair does well at full scale, the learning rate only where this
 * run has moved the weights. Gives a text without an end of line, to be freed; it says so where the program
 * was asked to stop meanwhile (stop.h). The tape is reset, its stream left elsewhere; running statistics
 * move, and the parameters' gradients are zero afterwards. */
char *ap_divergence_explain(ap_tape *tape, const ap_failed_step *step);

#endif
