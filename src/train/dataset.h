/* The training material in memory: windows cut from the pairs of a set, with the latents of a frozen codec.
 */
#ifndef ANTIPHON_TRAIN_DATASET_H
#define ANTIPHON_TRAIN_DATASET_H

#include "antiphon/codec.h"
#include "antiphon/status.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct ap_item {
    size_t piece;            /* which pair of the set it was cut from */
    ap_real *input, *target; /* [S] each; owned by the dataset */
    ap_real *zi, *zt;        /* [D, T] each, or NULL while not encoded */
} ap_item;

typedef struct ap_dataset {
    ap_item *items;
    size_t count;
    size_t pieces; /* pairs they were cut from */
    char **names;  /* [pieces], "pair_0003"; owned; NULL: they have none */
    size_t lone;   /* files left out for want of a partner */
    int64_t S;     /* samples of a window */
    int64_t D, T;  /* shape of the latents, once encoded */
} ap_dataset;

/* Reads every pair of `split` under `folder` and cuts it into windows of S samples, the remainder dropped. A
 * recording shorter than a window is a failure that names it. */
ap_status ap_dataset_load(const char *folder, const char *split, int64_t S, ap_dataset *dataset);
void ap_dataset_free(ap_dataset *dataset);

/* In how many windows the maxima of a source's M segments hardly move (ap_copy_r), so that even a perfect
 * copy of it costs next to nothing: at full scale throughout, or very quiet. 2 <= M <= S. */
size_t ap_dataset_still(const ap_dataset *dataset, int64_t M);

/* A number that tells one set from another by its samples and how they are cut into pieces, wherever the
 * files lie; never 0. */
uint64_t ap_dataset_fingerprint(const ap_dataset *dataset);

/* Fills in the latents of every item by a codec that does not change any more. False when `stop` (NULL:
 * never), which it looks at before each window, has become nonzero: a further call goes on from there. */
bool ap_dataset_encode(ap_dataset *dataset, ap_codec *codec, ap_tape *tape,
                       const volatile sig_atomic_t *stop);

#endif
