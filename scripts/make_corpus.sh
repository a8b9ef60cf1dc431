#!/bin/sh
# A corpus of real, sampled instruments: pieces that make_midi.py composes, played by fluidsynth with FluidR3 (MIT).
#
#   scripts/make_corpus.sh DIR    settings below, each overridable from the environment
#
# Drums are inputs; pianos, basses, guitars and strings are targets. Gives a pair set of 24 kHz mono, DIR/{train,val}, and for
# judging alone pieces played by another sound font, DIR/other_font/val, those of val among them. No piece of train is in
# either.
set -eu
. "$(dirname "$0")/usage.sh"
help_or "$@"
PIECES=${PIECES:-200}
VALIDATION=${VALIDATION:-12}           # of them, for val: a multiple of four has every family of instruments alike
JUDGED=${JUDGED:-60}                   # of them, for other_font/val: the pieces of val and more
SECONDS_EACH=${SECONDS_EACH:-16}
SEED=${SEED:-1}
JOBS=${JOBS:-2}                        # renderers at a time
FONT=${FONT:-/usr/share/sounds/sf2/FluidR3_GM.sf2}
OTHER_FONT=${OTHER_FONT:-/usr/share/sounds/sf2/TimGM6mb.sf2}
GAIN=${GAIN:-0.6}                      # fluidsynth's

[ $# -gt 0 ] || misuse "wants a folder to make"
[ $# -eq 1 ] || misuse "makes one folder, and \"$2\" is another"
case $1 in
"" | -*) misuse "\"$1\" is no folder" ;;
esac
out=$1
[ ! -e "$out/train" ] || { echo "$out holds a corpus already" >&2; exit 2; }
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")/.."
ANTIPHON=${ANTIPHON:-$PWD/build/antiphon}
. scripts/packages.sh
install_packages python3 fluidsynth fluid-soundfont-gm timgm6mb-soundfont

work=$(mktemp -d "${TMPDIR:-/tmp}/antiphon-corpus-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# render SPLIT FONT: every piece of the split, and pairs of the first SECONDS_EACH of each in $work/pairs_SPLIT/train
render() {
    # shellcheck disable=SC2016  # the inner shell expands them
    find "$work/$1" -name '*.mid' | sort | FONT=$2 GAIN=$GAIN xargs -P "$JOBS" -I MIDI sh -c '
        fluidsynth -q -n -i -r 24000 -g "$GAIN" -R 1 -C 0 -o synth.dynamic-sample-loading=1 -O s16 -T wav \
            -F "${1%.mid}.wav" "$FONT" "$1" >/dev/null 2>&1 || { echo "fluidsynth: $1 with $FONT" >&2; exit 255; }' sh MIDI
    find "$work/$1" -name '*.mid' -exec rm {} +
    "$ANTIPHON" prepare --inputs "$work/$1/inputs" --targets "$work/$1/targets" --out "$work/pairs_$1" \
        --sample_rate 24000 --channels 1 --seconds "$SECONDS_EACH" --val-share 0 >/dev/null
}

training=$((PIECES - JUDGED))
if [ "$VALIDATION" -gt "$JUDGED" ] || [ "$training" -lt 1 ]; then
    misuse "PIECES=$PIECES, JUDGED=$JUDGED, VALIDATION=$VALIDATION: validation pieces are of the judged, and some are to train on"
fi
python3 scripts/make_midi.py "$work/train" 0 "$training" "$SECONDS_EACH" "$SEED"
python3 scripts/make_midi.py "$work/val" "$training" "$VALIDATION" "$SECONDS_EACH" "$SEED"
python3 scripts/make_midi.py "$work/other_font" "$training" "$JUDGED" "$SECONDS_EACH" "$SEED"
render train "$FONT"
render val "$FONT"
render other_font "$OTHER_FONT"
mkdir "$out/other_font"
mv "$work/pairs_val/train" "$out/val"
mv "$work/pairs_other_font/train" "$out/other_font/val"
mv "$work/pairs_train/train" "$out/train" # last: a folder with train/ is whole
echo "$out:"
echo "$training pairs of $SECONDS_EACH s to train on, $VALIDATION to validate, $JUDGED by another font to judge"
