/* Spectrograms as PNG pictures. */
#ifndef ANTIPHON_REPORT_PICTURE_H
#define ANTIPHON_REPORT_PICTURE_H

#include "antiphon/arena.h"
#include "antiphon/real.h"

#include <stddef.h>
#include <stdint.h>

/* The range in decibels from darkest to brightest. */
#define PICTURE_DECIBELS 80

/* The frequency at the top of a picture in Hz: half the rate, or AP_MEL_TOP if that is less. */
double ap_picture_top(int rate);

/* The mel spectrogram of n samples as a PNG file, which the caller frees. The loudest value is brightest,
 * time runs to the right, the mel scale upwards. */
void *ap_picture_spectrogram(ap_arena *arena, int rate, int64_t n, const ap_real *x, size_t *length);

#endif
