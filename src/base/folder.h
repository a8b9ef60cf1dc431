/* What is in a folder. */
#ifndef ANTIPHON_BASE_FOLDER_H
#define ANTIPHON_BASE_FOLDER_H

#include "antiphon/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ap_names {
    char **at; /* sorted bytewise; owned */
    size_t count;
} ap_names;

/* The names of all that is in a folder, "." and ".." apart; without the folder's own. */
ap_status ap_folder_list(const char *folder, ap_names *names);
void ap_names_free(ap_names *names);

/* Adds a copy of a name at the end. */
void ap_names_add(ap_names *names, const char *name);

/* Sees to it that what was made, renamed or removed in a folder is on the disk. Where the file system cannot do
 * that, or the folder may not be read, it is left to the system. */
ap_status ap_folder_flush(const char *folder);

/* The same place without links, "." and ".."; what is not there yet stays as it is written. For the caller to
 * free. */
char *ap_folder_resolve(const char *path);

/* Whether `path` is `folder` or in it, be they there yet or not. */
bool ap_folder_holds(const char *folder, const char *path);

#endif
