#include "audio/trio.h"

#include "audio/foreign.h"
#include "audio/recordings.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAIRS_NAME "pairs.json"

static const char *const endings[TRIO] = {"_1_input", "_2_target", "_3_output"};
static const char *const kinds[] = {"wav", "flac"};
#define KINDS (sizeof kinds / sizeof *kinds)

void ap_trio_free(ap_audio trio[TRIO])
{
    for (int k = 0; k < TRIO; k++) ap_audio_free(&trio[k]);
}

ap_status ap_trio_read(const char *const paths[TRIO], ap_audio trio[TRIO], int64_t lengths[TRIO])
{
    int64_t own[TRIO];
    return ap_audio_read_shortest(TRIO, paths, AP_SAMPLE_RATE, trio, lengths ? lengths : own);
}

trio_paths ap_trio_paths_of(const char *folder, const char *name, const char *kind)
{
    trio_paths paths;
    for (int k = 0; k < TRIO; k++) paths.at[k] = ap_format_text("%s/%s%s.%s", folder, name, endings[k], kind);
    return paths;
}

trio_paths ap_trio_paths_find(const char *folder, const char *name)
{
    trio_paths paths = ap_trio_paths_of(folder, name, kinds[0]),
               others = ap_trio_paths_of(folder, name, kinds[1]);
    for (int k = 0; k < TRIO; k++) {
        if (access(paths.at[k], F_OK) == 0) continue;
        char *other =
            access(others.at[k], F_OK) == 0 ? ap_copy_text(others.at[k]) : ap_foreign_find(paths.at[k]);
        if (!other) continue;
        free(paths.at[k]);
        paths.at[k] = other;
    }
    ap_trio_paths_free(&others);
    return paths;
}

void ap_trio_paths_free(trio_paths *paths)
{
    for (int k = 0; k < TRIO; k++) free(paths->at[k]);
}

/* The length of the name of the trio whose output the file is; 0: it is none. */
static size_t name_length(const char *file)
{
    const size_t length = strlen(file), end = strlen(endings[TRIO_OUTPUT]);
    for (size_t k = 0; k < KINDS; k++) {
        const size_t tail = end + 1 + strlen(kinds[k]);
        if (length <= tail || file[length - tail + end] != '.') continue;
        if (ap_text_ends_in(file, length, kinds[k]) &&
            ap_text_ends_in(file, length - tail + end, endings[TRIO_OUTPUT]))
            return length - tail;
    }
    return 0;
}

ap_status ap_trio_names_list(const char *folder, ap_names *names)
{
    ap_names files;
    ap_status status = ap_ok();
    *names = (ap_names){.at = NULL};
    AP_TRY(ap_folder_list(folder, &files));
    for (size_t k = 0; k < files.count && !ap_failed(&status); k++) {
        char *name = files.at[k];
        const size_t length = name_length(name);
        if (!length) continue;
        name[length] = '\0';
        if (names->count && strcmp(names->at[names->count - 1], name) == 0)
            status = ap_error(AP_FAILED, "%s: holds %s%s both as WAV and as FLAC; remove one", folder, name,
                              endings[TRIO_OUTPUT]);
        ap_names_add(names, name);
    }
    ap_names_free(&files);
    if (ap_failed(&status)) ap_names_free(names);
    return status;
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
