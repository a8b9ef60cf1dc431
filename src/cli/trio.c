#include "cli/trio.h"

#include "base/text.h"

#include <stdio.h>

int64_t trio_length(const char *who, const ap_audio trio[TRIO])
{
    int64_t least = ap_trio_shortest(trio);
    bool differ = false;
    for (int k = 0; k < TRIO; k++) differ |= trio[k].count != least;
    if (differ)
        ap_text_print(stderr, "%s: the lengths differ (%.5f, %.5f, %.5f s): the first %.5f s are compared\n",
                      who, (double)trio[TRIO_INPUT].count / AP_SAMPLE_RATE,
                      (double)trio[TRIO_TARGET].count / AP_SAMPLE_RATE,
                      (double)trio[TRIO_OUTPUT].count / AP_SAMPLE_RATE, (double)least / AP_SAMPLE_RATE);
    return least;
}

ap_status trio_compose(const ap_config *config, const ap_model *model, const ap_pair *pair,
                       const trio_paths *paths, bool limit, ap_compose_watch *watch, ap_composed *composed)
{
    ap_compose_paths files = {.output = paths->at[TRIO_OUTPUT],
                              .input_copy = paths->at[TRIO_INPUT],
                              .target_copy = paths->at[TRIO_TARGET],
                              .limit = limit};
    return ap_compose_files(config, model, pair->input, pair->target, &files, watch, NULL, composed);
}
