#!/bin/sh
# usage: mpirun.sh MPIRUN N PROGRAM: runs PROGRAM FOLDER with N ranks, in a new folder that is removed afterwards.
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
"$1" -n "$2" "$3" "$folder"
