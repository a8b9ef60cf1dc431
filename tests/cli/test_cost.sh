# antiphon cost: known cases, files of different length, misuse.
. "$1/expect.sh"
. "$1/loud.sh"

"$ANTIPHON" synth --out a --pairs 2 --seconds 2 >/dev/null
"$ANTIPHON" synth --out b --pairs 2 --seconds 1 >/dev/null
drums=a/train/pair_0001_input.wav piano=a/train/pair_0001_target.wav

# a copy of a source has r = 1, and |r| is held at 0.999: ln 1000 = 6.907755 for each source
expect 0 "r_input    1.000000" cost $drums $piano $drums
expect 0 "cost      13.815" cost $drums $drums $drums
expect 0 "r_target   0.99999" cost $drums $piano $piano --segments 100
[ ! -s err ]

expect 0 '"segments": 100, "windows": 1, "samples": 48000}' cost $drums $piano $piano --segments=100 --json
expect 0 "(2.00000, 2.00000, 1.00000 s): the first 1.00000 s" cost $drums $piano b/val/pair_0002_target.wav --json
[ "$(wc -l <out)" -eq 1 ]

# in windows, each of which correlates for itself
expect 0 '"windows": 2' cost $drums $piano $piano --window 1 --segments 100 --json
expect 0 "r_target   0.99999" cost $drums $piano $piano --window 1.2 --segments 100
expect 1 "too few for 250 segments" cost $drums $piano $piano --window 0.01
expect 2 "--window must be between 0 and" cost $drums $piano $piano --window=-1
expect 2 "too few arguments" cost $drums $piano
expect 2 "unexpected argument $piano; usage: antiphon cost" cost $drums $piano $piano $piano
expect 2 "--segments must be at least 2" cost $drums $piano $piano --segments 1
expect 1 "too few for 48001 segments" cost $drums $piano $piano --segments 48001
expect 1 "missing.wav: cannot be opened" cost $drums missing.wav $piano
: >empty.wav
expect 1 "empty.wav: is empty" cost $drums $piano empty.wav
head -c 40000 $piano >cut.wav
expect 1 "cut.wav: truncated" cost $drums $piano cut.wav

# a master that is at full scale in every segment: its maximum does not move, so that even a copy of it looks free
make_loud loud.wav
expect 0 "cost       0.000000" cost loud.wav $piano loud.wav
grep -qF "loud.wav: its envelope hardly moves (full scale throughout): even a perfect copy of it has r 0.00" err
grep -qF "try --envelope rms" err
[ "$(wc -l <err)" -eq 1 ]
expect 0 '"r_copy_input": 0.000000, "r_copy_target": 0.99' cost loud.wav $piano loud.wav --json
grep -qF '"says_something": false' out
# nor is an output free that is turned up until it clips everywhere, or silent
expect 0 "cost       0.000000" cost $drums $piano loud.wav
grep -qF "loud.wav: its envelope hardly moves (full scale throughout): r is near 0 whatever it copies" err
expect 0 '"says_something": false' cost $drums $piano loud.wav --json
expect 0 "r_input    1.000000" cost loud.wav $piano loud.wav --envelope rms
[ ! -s err ]
expect 0 '"says_something": true' cost loud.wav $piano loud.wav --json --envelope p8
expect 2 "--envelope must be max, rms or p8, not mean" cost loud.wav $piano loud.wav --envelope mean
