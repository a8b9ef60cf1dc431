/* How much of a piece is no more than a mix of its sources. */
#ifndef ANTIPHON_LOSS_MIXTURE_H
#define ANTIPHON_LOSS_MIXTURE_H

#include "antiphon/tape.h"

/* y [B] of audio: the share of the output's energy that the best a input + b target explains, as guidance.h
 * defines it for ap_mixture_loss. */
ap_var *ap_mixture_share(ap_tape *tape, ap_var *output, ap_var *input, ap_var *target);

#endif
