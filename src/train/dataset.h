/* A data set in memory: windows cut from the pairs of a split, with their latents if the codec is frozen. */
#ifndef ANTIPHON_TRAIN_DATASET_H
#define ANTIPHON_TRAIN_DATASET_H

#include "antiphon/codec.h"
#include "antiphon/status.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct ap_item {
    size_t piece;            /* index of the pair it was cut from */
    ap_real *input, *target; /* [S] each; owned by the dataset */
    ap_real *zi, *zt;        /* [D, T] each, or NULL while not encoded */
} ap_item;

typedef struct ap_dataset {
    ap_item *items;
    size_t count;
    size_t pieces; /* number of pairs */
    char **names;  /* [pieces], "pair_0003"; owned; NULL: unnamed */
    size_t lone;   /* files left out for lack of a partner */
    int64_t S;     /* samples of a window */
    int64_t D, T;  /* shape of the latents, once encoded */
} ap_dataset;

/* Reads every pair of `split` under `folder` and cuts it into windows of S samples; the remainder is
 * dropped. A recording shorter than a window is a failure that names it. */
ap_status ap_dataset_load(const char *folder, const char *split, int64_t S, ap_dataset *dataset);
void ap_dataset_free(ap_dataset *dataset);

/* The number of windows in which the maxima of a source's M segments hardly move (ap_copy_r), because it is
 * at full scale throughout or very quiet, so that even a perfect copy costs next to nothing. 2 <= M <= S. */
size_t ap_dataset_still(const ap_dataset *dataset, int64_t M);

/* A hash of the samples and of how they are cut into pieces, independent of where the files are; never 0. */
uint64_t ap_dataset_fingerprint(const ap_dataset *dataset);

/* Computes the latents of every item with a codec whose weights are final. False if `stop` (NULL: never),
 * which is checked before each window, becomes nonzero; another call continues from there. */
bool ap_dataset_encode(ap_dataset *dataset, ap_codec *codec, ap_tape *tape,
                       const volatile sig_atomic_t *stop);

#endif
