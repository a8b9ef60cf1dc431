/* The running statistics that the forward pass of a training step moves: kept, and put back where the step
 * comes to nothing. */
#ifndef ANTIPHON_TRAIN_STATISTICS_H
#define ANTIPHON_TRAIN_STATISTICS_H

#include "antiphon/params.h"

typedef struct ap_statistics {
    ap_real *kept; /* the buffers of a parameter set one after the other, in order of registration; owned */
} ap_statistics;

/* Room for every buffer (AP_PARAM_BUFFER) of the set; to be freed by ap_statistics_free. */
ap_statistics ap_statistics_init(const ap_params *params);
void ap_statistics_free(ap_statistics *statistics);

/* Takes note of the buffers as they are, and makes them again what was noted. */
void ap_statistics_keep(ap_statistics *statistics, const ap_params *params);
void ap_statistics_restore(const ap_statistics *statistics, const ap_params *params);

#endif
