# What documents point at is there: the files and headings that links lead to, and the files named as `code`.

# The links of a Markdown document, one a line: what stands in [text](here) and in src="here" or href="here"; code is left out.
links() {
    awk '/^```/ { fenced = !fenced } fenced || /^    / { next } { gsub(/`[^`]*`/, ""); print }' "$1" |
        grep -oE '\]\([^) ]+|(src|href)="[^"]+' | sed 's/^](//; s/^[a-z]*="//'
}

# Its headings as a link names them: lower case, without punctuation, a dash for each space.
anchors() {
    awk '/^```/ { fenced = !fenced } !fenced && /^#+ / { sub(/^#+ /, ""); print }' "$1" |
        tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

# The paths in its code that begin with a folder of this project. NAME in capitals stands for any name.
paths() {
    awk '/^```/ { fenced = !fenced; next }
         fenced || /^    / { print; next }
         { n = split($0, part, "`"); for (i = 2; i <= n; i += 2) print part[i] }' "$1" |
        grep -oE '(^|[ "=(])(\./)?(src|include|tests|scripts|configs|docs)/[A-Za-z0-9_./*-]+' |
        sed 's/^[ "=(]//; s/\.$//' | sed 's/[A-Z][A-Z]\{2,\}/*/g'
}

# check FOLDER: prints a line for each thing that is named by a document below it and is not there
check() {
    (
        cd "$1" || exit 1
        find . \( -name '.git' -o -path './build*' -o -path ./runs -o -path './data/*/*' \) -prune -o -name '*.md' -print |
            sed 's|^\./||' | while read -r document; do
            links "$document" | while IFS= read -r link; do
                case $link in *://* | mailto:*) continue ;; esac
                file=${link%%#*}
                if [ -n "$file" ]; then file=$(dirname "$document")/$file; else file=$document; fi
                if [ ! -e "$file" ]; then
                    echo "$document: $link leads nowhere"
                elif [ "$link" != "${link#*#}" ]; then
                    anchors "$file" | grep -qxF -- "${link#*#}" || echo "$document: $link: no such heading"
                fi
            done
            paths "$document" | sort -u | while IFS= read -r path; do
                # shellcheck disable=SC2086  # a pattern
                set -- $path
                [ -e "$1" ] || echo "$document: names $path, which is not there"
            done
        done
    )
}

# The check itself finds what is wrong, and nothing else.
mkdir -p tiny/docs tiny/src
cat >tiny/README.md <<'MD'
# One, `two` and three
[good](docs/page.md#a-heading) [itself](#one-two-and-three) [site](https://example.org/a) `src/here.c` `src/NAME.c`
[gone](docs/gone.md) [no heading](docs/page.md#another) <img src="docs/gone.png"> `src/gone.c` `[not a link](at-all)`

    cc src/here.c src/away.c
MD
printf '# Page\n\n## A heading\n\n[up](../README.md)\n' >tiny/docs/page.md
echo >tiny/src/here.c
check tiny | LC_ALL=C sort >found
cat >wanted <<LINES
README.md: docs/gone.md leads nowhere
README.md: docs/gone.png leads nowhere
README.md: docs/page.md#another: no such heading
README.md: names src/away.c, which is not there
README.md: names src/gone.c, which is not there
LINES
diff wanted found || { echo "the check does not find what is wrong" && exit 1; }

check "$SOURCES" >found
[ ! -s found ] || { cat found && exit 1; }

# The pictures are small, and the diagram is that of its script.
[ "$(cat "$SOURCES"/docs/pictures/* | wc -c)" -le 600000 ] || { echo "the pictures take more than 600 kB" && exit 1; }
if command -v python3 >/dev/null; then
    python3 "$SOURCES/scripts/draw_model.py" | cmp - "$SOURCES/docs/pictures/model.svg" ||
        { echo "docs/pictures/model.svg is not what scripts/draw_model.py draws" && exit 1; }
fi
