/* Files read whole. (Writing: replace.h.) */
#ifndef ANTIPHON_CORE_FILE_H
#define ANTIPHON_CORE_FILE_H

#include "antiphon/status.h"

#include <stddef.h>

/* A descriptor to read from, or -1 and errno. A FIFO, too, is opened at once, with or without a writer:
 * whoever wants a regular file is to see what it is, not to wait. */
int ap_file_open(const char *path);

/* Reads a regular file of at most `limit` bytes into *text, followed by a NUL that *length does not count.
 * The caller frees *text; on failure it is NULL. */
ap_status ap_file_read(const char *path, size_t limit, char **text, size_t *length);

#endif
