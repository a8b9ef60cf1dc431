/** @file model.h
 * A complete model, built from a configuration: codec, agent and output part, with their parameters.
 *
 * A model changes as it computes: tables of positions grow, a frozen codec keeps its weights normalised and,
 * in training, running statistics move. One model serves one thread at a time.
 */
#ifndef ANTIPHON_MODEL_H
#define ANTIPHON_MODEL_H

#include "antiphon/api.h"
#include "antiphon/codec.h"
#include "antiphon/listen.h"
#include "antiphon/config.h"
#include "antiphon/params.h"

AP_API_BEGIN

typedef struct ap_model ap_model;

/** Builds the model with initial weights drawn from the stream of `seed`, and loads codec.weights if that is
 * set. On success the caller owns *model. If the weights file does not fit, the status names the file and the
 * reason. */
ap_status ap_model_create(const ap_config *config, uint64_t seed, ap_model **model);

/** Frees the model and its parameters. NULL is allowed. */
void ap_model_free(ap_model *model);

/** All parameters, under their names in the checkpoint: "agent.…", "cascade.…", "gates.…", "takes.…",
 * "encoder.…", "decoder.…". Borrowed. */
ap_params *ap_model_params(ap_model *model);

/** The model's codec. Borrowed. */
ap_codec *ap_model_codec(ap_model *model);

/** What ap_model_compose gives. */

typedef struct ap_composition {
    ap_var *z;          /**< the agent's latents [B, D, T], before the output part */
    ap_var *latents;    /**< what is decoded [B, D, T]; z itself where the output part is takes, which decodes
                           nothing */
    ap_var *components; /**< what the heads hear, weighted [B, 6 component, T]; NULL without an agent */
    ap_var *weights;    /**< the selector's weights [B, 6, T]; NULL without an agent */
    ap_var *logits;     /**< [B, 6, T]; the weights are their softmax; NULL without an agent */
} ap_composition;

/** Composes latents from the codec's latents of the input and the target, both [B, D, T]. Begins the tape's
 * sections "agent" and "cascade" or "gates", for the parts that the model has. */
ap_composition ap_model_compose(ap_tape *tape, ap_model *model, ap_var *zi, ap_var *zt);

/** The output part alone: what is decoded [B, D, T], from the agent's latents z and the latents of both
 * sources, all [B, D, T]. The sources may be others than the agent has heard, as one channel of each. */
ap_var *ap_model_output(ap_tape *tape, ap_model *model, ap_var *z, ap_var *zi, ap_var *zt);

/** How a composition with takes may differ from the one that the model would choose; all zeros: not at all.
 */
typedef struct ap_knobs {
    uint64_t seed; /**< another seed chooses other grains, and so gives another answer */
    double rhythm; /**< -1 to 1: below 0 what is struck is lower, at -1 silent; above 0 what does not strike
                        with the input is lower, at 1 silent, and notes are shorter */
    double
        harmony; /**< -1 to 1: -1 notes of the target from elsewhere alone, 1 only what it plays just then */
    double dry;  /**< 0 to 1: how much of the input itself sounds along; 1 at the target's level */
    unsigned without; /**< bit k: what head k (ap_head_kind) of the agent writes is left out */
} ap_knobs;

/** What is heard of a composition, [B, 1, S]: its latents decoded, or, with takes, the target's grains at the
 * input's hits, mixed with the gains that the composition asks for. input and target are the audio [B, 1, S]
 * that was encoded; `onsets` [B] are the input's, where they are known already, or NULL. `seed` chooses, with
 * takes, among the grains; item b has seed + b. */
ap_var *ap_model_sound(ap_tape *tape, ap_model *model, const ap_composition *composed, ap_var *input,
                       const ap_onsets *onsets, ap_var *target, uint64_t seed);

AP_API_END

#endif
