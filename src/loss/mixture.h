/* How much of a piece a mix of its sources explains. */
#ifndef ANTIPHON_LOSS_MIXTURE_H
#define ANTIPHON_LOSS_MIXTURE_H

#include "antiphon/tape.h"

/* y [B]: the share of the output's energy that the best mix a input + b target explains, as defined in
 * guidance.h for ap_mixture_loss. */
ap_var *ap_mixture_share(ap_tape *tape, ap_var *output, ap_var *input, ap_var *target);

#endif
