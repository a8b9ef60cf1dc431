# The documents' lists are those of the program.
. "$1/expect.sh"
root=$1/../..

# docs/configuration.md ends with the table of every key
"$ANTIPHON" config --markdown >table
sed -n '/^### data$/,$p' "$root/docs/configuration.md" | diff table - ||
    { echo "docs/configuration.md differs from antiphon config --markdown; it says how to write it anew" && exit 1; }

# the README has every verb
"$ANTIPHON" --help | sed -n '/^Verbs:/,/^$/p' | awk 'NF > 1 { print $1 }' >verbs
[ -s verbs ]
while read -r verb; do
    grep -qF "\`$verb\`" "$root/README.md" || { echo "README.md lacks the verb $verb" && exit 1; }
done <verbs

# docs/model.md has every term of the loss, and how much of the sound each configuration keeps
# shellcheck disable=SC2016  # the table's own marks
sed -n 's/^| `\(loss\.[a-z_]*\)` .*| weight of .*/\1/p' table >weights
[ "$(wc -l <weights)" -ge 12 ]
while read -r weight; do
    grep -q "^|.*\`$weight\`" "$root/docs/model.md" || { echo "docs/model.md lacks the term of $weight" && exit 1; }
done <weights
for file in "$root"/configs/[!s]*.json; do
    [ "$("$ANTIPHON" config "$file" codec.type)" = mdct ] || continue
    dim=$("$ANTIPHON" config "$file" codec.dim) hop=$("$ANTIPHON" config "$file" codec.hop)
    bands=$("$ANTIPHON" config "$file" codec.bands)
    row=$(awk -v dim="$dim" -v bands="$bands" -v hop="$hop" \
        'BEGIN { printf "| %d | %d | %.1f kHz |", dim, bands, 12.0 * (dim - bands) / hop }')
    grep -F "\`configs/${file##*/}\`" "$root/docs/model.md" | grep -qF "$row" ||
        { echo "docs/model.md does not say of configs/${file##*/}: $row" && exit 1; }
done

# docs/configuration.md has every configuration, docs/building.md every preset and every package that the scripts install
for file in "$root"/configs/*.json; do
    name=configs/${file##*/}
    grep -qF "\`$name\`" "$root/docs/configuration.md" || { echo "docs/configuration.md lacks $name" && exit 1; }
done
sed -n '/"configurePresets"/,/"buildPresets"/s/.*{"name": "\([a-z-]*\)".*/\1/p' "$root/CMakePresets.json" >presets
[ -s presets ]
while read -r preset; do
    grep -q "^|.*\`$preset\`" "$root/docs/building.md" || { echo "docs/building.md lacks the preset $preset" && exit 1; }
done <presets
. "$root/scripts/packages.sh"
for package in $ANTIPHON_PACKAGES libcmocka-dev; do
    sed -n '/apt-get install/,/^$/p' "$root/docs/building.md" | grep -qw -- "$package" ||
        { echo "docs/building.md lacks the package $package" && exit 1; }
done

# every option that a document or a script gives to a verb is one that the verb has; --KEY=VALUE is the configuration's
# shellcheck disable=SC2016  # the scripts' own text
sed -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' "$root"/README.md "$root"/docs/*.md "$root"/scripts/*.sh |
    grep -oE '(build/antiphon|"\$ANTIPHON") [a-z][a-z-]+ [^#|;>`]*' | grep -e ' --' >calls
[ "$(wc -l <calls)" -ge 30 ]
while read -r _ verb given; do
    "$ANTIPHON" help "$verb" >options 2>&1 || continue # a word of a sentence
    for option in $(echo " $given " | sed "s| |  |g" | grep -oE -e ' --[a-z_-]+ ' || true); do
        grep -qE -e "^  $option( |\$)" options || { echo "$verb has no $option: $given" && exit 1; }
    done
done <calls
