/* Who started this process, and the module that speaks its MPI. */
#ifndef ANTIPHON_RANKS_LAUNCHER_H
#define ANTIPHON_RANKS_LAUNCHER_H

#include "antiphon/status.h"
#include "ranks/module.h"

/* The number of ranks that the launcher has started, as it says in the environment; 1: this process is alone.
 * Slurm tells of several tasks even where none of them is to use MPI, which is a failure: *status. */
int ap_launcher_ranks(ap_status *status);

/* Whether the launcher has bound this process to processors although nobody asked for it, as Open MPI does:
 * each rank to one core, if there are up to two, otherwise to one socket. */
bool ap_launcher_binds_unasked(void);

/* Loads the module for the launcher's MPI: ANTIPHON_MPI, if set, names it ("openmpi", "mpich", or a file). It
 * is looked for beside the program, and where it is installed. */
ap_status ap_launcher_load(const ap_ranks_module **module);

#endif
