/* A stack of transformer encoder layers (Vaswani et al., 2017), with normalisation after each residual sum,
 * GELU, and the parameter names of torch.nn.TransformerEncoder. */
#ifndef ANTIPHON_MODEL_TRANSFORMER_H
#define ANTIPHON_MODEL_TRANSFORMER_H

#include "antiphon/params.h"

typedef struct ap_transformer_config {
    int64_t model; /**< width */
    int heads;     /**< divides model */
    int layers;
    int64_t ff; /**< width of the feed-forward part */
    ap_real dropout;
    int64_t past; /**< rows that a row attends to, up to itself (ap_attention); 0: all */
} ap_transformer_config;

typedef struct ap_transformer ap_transformer;

/** Registers the parameters "<prefix>.layers.N.…" in `params`, which owns the result. */
ap_transformer *ap_transformer_create(ap_params *params, ap_transformer_config config, const char *prefix);

/** y [B, T, model] from x [B, T, model]. Dropout is active in the tape's training mode. */
ap_var *ap_transformer_apply(ap_tape *tape, const ap_transformer *transformer, ap_var *x);

/** A table of sinusoidal positions that grows with the longest sequence seen. */
typedef struct ap_positions ap_positions;

/** A table of width `model` (even), owned by `params`. */
ap_positions *ap_positions_create(ap_params *params, int64_t model);

/** y[b, t, :] = x[b, t, :] + p[t, :], p[t, 2i] = sin(t / 10000^(2i / model)), p[t, 2i + 1] = cos of the same;
 * x is [B, T, model]. */
ap_var *ap_positions_add(ap_tape *tape, ap_positions *positions, ap_var *x);

#endif
