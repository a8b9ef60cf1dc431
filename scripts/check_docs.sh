#!/bin/sh
# Checks what is written for people: shellcheck reads every script, links and
# names in documents lead somewhere, the program's report is valid HTML, and
# lintian reads the Debian packages if some have been made (scripts/test_deb.sh
# makes and tries them). At the end it lists the sections of documents that have
# figures but no command.
#
# What is not installed is skipped and named: shellcheck, python3-html5lib,
# lintian. Needs a built program.
set -eu
. "$(dirname "$0")/usage.sh"
no_arguments "$@"
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build} # folder of the build

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
sources=$PWD
build=$(realpath "$BUILD")
[ -x "$build/antiphon" ] || { echo "check_docs.sh: $BUILD has no antiphon: build it first" >&2 && exit 1; }
failed=0

# check WHAT COMMAND...: what it prints is shown only where it fails; exit code 77 means skipped
check() {
    what=$1
    shift
    code=0
    (cd "$work" && "$@") >"$work/log" 2>&1 || code=$?
    case $code in
    0) echo "$what: good" ;;
    77) echo "$what: skipped: $(tail -n 1 "$work/log")" ;;
    *) echo "$what: bad" && cat "$work/log" && failed=1 ;;
    esac
}

# shellcheck disable=SC2317  # called by check
html() {
    python=
    for candidate in python3 /usr/bin/python3; do
        if "$candidate" -c 'import html5lib' 2>/dev/null; then python=$candidate && break; fi
    done
    [ -n "$python" ] || { echo "there is no python3-html5lib" && return 77; }
    "$build/antiphon" synth --out pairs --pairs 3 --seconds 2 &&
        "$build/antiphon" train "$sources/configs/quick.json" --data.path=pairs --data.seconds=2 --train.epochs=1 --out run \
            --train.samples_every=1 &&
        "$build/antiphon" infer --checkpoint run --pairs pairs --out run/samples &&
        "$build/antiphon" report run &&
        "$python" "$sources/scripts/check_html.py" run/report.html
}

# shellcheck disable=SC2317  # called by check
packages() {
    ls "$build"-package/*.deb >/dev/null 2>&1 || { echo "no packages in $BUILD-package" && return 77; }
    command -v lintian >/dev/null || { echo "there is no lintian" && return 77; }
    lintian --allow-root --fail-on error,warning "$build"-package/*.deb
}

# The sections with figures in a table, but with no command before it, in the section or in that of a heading above. It
# is a list to look at: a bound or a size that is chosen needs no command.
figures() {
    for document in "$sources"/README.md "$sources"/docs/*.md; do
        awk -v name="${document#"$sources"/}" '
            /^#+ / { match($0, /^#+/); level = RLENGTH; for (l = level; l < 9; l++) command[l] = 0; heading = $0 }
            /^    [^ ]/ { command[level] = 1 }
            /^\|/ && !/^\| *-/ && /[0-9]\.[0-9]|[0-9] *[%×]/ {
                found = 0
                for (l = 1; l <= level; l++) found += command[l]
                if (!found && heading != told) { print name ": " heading ": figures, but no command"; told = heading }
            }' "$document"
    done
}

check "scripts" sh "$sources/tests/cli/test_shellcheck.sh" "$sources/tests/cli"
check "links" env SOURCES="$sources" sh -e "$sources/tests/library/test_documents.sh" "$sources/tests/library"
check "report" html
check "packages" packages
figures
exit $failed
