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

#endif
