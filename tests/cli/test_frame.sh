# The frame of the command line: help, version, unknown verbs.
. "$1/expect.sh"

expect 0 "Usage: antiphon VERB" --help
expect 0 "Usage: antiphon VERB" help
expect 0 "antiphon " --version
expect 2 'unknown verb "frobnicate"; antiphon --help lists' frobnicate
expect 2 'unknown verb "--verson"' --verson
expect 2 'unknown verb "frobnicate"' help frobnicate

code=0
"$ANTIPHON" >out 2>err || code=$?
[ "$code" -eq 2 ] && grep -q "Usage:" err && [ ! -s out ]

# a full disk is noticed
code=0
"$ANTIPHON" --help >/dev/full 2>err || code=$?
[ "$code" -eq 1 ] && grep -q "standard output" err
