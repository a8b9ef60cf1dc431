#!/bin/sh
# Draws spectrograms of compositions beside their sources, one row a composition.
#
#   scripts/make_triplets.sh COMPOSED_DIR PICTURE.png NAME...     NAME as in NAME_1_input.wav: 0014
#
# Needs sox, chromium and ffmpeg (Debian: apt-get install sox chromium ffmpeg). To be run by hand.
set -eu
case ${1:-} in
-h | --help) sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0" && exit ;;
-*) echo "make_triplets.sh: $1 is no option; --help says more" >&2 && exit 2 ;;
esac
[ $# -ge 3 ] || { echo "make_triplets.sh: needs a folder, a picture and names; --help says more" >&2 && exit 2; }
for program in sox chromium ffmpeg; do
    command -v $program >/dev/null || { echo "make_triplets.sh: no $program here: apt-get install $program" >&2 && exit 1; }
done
folder=$(realpath -- "$1") picture=$(realpath -m -- "$2")
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
{
    echo '<style>body{margin:8px;font:14px sans-serif}div{display:grid;grid-template-columns:5em 1fr 1fr 1fr;gap:6px}img{width:100%}</style>'
    echo '<div><b></b><b>input</b><b>target</b><b>output</b>'
    for name in "$@"; do
        echo "<span>$name</span>"
        for part in 1_input 2_target 3_output; do
            sox "$folder/${name}_$part.wav" -n remix - rate 24k spectrogram -r -m -x 240 -y 97 -z 70 -o "$work/${name}_$part.png"
            echo "<img src='${name}_$part.png'>"
        done
    done
    echo '</div>'
} >"$work/page.html"
chromium --headless=old --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
    --window-size="830,$((40 + 106 * $#))" --screenshot="$work/shot.png" "file://$work/page.html" >"$work/log" 2>&1 ||
    { cat "$work/log" >&2 && exit 1; }
# sixteen greys are enough to see it, and a third of the size
ffmpeg -v error -y -i "$work/shot.png" \
    -vf "format=gray,split[a][b];[a]palettegen=max_colors=16[p];[b][p]paletteuse=dither=none" "$picture"
echo "$picture: $(stat -c %s "$picture") bytes"
