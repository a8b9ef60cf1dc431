/* The modulation cost of envelopes that are already there. */
#ifndef ANTIPHON_LOSS_MODULATION_H
#define ANTIPHON_LOSS_MODULATION_H

#include "antiphon/modulation.h"

/* The cost as a scalar from the three envelopes [B, M], M > 1. */
ap_var *ap_correlation_cost(ap_tape *tape, ap_var *e_input, ap_var *e_target, ap_var *e_output,
                            ap_barrier barrier);

#endif
