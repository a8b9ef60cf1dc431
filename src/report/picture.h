/* Spectrograms as PNG pictures. */
#ifndef ANTIPHON_REPORT_PICTURE_H
#define ANTIPHON_REPORT_PICTURE_H

#include "antiphon/arena.h"
#include "antiphon/real.h"

#include <stddef.h>
#include <stdint.h>

/* The range in decibels from darkest to brightest, and the frequency at the top in Hz. */
#define PICTURE_DECIBELS 80
#define PICTURE_TOP 12000

/* The mel spectrogram of n samples at 24 kHz as a PNG file, which the caller frees. The loudest value is
 * brightest, time runs to the right, the mel scale upwards. */
void *ap_picture_spectrogram(ap_arena *arena, int64_t n, const ap_real *x, size_t *length);

#endif
