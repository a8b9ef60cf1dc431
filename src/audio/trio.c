#include "audio/trio.h"

#include "audio/recordings.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define PAIRS_NAME "pairs.json"

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

/* pairs.json of a folder; NULL if there is none, or no object. */
static cJSON *read_pairs(const char *path)
{
    cJSON *pairs;
    ap_status status = ap_json_read(path, &pairs);
    if (!ap_failed(&status) && cJSON_IsObject(pairs)) return pairs;
    cJSON_Delete(pairs);
    return NULL;
}

ap_status ap_trio_note_pair(const char *folder, const char *name, const char *pair)
{
    char *path = ap_format_text("%s/" PAIRS_NAME, folder);
    cJSON *pairs = read_pairs(path);
    if (!pairs) pairs = ap_json_made(cJSON_CreateObject());
    cJSON_DeleteItemFromObjectCaseSensitive(pairs, name);
    /* a name that is no text in UTF-8 would make the file unreadable */
    if (ap_text_is_utf8(pair)) ap_json_add_text(pairs, name, pair);
    ap_status status = ap_json_write(path, pairs);
    free(path);
    return status;
}

char *ap_trio_pair(const char *folder, const char *name)
{
    char *path = ap_format_text("%s/" PAIRS_NAME, folder);
    cJSON *pairs = read_pairs(path);
    const char *pair = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(pairs, name));
    char *copy = pair ? ap_copy_text(pair) : NULL;
    cJSON_Delete(pairs);
    free(path);
    return copy;
}
