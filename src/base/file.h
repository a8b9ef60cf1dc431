/* Opens files, and reads whole files. (For writing whole files see replace.h.) */
#ifndef ANTIPHON_BASE_FILE_H
#define ANTIPHON_BASE_FILE_H

#include "antiphon/status.h"

#include <stdbool.h>
#include <stddef.h>

/* A descriptor for reading, or -1 and errno. A FIFO is opened without waiting for a writer, so that the
 * caller can see what it is. */
int ap_file_open(const char *path);

/* A descriptor for writing a regular file in place, or -1 and errno. `flags`: O_WRONLY or O_RDWR with
 * O_APPEND or O_TRUNC. For safety, a symbolic link is not followed (ELOOP), and a FIFO or a device is
 * neither waited for nor written (EINVAL): someone who can create files in the folder must not choose what
 * is overwritten. */
int ap_file_open_own(const char *path, int flags);

/* Whether there is anything at `path`. A failure, which names the path, where the system cannot tell: what
 * cannot be looked at is not taken for absent. A symbolic link is what it leads to. */
ap_status ap_file_is_there(const char *path, bool *there);

/* Whether the path is a symbolic link, wherever it points. */
bool ap_file_is_link(const char *path);

/* Whether an errno blames the system, as a disk that fails does, not the file. */
bool ap_file_is_fault(int reason);

/* Reads a regular file of at most `limit` bytes into *text, followed by a NUL that *length does not count.
 * The caller frees *text; on failure it is NULL. */
ap_status ap_file_read(const char *path, size_t limit, char **text, size_t *length);

#endif
