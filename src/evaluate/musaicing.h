/* Audio mosaicing by nonnegative matrix factorisation (Driedger, Prätzlich, Müller, "Let it Bee: towards
 * NMF-inspired audio mosaicing", ISMIR 2015). */
#ifndef ANTIPHON_EVALUATE_MUSAICING_H
#define ANTIPHON_EVALUATE_MUSAICING_H

#include "antiphon/real.h"

#include <stdint.h>

/* y [n]: the magnitude spectrogram of `rhythm` rebuilt from the spectral frames of `sounds`, both of n
 * samples. The activations are learned, starting from random values of `seed`. The level is roughly that of
 * `rhythm`. */
void ap_musaicing(uint64_t seed, int64_t n, const ap_real *rhythm, const ap_real *sounds, ap_real *y);

#endif
