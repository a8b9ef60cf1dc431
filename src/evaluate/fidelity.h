/* Measures how closely a codec's output matches its input. */
#ifndef ANTIPHON_EVALUATE_FIDELITY_H
#define ANTIPHON_EVALUATE_FIDELITY_H

#include "antiphon/arena.h"
#include "antiphon/real.h"

#include <stdint.h>

typedef enum ap_fidelity_measure {
    AP_FIDELITY_SI_SDR, /* dB: scale-invariant signal-to-distortion ratio (Le Roux et al., "SDR - half-baked
                           or well done?", 2019), limited to -60 .. 100; NaN if the output is silent */
    AP_FIDELITY_MEL,  /* dB: mean |difference| of mel spectra (128 bands to 16 kHz or half the rate, n = 2048,
                         hop 512), floored  80 dB below the input's maximum */
    AP_FIDELITY_STFT, /* mean over n = 512, 1024, 2048 (hop n/4) of ||A - B|| / ||B|| + mean |ln A - ln B| */
    AP_FIDELITY_CHROMA,   /* ap_chroma_cosine to the input */
    AP_FIDELITY_ENVELOPE, /* Pearson's r of both RMS levels, every 10 ms */
    AP_FIDELITY_COUNT
} ap_fidelity_measure;

/* The name of a measure in tables and in JSON. */
const char *ap_fidelity_title(ap_fidelity_measure measure);
const char *ap_fidelity_name(ap_fidelity_measure measure);

/* All measures of the output y against the input x, n samples each at `rate`. x must not be silent; n is at
 * least ap_fidelity_least(rate), 20 ms. */
int64_t ap_fidelity_least(int rate);
void ap_fidelity_of(ap_arena *arena, int rate, int64_t n, const ap_real *x, const ap_real *y,
                    double values[AP_FIDELITY_COUNT]);

#endif
