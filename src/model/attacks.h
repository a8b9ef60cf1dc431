/* The attacks of a signal: what in each band is louder than it was a moment ago. Drums keep their strokes,
 * without the tone that rings on; a melody leaves the consonants of its notes. */
#ifndef ANTIPHON_MODEL_ATTACKS_H
#define ANTIPHON_MODEL_ATTACKS_H

#include "antiphon/ops.h"

/* How ap_band_gains applies the gains at 24 kHz. */
ap_band_gains_geometry ap_attack_geometry(void);

/* Gains [B, bands, T] between 0 and 1 that leave the attacks of x [B, 1, S]; on the tape's arena. */
ap_tensor ap_attack_gains(ap_tape *tape, ap_var *x);

/* The attacks [B, 1, S] themselves: a constant. */
ap_var *ap_attacks(ap_tape *tape, ap_var *x);

#endif
