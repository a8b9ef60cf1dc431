# A master that is at full scale in every one of 250 segments, louder in some than in others; `. "$1/loud.sh"` brings
# it in.

stretch() { # a segment of 192 samples, of which $1 are at full scale
    head -c $((2 * $1)) /dev/zero | tr '\000' '\177'
    head -c $((384 - 2 * $1)) /dev/zero
}

# make_loud FILE: WAV, 24 kHz, 16 bits, 2 s
make_loud() {
    {
        printf 'RIFF\044\167\001\000WAVEfmt \020\000\000\000\001\000\001\000\300\135\000\000\200\273\000\000\002\000\020\000data\000\167\001\000'
        for k in $(seq 250); do stretch $((1 + k * k % 97)); done
    } >"$1"
}
