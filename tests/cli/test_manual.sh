# antiphon help --man: sound roff that names every verb and every option of its help.
. "$1/expect.sh"

expect 0 ".TH ANTIPHON 1" help --man
mv out antiphon.1
if command -v groff >/dev/null; then
    groff -man -Tutf8 -ww -z antiphon.1 2>complaints
    [ ! -s complaints ] || { cat complaints && exit 1; }
fi

sed 's/\\-/-/g; s/\\f[BRI]//g' antiphon.1 >plain
# named VERB WORD...: whether the page has these words at the beginning of a line, in the verb's section
named() {
    verb=$1
    shift
    sed -n "/^\.SS \"$verb:/,/^\.S[HS]/p" plain | grep -q -- "^$*" || {
        echo "the manual says nothing of antiphon $verb $*" && exit 1
    }
}

"$ANTIPHON" --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' >verbs
[ "$(wc -l <verbs)" -ge 8 ]
while read -r verb; do
    named "$verb" "antiphon $verb"
    "$ANTIPHON" help "$verb" | sed -n 's/^  \(--[^ =]*\).*/\1/p' >options
    grep -qx -- --help options
    while read -r option; do named "$verb" "$option"; done <options
done <verbs

# and every key of the configuration
# shellcheck disable=SC2016  # the table's own marks
"$ANTIPHON" config --markdown | sed -n 's/^| `\([a-z_.0-9]*\)`.*/\1/p' >keys
[ "$(wc -l <keys)" -ge 50 ]
while read -r key; do
    grep -q "^--$key=" plain || { echo "the manual says nothing of $key" && exit 1; }
done <keys
