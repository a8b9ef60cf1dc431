#!/bin/sh
# A codec trained on recordings that are free to use and that no synthesiser here
# made, and what it is worth on pieces that it has not heard.
#
#   scripts/train_codec.sh DIR     settings below, each overridable
#
# DIR/set gets windows of the loops of sonic-pi-samples (CC0) and of a game's
# music, DIR/run the training. Run again, it goes on where it stopped. At the end
# `antiphon codec roundtrip` judges the best checkpoint on the held-out pieces.
set -eu
PACKAGES=${PACKAGES:-sonic-pi-samples wesnoth-1.16-music} # only unpacked
CONFIG=${CONFIG:-configs/codec.json}
EPOCHS=${EPOCHS:-20}
STEPS=${STEPS:-100}                    # of each epoch
SECONDS_EACH=${SECONDS_EACH:-2}        # of a window
VALIDATION=${VALIDATION:-8}            # pairs heard after each epoch

usage() {
    sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}; /^[A-Z_]*=${/p' "$0" || exit 1
}
case "${1:-}" in -h | --help) usage; exit 0 ;; esac
if [ $# -ne 1 ] || [ -z "$1" ] || [ "${1#-}" != "$1" ]; then
    echo "train_codec.sh: takes one folder; --help says more" >&2
    exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
ANTIPHON=${ANTIPHON:-$PWD/build/antiphon}

# unpack: the recordings of the packages, without installing them
unpack() {
    for package in $PACKAGES; do
        (cd "$1" && apt-get download -qq "$package")
    done
    for file in "$1"/*.deb; do dpkg-deb -x "$file" "$1/files"; done
}

# The rest of the held-out pairs goes to held_out/, for the end alone.
hold_out() {
    mkdir -p "$out/set/held_out"
    number=0 every=$(($(find "$out/set/val" -name '*_input.*' | wc -l) / VALIDATION))
    for input in "$out/set/val/"*_input.*; do
        number=$((number + 1))
        [ "$every" -eq 0 ] || [ $((number % every)) -eq 0 ] || mv "${input%_input.*}"_* "$out/set/held_out/"
    done
}

if [ ! -e "$out/set/train" ]; then
    work=$(mktemp -d "${TMPDIR:-/tmp}/antiphon-codec-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
    unpack "$work"
    "$ANTIPHON" prepare --songs "$work/files" --out "$out/set" --seconds "$SECONDS_EACH" --val-share 0.1 \
        --sample_rate 24000 --channels 1 >"$out/prepare.log"
    grep -m 1 'for training' "$out/prepare.log"
    hold_out
fi
"$ANTIPHON" train-codec "$CONFIG" --out "$out/run" --resume auto --data.path="$out/set" \
    --train.steps_per_epoch="$STEPS" --train.epochs="$EPOCHS"
echo "held-out pieces:"
find "$out/set/held_out" -name '*_input.*' | sort | head -n 200 |
    xargs "$ANTIPHON" codec roundtrip --codec "$out/run"
