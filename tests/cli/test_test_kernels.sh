# scripts/test_kernels.sh, on a build that is none: which kernels it takes, what it counts, and how it ends.
unset BUILD LOGS # which this script itself may have been started with
. "$1/expect.sh"
command -v ctest >/dev/null || exit 77
script=$1/../../scripts/test_kernels.sh
mkdir made
cat >made/antiphon <<'END'
#!/bin/sh
case $ANTIPHON_KERNEL in
plain | new) ;;
old) echo "antiphon: ANTIPHON_KERNEL=old: this processor cannot run that kernel" >&2 && exit 2 ;;
*) echo "antiphon: ANTIPHON_KERNEL=$ANTIPHON_KERNEL: no such kernel; there are plain, old, new" >&2 && exit 2 ;;
esac
END
chmod +x made/antiphon
cat >made/CTestTestfile.cmake <<'END'
add_test(good "true")
add_test(picky "sh" "-c" "echo with $ANTIPHON_KERNEL; test $ANTIPHON_KERNEL = plain")
add_test(absent "sh" "-c" "exit 77")
set_tests_properties(absent PROPERTIES SKIP_RETURN_CODE 77)
add_test(gone "no/such/program")
add_test(kernel_plain "false")
END
export BUILD="$PWD/made"

# run CODE WORD...
run() {
    wanted=$1 code=0
    shift
    "$script" "$@" >out 2>err || code=$?
    [ "$code" -eq "$wanted" ] || { echo "test_kernels.sh $*: exit code $code" && cat out err && exit 1; }
}
# line KERNEL PASSED FAILED SKIPPED
line() { grep -qE "^$1 +$2 +$3 +$4 +[0-9]+\$" out || { cat out && exit 1; }; }

run 0 -E gone plain
line plain 2 0 1
[ "$(wc -l <out)" -eq 2 ]
# all that it can run, though one fails; the test is named, and what it said is kept
run 1 -E gone
line plain 2 0 1
line new 1 1 1
if grep -q "^old\|^kernel_plain" out; then cat out && exit 1; fi
grep -q "picky (Failed)" out
grep -q "with new" made/kernels/new.log
# a test without its program has failed
run 1 -R '^(gone|good)$' plain
line plain 1 1 0
run 0 -R good -j 2 new
line new 1 0 0
# filters that leave nothing are no success
run 1 -R nothing plain
line plain 0 0 0
run 2 old
grep -q "cannot run that kernel" err
run 2 other
grep -q "there are plain, old, new" err
