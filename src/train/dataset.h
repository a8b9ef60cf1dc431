/* A data set: the pairs of a split, and windows of their recordings, wherever these begin. Latents of the
 * windows on the grid (sample 0, S, 2 S, ...) may be kept. */
#ifndef ANTIPHON_TRAIN_DATASET_H
#define ANTIPHON_TRAIN_DATASET_H

#include "antiphon/codec.h"
#include "antiphon/status.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum ap_pair_side { AP_PAIR_INPUT, AP_PAIR_TARGET, AP_PAIR_SIDES } ap_pair_side;

/* One side of a pair. */
typedef struct ap_recording {
    ap_real *samples; /* [length] */
    ap_real *latents; /* [windows on the grid, D, T]; NULL: not kept */
} ap_recording;

typedef struct ap_piece {
    char *name;     /* "pair_0003"; owned; NULL: unnamed */
    int64_t length; /* samples that both sides have */
    int64_t first;  /* windows on the grid of all pieces before */
    ap_recording sides[AP_PAIR_SIDES];
} ap_piece;

/* Where a window begins. */
typedef struct ap_place {
    int64_t piece, at; /* index of the piece; sample */
} ap_place;

typedef struct ap_dataset {
    ap_piece *pieces;
    int64_t count;   /* of pieces */
    int64_t windows; /* on the grid of all pieces */
    size_t lone;     /* files left out for lack of a partner */
    int64_t S;       /* samples of a window */
    int64_t D, T;    /* shape of the latents; T is 0 while there are none */
    int64_t encoded; /* windows on the grid whose latents are computed */
} ap_dataset;

/* Reads every pair of `split` under `folder`. A recording shorter than a window of S samples is a failure
 * that names it. */
ap_status ap_dataset_load(const char *folder, const char *split, int64_t S, ap_dataset *dataset);
void ap_dataset_free(ap_dataset *dataset);

/* Appends a piece, which takes over the name (NULL: none) and both recordings [length], length >= S. */
void ap_dataset_add(ap_dataset *dataset, char *name, int64_t length, ap_real *input, ap_real *target);

/* The place of window `index` of the grid. Windows of a piece follow each other. */
ap_place ap_dataset_window(const ap_dataset *dataset, int64_t index);

/* Copies the samples [S] of the window at `place`, which lies within its piece. */
ap_status ap_dataset_read(const ap_dataset *dataset, ap_place place, ap_pair_side side, ap_real *samples);

/* Copies the kept latents [D, T] of a window on the grid. */
void ap_dataset_latents(const ap_dataset *dataset, ap_place place, ap_pair_side side, ap_real *z);

/* The number of windows on the grid in which the maxima of a source's M segments hardly move (ap_copy_r),
 * because it is at full scale throughout or very quiet, so that even a perfect copy costs next to nothing. 2
 * <= M <= S. */
ap_status ap_dataset_still(const ap_dataset *dataset, int64_t M, int64_t *count);

/* A hash of the samples and of how they are cut into pieces, independent of where the files are; never 0. */
uint64_t ap_dataset_fingerprint(const ap_dataset *dataset);

/* Computes the latents of every window on the grid with a codec whose weights are final. False if `stop`
 * (NULL: never), which is checked before each window, becomes nonzero; another call continues from there. */
bool ap_dataset_encode(ap_dataset *dataset, ap_codec *codec, ap_tape *tape,
                       const volatile sig_atomic_t *stop);

#endif
