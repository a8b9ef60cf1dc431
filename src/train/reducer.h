/* Adds up the gradients of all ranks while backward goes on: as soon as those in a part of the buffer are
 * complete, their sum begins (Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel
 * Training", 2020). */
#ifndef ANTIPHON_TRAIN_REDUCER_H
#define ANTIPHON_TRAIN_REDUCER_H

#include "antiphon/config.h"
#include "antiphon/params.h"

/* NULL with one rank; then the other functions do nothing. */
typedef struct ap_reducer ap_reducer;

/* For the gradients of this set, which are sent as `wire` says. To be freed by ap_reducer_free (NULL is
 * allowed). */
ap_reducer *ap_reducer_create(ap_params *params, ap_wire wire);
void ap_reducer_free(ap_reducer *reducer);

/* From now on the tape's backward tells when a gradient is complete. */
void ap_reducer_begin(ap_reducer *reducer, ap_tape *tape);

/* After backward: waits until the gradients are those of all ranks. */
void ap_reducer_end(ap_reducer *reducer);

/* Of the last time. */
typedef struct ap_reduction {
    double bytes;     /* of the gradients, as one rank sends them once */
    double under_way; /* seconds in which some sum was under way */
    double waited;    /* seconds of these after backward */
    int parts;
} ap_reduction;
ap_reduction ap_reducer_last(const ap_reducer *reducer);

#endif
