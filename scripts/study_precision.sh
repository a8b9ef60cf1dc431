#!/bin/sh
# Whether training in train.precision=fast goes as in float: the same small training of some seeds in both, and what sets
# their curves apart beside what sets seeds apart. A third arm is float by another kernel, which rounds otherwise.
#
#   scripts/study_precision.sh    settings below, each overridable from the environment
#
# fast is not the same on every processor: KERNEL=amx_emulated computes, slowly, what AMX would, and KERNEL=fixed_emulated
# what AVX-512 VNNI would, both on any machine, in builds with tests. Prints the table and the verdict, and draws the curves.
# Started again it goes on where it stopped. Exit code 1: the curves of fast lie outside the spread of seeds.
set -eu
# shellcheck disable=SC1007  # CDPATH is emptied
root=$(CDPATH= cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/usage.sh"
no_arguments "$@"
cd "${WORKPLACE:-$root}"                       # relative paths start here
OUT=${OUT:-runs/precision}
SEEDS=${SEEDS:-"0 1 2 3"}
KERNEL=${KERNEL:-}                             # the kernel of float and fast; empty: this machine's best
OTHER=${OTHER:-plain}                          # the kernel of the third arm; none: no such arm
COARSE=${COARSE:-}                             # a program whose fast is coarser, for the scale; empty: no such arm
CONFIG=${CONFIG:-$root/configs/compose.json}
OVERRIDES=${OVERRIDES:-}                       # KEY=VALUE...; empty: what makes it small, as below
PAIRS=${PAIRS:-40}                             # pairs of the synthesiser, of 2 s
DATASET=${DATASET:-}                           # a pair set; empty: made by the synthesiser
PICTURE=${PICTURE:-}                           # where to draw the curves; empty: $OUT/curves.svg
ANTIPHON=${ANTIPHON:-$root/build/antiphon}

OVERRIDES=${OVERRIDES:-"data.seconds=1 agent.model=64 agent.ff=256 train.batch_size=2 train.epochs=8 train.steps_per_epoch=25"}

for kernel in "$KERNEL" "$OTHER"; do
    [ "$kernel" = none ] || ANTIPHON_KERNEL=$kernel "$ANTIPHON" --version >/dev/null || exit
done
if [ -z "$DATASET" ]; then
    DATASET=data/demo_${PAIRS}x2s
    [ -d "$DATASET/val" ] || "$ANTIPHON" synth --out "$DATASET" --pairs "$PAIRS" --seconds 2
fi

# train ARM KERNEL PRECISION PROGRAM: the run of this seed, to its end
train() {
    set -- "$@" "$CONFIG" --out "$OUT/$1-$seed" --resume auto --data.path="$DATASET" --train.seed="$seed" --train.threads=1 \
        --train.precision="$3"
    for override in $OVERRIDES; do set -- "$@" "--$override"; done
    arm=$1 kernel=$2 program=$4
    shift 4
    echo "== $arm, seed $seed"
    ANTIPHON_KERNEL=$kernel "$program" train "$@" </dev/null
}

for seed in $SEEDS; do
    [ "$OTHER" = none ] || train other "$OTHER" float "$ANTIPHON"
    train float "$KERNEL" float "$ANTIPHON"
    train fast "$KERNEL" fast "$ANTIPHON"
    [ -z "$COARSE" ] || train coarse "$KERNEL" fast "$COARSE"
done
echo
# shellcheck disable=SC2086  # a list of words
python3 "$root/scripts/compare_precision.py" "$OUT" "${PICTURE:-$OUT/curves.svg}" $SEEDS
