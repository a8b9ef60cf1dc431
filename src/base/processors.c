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

/* The bytes that the group in `folder` grants; INFINITY: no limit. */
static double memory_of(const char *folder)
{
    double limit = 0;
    bool limited = read_numbers(folder, "memory.max", &limit, NULL) ||
                   read_numbers(folder, "memory.limit_in_bytes", &limit, NULL);
    return limited && limit > 0 ? limit : INFINITY;
}

/* What is limited: the controller's name in version 1, and what a group grants. */
typedef struct resource {
    const char *controller;
    double (*of)(const char *folder);
} resource;

/* The smallest limit of a group and its ancestors. `path` is the group's path below `mount`; it is modified.
 */
static double least_limit(const resource *limited, const char *mount, char *path)
{
    double least = INFINITY;
    for (;;) {
        char *folder = ap_format_text("%s%s", mount, path);
        least = fmin(least, limited->of(folder));
        free(folder);
        char *slash = strrchr(path, '/');
        if (!slash) return least;
        *slash = '\0';
    }
}

/* A line of /proc/self/cgroup: "0::/path" in version 2, "4:cpu,cpuacct:/path" in version 1. */
static double limit_of_line(const resource *limited, const char *root, char *line)
{
    char *kinds = strchr(line, ':'), *path = kinds ? strchr(kinds + 1, ':') : NULL;
    if (!path) return INFINITY;
    *path++ = '\0';
    kinds++;
    path[strcspn(path, "\n")] = '\0';
    bool second = kinds[0] == '\0';
    char *padded = ap_format_text(",%s,", kinds), *wanted = ap_format_text(",%s,", limited->controller);
    bool concerned = second || strstr(padded, wanted);
    free(padded);
    free(wanted);
    if (!concerned) return INFINITY;
    char *mount = second ? ap_format_text("%s/sys/fs/cgroup", root)
                         : ap_format_text("%s/sys/fs/cgroup/%s", root, kinds);
    double limit = least_limit(limited, mount, path);
    free(mount);
    return limit;
}

static double limit(const resource *limited, const char *root)
{
    char *path = ap_format_text("%s/proc/self/cgroup", root), *line = NULL;
    FILE *file = fopen(path, "re");
    size_t room = 0;
    double least = INFINITY;
    free(path);
    while (file && getline(&line, &room, file) > 0) least = fmin(least, limit_of_line(limited, root, line));
    free(line);
    if (file) fclose(file);
    return least;
}

int ap_processors_granted(const char *root)
{
    static const resource processors = {"cpu", quota_of};
    return (int)fmax(1, fmin(affinity(), ceil(limit(&processors, root))));
}

double ap_memory_granted(const char *root)
{
    static const resource memory = {"memory", memory_of};
    return fmin((double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE), limit(&memory, root));
}
