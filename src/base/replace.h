/* Writes files atomically: at any moment a name has either its old content or all of its new content. The
 * content goes to a temporary file beside it, which is flushed to the disk and then renamed. */
#ifndef ANTIPHON_BASE_REPLACE_H
#define ANTIPHON_BASE_REPLACE_H

#include "antiphon/status.h"
#include "base/leftovers.h"

#include <stddef.h>

typedef struct ap_replacement {
    int descriptor;  /* open for reading and writing, empty at first */
    char *path;      /* the name the file will have */
    char *temporary; /* the name it has until then */
    ap_leftover *left;
} ap_replacement;

/* The kinds of file that are written to a name given by the user. */
typedef enum ap_file_kind { AP_FILE_JSON, AP_FILE_HTML, AP_FILE_WAV, AP_FILE_FLAC } ap_file_kind;

/* Whether `path` may be replaced by a file of this kind: it may if it does not exist, is empty, or begins
 * like a file of the same kind. AP_MISUSE for any other file, which a slip in a command must not overwrite.
 * Anything but a regular file is left to ap_replace_begin. Also removes temporary files of `path` left by
 * killed writers. */
ap_status ap_replace_check(const char *path, ap_file_kind kind);

/* Opens a temporary file beside `path`. Fails, naming `path`, if the folder does not exist or may not be
 * written, or if `path` is not a regular file. */
ap_status ap_replace_begin(const char *path, ap_replacement *replacement);

/* Appends `bytes` bytes. After a failure the caller abandons the replacement. */
ap_status ap_replace_write(ap_replacement *replacement, const void *content, size_t bytes);

/* Flushes, closes and renames. On failure the temporary file is removed. Frees the replacement in any case.
 * After success, not even a loss of power brings back the old content. */
ap_status ap_replace_commit(ap_replacement *replacement);

/* Removes the temporary file and frees the replacement. */
void ap_replace_abandon(ap_replacement *replacement);

/* Replaces the file by content that is in memory. */
ap_status ap_replace_file(const char *path, const void *content, size_t bytes);

/* Removes temporary files of `path` left by killed writers, but none that is being written. */
void ap_replace_sweep(const char *path);

/* The same for all files in a folder whose names begin with `begin`. */
void ap_replace_sweep_all(const char *folder, const char *begin);

/* Creates a folder and its parents, and flushes them to the disk. An existing folder is no failure. */
ap_status ap_make_folder(const char *path);

#endif
