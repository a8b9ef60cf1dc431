# ANTIPHON_KERNEL: the kernel in use is told, one may be forced, and a wrong name ends the program in one line.
. "$1/expect.sh"
. "$1/tiny.sh"
unset ANTIPHON_KERNEL # which the tests may be run with

expect 0 "kernel " --version
best=$(sed -n 's/^kernel //p' out)
export ANTIPHON_KERNEL=plain
expect 0 "kernel plain" --version
expect 0 "kernel plain, precision float; the machine" bench tiny.json --steps 1
expect 0 '"kernel":' bench tiny.json --steps 1 --json
export ANTIPHON_KERNEL="$best"
expect 0 "kernel $best" --version
export ANTIPHON_KERNEL=no_such
expect 2 "ANTIPHON_KERNEL=no_such: no such kernel; there are plain" bench tiny.json --steps 1
[ "$(wc -l <err)" -eq 1 ]
# a name of any length
ANTIPHON_KERNEL=$(head -c 5000 /dev/zero | tr '\0' x)
expect 2 "no such kernel" --version
ANTIPHON_KERNEL=
expect 0 "kernel $best" --version
