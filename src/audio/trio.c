#include "audio/trio.h"

#include "audio/recordings.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const char *const endings[TRIO] = {"_1_input.wav", "_2_target.wav", "_3_output.wav"};

void ap_trio_free(ap_audio trio[TRIO])
{
    for (int k = 0; k < TRIO; k++) ap_audio_free(&trio[k]);
}

ap_status ap_trio_read(const char *const paths[TRIO], ap_audio trio[TRIO], int64_t lengths[TRIO])
{
    int64_t own[TRIO];
    return ap_audio_read_shortest(TRIO, paths, AP_SAMPLE_RATE, trio, lengths ? lengths : own);
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
    return ap_ok();
}
