#!/bin/sh
# What the correlation cost does: two runs that differ in nothing but its weight, and the table of both.
#
#   scripts/ablation.sh    settings below, each overridable from the environment
set -eu
. "$(dirname "$0")/usage.sh"
no_arguments "$@"
cd "$(dirname "$0")/.."
CONFIG=${CONFIG:-configs/original.json}    # the configuration of both runs
DATASET=${DATASET:-}                   # a pair set; empty: made by the synthesiser
PAIRS=${PAIRS:-40}
WEIGHTS=${WEIGHTS:-"0 0.5"}            # loss.corr_weight of the runs
SEED=${SEED:-0}
OUT=${OUT:-runs/ablation}
ANTIPHON=${ANTIPHON:-build/antiphon}

. scripts/experiment.sh
[ -n "$DATASET" ] || DATASET=$(demo_pairs "$CONFIG" "$PAIRS")
for weight in $WEIGHTS; do
    "$ANTIPHON" train "$CONFIG" --out "$OUT/corr_$weight" --resume auto --data.path="$DATASET" --train.seed="$SEED" \
        --corr_weight="$weight"
done

row() { printf '| %s | %.2f | %.2f | %.2f | %.2f |\n' "$@"; }
echo
echo "| corr_weight | cost at the first step | cost on validation at the end | \\|r\\| with the input | \\|r\\| with the target |"
echo "|---|---|---|---|---|"
for weight in $WEIGHTS; do
    log="$OUT/corr_$weight/log.jsonl"
    row "$weight" "$(values "$log" train_corr_cost | head -n 1)" "$(values "$log" val_corr_cost | tail -n 1)" \
        "$(values "$log" val_r_input | tail -n 1)" "$(values "$log" val_r_target | tail -n 1)"
done
