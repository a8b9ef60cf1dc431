/* Lists, flushes and resolves folders. */
#ifndef ANTIPHON_BASE_FOLDER_H
#define ANTIPHON_BASE_FOLDER_H

#include "antiphon/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ap_names {
    char **at; /* sorted bytewise; owned */
    size_t count;
} ap_names;

/* The names of all entries of a folder, except "." and "..", without the folder's path. */
ap_status ap_folder_list(const char *folder, ap_names *names);
void ap_names_free(ap_names *names);

/* Appends a copy of a name. */
void ap_names_add(ap_names *names, const char *name);

/* Flushes to the disk what was created, renamed or removed in a folder. If the file system cannot do that,
 * or the folder may not be read, it is left to the system, and the status is success. */
ap_status ap_folder_flush(const char *folder);

/* The absolute path without links, "." and "..". Parts that do not exist stay as they are written. The
 * caller frees it. */
char *ap_folder_resolve(const char *path);

/* Whether `path` is `folder` or lies inside it. Neither needs to exist. */
bool ap_folder_holds(const char *folder, const char *path);

#endif
