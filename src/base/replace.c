#include "base/replace.h"

#include "base/folder.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------- what may be replaced */

/* The first bytes that tell the kinds apart. */
#define HEAD 4

static bool begins_with(const char *head, const char *with)
{
    return strncmp(head, with, strlen(with)) == 0;
}

static bool begins_as(ap_file_kind kind, const char *head)
{
    switch (kind) {
    case AP_FILE_JSON:
        return *head == '{' || *head == '[';
    case AP_FILE_HTML:
        return begins_with(head, "<!");
    case AP_FILE_WAV:
        return begins_with(head, "RIFF");
    case AP_FILE_FLAC:
        return begins_with(head, "fLaC");
    }
    return false;
}

/* Whether the file begins like one of the kind. White space may precede JSON. None of the kinds has a NUL
 * this early; a safetensors file does, in the length at its start, whose other bytes may look like any
 * character. */
static bool is_of_kind(FILE *stream, ap_file_kind kind)
{
    char head[HEAD + 1] = "";
    int c = getc(stream);
    while (kind == AP_FILE_JSON && isspace(c)) c = getc(stream);
    for (int k = 0; k < HEAD && c != EOF; k++, c = getc(stream)) {
        if (c == '\0') return false;
        head[k] = (char)c;
    }
    return begins_as(kind, head) && !ferror(stream);
}

ap_status ap_replace_check(const char *path, ap_file_kind kind)
{
    static const char *const names[] = {
        [AP_FILE_JSON] = "JSON", [AP_FILE_HTML] = "HTML", [AP_FILE_WAV] = "WAV", [AP_FILE_FLAC] = "FLAC"};
    struct stat there;
    ap_replace_sweep(path);
    if (stat(path, &there) != 0 || !S_ISREG(there.st_mode) || there.st_size == 0) return ap_ok();
    FILE *stream = fopen(path, "rb");
    if (!stream) return ap_error(AP_MISUSE, "%s: exists and cannot be read: %s", path, strerror(errno));
    bool same = is_of_kind(stream, kind);
    fclose(stream);
    if (same) return ap_ok();
    return ap_error(AP_MISUSE, "%s: exists and is not %s; choose another name", path, names[kind]);
}

/* ---------------------------------------------------------------- replacing */

static void forget(ap_replacement *r)
{
    if (r->descriptor >= 0) close(r->descriptor);
    ap_leftover_forget(r->left);
    free(r->path);
    free(r->temporary);
    *r = (ap_replacement){.descriptor = -1};
}

static void remove_file(const char *path)
{
    unlink(path);
}

/* Names have at most 255 bytes, on some file systems 143. The name of a temporary file is the file's own,
 * cut to this length, and some thirty bytes more. */
#define STEM_MOST 96

/* The prefix of the names of temporary files of `name`: the name or, if it is long, its beginning and a hash
 * (FNV-1a, 64 bits). The caller frees it. */
static char *stem_of(const char *name)
{
    if (strlen(name) <= STEM_MOST) return ap_copy_text(name);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *c = name; *c; c++) hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    size_t cut = STEM_MOST - 17;
    while (cut > 0 && ((unsigned char)name[cut] & 0xc0) == 0x80) cut--; /* do not cut within a character */
    return ap_format_text("%.*s~%016" PRIx64, (int)cut, name, hash);
}

/* A new name beside `path`. The caller frees it. */
static char *temporary_name(const char *path)
{
    static atomic_uint serial; /* distinguishes files that one process has open at the same time */
    const char *name = ap_text_file_name(path);
    char *stem = stem_of(name);
    char *temporary = ap_format_text("%.*s%s.%ld-%u.tmp", (int)(name - path), path, stem, (long)getpid(),
                                     atomic_fetch_add(&serial, 1));
    free(stem);
    return temporary;
}

/* Marks the file by a lock as being written, so that it is not swept. Without support for locks nothing is
 * swept. False if it has been swept already. */
static bool lock(int descriptor)
{
    struct stat about;
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;
    return fstat(descriptor, &about) != 0 || about.st_nlink > 0;
}

/* Creates and locks a file under r->temporary. -1 and errno on failure. */
static int open_temporary(const char *path, ap_replacement *r)
{
    for (;;) {
        ap_leftover_forget(r->left);
        free(r->temporary);
        r->temporary = temporary_name(path);
        r->left = ap_leftover_note(r->temporary, remove_file);
        int descriptor = open(r->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 && lock(descriptor)) return descriptor;
        if (descriptor < 0 && errno != EEXIST) return -1;
        if (descriptor >= 0) close(descriptor);
    }
}

ap_status ap_replace_begin(const char *path, ap_replacement *r)
{
    struct stat there;
    *r = (ap_replacement){.descriptor = -1};
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return ap_error(AP_FAILED, "%s: cannot be written: %s", path,
                        S_ISDIR(there.st_mode) ? "it is a directory" : "it is not a regular file");
    r->path = ap_copy_text(path);
    r->descriptor = open_temporary(path, r);
    if (r->descriptor >= 0) return ap_ok();
    ap_status status = ap_error(AP_FAILED, "%s: cannot be written: %s", path, strerror(errno));
    forget(r);
    return status;
}

/* A new or renamed file is on the disk only after its folder has been flushed. */
static ap_status flush_folder_of(const char *path)
{
    char *copy = ap_copy_text(path);
    ap_status status = ap_folder_flush(dirname(copy));
    free(copy);
    return status;
}

ap_status ap_replace_commit(ap_replacement *r)
{
    bool failed = fsync(r->descriptor) != 0;
    failed = close(r->descriptor) != 0 || failed;
    r->descriptor = -1;
    failed = failed || rename(r->temporary, r->path) != 0;
    if (failed) {
        ap_status status = ap_error(AP_FAILED, "%s: cannot be written: %s", r->path, strerror(errno));
        ap_replace_abandon(r);
        return status;
    }
    ap_status status = flush_folder_of(r->path);
    forget(r);
    return status;
}

void ap_replace_abandon(ap_replacement *r)
{
    if (r->temporary) unlink(r->temporary);
    forget(r);
}

ap_status ap_replace_write(ap_replacement *r, const void *content, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t wrote = write(r->descriptor, (const char *)content + done, bytes - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return ap_error(AP_FAILED, "%s: cannot be written: %s", r->path, strerror(errno));
        done += (size_t)wrote;
    }
    return ap_ok();
}

ap_status ap_replace_file(const char *path, const void *content, size_t bytes)
{
    ap_replacement r;
    AP_TRY(ap_replace_begin(path, &r));
    ap_status status = ap_replace_write(&r, content, bytes);
    if (!ap_failed(&status)) return ap_replace_commit(&r);
    ap_replace_abandon(&r);
    return status;
}

static size_t digits_before(const char *text, size_t end)
{
    size_t at = end;
    while (at > 0 && isdigit((unsigned char)text[at - 1])) at--;
    return end - at;
}

/* The length of the name that a temporary file belongs to; 0 for other files. ap_replace_begin appends a
 * dot, digits, a hyphen, digits and ".tmp". */
static size_t stands_for(const char *name)
{
    size_t at = strlen(name);
    if (!ap_text_ends_in(name, at, ".tmp")) return 0;
    at -= strlen(".tmp");
    for (const char *between = "-."; *between; between++) {
        size_t digits = digits_before(name, at);
        if (digits == 0 || digits == at || name[at - digits - 1] != *between) return 0;
        at -= digits + 1;
    }
    return at;
}

/* Removes the file unless it is being written. */
static void remove_left(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0 && errno == ELOOP) unlink(path);
    if (descriptor < 0) return;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) unlink(path);
    close(descriptor);
}

/* Removes the temporary files of the file `begin` in `folder`, or of all files whose names begin with it. */
static void sweep(const char *folder, const char *begin, bool all)
{
    ap_names names;
    ap_status status = ap_folder_list(folder, &names);
    size_t length = strlen(begin);
    for (size_t k = 0; !ap_failed(&status) && k < names.count; k++) {
        size_t stem = stands_for(names.at[k]);
        if (stem == 0 || stem < length || (stem > length && !all)) continue;
        if (strncmp(names.at[k], begin, length) != 0) continue;
        char *left = ap_format_text("%s/%s", folder, names.at[k]);
        remove_left(left);
        free(left);
    }
    if (!ap_failed(&status)) ap_names_free(&names);
}

void ap_replace_sweep(const char *path)
{
    char *copy = ap_copy_text(path), *other = ap_copy_text(path), *stem = stem_of(basename(other));
    sweep(dirname(copy), stem, false);
    free(copy);
    free(other);
    free(stem);
}

void ap_replace_sweep_all(const char *folder, const char *begin)
{
    sweep(folder, begin, true);
}

/* ---------------------------------------------------------------- folders */

ap_status ap_make_folder(const char *path)
{
    char *part = ap_copy_text(path);
    ap_status status = ap_ok();
    for (char *end = part; *end && status.code == AP_OK; end++) {
        if (end[1] != '/' && end[1] != '\0') continue;
        char kept = end[1];
        end[1] = '\0';
        struct stat there;
        int reason = mkdir(part, 0777) == 0 ? 0 : errno; /* before stat overwrites errno */
        if (reason && (stat(part, &there) != 0 || !S_ISDIR(there.st_mode)))
            status = reason == EEXIST
                         ? ap_error(AP_FAILED, "%s: is a file, where a folder is to be", part)
                         : ap_error(AP_FAILED, "%s: cannot create the folder: %s", part, strerror(reason));
        if (!reason) status = flush_folder_of(part);
        end[1] = kept;
    }
    free(part);
    return status;
}
