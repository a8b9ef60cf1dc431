# Sourced by the scripts: help and misuse.

# usage: the comment at a script's head and its settings. Settings are lines NAME=${NAME:-default}, after `set -eu`.
usage() {
    sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p}; /^[A-Z_]*=${/p' "$0"
}

misuse() {
    echo "$(basename "$0"): $1; --help says how it is used" >&2
    exit 2
}

# help_or ARGUMENT...: prints the help where the first argument asks for it, and ends the script
help_or() {
    case ${1-} in
    -h | --help) usage && exit 0 ;;
    esac
}

# no_arguments ARGUMENT...: the same, and refuses any other
no_arguments() {
    help_or "$@"
    [ $# -eq 0 ] || misuse "takes no argument such as \"$1\""
}
