#!/bin/sh
# A corpus to train on and to judge by.
#
#   scripts/make_corpus.sh DIR                 sampled instruments: pieces that make_midi.py composes, played by fluidsynth with FluidR3 (MIT)
#   scripts/make_corpus.sh --recordings DIR    recorded drums and produced music from Debian's packages, whose licences it prints
#
# Sampled instruments: drums are inputs; pianos, basses, guitars and strings are targets. Gives a pair set of 24 kHz mono,
# DIR/{train,val}, and for judging alone pieces played by another sound font, DIR/other_font/val, those of val among them.
# No piece of train is in either.
#
# Recordings: drum loops, and patterns played on sampled kits, are inputs; game music is the targets, and for training some
# sampled instruments besides. Gives DIR/{train,val}; for judging alone DIR/judged (other pieces, kits and loops),
# DIR/pitched (guitars and whole songs as inputs) and DIR/songs (whole songs); DIR/pairs.csv tells what each was made from.
# DIR/sources has the same as recordings, stereo at 44.1 kHz, in folders for `antiphon prepare`.
set -eu
. "$(dirname "$0")/usage.sh"
help_or "$@"
PIECES=${PIECES:-200}                  # sampled: pieces in all
TRAINING=${TRAINING:-400}              # recordings: pairs to train on
RENDERED=${RENDERED:-80}               # recordings: pairs of sampled instruments to train on besides
VALIDATION=${VALIDATION:-12}           # pairs for val; sampled: a multiple of four has every family of instruments alike
JUDGED=${JUDGED:-60}                   # pairs to judge by; sampled: those of val among them; recordings: two a piece
PITCHED=${PITCHED:-16}                 # recordings: pairs with a guitar or a whole song as input
SONGS=${SONGS:-6}                      # recordings: whole songs
SONG_SECONDS=${SONG_SECONDS:-180}
SECONDS_EACH=${SECONDS_EACH:-16}
SEED=${SEED:-1}
JOBS=${JOBS:-2}                        # renderers at a time
FONT=${FONT:-/usr/share/sounds/sf2/FluidR3_GM.sf2}
OTHER_FONT=${OTHER_FONT:-/usr/share/sounds/sf2/TimGM6mb.sf2}
GAIN=${GAIN:-0.6}                      # fluidsynth's
UNPACKED=${UNPACKED:-}                 # recordings: a folder where the packages are unpacked already; otherwise they are fetched

kind=sampled
if [ "${1-}" = --recordings ]; then kind=recordings && shift; fi
[ $# -gt 0 ] || misuse "wants a folder to make"
[ $# -eq 1 ] || misuse "makes one folder, and \"$2\" is another"
case $1 in
"" | -*) misuse "\"$1\" is no folder" ;;
esac
out=$1
[ ! -e "$out/train" ] || { echo "$out holds a corpus already" >&2; exit 2; }
mkdir -p "$out"
out=$(cd "$out" && pwd)
[ -z "$UNPACKED" ] || UNPACKED=$(cd "$UNPACKED" && pwd)
cd "$(dirname "$0")/.."
ANTIPHON=${ANTIPHON:-$PWD/build/antiphon}
. scripts/packages.sh

work=$(mktemp -d "${TMPDIR:-/tmp}/antiphon-corpus-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# play FOLDER FONT RATE: every MIDI file there becomes a recording
play() {
    # shellcheck disable=SC2016  # the inner shell expands them
    find "$1" -name '*.mid' | sort | FONT=$2 RATE=$3 GAIN=$GAIN xargs -P "$JOBS" -I MIDI sh -c '
        fluidsynth -q -n -i -r "$RATE" -g "$GAIN" -R 1 -C 0 -o synth.dynamic-sample-loading=1 -O s16 -T wav \
            -F "${1%.mid}.wav" "$FONT" "$1" >/dev/null 2>&1 || { echo "fluidsynth: $1 with $FONT" >&2; exit 255; }' sh MIDI
    find "$1" -name '*.mid' -exec rm {} +
}

# pair FOLDER SECONDS OPTION...: pairs of the first SECONDS of each of its inputs and targets, in $work/pairs/train
pair() {
    folder=$1 seconds=$2
    shift 2
    rm -rf "$work/pairs"
    "$ANTIPHON" prepare --inputs "$folder/inputs" --targets "$folder/targets" --out "$work/pairs" --seconds "$seconds" \
        --val-share 0 "$@" >/dev/null
}

make_sampled() {
    training=$((PIECES - JUDGED))
    if [ "$VALIDATION" -gt "$JUDGED" ] || [ "$training" -lt 1 ]; then
        misuse "PIECES=$PIECES, JUDGED=$JUDGED, VALIDATION=$VALIDATION: validation pieces are of the judged, and some are to train on"
    fi
    install_packages python3 fluidsynth fluid-soundfont-gm timgm6mb-soundfont
    mkdir "$out/other_font"
    python3 scripts/make_midi.py "$work/val" "$training" "$VALIDATION" "$SECONDS_EACH" "$SEED"
    python3 scripts/make_midi.py "$work/other_font" "$training" "$JUDGED" "$SECONDS_EACH" "$SEED"
    python3 scripts/make_midi.py "$work/train" 0 "$training" "$SECONDS_EACH" "$SEED"
    for set in val other_font train; do # train last: a folder with train/ is whole
        to=$out/$set font=$FONT
        if [ $set = other_font ]; then to=$out/other_font/val font=$OTHER_FONT; fi
        play "$work/$set" "$font" 24000
        pair "$work/$set" "$SECONDS_EACH" --sample_rate 24000 --channels 1
        mv "$work/pairs/train" "$to"
    done
    echo "$out:"
    echo "$training pairs of $SECONDS_EACH s to train on, $VALIDATION to validate, $JUDGED by another font to judge"
}

# Debian's packages that hold recordings, and their licences there. All of them are in main.
licences() {
    cat <<'END'
sonic-pi-samples              drum loops    CC0-1.0
hydrogen-drumkits             drum kits     GPL-2, GPL-2+, CC-BY-SA-3.0, CC-BY-3.0, CC0-1.0, by kit
wesnoth-1.16-music            music         GPL-2+
hedgewars-data                music         GPL-2
supertux-data                 music         GPL-2+
singularity-music             music         CC-BY-SA-3.0
hyperrogue-music              music         CC-BY-SA-3.0
fretsonfire-songs-sectoid     guitars       MIT
fretsonfire-songs-muldjord    guitars       CC-BY-SA-3.0
END
}

# fetch: the packages' files below $work/unpacked; nothing is installed
fetch() {
    echo "fetching the packages of the recordings (600 MB)"
    mkdir "$work/packages" "$work/unpacked"
    # shellcheck disable=SC2046  # a list of words
    (cd "$work/packages" && apt-get download -qq -o APT::Sandbox::User=root $(licences | cut -d' ' -f1)) >&2
    for package in "$work/packages"/*.deb; do dpkg-deb -x "$package" "$work/unpacked" && rm "$package"; done
    UNPACKED=$work/unpacked
}

make_recordings() {
    [ "$TRAINING" -gt 0 ] || misuse "TRAINING=$TRAINING: some pairs are to train on"
    install_packages python3 python3-numpy sox libsox-fmt-base
    [ "$RENDERED" -eq 0 ] || install_packages fluidsynth fluid-soundfont-gm
    [ -n "$UNPACKED" ] || fetch
    rm -rf "$out/sources"
    /usr/bin/python3 scripts/make_recordings.py "$UNPACKED" "$work/sources" "$TRAINING" "$VALIDATION" "$JUDGED" "$PITCHED" "$SONGS" \
        "$SECONDS_EACH" "$SONG_SECONDS" "$SEED"
    if [ "$RENDERED" -gt 0 ]; then
        python3 scripts/make_midi.py "$work/sources/train" 0 "$RENDERED" "$SECONDS_EACH" "$SEED"
        play "$work/sources/train" "$FONT" 44100
    fi
    mv "$work/sources/pairs.csv" "$out/pairs.csv"
    mv "$work/sources" "$out/sources"
    for set in songs pitched judged val train; do # train last: a folder with train/ is whole
        [ -e "$out/sources/$set" ] || continue
        seconds=$SECONDS_EACH
        [ $set != songs ] || seconds=$SONG_SECONDS
        pair "$out/sources/$set" "$seconds"
        mv "$work/pairs/train" "$out/$set"
    done
    echo "$out:"
    for set in train val judged pitched songs; do
        [ ! -e "$out/$set" ] || echo "$set: $(find "$out/$set" -name '*_input.wav' | wc -l) pairs"
    done
    echo "Licences of the recordings (each package's own words: /usr/share/doc/PACKAGE/copyright, once it is installed):"
    licences
    [ "$RENDERED" -eq 0 ] || echo "fluid-soundfont-gm            instruments   MIT"
}

make_$kind
