#!/bin/sh
# Trains the compositional agent and composes with it: installs, builds, makes demo pairs, trains, writes five
# compositions. Started again it goes on where it stopped, or says that it is done.
#
# Every setting can be given from outside:  CORR_WEIGHT=1 EPOCHS=40 ./run_train_compositional.sh
# A path that is given counts from where you stand; the defaults lie beside this script.

root=$(dirname "$0")/
root=${root#./}
# ---------------------------------------------------------------- settings
CONFIG=${CONFIG:-${root}configs/compose.json}  # the configuration; configs/compositional.json is the full size
DATASET=${DATASET:-}                           # your pair set (train/ and val/); empty: drums and piano from the synthesiser
OUT=${OUT:-${root}runs/$(basename "$CONFIG" .json)} # folder of the run
USE_COMPOSITIONAL=${USE_COMPOSITIONAL:-true}   # false: the output part alone, without the agent
CORR_WEIGHT=${CORR_WEIGHT:-}                   # weight of the correlation cost (empty: as in CONFIG, and so below)
NOVELTY_WEIGHT=${NOVELTY_WEIGHT:-}             # weight of the novelty term
SPECTRAL_WEIGHT=${SPECTRAL_WEIGHT:-}           # weight of the spectral term
INPUT_WEIGHT=${INPUT_WEIGHT:-}                 # weight of the distance to the input
TARGET_WEIGHT=${TARGET_WEIGHT:-}               # weight of the distance to the target
EPOCHS=${EPOCHS:-}
BATCH_SIZE=${BATCH_SIZE:-}
LEARNING_RATE=${LEARNING_RATE:-}
PAIRS=${PAIRS:-160}                            # demo pairs, where the synthesiser makes them
NUM_SAMPLES=${NUM_SAMPLES:-5}                  # compositions at the end
BUILD=${BUILD:-${root}build}                   # folder of the build
ANTIPHON=${ANTIPHON:-}                         # a program that is built already; empty: install, build and use this one
DEMO=${DEMO:-${root}data}                      # where demo pairs are put

# ---------------------------------------------------------------- install and build
set -eu
if [ -z "$ANTIPHON" ]; then
    # shellcheck source=scripts/packages.sh
    . "$(dirname "$0")/scripts/packages.sh"
    # shellcheck disable=SC2086  # a list of words
    install_packages $ANTIPHON_PACKAGES
    echo "building in $BUILD"
    cmake -S "${root:-.}" -B "$BUILD" -G Ninja -DCMAKE_BUILD_TYPE=Release -DAP_TESTS=OFF >/dev/null
    cmake --build "$BUILD" --target antiphon >/dev/null
    ANTIPHON="$BUILD/antiphon"
fi

# ---------------------------------------------------------------- data
if [ -z "$DATASET" ]; then
    SECONDS_EACH=$("$ANTIPHON" config "$CONFIG" data.seconds)
    DATASET="$DEMO/demo_${PAIRS}x${SECONDS_EACH}s"
    [ -d "$DATASET/val" ] || "$ANTIPHON" synth --out "$DATASET" --pairs "$PAIRS" --seconds "$SECONDS_EACH"
fi

# ---------------------------------------------------------------- train
set -- "$CONFIG" --out "$OUT" --resume auto --data.path="$DATASET" --agent.compositional="$USE_COMPOSITIONAL"
[ -z "$CORR_WEIGHT" ] || set -- "$@" --corr_weight="$CORR_WEIGHT"
[ -z "$NOVELTY_WEIGHT" ] || set -- "$@" --mask_reg_weight="$NOVELTY_WEIGHT"
[ -z "$SPECTRAL_WEIGHT" ] || set -- "$@" --loss_weight_spectral="$SPECTRAL_WEIGHT"
[ -z "$INPUT_WEIGHT" ] || set -- "$@" --loss_weight_input="$INPUT_WEIGHT"
[ -z "$TARGET_WEIGHT" ] || set -- "$@" --loss_weight_target="$TARGET_WEIGHT"
[ -z "$EPOCHS" ] || set -- "$@" --epochs="$EPOCHS"
[ -z "$BATCH_SIZE" ] || set -- "$@" --batch_size="$BATCH_SIZE"
[ -z "$LEARNING_RATE" ] || set -- "$@" --lr="$LEARNING_RATE"
"$ANTIPHON" train "$@"

# ---------------------------------------------------------------- compose
"$ANTIPHON" infer --checkpoint "$OUT/checkpoints/best.safetensors" --pairs "$DATASET" --num_samples "$NUM_SAMPLES" \
    --out "$OUT/samples"
"$ANTIPHON" report "$OUT" >/dev/null
echo
echo "Open $OUT/report.html in a browser: curves, spectrograms, and the compositions to listen to."
echo "Listen to $OUT/samples: 0001_1_input.wav and 0001_2_target.wav are what the model heard, 0001_3_output.wav its answer."
