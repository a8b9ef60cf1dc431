/* Audio taken apart into bands of frequency. */
#ifndef ANTIPHON_LOSS_BANDS_H
#define ANTIPHON_LOSS_BANDS_H

#include "antiphon/tape.h"

/* y [B bands, S] of audio x of B signals, the bands of one signal side by side, the lowest first.
 *
 * Each band is x under a real, zero-phase weight in frequency; the weights of a frequency add up to 1, so
 * that the bands add up to x. At f, with p = bands ln(f / 60 Hz) / ln(12000 / 60) - 1/2 held within 0 ..
 * bands - 1, band b weighs cos^2(pi/2 (p - b)) within 1 of p and 0 beyond: centres evenly spaced in log
 * frequency, crossfades from each to the next. The signal is taken as periodic, after zeros up to a length
 * that transforms fast (even, no prime factor above 5). */
ap_var *ap_band_split(ap_tape *tape, ap_var *x, int bands);

#endif
