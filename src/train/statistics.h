/* Saves the running statistics, which the forward pass of a training step moves, and restores them if the
 * step is skipped. */
#ifndef ANTIPHON_TRAIN_STATISTICS_H
#define ANTIPHON_TRAIN_STATISTICS_H

#include "antiphon/params.h"

typedef struct ap_statistics {
    ap_real *kept; /* copies of all buffers of a parameter set, in the order of registration; owned */
} ap_statistics;

/* Allocates room for every buffer (AP_PARAM_BUFFER) of the set. To be freed by ap_statistics_free. */
ap_statistics ap_statistics_init(const ap_params *params);
void ap_statistics_free(ap_statistics *statistics);

/* Saves the buffers; restores them. */
void ap_statistics_keep(ap_statistics *statistics, const ap_params *params);
void ap_statistics_restore(const ap_statistics *statistics, const ap_params *params);

#endif
