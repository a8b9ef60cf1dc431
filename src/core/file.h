/* Files read whole, and files that appear whole or not at all. */
#ifndef ANTIPHON_CORE_FILE_H
#define ANTIPHON_CORE_FILE_H

#include "antiphon/status.h"

#include <stddef.h>
#include <stdio.h>

/* Reads a regular file of at most `limit` bytes into *text, followed by a NUL that *length does not count.
 * The caller frees *text; on failure it is NULL. */
ap_status ap_file_read(const char *path, size_t limit, char **text, size_t *length);

/* A file being written beside its place, under `path` with ".tmp" behind it. One writer a path at a time. */
typedef struct ap_atomic_file {
    FILE *stream; /* to write to; NULL when nothing is open */
    char *path, *temporary;
} ap_atomic_file;

/* Opens the temporary file; what an interrupted writer left there is overwritten. */
ap_status ap_atomic_open(const char *path, ap_atomic_file *file);

/* Flushes to the disk, renames into place and flushes the folder. On failure (also of any write before) the
 * temporary file is removed and what stood at `path` stays. The struct is emptied either way. */
ap_status ap_atomic_commit(ap_atomic_file *file);

/* Removes the temporary file. An empty struct is allowed. */
void ap_atomic_abandon(ap_atomic_file *file);

/* The whole of it in one call: `length` bytes of `data` under `path`. */
ap_status ap_file_write(const char *path, const void *data, size_t length);

#endif
