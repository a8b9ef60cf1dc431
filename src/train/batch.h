/* One batch: items of the dataset side by side, and the variables of a step made from them. */
#ifndef ANTIPHON_TRAIN_BATCH_H
#define ANTIPHON_TRAIN_BATCH_H

#include "antiphon/config.h"
#include "antiphon/objective.h"
#include "train/dataset.h"

/* Which recordings play together, and how loud. */
typedef struct ap_choice {
    int64_t input, target; /* items of the dataset: the input of the one, the target of the other */
    bool unity;            /* one recording is both: the input, or */
    bool target_side;      /* the target */
    ap_real input_gain, target_gain;
} ap_choice;

typedef struct ap_batch {
    int64_t capacity, B;
    ap_tensor input, target; /* [B, 1, S] */
    ap_tensor zi, zt;        /* [B, D, T]; data NULL when latents are not kept */
    bool unity;              /* every item's input is its target */
} ap_batch;

/* Room for `capacity` items of the dataset; the numbers are owned. */
ap_batch ap_batch_init(const ap_dataset *dataset, int64_t capacity);
void ap_batch_free(ap_batch *batch);

/* Fills the batch with `count` chosen items. */
void ap_batch_fill(ap_batch *batch, const ap_dataset *dataset, int64_t count, const ap_choice *choices);

/* Runs the model forward over the batch: encodes unless latents are kept, composes and decodes; the
 * sections "encode" and "decode" of the tape, and those of ap_model_compose between them. */
ap_heard ap_batch_forward(ap_tape *tape, ap_model *model, const ap_batch *batch);

#endif
