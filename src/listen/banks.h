/* Filter banks over power spectra, as defined by librosa.filters. */
#ifndef ANTIPHON_LISTEN_BANKS_H
#define ANTIPHON_LISTEN_BANKS_H

#include "antiphon/arena.h"
#include "antiphon/real.h"
#include "listen/spectrum.h"

#include <stdint.h>

#define AP_MEL_BANDS 128
#define AP_MEL_TOP 16000 /* Hz */

/* Slaney's mel scale: linear up to 1 kHz, logarithmic above. */
double ap_mel_from_hertz(double hertz);

/* decibels [frames, AP_MEL_BANDS], on the arena: triangular bands evenly spaced on Slaney's mel scale from 0
 * to half the sample rate, but not above AP_MEL_TOP, unit area (librosa.filters.mel), over the power
 * spectrum of x [n], in dB (librosa.power_to_db: not below 1e-10, nor 80 dB below the largest). */
ap_real *ap_mel_decibels(ap_arena *arena, ap_spectrum spectrum, int64_t n, const ap_real *x);

/* chroma [frames, 12], on the arena: Gaussian bumps around each pitch class, C first, weighted by a Gaussian
 * over octaves about the fifth (Ellis, "Chroma feature analysis and synthesis", 2007;
 * librosa.filters.chroma). */
ap_real *ap_chroma_bands(ap_arena *arena, ap_spectrum spectrum, int64_t n, const ap_real *x);

#endif
