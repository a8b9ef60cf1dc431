# A build of OpenBLAS that does not go with OpenMP is told of, once, and by what it takes to mend it.
. "$1/expect.sh"
command -v cc >/dev/null || exit 77
echo 'int openblas_get_parallel(void); int openblas_get_parallel(void) { return PARALLEL; }' >stub.c
cc -shared -fPIC -DPARALLEL=1 -o posix.so stub.c
cc -shared -fPIC -DPARALLEL=2 -o openmp.so stub.c

LD_PRELOAD="$PWD/posix.so" "$ANTIPHON" config --schema >out 2>err
[ "$(wc -l <err)" -eq 1 ]
grep -q 'warning: .*install libopenblas0-openmp' err
LD_PRELOAD="$PWD/openmp.so" "$ANTIPHON" config --schema >again 2>err
[ ! -s err ]
cmp out again
