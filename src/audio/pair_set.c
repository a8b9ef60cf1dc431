#include "audio/pair_set.h"

#include "core/file.h"
#include "core/folder.h"
#include "core/memory.h"
#include "core/replace.h"

#include <stdlib.h>
#include <string.h>

/* A note is one line of a command; whatever is longer is somebody else's file. */
#define NOTE_BYTES 65536

static bool holds_something(const char *folder)
{
    ap_names names;
    ap_status status = ap_folder_list(folder, &names);
    bool something = !ap_failed(&status) && names.count > 0;
    ap_names_free(&names);
    return something;
}

static bool has_note(const char *path, const char *note)
{
    char *text;
    size_t length;
    ap_status status = ap_file_read(path, NOTE_BYTES, &text, &length);
    if (ap_failed(&status)) return false;
    bool same = strcmp(text, note) == 0;
    free(text);
    return same;
}

static ap_status make_folders(const char *folder)
{
    static const char *const splits[2] = {"train", "val"};
    for (int k = 0; k < 2; k++) {
        char *path = ap_format_text("%s/%s", folder, splits[k]);
        ap_status status = ap_make_folder(path);
        free(path);
        if (ap_failed(&status)) return status;
    }
    return ap_ok();
}

ap_status pair_set_begin(const char *folder, const char *note, bool repeatable)
{
    char *path = ap_format_text("%s/" PAIR_SET_NOTE, folder), *line = ap_format_text("%s\n", note);
    ap_status status = ap_ok();
    if (!repeatable || !has_note(path, line)) {
        if (holds_something(folder))
            status = repeatable
                         ? ap_error(AP_FAILED,
                                    "%s: not empty, and not what `%s` made before; choose another folder",
                                    folder, note)
                         : ap_error(AP_FAILED, "%s: not empty; choose another folder", folder);
        if (!ap_failed(&status)) status = ap_make_folder(folder);
        if (!ap_failed(&status)) status = ap_replace_file(path, line, strlen(line));
    }
    free(path);
    free(line);
    return ap_failed(&status) ? status : make_folders(folder);
}

ap_status pair_set_write(const char *folder, bool validation, int64_t number, bool target,
                         const ap_audio *audio)
{
    char *path = ap_format_text("%s/%s/pair_%04lld_%s.wav", folder, validation ? "val" : "train",
                                (long long)number, target ? "output" : "input");
    ap_status status = ap_audio_write(path, audio);
    free(path);
    return status;
}
