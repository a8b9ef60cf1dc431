/* Gains over several signals by band and time: the arithmetic of ap_band_gains on plain arrays, for rendering
 * at any rate. */
#ifndef ANTIPHON_OPS_BAND_GAINS_H
#define ANTIPHON_OPS_BAND_GAINS_H

#include "antiphon/ops.h"

/* y [B, S] from K signals x [B, K, S] and gains g, of which item b has those at g + b g_pitch, [K bands, T];
 * a pitch of 0 gives all items the same. Scratch comes from the arena and is recycled. */
void ap_band_gains_forward(ap_arena *arena, const ap_band_gains_geometry *geometry, int64_t B, int64_t K,
                           int64_t S, int64_t T, const ap_real *x, const ap_real *g, int64_t g_pitch,
                           ap_real *y);

/* The same at another rate: spacing and, to the nearest power of two, length are as long in seconds. */
ap_band_gains_geometry ap_band_gains_at(ap_band_gains_geometry geometry, int rate);

/* [bands, n / 2 + 1], a constant on the tape: each row takes the mean over the bins of one band, weighted as
 * the bins share the band's gain. */
ap_var *ap_band_means(ap_tape *tape, ap_band_gains_geometry geometry);

#endif
