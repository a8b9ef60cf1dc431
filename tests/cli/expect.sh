# What the scripts share; `. "$1/expect.sh"` brings it in. $ANTIPHON is the program.

# unwrapped FILE: its lines, where those that go on below, further in, are whole again
unwrapped() {
    sed -e ':more' -e '$!N' -e 's/\n  */ /' -e 't more' -e P -e D "$1"
}

# expect CODE TEXT WORD...: `antiphon WORD...` ends with CODE and prints a line that contains TEXT (out or err).
expect() {
    wanted_code=$1 wanted_text=$2
    shift 2
    code=0
    "$ANTIPHON" "$@" >out 2>err || code=$?
    if [ "$code" -ne "$wanted_code" ]; then
        echo "antiphon $*: exit code $code, not $wanted_code" && cat out err && exit 1
    fi
    if ! cat out err | grep -qF -- "$wanted_text" && ! unwrapped out | grep -qF -- "$wanted_text"; then
        echo "antiphon $*: does not say \"$wanted_text\" but:" && cat out err && exit 1
    fi
    # what goes wrong is said in one line, on the standard error
    if [ "$code" -ne 0 ] && [ "$(wc -l <err)" -ne 1 ]; then
        echo "antiphon $*: not one line of error:" && cat err && exit 1
    fi
}

# the files or folders exist
there() {
    for path in "$@"; do [ -e "$path" ] || { echo "$path is missing" && exit 1; }; done
}

# begin WORD...: starts `antiphon WORD...` as $process, where the shell would have it ignore SIGINT. What an earlier
# command has printed is gone by then.
begin() {
    : >out 2>err
    env --default-signal=INT "$ANTIPHON" "$@" >out 2>err &
    process=$!
}

# until_says TEXT [COUNT]: waits until $process has printed TEXT, in so many lines
until_says() {
    until [ "$(grep -cF -- "$1" out)" -ge "${2:-1}" ]; do
        kill -0 "$process" || { echo "ended before it said \"$1\":" && cat out err && exit 1; }
        sleep 0.02
    done
}
