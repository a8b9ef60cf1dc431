/* The output parts, which turn the agent's latents into those that are decoded.
 *
 * cascade: two refining stages over the agent's and the target's latents. Each is a transformer with a
 * residual connection; its RMS is matched to theirs within bounds. gates: gains on both sources' latents,
 * the target's at several delays, plus a little of the agent's own latents. Parameters have the names of the
 * reference model. */
#ifndef ANTIPHON_MODEL_OUTPUT_H
#define ANTIPHON_MODEL_OUTPUT_H

#include "antiphon/params.h"

typedef struct ap_cascade ap_cascade;

/** Registers "<prefix>stage0.…" (width 2 dim) and "<prefix>stage1.…" (width 3 dim); owned by `params`. heads
 * divides both widths; the feed-forward layers are four times as wide. `prefix` is "" or ends in a dot. */
ap_cascade *ap_cascade_create(ap_params *params, int64_t dim, int heads, int layers, ap_real dropout,
                              const char *prefix);

/** Refined latents [B, D, T] from the composed ones zc and the target's zt:
 *     y = match(stage0([zc, zt]) + (zc + zt) / 2)
 *     result = match(stage1([zc, y, zt]) + (zc + y + zt) / 3)
 * match scales each item towards the RMS of zc and zt, by a factor within [0.7, 1.5]. */
ap_var *ap_cascade_refine(ap_tape *tape, ap_cascade *cascade, ap_var *zc, ap_var *zt);

typedef struct ap_gates ap_gates;

#define AP_GATES_DELAYS_MOST 8

typedef struct ap_gates_config {
    int64_t dim, bands;                   /**< `bands` divides dim */
    int delay_count;                      /**< 1 to AP_GATES_DELAYS_MOST */
    int64_t delays[AP_GATES_DELAYS_MOST]; /**< of the target's latents, in frames */
    ap_real own;                          /**< factor on the agent's own latents */
} ap_gates_config;

/** Registers "<prefix>linear.weight" [(1 + delays) bands, dim] and ".bias": the gains of the input, then
 * those of the target at each delay. All start at zero, except the biases of the input's gains and of the
 * target's at every delay after the first, which start at -2 (-17 dB). Owned by `params`. */
ap_gates *ap_gates_create(ap_params *params, ap_gates_config config, const char *prefix);

/** y [B, D, T] = g_input zi + sum over k of g_k zt delayed by delays[k] + own z. The gains are exp(3 tanh(u /
 * 3)), within +-26 dB, for each frame and band of D / bands channels, with u linear in z. Separate gains for
 * the delayed target let the agent strike its notes where the input strikes. zi NULL: target material only.
 */
ap_var *ap_gates_apply(ap_tape *tape, const ap_gates *gates, ap_var *z, ap_var *zi, ap_var *zt);

#endif
