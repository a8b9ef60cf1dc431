/* The extractor of one source: its three heads. */
#ifndef ANTIPHON_MODEL_EXTRACTOR_H
#define ANTIPHON_MODEL_EXTRACTOR_H

#include "antiphon/agent.h"

typedef struct ap_extractor {
    ap_head *heads[AP_HEADS_EACH]; /* rhythm, harmony, timbre */
} ap_extractor;

/* Registers "<prefix>.rhythm.…", "<prefix>.harmony.…", "<prefix>.timbre.…". */
ap_extractor ap_extractor_create(ap_params *params, int64_t dim, int64_t component, bool causal,
                                 const char *prefix);

/* parts[k] = [B, component, T] from x [B, D, T], for each head */
void ap_extractor_apply(ap_tape *tape, ap_extractor *extractor, ap_var *x, ap_var *parts[AP_HEADS_EACH]);

/* How many frames before it a frame of the parts depends on, in a causal extractor. */
int64_t ap_extractor_reach(void);

#endif
