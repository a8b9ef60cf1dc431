#!/bin/sh
# Runs that differ in the named settings: one for each combination of their values, and the table of all.
#
#   scripts/sweep.sh corr_weight=0,0.1,0.5,1 [train.lr=0.001,0.0003 ...]
#
# Keys are those of `antiphon train`. Started again it goes on where it stopped. Settings, each overridable from the
# environment:
set -eu
# shellcheck disable=SC1007  # CDPATH is emptied
root=$(CDPATH= cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/usage.sh"
help_or "$@"
cd "${WORKPLACE:-$root}"                    # relative paths start here
CONFIG=${CONFIG:-$root/configs/quick.json}  # the configuration of all runs
DATASET=${DATASET:-}                        # a pair set; empty: made by the synthesiser
PAIRS=${PAIRS:-40}
OUT=${OUT:-runs/sweep}
ANTIPHON=${ANTIPHON:-$root/build/antiphon}
. "$root/scripts/experiment.sh"

[ $# -gt 0 ] || misuse "no key is given"
for setting in "$@"; do
    case $setting in
    *[!-A-Za-z0-9_.,=+]*) misuse "\"$setting\" has characters that no key and no number has" ;;
    ?*=*=*) misuse "\"$setting\" has two =" ;;
    ?*=?*) ;;
    *) misuse "\"$setting\" is not KEY=VALUES" ;;
    esac
done

# check KEY=VALUE: what train says of a key or a value that it does not take, before there is any work. There is no pair set
# of this name, so that nothing is trained.
check() {
    code=0
    said=$("$ANTIPHON" train "$CONFIG" --out "$OUT" "--$1" --data.path="$OUT/no pairs" 2>&1 >/dev/null) || code=$?
    [ "$code" -ne 2 ] || misuse "$1: ${said#antiphon train: }"
}
for setting in "$@"; do
    for value in $(echo "${setting#*=}" | tr ',' ' '); do check "${setting%%=*}=$value"; done
done

# combinations KEY=A,B...: a line each, of words KEY=VALUE; the last key varies fastest
combinations() {
    [ $# -gt 0 ] || { echo && return; }
    key=${1%%=*} values=${1#*=}
    shift
    for value in $(echo "$values" | tr ',' ' '); do
        combinations "$@" | sed "s/^/$key=$value /"
    done
}

[ -n "$DATASET" ] || DATASET=$(demo_pairs "$CONFIG" "$PAIRS")
all=$(combinations "$@")
total=$(echo "$all" | wc -l) number=0
echo "$all" | while read -r combination; do
    number=$((number + 1))
    run="$OUT/$(echo "$combination" | tr ' ' ',')"
    echo "== $number of $total: $combination"
    # shellcheck disable=SC2046  # a list of words
    "$ANTIPHON" train "$CONFIG" --out "$run" --resume auto --data.path="$DATASET" \
        $(for word in $combination; do echo "--$word"; done) </dev/null || {
        code=$?
        [ "$code" -eq 1 ] || exit "$code" # misuse, or interrupted
        echo "sweep.sh: $run has failed; the others go on" >&2
    }
done

# cell FORMAT NUMBER: the number, or a dash where there is none
cell() {
    # shellcheck disable=SC2059  # a format is what it is given
    if [ -n "$2" ]; then printf " $1 |" "$2"; else printf ' - |'; fi
}

table() {
    printf '|'
    for setting in "$@"; do printf ' %s |' "${setting%%=*}"; done
    echo ' epoch | loss | correlation cost | \|r\| with the input | \|r\| with the target | seconds an epoch |'
    printf '|'
    for setting in "$@"; do printf '%s' '---|'; done
    echo '---|---|---|---|---|---|'
    echo "$all" | while read -r combination; do
        log="$OUT/$(echo "$combination" | tr ' ' ',')/log.jsonl"
        [ -f "$log" ] || log=/dev/null
        printf '|'
        for word in $combination; do printf ' %s |' "${word#*=}"; done
        cell %d "$(at_best "$log" epoch)"
        cell %.4f "$(at_best "$log" val_loss)"
        cell %.3f "$(at_best "$log" val_corr_cost)"
        cell %.2f "$(at_best "$log" val_r_input)"
        cell %.2f "$(at_best "$log" val_r_target)"
        cell %.1f "$(at_best "$log" epoch_seconds)"
        echo
    done
}
mkdir -p "$OUT"
table "$@" >"$OUT/table.md"
echo
echo "On validation, at the epoch of the lowest loss (losses of different weights do"
echo "not compare):"
echo
cat "$OUT/table.md"
