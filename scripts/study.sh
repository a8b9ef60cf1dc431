#!/bin/sh
# The ablation study: the compose objective whole, with each of its parts taken away in turn, and the original objective; some
# seeds of each; all judged on held-out pieces played by a sound font that training has not heard; the table of all.
#
#   scripts/study.sh    settings below, each overridable from the environment
#
# Started again it goes on where it stopped: what is trained and measured is not done twice.
set -eu
# shellcheck disable=SC1007  # CDPATH is emptied
root=$(CDPATH= cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/usage.sh"
no_arguments "$@"
cd "${WORKPLACE:-$root}"                       # relative paths start here
CORPUS=${CORPUS:-data/corpus}                  # a corpus; made by make_corpus.sh where it is missing
OUT=${OUT:-runs/study}
SEEDS=${SEEDS:-"0 1 2"}
EPOCHS=${EPOCHS:-}                             # of each run; empty: as in CONFIG
PAIRS=${PAIRS:-60}                             # pieces that are judged, at most
CONFIG=${CONFIG:-$root/configs/gates.json}     # the recipe
ORIGINAL=${ORIGINAL:-$root/configs/original.json} # the original objective
ARMS=${ARMS:-}                                 # the names of some arms; empty: all
CHECKPOINT=${CHECKPOINT:-best}                 # what is judged: best (by the run's own validation loss) or last
NUM_SAMPLES=${NUM_SAMPLES:-5}                  # compositions of the first arm to look at and listen to
ANTIPHON=${ANTIPHON:-$root/build/antiphon}

# section NAME CONFIG: the overrides that give NAME's keys the values they have in CONFIG
section() {
    "$ANTIPHON" config --markdown | sed -n "s/^| \`\\($1\\.[a-z_0-9]*\\)\`.*/\\1/p" | while read -r key; do
        printf ' %s=%s' "$key" "$("$ANTIPHON" config "$2" "$key" | tr -d '"')"
    done
}

# The arms, NAME = OVERRIDES of CONFIG: first the recipe whole, which the others are held against.
table=$(
    cat <<END
compose =
original = agent.output=direct$(section loss "$ORIGINAL")
no_onset = loss.onset=0
no_chroma = loss.chroma=0
no_timbre = loss.timbre=0
no_variation = loss.variation=0
no_level = loss.level=0
no_correlation = loss.corr_weight=0
no_lags = loss.corr_lag_ms=0
no_mixture = loss.mixture=0
no_delays = agent.gate_delays=0
new_part = agent.gate_new=0.01
onset_by_bins = loss.onset_scale=bins
max_envelope = loss.corr_envelope=max
p8_envelope = loss.corr_envelope=p8
three_bands = loss.corr_bands=3
direct_output = agent.output=direct
clock = agent.positions=true
matched_targets = data.targets=matched
no_input_material = agent.gate_input=false
END
)
names=$(echo "$table" | sed 's/ *=.*//')

# overrides ARM: its overrides
overrides() {
    echo "$table" | sed -n "s/^$1 *= *//p"
}

# attempt WORD...: runs the program; a run that fails is said and left out, misuse and interruption end the script
attempt() {
    code=0
    "$ANTIPHON" "$@" </dev/null || code=$?
    [ "$code" -ne 0 ] || return 0
    [ "$code" -eq 1 ] || exit "$code"
    echo "study.sh: $run has failed; the others go on" >&2
    return 1
}

train() {
    set -- "$CONFIG" --out "$run" --resume auto --data.path="$CORPUS" --train.seed="$seed"
    for override in $(overrides "$arm"); do set -- "$@" "--$override"; done
    [ -z "$EPOCHS" ] || set -- "$@" --train.epochs="$EPOCHS"
    attempt train "$@"
}

# measure JSON WORD...: measures the run's checkpoint, unless that has been done since it was written
measure() {
    json=$1 checkpoint="$run/checkpoints/$CHECKPOINT.safetensors"
    shift
    if [ -e "$json" ] && [ ! "$checkpoint" -nt "$json" ]; then return 0; fi
    attempt evaluate --checkpoint "$checkpoint" --pairs "$CORPUS/other_font" --num_samples "$PAIRS" --json "$json" "$@" \
        >/dev/null
}

ARMS=${ARMS:-$names}
for arm in $ARMS; do
    echo "$names" | grep -qxF "$arm" || { echo "study.sh: \"$arm\" is no arm; there are: $(echo "$names" | tr '\n' ' ')" >&2 && exit 2; }
done
if [ ! -e "$CORPUS" ]; then
    echo "making $CORPUS"
    ANTIPHON=$ANTIPHON "$root/scripts/make_corpus.sh" "$CORPUS"
fi
for part in train val other_font/val; do
    [ -d "$CORPUS/$part" ] || { echo "study.sh: $CORPUS is no corpus: it has no $part (scripts/make_corpus.sh makes one)" >&2 && exit 1; }
done
mkdir -p "$OUT"
echo "$table" >"$OUT/arms.txt"

shown=
for seed in $SEEDS; do
    for arm in $ARMS; do
        run="$OUT/$arm-$seed"
        echo "== $arm, seed $seed"
        train || continue
        measure "$run/evaluation.json" --no_baselines || continue
        [ -e "$OUT/baselines.json" ] || measure "$OUT/baselines.json"
        shown=${shown:-$run}
    done
done

[ -z "$shown" ] || "$ANTIPHON" infer --checkpoint "$shown/checkpoints/$CHECKPOINT.safetensors" --pairs "$CORPUS/other_font" \
    --num_samples "$NUM_SAMPLES" --out "$OUT/samples" >/dev/null
"$ANTIPHON" study "$OUT" --json "$OUT/study.json" >"$OUT/study.txt"
"$ANTIPHON" report "$OUT" --num_samples "$NUM_SAMPLES" >/dev/null
cat "$OUT/study.txt"
echo
echo "Open $OUT/report.html in a browser: the table, charts, and what ${shown##*/} composes."
