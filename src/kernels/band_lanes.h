/* Gains in bands over spectra, of one signal a lane (fft_lanes.h). */
#ifndef ANTIPHON_KERNELS_BAND_LANES_H
#define ANTIPHON_KERNELS_BAND_LANES_H

#include "kernels/fft_lanes.h"

/* Where a bin lies between two bands. Bins with a higher frequency do not lie lower. */
typedef struct ap_band_place {
    int low;       /* the lower of the two bands; the other is the next */
    ap_real upper; /* share of the upper one */
} ap_band_place;

/* Y [2 F] += G X [2 F]: the gain G at each bin is factor (g[low] + upper (g[low + 1] - g[low])). */
void ap_band_lanes_gain(int64_t F, ap_real factor, const ap_band_place *places, const ap_lanes *g,
                        const ap_lanes *X, ap_lanes *Y);

/* The gradient of those gains, where dY is the spectrum of the signal's gradient: dg += what Re(conj(X) dY)
 * at each bin adds to its two bands. The bins between the first and the last count twice, for their mirror
 * images. */
void ap_band_lanes_gain_back(int64_t F, ap_real factor, const ap_band_place *places, const ap_lanes *X,
                             const ap_lanes *dY, ap_lanes *dg);

#endif
