#include "model/extractor.h"

#include "base/bounds.h"
#include "model/head.h"

#include <stdio.h>

/* The kernel sizes of a head's two convolutions set the time span it sees. */
static const struct {
    int64_t k1, k2;
} kinds[AP_HEADS_EACH] = {[AP_RHYTHM] = {3, 5}, [AP_HARMONY] = {7, 9}, [AP_TIMBRE] = {15, 21}};

const char *const ap_head_names[AP_HEADS_EACH] = {
    [AP_RHYTHM] = "rhythm", [AP_HARMONY] = "harmony", [AP_TIMBRE] = "timbre"};

const char *const ap_component_names[AP_COMPONENTS] = {
    "input_rhythm", "input_harmony", "input_timbre", "target_rhythm", "target_harmony", "target_timbre",
};

ap_extractor ap_extractor_create(ap_params *params, int64_t dim, int64_t component, bool causal,
                                 const char *prefix)
{
    ap_extractor extractor;
    for (int k = 0; k < AP_HEADS_EACH; k++) {
        char name[128];
        snprintf(name, sizeof name, "%s.%s.", prefix, ap_head_names[k]);
        extractor.heads[k] = ap_head_create(params, dim, component, kinds[k].k1, kinds[k].k2, causal, name);
    }
    return extractor;
}

void ap_extractor_apply(ap_tape *tape, ap_extractor *extractor, ap_var *x, ap_var *parts[AP_HEADS_EACH])
{
    ap_heads_apply(tape, AP_HEADS_EACH, extractor->heads, x, parts);
}

int64_t ap_extractor_reach(void)
{
    int64_t reach = 0;
    for (int k = 0; k < AP_HEADS_EACH; k++) reach = ap_most(reach, kinds[k].k1 - 1 + kinds[k].k2 - 1);
    return reach;
}
