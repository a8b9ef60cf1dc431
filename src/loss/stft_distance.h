/* The distance between the spectra of recordings, at several resolutions. */
#ifndef ANTIPHON_LOSS_STFT_DISTANCE_H
#define ANTIPHON_LOSS_STFT_DISTANCE_H

#include "antiphon/tape.h"

/* At most so many references, and lengths of transforms. */
#define AP_STFT_REFERENCES 2
#define AP_STFT_LENGTHS 3

/* The mean over `lengths` and `count` references of ap_spectral_distance between the magnitudes of a
 * and of the reference, with convergence 1. The longest length is the last, and every other divides it;
 * frames are a quarter of the length apart. a and references are audio of the same shape. */
ap_var *ap_stft_distance(ap_tape *tape, ap_var *a, int count, ap_var *const *references, int lengths,
                         const int *length);

#endif
