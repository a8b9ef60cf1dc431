/* A batch: windows of the data set side by side, and the variables of a step made from them. */
#ifndef ANTIPHON_TRAIN_BATCH_H
#define ANTIPHON_TRAIN_BATCH_H

#include "antiphon/config.h"
#include "antiphon/objective.h"
#include "train/dataset.h"

/* One item: which windows are paired, and how loud they are. */
typedef struct ap_choice {
    ap_place input, target; /* of the first window the input side is used, of the second the target side */
    bool unity;             /* one recording is both input and target: the input, or */
    bool target_side;       /* the target */
    ap_real input_gain, target_gain;
    bool answered; /* the target side at `input` is the answer, and its attacks are the input */
} ap_choice;

typedef struct ap_batch {
    int64_t capacity, B;
    ap_tensor input, target;             /* [B, 1, S] */
    ap_tensor zi, zt;                    /* [B, D, T]; data NULL: the step encodes */
    ap_real *input_gains, *target_gains; /* [B] */
    bool unity;                          /* every item's input is its target */
    bool answered;                       /* `input` holds the answers, of which the attacks are the input */
} ap_batch;

/* An empty batch for up to `capacity` items of the dataset. To be freed by ap_batch_free. */
ap_batch ap_batch_init(const ap_dataset *dataset, int64_t capacity);
void ap_batch_free(ap_batch *batch);

/* Reads the windows of `count` chosen items, and their latents if they are held or cached. A file that cannot
 * be read is a failure that names it. Several threads may read, each its own batch. */
ap_status ap_batch_read(ap_batch *batch, const ap_dataset *dataset, int64_t count, const ap_choice *choices);

/* Completes a batch that was read: computes the latents that are to be computed, and changes the levels. */
void ap_batch_finish(ap_batch *batch, const ap_dataset *dataset);

/* Both. */
ap_status ap_batch_fill(ap_batch *batch, const ap_dataset *dataset, int64_t count, const ap_choice *choices);

/* Runs the model forward over the batch: encodes (unless latents are kept), composes and decodes. The
 * sections of the tape are "encode", those of ap_model_compose, and "decode". */
ap_heard ap_batch_forward(ap_tape *tape, ap_model *model, const ap_batch *batch);

#endif
