/* Bands of a spectrum as levels, and back: what stands for the upper part of the spectrum in the codecs mdct
 * and mclt.
 *
 * Upwards, coefficients become one level a band. Downwards, a level becomes coefficients again by folding, as
 * in Opus (RFC 6716, 4.3.4): they are copied from lower in the same frame, where they sound, and brought to
 * the level. So what is tonal stays tonal, and what is noise stays noise. Where there is nothing to copy,
 * noise takes its place (perceptual noise substitution, as in AAC: Herre and Schulz, 1998). */
#ifndef ANTIPHON_OPS_LEVELS_H
#define ANTIPHON_OPS_LEVELS_H

#include "antiphon/tape.h"

/* Rows edges[i] .. edges[i + 1] - 1 are band i. Row r is folded from row source[r] of the lower part. */
typedef struct ap_band_map {
    int bands;
    int *edges;  /* [bands + 1], from 0 to the number of rows */
    int *source; /* [rows] */
} ap_band_map;

/* levels [B, bands, T] of rows [B, R, T]: the root mean square of each band's rows. The map must outlive the
 * tape's step. */
ap_var *ap_band_levels(ap_tape *tape, const ap_band_map *map, ap_var *rows);

/* rows [B, R, T] from `levels` [B, bands, T] and the lower part: cosines [B, C, T] and sines, the last S rows
 * of it (NULL: the cosines alone say how loud it is):
 *
 *     row[r] = a (c + n a / 32) / sqrt(L^2 + (a / 32)^2)
 *
 * with a the level of the band, c = cosines[source[r]], L the root mean square of all cosines and sines that
 * the band is folded from, and n = +-1 by a hash of row and frame. No level, or nothing at all below: zero. A
 * negative level is the same with the sign turned. */
ap_var *ap_band_fold(ap_tape *tape, const ap_band_map *map, ap_var *cosines, ap_var *sines, ap_var *levels);

#endif
