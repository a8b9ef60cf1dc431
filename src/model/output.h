/* The output parts, which turn the agent's latents into those that are decoded.
 *
 * cascade: two refining stages over the agent's and the target's latents. Each is a transformer with a
 * residual connection; its RMS is matched to theirs within bounds. gates: gains on both sources' latents,
 * the target's at several delays, plus a little of the agent's own latents. takes: no latents, but gains over
 * several takes of the target (score.h), which are mixed as sound. Parameters have the names of the
 * reference model. */
#ifndef ANTIPHON_MODEL_OUTPUT_H
#define ANTIPHON_MODEL_OUTPUT_H

#include "antiphon/ops.h"
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

typedef struct ap_takes ap_takes;

typedef struct ap_takes_config {
    int64_t dim, hop;  /**< of the latents; hop in samples */
    int64_t component; /**< channels of each of the agent's components; 0: there is no agent */
    int64_t bands;     /**< each with gains of its own */
    int64_t width;     /**< channels of the layers */
} ap_takes_config;

/** Registers "<prefix>rhythm.into", "….body.0" to "….body.3" and "….out", "<prefix>harmony.into" and "….out",
 * "<prefix>timbre.into" and "….out", each ".weight" and ".bias"; owned by `params`. At first the one take in
 * which every hit strikes a note sounds as it is, and all others low. */
ap_takes *ap_takes_create(ap_params *params, ap_takes_config config, const char *prefix);

/** Gains [B, AP_TAKES bands, T'], for ap_band_gains, a column every fourth frame, from the agent's latents z
 * [B, D, T], its components (ap_agent_output; NULL: there is no agent) and the takes x [B, AP_TAKES, S]. Each
 * head writes a part of them from z, its own two components and, the rhythm, the levels of the takes:
 *
 *     h = lrelu(conv_9 heard)    of the rhythm also h = h + lrelu(conv_5 h), dilated by 1, 2, 4, 8
 *     rhythm [takes, 4 groups of bands] = conv_1 h
 *     harmony [takes] = conv_1 h, averaged over 1 s
 *     timbre [bands] = conv_1 h, averaged over 4 s
 *     gain = exp(4.5 tanh((rhythm + harmony + timbre) / 4.5))    within +-39 dB
 *
 * So the rhythm's heads say how each hit is struck, the harmony's which takes are heard, the timbre's how
 * bright it is. Bit k of `without` silences head k. */
ap_var *ap_takes_gains(ap_tape *tape, ap_takes *takes, ap_var *z, ap_var *components, ap_tensor x,
                       unsigned without);

/** How ap_band_gains mixes these takes at 24 kHz. */
ap_band_gains_geometry ap_takes_geometry(const ap_takes *takes);

#endif
