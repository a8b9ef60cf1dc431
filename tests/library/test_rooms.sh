# The house keeps its order: src/README.md lists the rooms, each of which includes only rooms above it and its own files;
# no two files need each other, neither by their includes nor by what they call.
src=$SOURCES/src
include=$SOURCES/include

# "room place" for every room, "header room" for every public header
sed -n 's/^| \([a-z]*\) | .* | \([a-z_ ]*\)|$/\1 \2/p' "$src/README.md" | grep -v '^room ' >table
awk '{ print $1, NR }' table >places
awk '{ for (i = 2; i <= NF; i++) print $i, $1 }' table >headers
[ "$(wc -l <places)" -ge 10 ]
for room in "$src"/*/; do
    grep -q "^$(basename "$room") " places || { echo "src/README.md does not list the room $(basename "$room")" && exit 1; }
done
for header in "$include"/antiphon/*.h; do
    name=$(basename "$header" .h)
    [ "$name" = antiphon ] || grep -q "^$name " headers || { echo "src/README.md names no room for $name.h" && exit 1; }
done

# "file included-file", both as paths from src/, public headers as antiphon/NAME.h
(cd "$src" && grep -rHo --include='*.[ch]' '^#include "[^"]*"' .) | sed 's|^\./||; s|:#include "| |; s|"$||' >includes
(cd "$include" && grep -Ho '^#include "[^"]*"' antiphon/*.h) | sed 's|:#include "| |; s|"$||' |
    grep -v '^antiphon/antiphon.h ' >>includes
[ "$(wc -l <includes)" -gt 300 ]

awk '
    function room(file,   part) {
        split(file, part, "/")
        return part[1] == "antiphon" ? home[substr(part[2], 1, length(part[2]) - 2)] : part[1]
    }
    FILENAME == "places" { place[$1] = $2; next }
    FILENAME == "headers" { home[$1] = $2; next }
    place[room($1)] < place[room($2)] { print $1 " includes " $2 ", of a room below its own"; bad = 1 }
    END { exit bad }
' places headers includes

# tsort names every circle it finds; a file that includes its own header is none
circle() {
    tsort "$1" >order 2>found || { sed 's/^tsort: //' found && echo "$2" && exit 1; }
}
circle includes "headers include each other in a circle"

# what a file calls: its undefined symbols, by the files that define them
for library in "$LIBRARIES/libantiphon.a" "$LIBRARIES/libantiphon_verbs.a"; do
    nm "$library" 2>/dev/null | awk -v library="$(basename "$library" .a)" '
        /^[^ ]*:$/ { file = library "/" substr($1, 1, length($1) - 1); n[file]++; file = file n[file]; next }
        NF == 3 && $2 ~ /[TDBRVW]/ { print "defines", $3, file }
        NF == 2 && $1 == "U" { print "uses", $2, file }'
done >symbols
awk '
    $1 == "defines" { at[$2] = $3 }
    $1 == "uses" { user[++count] = $3; wanted[count] = $2 }
    END { for (i = 1; i <= count; i++) if (at[wanted[i]] && at[wanted[i]] != user[i]) print user[i], at[wanted[i]] }
' symbols | sort -u >calls
[ "$(wc -l <calls)" -gt 300 ]
circle calls "files call each other in a circle"
