/** @file synth.h
 * The built-in synthesiser: a drum kit and a piano that play made-up music. It gives pairs to train on
 * without any download.
 *
 * The same seed, rate and length give the same samples on the same machine, with any number of threads.
 */
#ifndef ANTIPHON_SYNTH_H
#define ANTIPHON_SYNTH_H

#include "antiphon/api.h"
#include "antiphon/real.h"

#include <stdint.h>

AP_API_BEGIN

/** The RMS level of the result, as a share of full scale (-20 dBFS). */
#define AP_SYNTH_RMS 0.1

/** The largest magnitude of a sample, as a share of full scale. */
#define AP_SYNTH_PEAK 0.95

/** Writes `count` samples of a drum kit at `rate` samples per second to `samples`: one of several grooves,
 * with its own tempo and swing, ghost notes, variations from bar to bar, fills and accents, in a small room.
 */
void ap_synth_drums(uint64_t seed, int rate, int64_t count, ap_real *samples);

/** Writes `count` samples of a piano at `rate` samples per second to `samples`: a left hand that accompanies
 * a chord progression and a right hand whose melody repeats and varies its motifs in phrases of four bars,
 * pedalled, in a small room. */
void ap_synth_piano(uint64_t seed, int rate, int64_t count, ap_real *samples);

AP_API_END

#endif
