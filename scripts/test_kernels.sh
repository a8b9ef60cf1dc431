#!/bin/sh
# Runs all tests with each kernel that this processor can run, and prints a line for each kernel: how many tests have passed,
# failed and been skipped, and how long it took.
#
#   scripts/test_kernels.sh [-R REGEX] [-E REGEX] [-j COUNT] [KERNEL...]
#
# Without a kernel's name: all that the processor can run. -R, -E and -j are ctest's: only the tests whose names match, all
# but those, and so many at once. The tests kernel_NAME are left out, as they choose their kernel themselves. For instance,
# what computes, without the scripts that drive the program:
#
#   scripts/test_kernels.sh -E '^(cli|library|track|ranks)_' amx_emulated
#
# Exit code 1: a test has failed; it is named above its kernel's line, and what it said is in LOGS. Settings, each overridable
# from the environment:
set -eu
# shellcheck disable=SC1007  # CDPATH is emptied
root=$(CDPATH= cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/usage.sh"
help_or "$@"
BUILD=${BUILD:-}       # a folder with the tests built; empty: build/, built before
LOGS=${LOGS:-}         # where the logs go, NAME.log; empty: the build's folder kernels

only=. without='' jobs=1
while getopts :R:E:j: option; do
    case $option in
    R) only=$OPTARG ;;
    E) without="|$OPTARG" ;;
    j) jobs=$OPTARG ;;
    :) misuse "-$OPTARG needs a value" ;;
    *) misuse "there is no option -$OPTARG" ;;
    esac
done
shift $((OPTIND - 1))
case $jobs in "" | *[!0-9]* | 0*) misuse "-j must be a whole number from 1 on, not \"$jobs\"" ;; esac
for kernel in "$@"; do
    case $kernel in "" | *[!a-z0-9_]*) misuse "\"$kernel\" is no kernel's name" ;; esac
done

if [ -z "$BUILD" ]; then
    BUILD=$root/build
    (cd "$root" && cmake --preset release -DAP_TESTS=ON && cmake --build build) >&2
fi
LOGS=${LOGS:-$BUILD/kernels}
mkdir -p "$LOGS"

# fault KERNEL: why the processor cannot run it; nothing, where it can
fault() {
    { ANTIPHON_KERNEL=$1 "$BUILD/antiphon" --version >/dev/null; } 2>&1 || true
}

if [ $# -gt 0 ]; then
    for kernel in "$@"; do
        why=$(fault "$kernel")
        [ -z "$why" ] || misuse "$why"
    done
else
    for kernel in $(fault no_such | sed -n 's/,//g; s/.*there are //p'); do
        [ -n "$(fault "$kernel")" ] || set -- "$@" "$kernel"
    done
    [ $# -gt 0 ] || { echo "test_kernels.sh: $BUILD/antiphon names no kernel" >&2 && exit 1; }
fi

# count TEXT: how many of the log's tests ended so
count() {
    grep -c "^ *[0-9]*/[0-9]* Test .*$1" "$log" || true
}

failed=0
printf '%-14s %8s %8s %8s %8s\n' kernel passed failed skipped seconds
for kernel in "$@"; do
    log=$LOGS/$kernel.log begin=$(date +%s) code=0
    ANTIPHON_KERNEL=$kernel ctest --test-dir "$BUILD" --no-tests=error --output-on-failure -j "$jobs" -R "$only" \
        -E "^kernel_$without" >"$log" 2>&1 || code=$?
    [ "$code" -lt 128 ] || exit "$code" # interrupted
    passed=$(count ' Passed ') skipped=$(count '\*\*\*Skipped') all=$(count '')
    sed -n '/^The following tests FAILED:/,/^Errors while/{/(Skipped)\|^The\|^Errors\|^$/!p}' "$log"
    printf '%-14s %8d %8d %8d %8d\n' "$kernel" "$passed" $((all - passed - skipped)) "$skipped" $(($(date +%s) - begin))
    [ "$code" -eq 0 ] || failed=1
    [ "$all" -gt 0 ] || { tail -n 3 "$log" >&2; failed=1; }
done
exit $failed
