/* The distance of two spectra, of which the spectral losses are made. */
#ifndef ANTIPHON_LOSS_SPECTRAL_H
#define ANTIPHON_LOSS_SPECTRAL_H

#include "antiphon/tape.h"

/* A scalar from magnitudes a and the reference b, of one shape and not negative:
 * convergence ||a - b|| / (||b|| + 1e-6) + mean |ln(a + 1e-5) - ln(b + 1e-5)|. `convergence` weighs the first
 * term. */
ap_var *ap_spectral_distance(ap_tape *tape, ap_var *a, ap_var *b, ap_real convergence);

#endif
