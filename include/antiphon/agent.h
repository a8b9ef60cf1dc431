/** @file agent.h
 * The compositional creative agent: reads the latents of two sources and writes new ones.
 *
 * There are two extractors, one for the input and one for the target. Each has three heads, whose kernel
 * sizes set the time span they see: rhythm (3 and 5 frames of 13 ms), harmony (7, 9), timbre (15, 21). A
 * selector weights the six components at every frame. A transformer, the composer, turns the weighted
 * components into latents. Parameters have the names of the reference model. A causal agent has the same
 * parameters; what it composes at a frame depends on no later one.
 *
 * An agent changes as it computes: its table of positions grows and, in training, BatchNorm's running
 * statistics move. One agent serves one thread at a time.
 */
#ifndef ANTIPHON_AGENT_H
#define ANTIPHON_AGENT_H

#include "antiphon/api.h"
#include "antiphon/params.h"

#include <stdbool.h>

AP_API_BEGIN

/** One head: a convolution of k1 taps to 2 out channels, LeakyReLU, a convolution of k2 taps to out channels,
 * LeakyReLU; then a 1 x 1 skip connection from x is added, and BatchNorm follows. The slope of LeakyReLU is
 * 0.2. */
typedef struct ap_head ap_head;

/** Registers "<prefix>conv1.weight" … "<prefix>norm.running_var". The head is owned by `params`. k1 and k2
 * are odd. A causal head's convolutions look only back. `prefix` is "" or ends in a dot. */
ap_head *ap_head_create(ap_params *params, int64_t dim, int64_t out, int64_t k1, int64_t k2, bool causal,
                        const char *prefix);

/** [B, out, T] from x [B, dim, T] */
ap_var *ap_head_apply(ap_tape *tape, ap_head *head, ap_var *x);

/** The heads of each source, in this order everywhere. */
typedef enum ap_head_kind { AP_RHYTHM, AP_HARMONY, AP_TIMBRE, AP_HEADS_EACH } ap_head_kind;

/** "rhythm", "harmony", "timbre" */
extern const char *const ap_head_names[AP_HEADS_EACH];

/** The components that the selector weights: rhythm, harmony and timbre of the input, then of the target. */
#define AP_COMPONENTS (2 * AP_HEADS_EACH)

/** "input_rhythm", "input_harmony", … "target_timbre" */
extern const char *const ap_component_names[AP_COMPONENTS];

/** The sizes of an agent. */
typedef struct ap_agent_config {
    int64_t dim;       /**< latent dimensions D */
    int64_t component; /**< channels of each component */
    int64_t model;     /**< width of the composer; even */
    int heads, layers; /**< attention heads and layers of the composer; heads divides model */
    int64_t ff;        /**< width of the composer's feed-forward blocks */
    ap_real dropout;   /**< probability in [0, 1) */
    bool positions;    /**< whether the composer gets positional encodings */
    int64_t past;      /**< 0: the agent looks ahead. Otherwise it is causal, and each layer of the composer
                          attends to this many frames, up to the present one */
} ap_agent_config;

typedef struct ap_agent ap_agent;

typedef struct ap_agent_output {
    ap_var *z;          /**< the composed latents [B, D, T], limited to +-50 */
    ap_var *components; /**< what the heads hear, times its weight, [B, 6 component, T] */
    ap_var *weights;    /**< the selector's weights [B, 6, T]; they sum to 1 at each frame */
    ap_var *logits;     /**< [B, 6, T]; the weights are their softmax */
} ap_agent_output;

/** Registers "<prefix>input_extractor.rhythm.conv1.weight" and so on. The agent is owned by `params`.
 * `prefix` is "" or ends in a dot. */
ap_agent *ap_agent_create(ap_params *params, ap_agent_config config, const char *prefix);

/** Composes from input latents zi and target latents zt, both [B, D, T]. */
ap_agent_output ap_agent_compose(ap_tape *tape, ap_agent *agent, ap_var *zi, ap_var *zt);

AP_API_END

#endif
