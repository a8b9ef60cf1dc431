#include "ranks/launcher.h"

#include "base/memory.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number in an environment variable; 0: there is none. */
static int number_in(const char *name)
{
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
}

int ap_launcher_ranks(ap_status *status)
{
    *status = ap_ok();
    int ranks = number_in("OMPI_COMM_WORLD_SIZE");
    if (ranks == 0) ranks = number_in("PMI_SIZE");
    if (ranks == 0 && getenv("PMIX_RANK")) ranks = number_in("SLURM_STEP_NUM_TASKS");
    if (ranks > 0) return ranks;
    int tasks = getenv("SLURM_STEP_ID") ? number_in("SLURM_STEP_NUM_TASKS") : 0;
    if (tasks > 1)
        *status =
            ap_error(AP_MISUSE, "srun has started %d tasks without MPI: srun --mpi=pmix, or pmi2", tasks);
    return 1;
}

bool ap_launcher_binds_unasked(void)
{
    return getenv("OMPI_MCA_orte_bound_at_launch") && !getenv("OMPI_MCA_hwloc_base_binding_policy") &&
           !getenv("OMPI_MCA_rmaps_base_mapping_policy") && !getenv("OMPI_MCA_orte_rankfile");
}

/* The folder of the running program, "." if that is not known. To be freed. */
static char *program_folder(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) return ap_copy_text(".");
    path[length] = '\0';
    *strrchr(path, '/') = '\0';
    return ap_copy_text(path);
}

/* Opens NAME in one of the folders. The symbols of the MPI library must be global, because it loads parts of
 * its own that want them. `tried` receives the reason of the last failure. */
static void *open_module(const char *name, char tried[AP_STATUS_MESSAGE])
{
    const char *const folders[] = {".", AP_MODULES};
    char *folder = program_folder();
    void *handle = NULL;
    for (size_t k = 0; !handle && k < sizeof folders / sizeof *folders; k++) {
        char *path = ap_format_text("%s/%s/antiphon_%s.so", folder, folders[k], name);
        if (access(path, F_OK) == 0 && !(handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL)))
            snprintf(tried, AP_STATUS_MESSAGE, "%s", dlerror());
        free(path);
    }
    free(folder);
    return handle;
}

ap_status ap_launcher_load(const ap_ranks_module **module)
{
    const char *wanted = getenv("ANTIPHON_MPI");
    if (!wanted || !*wanted)
        wanted = getenv("PMI_SIZE") && !getenv("OMPI_COMM_WORLD_SIZE") ? "mpich" : "openmpi";
    char why[AP_STATUS_MESSAGE] = "";
    void *handle = strchr(wanted, '/') ? dlopen(wanted, RTLD_NOW | RTLD_GLOBAL) : open_module(wanted, why);
    if (!handle)
        return ap_error(
            AP_FAILED,
            "started as one of several ranks, but the module for %s is not there: %s; it is built where "
            "the MPI library is installed (Debian: libopenmpi-dev, libmpich-dev)",
            wanted,
            strchr(wanted, '/') ? dlerror()
            : *why              ? why
                                : "no such file");
    *module = dlsym(handle, AP_RANKS_MODULE_NAME);
    if (*module && (*module)->version == AP_RANKS_MODULE_VERSION) return ap_ok();
    return ap_error(AP_FAILED, "the module for %s belongs to another version of this program", wanted);
}
