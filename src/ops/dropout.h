/* Dropout's mask (kernels/dropout.h) in an operation. */
#ifndef ANTIPHON_OPS_DROPOUT_H
#define ANTIPHON_OPS_DROPOUT_H

#include "antiphon/tape.h"
#include "kernels/dropout.h"

/* In training mode and for p > 0 a mask of n elements, whose first dimension is the batch's, drawn from the
 * tape's stream; otherwise one that drops nothing and draws nothing. p outside [0, 1): ap_fatal, in the name
 * of the operation. */
ap_dropout_mask ap_dropout_draw(ap_tape *tape, const char *operation, ap_real p, int64_t n);

#endif
