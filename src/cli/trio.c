#include "cli/trio.h"

#include "base/print.h"

#include <stdio.h>

void trio_tell_lengths(const char *who, const int64_t lengths[TRIO], int64_t shortest)
{
    char words[TRIO][32];
    bool differ = false;
    for (int k = 0; k < TRIO; k++) {
        differ |= lengths[k] != shortest;
        if (lengths[k])
            snprintf(words[k], sizeof *words, "%.5f", (double)lengths[k] / AP_SAMPLE_RATE);
        else
            snprintf(words[k], sizeof *words, "longer");
    }
    if (differ)
        ap_text_print(stderr, "%s: the lengths differ (%s, %s, %s s): the first %.5f s are compared\n", who,
                      words[TRIO_INPUT], words[TRIO_TARGET], words[TRIO_OUTPUT],
                      (double)shortest / AP_SAMPLE_RATE);
}

ap_status trio_compose(const ap_config *config, ap_model *model, const ap_pair *pair, const trio_paths *paths,
                       const ap_compose_paths *settings, ap_compose_watch *watch, ap_composed *composed)
{
    ap_compose_paths files = *settings;
    files.output = paths->at[TRIO_OUTPUT];
    files.input_copy = paths->at[TRIO_INPUT];
    files.target_copy = paths->at[TRIO_TARGET];
    return ap_compose_files(config, model, pair->input, pair->target, &files, watch, NULL, composed);
}
