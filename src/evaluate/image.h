/* The stereo image of recordings: how their two channels are related, band by band. */
#ifndef ANTIPHON_EVALUATE_IMAGE_H
#define ANTIPHON_EVALUATE_IMAGE_H

#include "antiphon/real.h"

#include <stdint.h>

/* How far the image of one recording is from that of another. Both are means over AP_IMAGE_BANDS bands from
 * 100 to 16000 Hz, of which each weighs as the first recording's power in it. */
typedef struct ap_image_distance {
    double level;     /* dB: difference of the inter-channel level differences, each within +-40 dB */
    double coherence; /* 0 to 2: distance of the complex inter-channel coherences <L, R> / (|L| |R|), whose
                         size says how alike the channels are and whose angle how they stand in phase */
} ap_image_distance;

#define AP_IMAGE_BANDS 20

/* The distance of the image of x from that of y: left and right, n samples each, at `rate`. Images are of the
 * whole recordings (as the parameters of parametric stereo: J. Breebaart et al., "Parametric coding of stereo
 * audio", EURASIP J. Applied Signal Processing, 2005), since grains of y may sound at other times in x. NaN
 * for silence. */
ap_image_distance ap_image_compare(int rate, int64_t n, const ap_real *const x[2], const ap_real *const y[2]);

#endif
