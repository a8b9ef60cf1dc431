#!/bin/sh
# What each head of an agent with takes does: the same pairs composed with none, then with one of them silenced,
# and how far that moves the onsets, the harmony and the timbre of the answers.
#
#   scripts/heads.sh CHECKPOINT PAIRS OUT     OUT gets the compositions
set -eu
. "$(dirname "$0")/usage.sh"
help_or "$@"
[ $# -eq 3 ] || misuse "takes a checkpoint, a pair set and a folder for what is composed; --help says more"
checkpoint=$(readlink -f "$1") pairs=$(readlink -f "$2")
mkdir -p "$3"
out=$(readlink -f "$3")
cd "$(dirname "$0")/.."
ANTIPHON=${ANTIPHON:-build/antiphon}
SAMPLES=${SAMPLES:-64}                 # pairs that are composed

for head in none rhythm harmony timbre; do
    without=${head#none}
    "$ANTIPHON" infer --checkpoint "$checkpoint" --pairs "$pairs" --num_samples "$SAMPLES" \
        ${without:+--without "$without"} --out "$out/$head" >/dev/null
    "$ANTIPHON" evaluate --composed "$out/$head" --no_baselines --json "$out/$head.json" >/dev/null
done
python3 - "$out" <<'P'
import json, sys

MEASURES = "onset_gain", "chroma_gain", "timbre_ratio", "r_input", "r_target"


def means(head):
    summary = json.load(open(f"{sys.argv[1]}/{head}.json"))["systems"][0]["summary"]
    return [summary[measure]["mean"] for measure in MEASURES]


whole = means("none")
print("| silenced | onset gain | chroma gain | timbre ratio | \\|r\\| with the input | \\|r\\| with the target |")
print("|---|---|---|---|---|---|")
print("| none |", " | ".join(f"{mean:.3f}" for mean in whole), "|")
for head in "rhythm", "harmony", "timbre":
    print(f"| {head} |", " | ".join(f"{mean - was:+.3f}" for mean, was in zip(means(head), whole)), "|")
P
