# The program begins once more, so that OpenMP's threads wait briefly: as it was begun, also through the loader.
. "$1/expect.sh"
unset OMP_WAIT_POLICY GOMP_SPINCOUNT
loader=$(LC_ALL=C readelf -l "$ANTIPHON" 2>/dev/null | sed -n 's/.*program interpreter: \(.*\)]$/\1/p')

expect 0 "antiphon " --version
OMP_DISPLAY_ENV=verbose "$ANTIPHON" --version 2>env.txt >out
begun_twice=$(grep -c GOMP_SPINCOUNT env.txt) || true # an OpenMP that is not libgomp has none
if [ -x "$loader" ]; then
    "$ANTIPHON" --version >plain
    "$loader" "$ANTIPHON" --version >loaded
    cmp plain loaded
    "$loader" --inhibit-cache "$ANTIPHON" --version >loaded
    cmp plain loaded
    OMP_DISPLAY_ENV=verbose "$loader" "$ANTIPHON" --version 2>env.txt >out
    [ "$(grep -c GOMP_SPINCOUNT env.txt || true)" -eq "$begun_twice" ]
    code=0
    "$loader" "$ANTIPHON" config "no such.json" "" >out 2>err || code=$?
    [ "$code" -eq 1 ] && grep -q "no such.json" err
fi
