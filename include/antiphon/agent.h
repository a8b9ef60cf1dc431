/** @file agent.h
 * The compositional creative agent: hears the latents of two sources and writes new ones.
 *
 * Two extractors, one for the input and one for the target, each of three heads whose kernels fix what they
 * can hear: rhythm (3 and 5 frames of 13 ms), harmony (7, 9), timbre (15, 21). A selector weighs the six
 * components at every frame; a transformer, the composer, turns the weighted components into latents.
 * Parameters carry the names of the reference model.
 *
 * An agent changes as it computes: its table of positions grows, and in training BatchNorm's running statistics move. One
 * agent serves one thread at a time.
 */
#ifndef ANTIPHON_AGENT_H
#define ANTIPHON_AGENT_H

#include "antiphon/api.h"
#include "antiphon/params.h"

#include <stdbool.h>

AP_API_BEGIN

/** One head: conv of k1 taps to 2 out channels, LeakyReLU, conv of k2 taps to out, LeakyReLU, plus a 1 x 1
 * skip from x, then BatchNorm. LeakyReLU's slope is 0.2. */
typedef struct ap_head ap_head;

/** Registers "<prefix>conv1.weight" … "<prefix>norm.running_var"; owned by `params`. k1 and k2 are odd;
 * `prefix` is "" or ends in a dot. */
ap_head *ap_head_create(ap_params *params, int64_t dim, int64_t out, int64_t k1, int64_t k2,
                        const char *prefix);

/** [B, out, T] from x [B, dim, T] */
ap_var *ap_head_apply(ap_tape *tape, ap_head *head, ap_var *x);

/** How many components the selector weighs: rhythm, harmony and timbre of the input, then of the target. */
#define AP_COMPONENTS 6

/** "input_rhythm", "input_harmony", … "target_timbre" */
extern const char *const ap_component_names[AP_COMPONENTS];

typedef struct ap_agent_config {
    int64_t dim;       /**< latent dimensions D */
    int64_t component; /**< channels of each component */
    int64_t model;     /**< width of the composer; even */
    int heads, layers;
    int64_t ff;
    ap_real dropout;
    bool positions; /**< whether the composer is told where in the sequence a frame stands */
} ap_agent_config;

typedef struct ap_agent ap_agent;

typedef struct ap_agent_output {
    ap_var *z;       /**< the composed latents [B, D, T], within +-50 */
    ap_var *weights; /**< the selector's weights [B, 6, T], summing to 1 at each frame */
    ap_var *logits;  /**< what the weights are the softmax of */
} ap_agent_output;

/** Registers "<prefix>input_extractor.rhythm.conv1.weight" and so on; owned by `params`. `prefix` is "" or
 * ends in a dot. */
ap_agent *ap_agent_create(ap_params *params, ap_agent_config config, const char *prefix);

/** Composes from input latents zi and target latents zt, both [B, D, T]. */
ap_agent_output ap_agent_compose(ap_tape *tape, ap_agent *agent, ap_var *zi, ap_var *zt);

AP_API_END

#endif
