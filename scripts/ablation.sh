#!/bin/sh
# What the correlation cost does: two runs that differ in nothing but its weight, and the table of both.
#
#   scripts/ablation.sh            settings below, each overridable from the environment
set -eu
cd "$(dirname "$0")/.."
CONFIG=${CONFIG:-configs/seed.json}    # the configuration of both runs
DATASET=${DATASET:-}                   # a pair set; empty: made by the synthesiser
PAIRS=${PAIRS:-40}
WEIGHTS=${WEIGHTS:-"0 0.5"}            # loss.corr_weight of the runs
SEED=${SEED:-0}
OUT=${OUT:-runs/ablation}
ANTIPHON=${ANTIPHON:-build/antiphon}

if [ -z "$DATASET" ]; then
    seconds=$("$ANTIPHON" config "$CONFIG" data.seconds)
    DATASET="data/demo_${PAIRS}x${seconds}s"
    [ -d "$DATASET/val" ] || "$ANTIPHON" synth --out "$DATASET" --pairs "$PAIRS" --seconds "$seconds"
fi
for weight in $WEIGHTS; do
    "$ANTIPHON" train "$CONFIG" --out "$OUT/corr_$weight" --resume auto --data.path="$DATASET" --train.seed="$SEED" \
        --corr_weight="$weight"
done

# value LOG KEY first|last: the first or last number that the log has under KEY
value() {
    sed -n "s/.*\"$2\":[ ]*\\([-+0-9.eE]*\\).*/\\1/p" "$1" | if [ "$3" = first ]; then head -n 1; else tail -n 1; fi
}
row() { printf '| %s | %.2f | %.2f | %.2f | %.2f |\n' "$@"; }
echo
echo "| corr_weight | cost at the first step | cost on validation at the end | \\|r\\| with the input | \\|r\\| with the target |"
echo "|---|---|---|---|---|"
for weight in $WEIGHTS; do
    log="$OUT/corr_$weight/log.jsonl"
    row "$weight" "$(value "$log" train_corr_cost first)" "$(value "$log" val_corr_cost last)" \
        "$(value "$log" val_r_input last)" "$(value "$log" val_r_target last)"
done
