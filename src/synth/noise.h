/* Random numbers and noise for both instruments. */
#ifndef ANTIPHON_SYNTH_NOISE_H
#define ANTIPHON_SYNTH_NOISE_H

#include "antiphon/rng.h"

#include <stdint.h>

/* A uniform number between low and high. */
double ap_synth_between(ap_rng *rng, double low, double high);

/* Adds noise between `low` and `high` Hz (12 dB an octave) that decays by 1/e in `decay`, to the `length`
 * samples of out. */
void ap_synth_noise(ap_rng *rng, int rate, double low, double high, double decay, double gain, int64_t length,
                    double *out);

#endif
