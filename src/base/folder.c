#include "base/folder.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ascending(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

ap_status ap_folder_list(const char *folder, ap_names *names)
{
    *names = (ap_names){.at = NULL};
    DIR *directory = opendir(folder);
    if (!directory && errno == ENOTDIR) return ap_error(AP_FAILED, "%s: is not a folder", folder);
    if (!directory) return ap_error(AP_FAILED, "%s: cannot be listed: %s", folder, strerror(errno));
    errno = 0;
    for (struct dirent *entry; (entry = readdir(directory)); errno = 0)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ap_names_add(names, entry->d_name);
    int reason = errno;
    closedir(directory);
    if (reason) {
        ap_names_free(names);
        return ap_error(AP_FAILED, "%s: cannot be listed: %s", folder, strerror(reason));
    }
    if (names->count) qsort(names->at, names->count, sizeof *names->at, ascending);
    return ap_ok();
}

/* Whether the error only means that this folder cannot be flushed. */
static bool is_beyond_us(int reason)
{
    return reason == EACCES || reason == EPERM || reason == EINVAL || reason == ENOTSUP || reason == ENOSYS;
}

ap_status ap_folder_flush(const char *folder)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int reason = descriptor >= 0 && fsync(descriptor) == 0 ? 0 : errno;
    if (descriptor >= 0) close(descriptor);
    if (!reason || is_beyond_us(reason)) return ap_ok();
    return ap_error(AP_FAILED, "%s: cannot flush the folder to the disk: %s", folder, strerror(reason));
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

char *ap_folder_resolve(const char *path)
{
    char *there = realpath(path, NULL);
    if (there) return there;
    if (strcmp(path, ".") == 0 || strcmp(path, "/") == 0) return ap_copy_text(path); /* no parent */
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    size_t parent = length;
    while (parent > 0 && path[parent - 1] != '/') parent--;
    char *above = parent ? ap_format_text("%.*s", (int)parent, path) : ap_copy_text(".");
    char *resolved = ap_folder_resolve(above);
    bool root = strcmp(resolved, "/") == 0;
    char *whole = ap_format_text("%s/%.*s", root ? "" : resolved, (int)(length - parent), path + parent);
    free(above);
    free(resolved);
    return whole;
}

bool ap_folder_holds(const char *folder, const char *path)
{
    char *outer = ap_folder_resolve(folder), *inner = ap_folder_resolve(path);
    size_t length = strlen(outer);
    bool holds = strncmp(inner, outer, length) == 0 && (inner[length] == '\0' || inner[length] == '/');
    free(outer);
    free(inner);
    return holds;
}
