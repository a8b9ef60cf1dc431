/* A data set: the pairs of a split, and windows of their recordings, wherever these begin. The recordings are
 * held in memory, or each window is read from its file when it is needed. Of the windows on the grid (sample
 * 0, S, 2 S, ...) latents may be kept, in memory or in a cache beside the set. */
#ifndef ANTIPHON_TRAIN_DATASET_H
#define ANTIPHON_TRAIN_DATASET_H

#include "antiphon/codec.h"
#include "antiphon/status.h"
#include "audio/sample_file.h"
#include "train/latent_cache.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum ap_pair_side { AP_PAIR_INPUT, AP_PAIR_TARGET, AP_PAIR_SIDES } ap_pair_side;

/* One side of a pair. */
typedef struct ap_recording {
    ap_real *samples;    /* [length]; NULL: not in memory */
    ap_real *latents;    /* [windows on the grid, D, T]; NULL: not in memory */
    char *path;          /* owned; NULL: only in memory */
    bool plain;          /* whether windows can be read from the file as it is */
    ap_sample_file file; /* if they can */
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

/* How a batch gets latents. */
typedef enum ap_latents {
    AP_LATENTS_NONE,    /* not at all: the step encodes */
    AP_LATENTS_HELD,    /* from memory: grid only */
    AP_LATENTS_CACHED,  /* from the cache: grid only */
    AP_LATENTS_COMPUTED /* when the batch is filled */
} ap_latents;

typedef struct ap_dataset {
    ap_piece *pieces;
    int64_t count;   /* of pieces */
    int64_t windows; /* on the grid of all pieces */
    size_t lone;     /* files left out for lack of a partner */
    int64_t S;       /* samples of a window */
    bool held;       /* whether all recordings are in memory */

    ap_latents latents;
    int64_t D, T;           /* shape of the latents; T is 0 while there are none */
    int64_t encoded;        /* held or cached: windows on the grid whose latents are computed */
    ap_latent_cache *cache; /* owned; NULL: none */
    ap_codec *codec;        /* computed: by these, both borrowed */
    ap_tape *tape;
} ap_dataset;

/* Lists the pairs of `split` under `folder` and measures their recordings, of which nothing is read but, if
 * it tells their length, the header. A recording shorter than a window of S samples is a failure that names
 * it. */
ap_status ap_dataset_open(const char *folder, const char *split, int64_t S, ap_dataset *dataset);

/* The bytes that ap_dataset_hold takes. */
int64_t ap_dataset_bytes(const ap_dataset *dataset);

/* Reads all recordings into memory. */
ap_status ap_dataset_hold(ap_dataset *dataset);

/* Makes windows readable from files: of each recording that is not a plain file (sample_file.h) there is a
 * copy in `folder` afterwards, which is made if need be. Copies that are there are used, so that an
 * interrupted call goes on where it stopped. */
ap_status ap_dataset_copy(ap_dataset *dataset, const char *folder);

/* ap_dataset_open and ap_dataset_hold. */
ap_status ap_dataset_load(const char *folder, const char *split, int64_t S, ap_dataset *dataset);
void ap_dataset_free(ap_dataset *dataset);

/* Appends a piece, which takes over the name (NULL: none) and both recordings [length], length >= S. */
void ap_dataset_add(ap_dataset *dataset, char *name, int64_t length, ap_real *input, ap_real *target);

/* The place of window `index` of the grid. Windows of a piece follow each other. */
ap_place ap_dataset_window(const ap_dataset *dataset, int64_t index);

/* Copies the samples [S] of the window at `place`, which lies within its piece. A file that is gone or has
 * changed is a failure that names it. Several threads may read at the same time. */
ap_status ap_dataset_read(const ap_dataset *dataset, ap_place place, ap_pair_side side, ap_real *samples);

/* Copies the held or cached latents [D, T] of a window on the grid. */
ap_status ap_dataset_latents(const ap_dataset *dataset, ap_place place, ap_pair_side side, ap_real *z);

/* Looks at up to `most` windows on the grid, spread evenly: in how many the maxima of a source's M segments
 * hardly move (ap_copy_r), because it is at full scale throughout or very quiet, so that even a perfect copy
 * costs next to nothing; or vary by less than `variation` (ap_variation_of). 2 <= M <= S. */
ap_status ap_dataset_still(const ap_dataset *dataset, int64_t M, double variation, int64_t most,
                           int64_t *still, int64_t *looked);

/* A hash of the lengths of the recordings and of samples of each, spread over it; never 0. It is independent
 * of where the files are and whether they are held. Of a small set every second or so is looked at, of each
 * recording of a large one the beginning. */
ap_status ap_dataset_fingerprint(const ap_dataset *dataset, uint64_t *hash);

/* Computes the latents of every window on the grid, into memory, with a codec whose weights are final.
 * AP_INTERRUPTED if `stop` (NULL: never), which is checked before each window, becomes nonzero; another call
 * continues from there. */
ap_status ap_dataset_encode(ap_dataset *dataset, ap_codec *codec, ap_tape *tape,
                            const volatile sig_atomic_t *stop);

/* The same into the cache at `path`, as far as it is not there yet. `weights`: a hash of the codec. */
ap_status ap_dataset_encode_cached(ap_dataset *dataset, ap_codec *codec, ap_tape *tape, const char *path,
                                   uint64_t weights, const volatile sig_atomic_t *stop);

/* Latents are computed when a batch is filled. Codec and tape are borrowed. */
void ap_dataset_encode_later(ap_dataset *dataset, ap_codec *codec, ap_tape *tape);

#endif
