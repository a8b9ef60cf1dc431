/* Splits audio into frequency bands. */
#ifndef ANTIPHON_LOSS_BANDS_H
#define ANTIPHON_LOSS_BANDS_H

#include "antiphon/tape.h"

/* y [B bands, S] from audio x of B signals: the bands of one signal in succession, the lowest first.
 *
 * Each band is x filtered by a real, zero-phase weight in frequency. The weights of each frequency add up to
 * 1, so the bands add up to x. At frequency f, with p = bands ln(f / 60 Hz) / ln(12000 / 60) - 1/2 limited
 * to 0 .. bands - 1, band b has the weight cos^2(pi/2 (p - b)) if |p - b| < 1, else 0: centres evenly spaced
 * in log frequency, with cross-fades. The signal is treated as periodic, after padding with zeros to a
 * length with a fast transform (even, no prime factor above 5). */
ap_var *ap_band_split(ap_tape *tape, ap_var *x, int bands);

#endif
