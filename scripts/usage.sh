# Sourced by the scripts: help, misuse, and what they run.

# usage: the comment at a script's head and its settings. Settings are lines NAME=${NAME:-default}, after `set -eu`.
# What is longer than 80 columns is broken.
usage() {
    sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}' "$0" | fmt -w 80
    sed -n 's/^\([A-Z_]*=${.*\)$/\1/p' "$0" | awk '
        { name = $0; sub(/=.*/, "", name) }
        seen[name]++ { next } # what is worked out later
        length($0) <= 80 { print; next }
        {
            setting = meaning = $0
            sub(/ *# .*/, "", setting)
            sub(/.* # /, "# ", meaning)
            if (length(setting " " meaning) <= 80) { print setting " " meaning; next }
            print setting
            line = "   "
            count = split(meaning, words, " ")
            for (k = 1; k <= count; k++) {
                if (length(line) + 1 + length(words[k]) > 80) { print line; line = "    #" }
                line = line " " words[k]
            }
            print line
        }'
}

misuse() {
    echo "$(basename "$0"): $1; --help says how it is used" >&2
    exit 2
}

# help_or ARGUMENT...: prints the help where the first argument asks for it, and ends the script
help_or() {
    case ${1-} in
    -h | --help) usage; exit 0 ;;
    esac
}

# no_arguments ARGUMENT...: the same, and refuses any other
no_arguments() {
    help_or "$@"
    [ $# -eq 0 ] || misuse "takes no argument such as \"$1\""
}

# quietly COMMAND...: what it prints is shown only where it fails
quietly() {
    log=$(mktemp)
    "$@" >"$log" 2>&1 || { echo "$(basename "$0"): $* failed" >&2 && tail -n 30 "$log" >&2 && exit 1; }
    rm -f "$log"
}
