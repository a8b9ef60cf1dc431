#!/bin/sh
# Shows that a pair set of any size trains in little memory: makes a set of many hours, trains a while on it, and says
# how long it took to start, how much memory it took, and how long the steps waited for recordings.
#
#   scripts/show_scale.sh
#
# A tenth of the hours are files of their own, which are dropped from the system's cache before the training; the other
# names are links to them. It fails where a figure is over its bound. The set is removed at the end. Settings, each
# overridable from the environment:
set -eu
# shellcheck disable=SC1007  # CDPATH is emptied
root=$(CDPATH= cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/usage.sh"
no_arguments "$@"
HOURS=${HOURS:-100}                         # of pairs
SECONDS_EACH=${SECONDS_EACH:-60}            # length of a recording
WINDOW=${WINDOW:-4}                         # data.seconds; 0.36 makes a million windows of 100 hours
STEPS=${STEPS:-100}                         # of training, at least 2
MEMORY=${MEMORY:-0.25}                      # data.memory, in GiB
CROP=${CROP:-random}                        # data.crop
CONFIG=${CONFIG:-$root/configs/compose.json}
PLACE=${PLACE:-${TMPDIR:-/tmp}}             # where the set is made; a tenth of 0.35 GB an hour
MOST_MIB=${MOST_MIB:-1536}                  # bound of the memory, in MiB
MOST_START=${MOST_START:-10}                # bound of the time until the first step, in seconds
MOST_WAIT=${MOST_WAIT:-0.03}                # bound of the share of the steps spent waiting
ANTIPHON=${ANTIPHON:-$root/build/antiphon}

work=$(mktemp -d "$PLACE/antiphon_scale.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# ---- the set: a few synthesised pairs, copies of them, and links to these
made=4
pairs=$(awk "BEGIN { print int($HOURS * 3600 / $SECONDS_EACH) }")
own=$((pairs / 10 > made ? pairs / 10 : made))
[ "$pairs" -gt "$made" ] || pairs=$made
"$ANTIPHON" synth --out "$work/made" --pairs $((made * 5 / 4 + 1)) --seconds "$SECONDS_EACH" >/dev/null
mkdir -p "$work/set/train" "$work/set/val"
for side in input target; do
    set -- "$work"/made/val/*_$side.wav
    cp "$1" "$work/set/val/pair_0000001_$side.wav"
done
(cd "$work/made/train" && ls) | awk -v pairs="$pairs" -v own="$own" '
    { file[NR - 1] = $0 }
    END {
        for (k = 0; k < pairs; k++)
            for (side = 0; side < 2; side++) {
                end = side ? "target" : "input"
                if (k < own) printf "cp made/train/%s", file[2 * (k % int(NR / 2)) + side]
                else printf "ln set/train/pair_%07d_%s.wav", k % own, end
                printf " set/train/pair_%07d_%s.wav\n", k, end
            }
    }' >"$work/commands"
(cd "$work" && sh commands)
k=0
for file in "$work"/set/train/*; do
    k=$((k + 1))
    [ "$k" -gt $((2 * own)) ] || dd if="$file" iflag=nocache count=0 2>/dev/null || true
done
echo "$pairs pairs of $SECONDS_EACH s: $(du -sh "$work/set" | cut -f 1) on the disk"

# ---- a training, watched from outside
began=$(date +%s.%N)
"$ANTIPHON" train "$CONFIG" --out "$work/run" --data.path="$work/set" --data.seconds="$WINDOW" --data.crop="$CROP" \
    --data.memory="$MEMORY" --track.log_every=1 --train.steps_per_epoch="$STEPS" --train.epochs=1 >"$work/out" 2>&1 &
process=$!
mebibytes=0
while kill -0 $process 2>/dev/null; do
    now=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' /proc/$process/status 2>/dev/null || true)
    [ -z "$now" ] || mebibytes=$((now / 1024))
    sleep 0.1
done
wait $process || { cat "$work/out"; exit 1; }
# the first step began as long before its line as the second line came after it
started=$(sed -n 's/.*"time": *\([0-9.e+-]*\).*/\1/p' "$work/run/log.jsonl" |
    awk -v began="$began" 'NR == 1 { first = $1 } NR == 2 { printf "%.1f", 2 * first - $1 - began }')
grep -E 'windows|read as it is needed' "$work/out" | head -3
waited=$(sed -n 's/.*"data_wait_share": *\([0-9.e+-]*\).*/\1/p' "$work/run/log.jsonl" |
    awk '{ sum += $1; n++ } END { if (n) print sum / n }')
[ -n "$waited" ] || { echo "the set was not read as it is needed: it fits data.memory" >&2; exit 1; }

# ---- the figures
failed=0
# figure WHAT VALUE BOUND UNIT
figure() {
    if awk "BEGIN { exit !($2 <= $3) }"; then verdict="at most $3: holds"; else verdict="at most $3: DOES NOT HOLD" failed=1; fi
    printf '%-44s %10s %-5s %s\n' "$1" "$2" "$4" "$verdict"
}
figure "time until the first step" "$started" "$MOST_START" s
[ "$mebibytes" -gt 0 ] || { echo "its memory is unknown: no /proc" >&2; exit 1; }
figure "largest resident memory" "$mebibytes" "$MOST_MIB" MiB
figure "share of the steps spent waiting" "$waited" "$MOST_WAIT" ""
exit $failed
