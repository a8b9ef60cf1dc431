/* Audio mosaicing by nonnegative matrix factorisation (Driedger, Prätzlich, Müller, "Let it Bee: towards
 * NMF-inspired audio mosaicing", ISMIR 2015). */
#ifndef ANTIPHON_EVALUATE_MUSAICING_H
#define ANTIPHON_EVALUATE_MUSAICING_H

#include "antiphon/real.h"

#include <stdint.h>

/* y [n]: the magnitude spectrogram of `rhythm` rebuilt from the spectral frames of `sounds`, both of n
 * samples. Which frame sounds when is learned; its first values are drawn from `seed`. The level is that of
 * `rhythm`, roughly. */
void ap_musaicing(uint64_t seed, int64_t n, const ap_real *rhythm, const ap_real *sounds, ap_real *y);

#endif
