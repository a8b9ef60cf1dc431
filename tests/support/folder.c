#include "support/folder.h"

#include "base/memory.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int folder_create(void **state)
{
    const char *parent = getenv("TMPDIR");
    char *path = ap_format_text("%s/antiphon-test-XXXXXX", parent ? parent : "/tmp");
    *state = mkdtemp(path);
    return *state ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

int folder_remove(void **state)
{
    int failed = nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return failed;
}

const char *folder_path(void *const *state, const char *name)
{
    static char paths[8][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", (const char *)*state, name);
    return path;
}

int folder_count(void *const *state)
{
    int count = 0;
    DIR *folder = opendir(*state);
    if (!folder) return -1;
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.' || (entry->d_name[1] && entry->d_name[1] != '.');
    closedir(folder);
    return count;
}
