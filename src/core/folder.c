#include "core/folder.h"

#include "core/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

ap_status ap_folder_list(const char *folder, ap_names *names)
{
    *names = (ap_names){.at = NULL};
    DIR *directory = opendir(folder);
    if (!directory) return ap_error(AP_FAILED, "%s: cannot be listed: %s", folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ap_names_add(names, entry->d_name);
    closedir(directory);
    if (names->count) qsort(names->at, names->count, sizeof *names->at, ascending);
    return ap_ok();
}

void ap_names_add(ap_names *names, const char *name)
{
    names->at = ap_reallocate(names->at, names->count + 1, sizeof *names->at);
    names->at[names->count++] = ap_copy_text(name);
}

void ap_names_free(ap_names *names)
{
    for (size_t k = 0; k < names->count; k++) free(names->at[k]);
    free(names->at);
    *names = (ap_names){.at = NULL};
}
