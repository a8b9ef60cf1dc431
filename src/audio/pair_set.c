#include "audio/pair_set.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/replace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A note is one line of a command; a longer file is not ours. */
#define NOTE_BYTES 65536
/* How every note begins. */
#define NOTE_HEAD "antiphon "
#define UNFINISHED "unfinished"
#define JOURNAL "progress.txt"

static const char *const splits[] = {"train", "val"};
#define SPLITS (sizeof splits / sizeof *splits)

/* Whether there is anything in the folder but an unfinished set. */
static bool holds_something(const char *folder)
{
    ap_names names;
    ap_status status = ap_folder_list(folder, &names);
    size_t count = ap_failed(&status) ? 0 : names.count;
    for (size_t k = 0; k < names.count && !ap_failed(&status); k++)
        count -= strcmp(names.at[k], UNFINISHED) == 0;
    ap_names_free(&names);
    return count > 0;
}

/* The note of a set, for the caller to free; NULL when it has none. */
static char *read_note(const char *folder)
{
    char *path = ap_format_text("%s/" PAIR_SET_NOTE, folder), *text = NULL;
    size_t length;
    ap_status status = ap_file_read(path, NOTE_BYTES, &text, &length);
    free(path);
    return ap_failed(&status) ? NULL : text;
}

static bool has_note(const char *folder, const char *line)
{
    char *text = read_note(folder);
    bool same = text && strcmp(text, line) == 0;
    free(text);
    return same;
}

/* Whether one of our commands has begun a set there. */
static bool is_ours(const char *folder)
{
    char *text = read_note(folder);
    bool ours = text && strncmp(text, NOTE_HEAD, strlen(NOTE_HEAD)) == 0;
    free(text);
    return ours;
}

static bool has_split(const char *folder, size_t k)
{
    char *path = ap_format_text("%s/%s", folder, splits[k]);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

/* ---------------------------------------------------------------- the unfinished set */

/* Only removes symbolic links, not what they point to, which is not part of the set. */
static void remove_split(const char *path)
{
    ap_names names;
    if (ap_file_is_link(path)) {
        unlink(path);
        return;
    }
    ap_status status = ap_folder_list(path, &names);
    for (size_t k = 0; !ap_failed(&status) && k < names.count; k++) {
        char *file = ap_format_text("%s/%s", path, names.at[k]);
        unlink(file);
        free(file);
    }
    ap_names_free(&names);
    rmdir(path);
}

static void remove_splits(const char *place)
{
    for (size_t k = 0; k < SPLITS; k++) {
        char *path = ap_format_text("%s/%s", place, splits[k]);
        remove_split(path);
        free(path);
    }
}

static void remove_journal(const char *place)
{
    char *path = ap_format_text("%s/" JOURNAL, place);
    unlink(path);
    free(path);
}

/* Removes the files of a set. A folder that holds anything else stays, with that content. */
static void remove_set(const char *place)
{
    remove_splits(place);
    char *note = ap_format_text("%s/" PAIR_SET_NOTE, place);
    unlink(note);
    free(note);
    remove_journal(place);
    rmdir(place);
}

/* Removes what a killed run has left: a folder with a note of ours, or an empty one. */
static void remove_leftover(const char *place)
{
    ap_replace_sweep_all(place, PAIR_SET_NOTE); /* the note itself may be incomplete */
    if (is_ours(place))
        remove_set(place);
    else
        rmdir(place);
}

/* Removes half-written files of a killed run from a set that is made again in place. */
static void sweep_set(const char *place)
{
    ap_replace_sweep_all(place, PAIR_SET_NOTE);
    for (size_t k = 0; k < SPLITS; k++) {
        char *path = ap_format_text("%s/%s", place, splits[k]);
        ap_replace_sweep_all(path, "");
        free(path);
    }
}

static ap_status make_splits(const char *place)
{
    ap_status status = ap_ok();
    for (size_t k = 0; k < SPLITS && !ap_failed(&status); k++) {
        char *path = ap_format_text("%s/%s", place, splits[k]);
        status = ap_make_folder(path);
        free(path);
    }
    return status;
}

static ap_status make_set(const char *place, const char *line)
{
    char *note = ap_format_text("%s/" PAIR_SET_NOTE, place);
    ap_status status = ap_make_folder(place);
    if (!ap_failed(&status)) status = ap_replace_file(note, line, strlen(line));
    free(note);
    return ap_failed(&status) ? status : make_splits(place);
}

static ap_status move(const pair_set *set, const char *name)
{
    char *from = ap_format_text("%s/%s", set->place, name), *to = ap_format_text("%s/%s", set->folder, name);
    ap_status status = ap_ok();
    if (rename(from, to) != 0 && !(errno == ENOENT && access(to, F_OK) == 0)) /* already moved */
        status = ap_error(AP_FAILED, "%s: cannot be created: %s", to, strerror(errno));
    free(from);
    free(to);
    return status;
}

static bool in_place(const pair_set *set)
{
    return strcmp(set->place, set->folder) == 0;
}

/* Moves the note last, when all else is on the disk: it marks the set as complete. */
static ap_status move_all(const pair_set *set)
{
    for (size_t k = 0; k < SPLITS; k++) AP_TRY(move(set, splits[k]));
    AP_TRY(ap_folder_flush(set->folder));
    AP_TRY(ap_folder_flush(set->place));
    remove_journal(set->place);
    AP_TRY(move(set, PAIR_SET_NOTE));
    AP_TRY(ap_folder_flush(set->folder));
    AP_TRY(ap_folder_flush(set->place));
    rmdir(set->place);
    return ap_ok();
}

/* Whether a run was killed while it moved a complete set: each split is in exactly one of the two places,
 * and at least one has been moved. */
static bool is_half_moved(const pair_set *set)
{
    size_t moved = 0;
    for (size_t k = 0; k < SPLITS; k++) {
        if (has_split(set->folder, k) == has_split(set->place, k)) return false;
        moved += has_split(set->folder, k);
    }
    return moved > 0 && is_ours(set->place);
}

/* Completes the move. A run killed after the last move has left an empty folder. */
static ap_status finish_move(const char *folder, bool *finished)
{
    pair_set set = {.folder = (char *)folder, .place = ap_format_text("%s/" UNFINISHED, folder)};
    ap_status status = ap_ok();
    if (ap_file_is_link(set.place))
        unlink(set.place); /* no run of ours makes a link here: it leads to other files */
    *finished = is_half_moved(&set);
    if (*finished)
        status = move_all(&set);
    else
        *finished = rmdir(set.place) == 0;
    free(set.place);
    return status;
}

/* ---------------------------------------------------------------- making one */

static void remove_empty(const char *folder)
{
    rmdir(folder);
}

static ap_status begin_new(pair_set *set, const char *note, const char *line, bool repeatable)
{
    set->resumable = !repeatable;
    bool taken_over = set->resumable && has_note(set->place, line);
    if (taken_over)
        sweep_set(set->place);
    else
        remove_leftover(set->place);
    if (!holds_something(set->folder) && (taken_over || access(set->place, F_OK) != 0)) {
        if (set->created) set->left[0] = ap_leftover_note(set->folder, remove_empty);
        if (!set->resumable) set->left[1] = ap_leftover_note(set->place, remove_leftover);
        return make_set(set->place, line);
    }
    return repeatable
               ? ap_error(AP_FAILED, "%s: not empty, and not what `%s` made before; choose another folder",
                          set->folder, note)
               : ap_error(AP_FAILED, "%s: not empty; choose another folder", set->folder);
}

ap_status ap_pair_set_begin(const char *folder, const char *note, bool repeatable, pair_set *set)
{
    if (strncmp(note, NOTE_HEAD, strlen(NOTE_HEAD)) != 0) ap_fatal("a pair set's note: %s", note);
    *set = (pair_set){.folder = NULL};
    bool finished;
    AP_TRY(finish_move(folder, &finished));
    char *line = ap_format_text("%s\n", note);
    bool same = has_note(folder, line), again = repeatable && same;
    *set = (pair_set){.folder = ap_copy_text(folder),
                      .place = again ? ap_copy_text(folder) : ap_format_text("%s/" UNFINISHED, folder),
                      .created = access(folder, F_OK) != 0,
                      .whole = finished && same && !repeatable};
    if (again) sweep_set(folder);
    ap_status status = set->whole ? ap_ok()
                       : again    ? make_set(set->place, line)
                                  : begin_new(set, note, line, repeatable);
    free(line);
    return ap_failed(&status) ? ap_pair_set_end(set, status) : status;
}

/* Moves the set to its place. If that fails, nothing of it stays there, unless all of it has arrived. */
static ap_status finish(const pair_set *set)
{
    ap_status status = move_all(set);
    if (ap_failed(&status) && !is_ours(set->folder)) remove_splits(set->folder);
    return status;
}

ap_status ap_pair_set_end(pair_set *set, ap_status status)
{
    bool moves = !set->whole && !in_place(set), stays = set->resumable && status.code == AP_INTERRUPTED;
    if (!ap_failed(&status) && moves) status = finish(set);
    if (ap_failed(&status) && moves && !stays) {
        remove_leftover(set->place);
        if (set->created) rmdir(set->folder);
    }
    for (size_t k = 0; k < sizeof set->left / sizeof *set->left; k++) ap_leftover_forget(set->left[k]);
    free(set->folder);
    free(set->place);
    *set = (pair_set){.folder = NULL};
    return status;
}

ap_status ap_pair_set_write(const pair_set *set, bool validation, int64_t number, bool target,
                            const ap_audio *audio)
{
    char *path = ap_format_text("%s/%s/pair_%04lld_%s.wav", set->place, splits[validation], (long long)number,
                                target ? "target" : "input");
    ap_status status = ap_audio_write(path, audio);
    free(path);
    return status;
}

char *ap_pair_set_journal(const pair_set *set)
{
    return ap_format_text("%s/" JOURNAL, set->place);
}

ap_status ap_pair_set_clear(const pair_set *set)
{
    remove_splits(set->place);
    return make_splits(set->place);
}
