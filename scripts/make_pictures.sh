#!/bin/sh
# Makes the pictures of the documents from what the program itself writes.
#
#   scripts/make_pictures.sh [RUN_DIR]     a run with compositions (default: runs/compose, which run_train_compositional.sh makes)
#
# Writes docs/pictures/model.svg, report.png (the top of the run's report) and answer.png (its first composition). Needs
# python3 and chromium (Debian: apt-get install chromium). To be run by hand.
set -eu
case ${1:-} in
-h | --help) sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0" && exit ;;
-*) echo "make_pictures.sh: $1 is no option; --help says more" >&2 && exit 2 ;;
esac
[ $# -le 1 ] || { echo "make_pictures.sh: takes one run's folder" >&2 && exit 2; }
run=$(realpath -- "${1:-$(dirname "$0")/../runs/compose}")
cd "$(dirname "$0")/.."
ANTIPHON=${ANTIPHON:-build/antiphon}
ls "$run"/samples/*_3_output.wav >/dev/null 2>&1 ||
    { echo "make_pictures.sh: $run has no compositions in samples/; run_train_compositional.sh writes some" >&2 && exit 1; }
command -v chromium >/dev/null || { echo "make_pictures.sh: no chromium here: apt-get install chromium" >&2 && exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# shot PAGE WIDTH HEIGHT PICTURE
shot() {
    chromium --headless=old --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
        --window-size="$2,$3" --screenshot="$work/shot.png" "file://$1" >"$work/log" 2>&1 ||
        { cat "$work/log" >&2 && exit 1; }
    mv "$work/shot.png" "$4"
    echo "$4: $(stat -c %s "$4") bytes"
}

mkdir -p docs/pictures
python3 scripts/draw_model.py >docs/pictures/model.svg
"$ANTIPHON" report "$run" --out "$work/report.html" --num_samples 1 >/dev/null
shot "$work/report.html" 1100 850 docs/pictures/report.png

# the style and the first composition alone, without its players
{
    sed -n '1,/<\/head>/p' "$work/report.html" | sed '/<\/head>/q; s/^body{[^;]*;padding:[^;]*;/body{margin:0;padding:0 1rem;/; s/<\/style>/.sample,.sample h3{margin:0;padding:.2rem 0}.row{grid-template-columns:1fr 1fr 1fr}.row figure{padding-bottom:1.9rem}&/'
    sed -n '/<article class="sample">/,/<\/article>/p' "$work/report.html" | sed 's/<audio .*<\/audio>//'
    echo '</body></html>'
} >"$work/answer.html"
shot "$work/answer.html" 1000 560 docs/pictures/answer.png
