# Sourced by the scripts that compare runs: pairs to train on, and numbers from a run's log. $ANTIPHON is the program.

# demo_pairs CONFIG COUNT: the folder of a pair set of the synthesiser as long as CONFIG wants it, made where it is missing
demo_pairs() {
    seconds=$("$ANTIPHON" config "$1" data.seconds)
    demo="data/demo_${2}x${seconds}s"
    [ -d "$demo/val" ] || "$ANTIPHON" synth --out "$demo" --pairs "$2" --seconds "$seconds" >&2
    echo "$demo"
}

# values LOG KEY: all numbers that the log has under KEY, one a line
values() {
    sed -n "s/.*\"$2\":[ ]*\\([-+0-9.eE]\\{1,\\}\\).*/\\1/p" "$1"
}

# at_best LOG KEY: the number under KEY in the line with the lowest val_loss
at_best() {
    awk -v key="\"$2\": *" '
        function number(name) { return match($0, name "[-+0-9.eE]+") ? substr($0, RSTART, RLENGTH) : "" }
        { loss = number("\"val_loss\": *"); sub(/.*: */, "", loss) }
        loss != "" && (least == "" || loss + 0 < least + 0) { least = loss; found = number(key) }
        END { sub(/.*: */, "", found); print found }' "$1"
}
