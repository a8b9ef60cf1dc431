/* Writing a file so that under its name there is, at every moment, either what was there before or the whole
 * of what is new: the content goes to a temporary file beside it, which is flushed to the disk and then
 * renamed. */
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

/* What is written to a name that the user gives. */
typedef enum ap_file_kind { AP_FILE_JSON, AP_FILE_HTML, AP_FILE_WAV } ap_file_kind;

/* Whether `path` may become a file of this kind: so it may while nothing is there, or an empty file, or one
 * that begins as those of the kind do. AP_MISUSE for any other file, which a slip in a command must not cost.
 * What is no regular file is left to ap_replace_begin. Removes what killed writers have left of it. */
ap_status ap_replace_check(const char *path, ap_file_kind kind);

/* Opens a temporary file beside `path`. Fails, naming `path`, where the folder is missing or may not be
 * written, or where `path` is something other than a file. */
ap_status ap_replace_begin(const char *path, ap_replacement *replacement);

/* Writes all of `bytes` behind what is written already. After a failure the replacement is to be abandoned.
 */
ap_status ap_replace_write(ap_replacement *replacement, const void *content, size_t bytes);

/* Flushes, closes and renames; on failure the temporary file is removed. Frees the replacement in both cases.
 * Afterwards not even a loss of power brings back what was there before. */
ap_status ap_replace_commit(ap_replacement *replacement);

/* Removes the temporary file and frees the replacement. */
void ap_replace_abandon(ap_replacement *replacement);

/* All of it for content that is in memory already. */
ap_status ap_replace_file(const char *path, const void *content, size_t bytes);

/* Removes the temporary files of `path` that writers which were killed have left, not those being written. */
void ap_replace_sweep(const char *path);

/* The same for all files of a folder whose names begin with `begin`. */
void ap_replace_sweep_all(const char *folder, const char *begin);

/* Makes a folder and those above it, and flushes them to the disk; one that exists is no failure. */
ap_status ap_make_folder(const char *path);

#endif
