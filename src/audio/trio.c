#include "audio/trio.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const char *const endings[TRIO] = {"_1_input.wav", "_2_target.wav", "_3_output.wav"};

void ap_trio_free(ap_audio trio[TRIO])
{
    for (int k = 0; k < TRIO; k++) ap_audio_free(&trio[k]);
}

ap_status ap_trio_read(const char *const paths[TRIO], ap_audio trio[TRIO])
{
    for (int k = 0; k < TRIO; k++) trio[k] = (ap_audio){.samples = NULL};
    for (int k = 0; k < TRIO; k++) {
        ap_status status = ap_audio_read(paths[k], AP_SAMPLE_RATE, &trio[k]);
        if (!ap_failed(&status)) continue;
        ap_trio_free(trio);
        return status;
    }
    return ap_ok();
}

int64_t ap_trio_shortest(const ap_audio trio[TRIO])
{
    int64_t least = trio[0].count;
    for (int k = 1; k < TRIO; k++)
        if (trio[k].count < least) least = trio[k].count;
    return least;
}

trio_paths ap_trio_paths_of(const char *folder, const char *name)
{
    trio_paths paths;
    for (int k = 0; k < TRIO; k++) paths.at[k] = ap_format_text("%s/%s%s", folder, name, endings[k]);
    return paths;
}

void ap_trio_paths_free(trio_paths *paths)
{
    for (int k = 0; k < TRIO; k++) free(paths->at[k]);
}

ap_status ap_trio_names_list(const char *folder, ap_names *names)
{
    const size_t end = strlen(endings[TRIO_OUTPUT]);
    ap_names files;
    *names = (ap_names){.at = NULL};
    AP_TRY(ap_folder_list(folder, &files));
    for (size_t k = 0; k < files.count; k++) {
        char *name = files.at[k];
        size_t length = strlen(name);
        if (length <= end || strcmp(name + length - end, endings[TRIO_OUTPUT]) != 0) continue;
        name[length - end] = '\0';
        ap_names_add(names, name);
    }
    ap_names_free(&files);
    if (names->count) return ap_ok();
    return ap_error(AP_FAILED, "%s: holds no composed piece (NAME%s)", folder, endings[TRIO_OUTPUT]);
}
