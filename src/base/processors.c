#include "base/processors.h"

#include "base/memory.h"

#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int affinity(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    return (int)sysconf(_SC_NPROCESSORS_ONLN); /* more processors than the set can hold */
}

/* Reads the first number of a file, and the second if it is wanted. False if they are missing. */
static bool read_numbers(const char *folder, const char *name, double *first, double *second)
{
    char *path = ap_format_text("%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    bool read = file && fscanf(file, "%lf", first) == 1 && (!second || fscanf(file, "%lf", second) == 1);
    if (file) fclose(file);
    free(path);
    return read;
}

/* The number of processors that the group in `folder` grants; INFINITY: no limit. Control groups of version
 * 2 have quota and period in one file, version 1 in two. */
static double quota_of(const char *folder)
{
    double quota = 0, period = 0;
    bool limited = read_numbers(folder, "cpu.max", &quota, &period) ||
                   (read_numbers(folder, "cpu.cfs_quota_us", &quota, NULL) &&
                    read_numbers(folder, "cpu.cfs_period_us", &period, NULL));
    return limited && quota > 0 && period > 0 ? quota / period : INFINITY;
}

/* The smallest quota of a group and its ancestors. `path` is the group's path below `mount`; it is modified.
 */
static double least_quota(const char *mount, char *path)
{
    double least = INFINITY;
    for (;;) {
        char *folder = ap_format_text("%s%s", mount, path);
        least = fmin(least, quota_of(folder));
        free(folder);
        char *slash = strrchr(path, '/');
        if (!slash) return least;
        *slash = '\0';
    }
}

/* A line of /proc/self/cgroup: "0::/path" in version 2, "4:cpu,cpuacct:/path" in version 1. */
static double quota_of_line(const char *root, char *line)
{
    char *kinds = strchr(line, ':'), *path = kinds ? strchr(kinds + 1, ':') : NULL;
    if (!path) return INFINITY;
    *path++ = '\0';
    kinds++;
    path[strcspn(path, "\n")] = '\0';
    bool second = kinds[0] == '\0';
    char *padded = ap_format_text(",%s,", kinds);
    bool concerned = second || strstr(padded, ",cpu,");
    free(padded);
    if (!concerned) return INFINITY;
    char *mount = second ? ap_format_text("%s/sys/fs/cgroup", root)
                         : ap_format_text("%s/sys/fs/cgroup/%s", root, kinds);
    double quota = least_quota(mount, path);
    free(mount);
    return quota;
}

static double quota(const char *root)
{
    char *path = ap_format_text("%s/proc/self/cgroup", root), *line = NULL;
    FILE *file = fopen(path, "re");
    size_t room = 0;
    double least = INFINITY;
    free(path);
    while (file && getline(&line, &room, file) > 0) least = fmin(least, quota_of_line(root, line));
    free(line);
    if (file) fclose(file);
    return least;
}

int ap_processors_granted(const char *root)
{
    return (int)fmax(1, fmin(affinity(), ceil(quota(root))));
}
