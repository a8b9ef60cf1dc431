#include "audio/listing.h"

#include "audio/foreign.h"
#include "audio/pair_set.h"
#include "base/file.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* The deepest nesting of folders; anything deeper is a loop of links. */
#define DEPTH_MOST 32

/* The extensions of files that are read, the best first: lossless before lossy. */
static const char *const extensions[] = {"wav",  "wave", "flac", "aif", "aiff", "aifc", "caf", "w64",
                                         "rf64", "au",   "snd",  "ogg", "oga",  "opus", "mp3"};
#define EXTENSIONS (sizeof extensions / sizeof *extensions)

/* ---------------------------------------------------------------- names */

size_t ap_stem_length(const char *name)
{
    const char *dot = strrchr(name, '.'), *slash = strrchr(name, '/');
    return dot && dot > name && (!slash || dot > slash + 1) ? (size_t)(dot - name) : strlen(name);
}

/* The number of digits at *digits without leading zeros, past which *digits is moved. */
static size_t digits_at(const char **digits)
{
    size_t count = 0;
    while ((*digits)[0] == '0' && isdigit((unsigned char)(*digits)[1])) ++*digits;
    while (isdigit((unsigned char)(*digits)[count])) count++;
    return count;
}

int ap_natural_order(const char *a, const char *b)
{
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            size_t m = digits_at(&a), n = digits_at(&b);
            int order = m != n ? (m < n ? -1 : 1) : strncmp(a, b, m);
            if (order) return order;
            a += m;
            b += n;
            continue;
        }
        int order = tolower((unsigned char)*a++) - tolower((unsigned char)*b++);
        if (order) return order;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static int by_natural_order(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    int order = ap_natural_order(x, y);
    return order ? order : strcmp(x, y);
}

/* The index of a name's extension in a list of `count`; `count` if it is not there. */
static size_t extension_among(const char *name, const char *const *list, size_t count)
{
    const char *dot = name + ap_stem_length(name);
    size_t k = 0;
    while (k < count && (*dot != '.' || strcasecmp(dot + 1, list[k]) != 0)) k++;
    return k;
}

/* ---------------------------------------------------------------- a tree of folders */

typedef struct place {
    dev_t device;
    ino_t inode;
} place;

typedef struct search {
    const char *folder;
    bool skips;
    place other; /* the folder to skip */
    ap_left_out *left_out;
    void *context; /* of left_out */
    ap_names *found;
    place *places; /* identities of the files found */
} search;

static void tell(const search *s, const char *name, const char *reason)
{
    if (!s->left_out) return;
    char *line = ap_format_text("%s/%s: %s", s->folder, name, reason);
    s->left_out(s->context, line);
    free(line);
}

static void tell_foreign(const search *s, const char *name)
{
    char *path = ap_format_text("%s/%s", s->folder, name), *command = ap_foreign_conversion(path);
    char *reason = ap_format_text("this kind of sound file is not read; convert it: %s", command);
    tell(s, name, reason);
    free(reason);
    free(command);
    free(path);
}

/* A link that leads nowhere is left out; a disk that fails is a failure. */
static ap_status tell_unopened(const search *s, const char *name, int reason)
{
    if (ap_file_is_fault(reason))
        return ap_error(AP_FAILED, "%s/%s: cannot be opened: %s", s->folder, name, strerror(reason));
    tell(s, name, "cannot be opened");
    return ap_ok();
}

static bool is_place(const struct stat *info, place at)
{
    return info->st_dev == at.device && info->st_ino == at.inode;
}

static void add_file(search *s, const char *name, const struct stat *info)
{
    if (ap_foreign_name(name)) {
        tell_foreign(s, name);
        return;
    }
    if (extension_among(name, extensions, EXTENSIONS) == EXTENSIONS) return;
    if (S_ISREG(info->st_mode) && info->st_size == 0) { /* it stands for no recording, whatever its name */
        tell(s, name, "is empty (0 bytes)");
        return;
    }
    for (size_t k = 0; k < s->found->count; k++)
        if (is_place(info, s->places[k])) {
            char *reason = ap_format_text("the same file as %s", s->found->at[k]);
            tell(s, name, reason);
            free(reason);
            return;
        }
    s->places = ap_reallocate(s->places, s->found->count + 1, sizeof *s->places);
    s->places[s->found->count] = (place){info->st_dev, info->st_ino};
    ap_names_add(s->found, name);
}

static bool is_pair_set(const char *folder)
{
    char *note = ap_format_text("%s/" PAIR_SET_NOTE, folder);
    bool there = access(note, F_OK) == 0;
    free(note);
    return there;
}

/* `within` is the path relative to s->folder, "" for the folder itself. */
static ap_status search_folder(search *s, const char *within, int depth)
{
    ap_names names;
    char *path = *within ? ap_format_text("%s/%s", s->folder, within) : ap_copy_text(s->folder);
    ap_status status = depth < DEPTH_MOST ? ap_folder_list(path, &names)
                                          : ap_error(AP_FAILED, "%s: folders are nested too deeply", path);
    free(path);
    AP_TRY(status);
    for (size_t k = 0; k < names.count && !ap_failed(&status); k++) {
        struct stat info;
        if (names.at[k][0] == '.') continue;
        char *name = *within ? ap_format_text("%s/%s", within, names.at[k]) : ap_copy_text(names.at[k]);
        char *whole = ap_format_text("%s/%s", s->folder, name);
        if (stat(whole, &info) != 0)
            status = tell_unopened(s, name, errno);
        else if (!S_ISDIR(info.st_mode))
            add_file(s, name, &info);
        else if (is_pair_set(whole))
            tell(s, name, "a set of pairs, which is made from recordings");
        else if (!s->skips || !is_place(&info, s->other))
            status = search_folder(s, name, depth + 1);
        free(whole);
        free(name);
    }
    ap_names_free(&names);
    return status;
}

/* ---------------------------------------------------------------- one of each */

static bool same_stem(const char *a, const char *b)
{
    size_t length = ap_stem_length(a);
    return length == ap_stem_length(b) && strncasecmp(a, b, length) == 0;
}

/* Of the files with the same name, keeps the one whose extension comes first in the list. */
static void keep_best(const search *s)
{
    ap_names kept = {NULL, 0}, *found = s->found;
    for (size_t k = 0; k < found->count; k++) {
        size_t best = k;
        for (size_t i = 0; i < found->count; i++)
            if (same_stem(found->at[i], found->at[k]) &&
                extension_among(found->at[i], extensions, EXTENSIONS) <
                    extension_among(found->at[best], extensions, EXTENSIONS))
                best = i;
        if (best == k) {
            ap_names_add(&kept, found->at[k]);
            continue;
        }
        char *reason = ap_format_text("the same piece as %s, by its name", found->at[best]);
        tell(s, found->at[k], reason);
        free(reason);
    }
    ap_names_free(found);
    *found = kept;
}

ap_status ap_recordings_list(const char *folder, const char *other, ap_left_out *left_out, void *context,
                             ap_names *found)
{
    struct stat info;
    search s = {.folder = folder, .left_out = left_out, .context = context, .found = found};
    *found = (ap_names){NULL, 0};
    s.skips = other && stat(other, &info) == 0;
    if (s.skips) s.other = (place){info.st_dev, info.st_ino};
    ap_status status = search_folder(&s, "", 0);
    free(s.places);
    if (ap_failed(&status)) return status;
    keep_best(&s);
    if (found->count == 0)
        return ap_error(AP_FAILED, "%s: holds no audio file (WAV, FLAC, OGG, MP3, AIFF ...)", folder);
    qsort(found->at, found->count, sizeof *found->at, by_natural_order);
    return ap_ok();
}
