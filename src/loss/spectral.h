/* The distance between two spectra, the basis of the spectral losses. */
#ifndef ANTIPHON_LOSS_SPECTRAL_H
#define ANTIPHON_LOSS_SPECTRAL_H

#include "antiphon/tape.h"

/* What is added to norms and to magnitudes, so that silence can be compared. */
#define AP_SPECTRAL_NORM_FLOOR 1e-6
#define AP_SPECTRAL_LOG_FLOOR ((ap_real)1e-5)

/* A scalar from magnitudes a and the reference b, of the same shape and not negative: convergence ||a - b||
 * / (||b|| + 1e-6) + mean |ln(a + 1e-5) - ln(b + 1e-5)|. `convergence` is the weight of the first term. */
ap_var *ap_spectral_distance(ap_tape *tape, ap_var *a, ap_var *b, ap_real convergence);

#endif
