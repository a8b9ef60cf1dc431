# antiphon cost: known cases, files of different length, misuse.
. "$1/expect.sh"

"$ANTIPHON" synth --out a --pairs 2 --seconds 2 >/dev/null
"$ANTIPHON" synth --out b --pairs 2 --seconds 1 >/dev/null
drums=a/train/pair_0001_input.wav piano=a/train/pair_0001_output.wav

# a copy of a source has r = 1, and |r| is held at 0.999: ln 1000 = 6.907755 for each source
expect 0 "r_input    1.000000" cost $drums $piano $drums
expect 0 "cost      13.815" cost $drums $drums $drums
expect 0 "r_target   0.99999" cost $drums $piano $piano --segments 100
[ ! -s err ]

expect 0 '"segments": 100, "samples": 48000}' cost $drums $piano $piano --segments=100 --json
expect 0 "(2.00000, 2.00000, 1.00000 s): the first 1.00000 s" cost $drums $piano b/val/pair_0002_output.wav --json
[ "$(wc -l <out)" -eq 1 ]

expect 2 "too few arguments" cost $drums $piano
expect 2 "unexpected argument $piano; usage: antiphon cost" cost $drums $piano $piano $piano
expect 2 "--segments must be at least 2" cost $drums $piano $piano --segments 1
expect 1 "too few for 48001 segments" cost $drums $piano $piano --segments 48001
expect 1 "missing.wav: cannot be opened" cost $drums missing.wav $piano
: >empty.wav
expect 1 "empty.wav: is empty" cost $drums $piano empty.wav
head -c 40000 $piano >cut.wav
expect 1 "cut.wav: truncated" cost $drums $piano cut.wav
