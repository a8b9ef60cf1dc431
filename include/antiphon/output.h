/** @file output.h
 * The output parts: how the agent's latents become those the decoder hears.
 *
 * cascade: two refining stages over the agent's and the target's latents, each a transformer with a residual
 * and a bounded match of its RMS to theirs. gates: gains over both sources' latents and a little of the
 * agent's own. Their parameters carry the names of the reference model.
 */
#ifndef ANTIPHON_OUTPUT_H
#define ANTIPHON_OUTPUT_H

#include "antiphon/params.h"

typedef struct ap_cascade ap_cascade;

/** Registers "<prefix>stage0.…" (width 2 dim) and "<prefix>stage1.…" (width 3 dim); owned by `params`. heads
 * divides both widths; the feed-forward parts are four times as wide. `prefix` is "" or ends in a dot. */
ap_cascade *ap_cascade_create(ap_params *params, int64_t dim, int heads, int layers, ap_real dropout,
                              const char *prefix);

/** Refined latents [B, D, T] from composed ones zc and the target's zt:
 * y = match(stage0([zc, zt]) + (zc + zt) / 2), then match(stage1([zc, y, zt]) + (zc + y + zt) / 3), where
 * match scales each item towards the RMS of zc and zt by a factor within [0.7, 1.5]. */
ap_var *ap_cascade_refine(ap_tape *tape, const ap_cascade *cascade, ap_var *zc, ap_var *zt);

typedef struct ap_gates ap_gates;

/** Registers "<prefix>linear.weight" and ".bias", which start at zero but for the input's biases, at -2 (-17
 * dB); owned by `params`. `bands` divides dim; fresh is the share of the agent's own latents. */
ap_gates *ap_gates_create(ap_params *params, int64_t dim, int64_t bands, ap_real fresh, const char *prefix);

/** y [B, D, T] = g_input zi + g_target zt + fresh z: for each frame and band of D / bands channels, gains
 * exp(3 tanh(u / 3)), within +-26 dB, u linear in z. zi NULL: target material only. */
ap_var *ap_gates_apply(ap_tape *tape, const ap_gates *gates, ap_var *z, ap_var *zi, ap_var *zt);

#endif
