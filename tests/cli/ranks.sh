# Training by several ranks: `. "$1/ranks.sh"` after expect.sh and tiny.sh. Skipped where Open MPI or the module for it is
# missing.
command -v mpirun.openmpi >/dev/null && [ -e "$(dirname "$ANTIPHON")/antiphon_openmpi.so" ] || exit 77
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
unset ANTIPHON_MPI ANTIPHON_RANK_TIMEOUT

# ranks COUNT CODE TEXT WORD...: so many ranks of `antiphon WORD...` end with CODE and say TEXT
ranks() {
    count=$1 wanted_code=$2 wanted_text=$3
    shift 3
    code=0
    mpirun.openmpi -n "$count" "${PROGRAM:-$ANTIPHON}" "$@" >out 2>err || code=$?
    if [ "$code" != "$wanted_code" ] || ! cat out err | tr -s '\n ' '  ' | grep -qF -- "$wanted_text"; then
        echo "$count ranks of $*: exit code $code, not $wanted_code, or not \"$wanted_text\":" && cat out err && exit 1
    fi
}
