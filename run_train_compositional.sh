#!/bin/sh
# Trains the compositional agent and composes with it: installs, builds, makes demo pairs, trains, writes five
# compositions. Started again it goes on where it stopped, or says that it is done.
#
# Every setting can be given from outside:
#
#   CORR_WEIGHT=1 EPOCHS=40 ./run_train_compositional.sh
#
# A path that is given counts from where you stand; the defaults lie beside this script.

root=$(dirname "$0")/
root=${root#./}
# ---------------------------------------------------------------- settings (--help prints these lines)
CONFIG=${CONFIG:-${root}configs/compose.json}  # the configuration; configs/compositional.json is the full size
DATASET=${DATASET:-}                           # your pair set (train/ and val/; empty: drums and piano from the synthesiser)
OUT=${OUT:-}                                   # folder of the run (empty: runs/ and the name of CONFIG)
USE_COMPOSITIONAL=${USE_COMPOSITIONAL:-true}   # false: the output part alone, without the agent
CORR_WEIGHT=${CORR_WEIGHT:-}                   # weight of the correlation cost (empty: as in CONFIG)
NOVELTY_WEIGHT=${NOVELTY_WEIGHT:-}             # weight of the novelty term (empty: as in CONFIG)
SPECTRAL_WEIGHT=${SPECTRAL_WEIGHT:-}           # weight of the spectral term (empty: as in CONFIG)
INPUT_WEIGHT=${INPUT_WEIGHT:-}                 # weight of the distance to the input (empty: as in CONFIG)
TARGET_WEIGHT=${TARGET_WEIGHT:-}               # weight of the distance to the target (empty: as in CONFIG)
EPOCHS=${EPOCHS:-}                             # passes over the training set, or of train.steps_per_epoch steps (empty: as in CONFIG)
BATCH_SIZE=${BATCH_SIZE:-}                     # pairs computed together (empty: as in CONFIG)
LEARNING_RATE=${LEARNING_RATE:-}               # learning rate (empty: as in CONFIG)
PAIRS=${PAIRS:-160}                            # demo pairs, where the synthesiser makes them
NPROC=${NPROC:-1}                              # processes that train together, by mpirun (1: without MPI)
NUM_SAMPLES=${NUM_SAMPLES:-5}                  # compositions at the end
BUILD=${BUILD:-${root}build}                   # folder of the build
ANTIPHON=${ANTIPHON:-}                         # a program that is built already (empty: install, build and use this one)
DEMO=${DEMO:-${root}data}                      # where demo pairs are put

# ---------------------------------------------------------------- help and checks
set -eu

usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" | fmt -w 80
    printf '\n%-18s%-23s%s\n' Setting Default Meaning
    # shellcheck disable=SC2016  # sed reads ${...} as it stands
    sed -n 's/^\([A-Z_]*\)=\${\1:-\(.*\)} *# \(.*\)/\1|\2|\3/p' "$0" | sed 's/\${root}//' |
        while IFS='|' read -r name fallback meaning; do
            printf '%-18s%-23s' "$name" "${fallback:-empty}"
            echo "$meaning" | fold -s -w 39 | sed 's/ *$//; 2,$s/^/                                         /'
        done
}

misuse() {
    printf 'run_train_compositional.sh: %s\n' "$1" >&2
    exit 2
}

# whole NAME VALUE LEAST MOST
whole() {
    case $2 in
    0* | *[!0-9]* | ????????*) ;;
    *) [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ] || return 0 ;;
    esac
    misuse "$1 must be a whole number from $3 to $4, not \"$2\""
}

# number NAME VALUE MOST; an empty one is not given
number() {
    [ -z "$2" ] || printf "%s\n" "$2" | awk -v most="$3" '
        { good = /^[0-9]+\.?[0-9]*([eE][-+]?[0-9]+)?$/ && $0 + 0 <= most }
        END { exit !(good && NR == 1) }' || misuse "$1 must be a number from 0 to $3, not \"$2\""
}

case ${1:-} in
-h | --help) usage; exit ;;
esac
[ $# -eq 0 ] || misuse "takes no argument such as \"$1\"; settings go before it, as EPOCHS=40; --help lists them"
whole NUM_SAMPLES "$NUM_SAMPLES" 1 1000000
whole NPROC "$NPROC" 1 4096
[ -n "$DATASET" ] || whole PAIRS "$PAIRS" 2 9999
[ -z "$EPOCHS" ] || whole EPOCHS "$EPOCHS" 1 1000000
[ -z "$BATCH_SIZE" ] || whole BATCH_SIZE "$BATCH_SIZE" 1 65536
number CORR_WEIGHT "$CORR_WEIGHT" 1000000
number NOVELTY_WEIGHT "$NOVELTY_WEIGHT" 1000000
number SPECTRAL_WEIGHT "$SPECTRAL_WEIGHT" 1000000
number INPUT_WEIGHT "$INPUT_WEIGHT" 1000000
number TARGET_WEIGHT "$TARGET_WEIGHT" 1000000
number LEARNING_RATE "$LEARNING_RATE" 10
[ -n "$OUT" ] || OUT=${root}runs/$(basename "$CONFIG" .json)

# ---------------------------------------------------------------- install and build
if [ -z "$ANTIPHON" ]; then
    # shellcheck source=scripts/packages.sh
    . "$(dirname "$0")/scripts/packages.sh"
    # shellcheck disable=SC2086  # a list of words
    install_packages $ANTIPHON_PACKAGES
    if [ "$NPROC" -gt 1 ] && ! command -v mpirun >/dev/null; then
        # shellcheck disable=SC2086
        install_packages $ANTIPHON_MPI_PACKAGES
    fi
    echo "building in $BUILD"
    cmake -S "${root:-.}" -B "$BUILD" -G Ninja -DCMAKE_BUILD_TYPE=Release -DAP_TESTS=OFF >/dev/null
    cmake --build "$BUILD" --target antiphon >/dev/null
    ANTIPHON="$BUILD/antiphon"
fi

# ---------------------------------------------------------------- data
if [ -z "$DATASET" ]; then
    SECONDS_EACH=$("$ANTIPHON" config "$CONFIG" data.seconds)
    RATE=$("$ANTIPHON" config "$CONFIG" data.sample_rate)
    DATASET="$DEMO/demo_${PAIRS}x${SECONDS_EACH}s"
    [ "$RATE" -eq 24000 ] || DATASET="${DATASET}_$RATE"
    [ -d "$DATASET/val" ] ||
        "$ANTIPHON" synth --out "$DATASET" --pairs "$PAIRS" --seconds "$SECONDS_EACH" --sample_rate "$RATE"
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
if [ "$NPROC" -gt 1 ]; then
    # after Ctrl-C Open MPI waits so many seconds for a checkpoint; more processes than cores are the user's choice
    OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout:-10}
    OMPI_MCA_rmaps_base_oversubscribe=${OMPI_MCA_rmaps_base_oversubscribe:-1}
    export OMPI_MCA_odls_base_sigkill_timeout OMPI_MCA_rmaps_base_oversubscribe
    [ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    mpirun -n "$NPROC" "$ANTIPHON" train "$@"
else
    "$ANTIPHON" train "$@"
fi

# ---------------------------------------------------------------- compose
"$ANTIPHON" infer --checkpoint "$OUT/checkpoints/best.safetensors" --pairs "$DATASET" --num_samples "$NUM_SAMPLES" \
    --out "$OUT/samples"
"$ANTIPHON" report "$OUT" >/dev/null
echo
echo "Open $OUT/report.html in a browser: curves, pictures, players."
echo "Listen to $OUT/samples:"
echo "0001_1_input.wav and 0001_2_target.wav are what the model heard,"
echo "0001_3_output.wav is its answer."
