/** @file model.h
 * A whole model, built from a configuration: codec, agent and output part with their parameters.
 *
 * A model changes as it computes: tables of positions grow, a frozen codec keeps its weights normalised, and in training
 * running statistics move. One model serves one thread at a time.
 */
#ifndef ANTIPHON_MODEL_H
#define ANTIPHON_MODEL_H

#include "antiphon/api.h"
#include "antiphon/codec.h"
#include "antiphon/config.h"
#include "antiphon/params.h"

AP_API_BEGIN

typedef struct ap_model ap_model;

/** Builds the model with fresh weights drawn from the stream of `seed`; codec.weights are loaded when given.
 * On success *model is the caller's. A weights file that does not fit is reported by the status. */
ap_status ap_model_create(const ap_config *config, uint64_t seed, ap_model **model);
void ap_model_free(ap_model *model);

/** All parameters, by their names in the checkpoint: "agent.…", "cascade.…", "gates.…", "encoder.…",
 * "decoder.…". Borrowed. */
ap_params *ap_model_params(ap_model *model);
ap_codec *ap_model_codec(ap_model *model);

typedef struct ap_composition {
    ap_var *z;       /**< the agent's latents [B, D, T], before the output part */
    ap_var *latents; /**< what the decoder hears [B, D, T] */
    ap_var *weights; /**< the selector's weights [B, 6, T]; NULL without an agent */
    ap_var *logits;  /**< NULL without an agent */
} ap_composition;

/** Composes latents from the codec's latents of the input and of the target, both [B, D, T]. Begins the
 * tape's sections "agent" and "cascade" or "gates", as far as the model has such parts. */
ap_composition ap_model_compose(ap_tape *tape, ap_model *model, ap_var *zi, ap_var *zt);

AP_API_END

#endif
