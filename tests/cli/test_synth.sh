# antiphon synth: pairs in their places, the same bytes again, folders of others left alone.
. "$1/expect.sh"

expect 0 "set: pairs of 0.5 s, 4 for training, 1 for validation" synth --out set --pairs 5 --seconds=0.5 --seed 7
there set/train/pair_0001_input.wav set/train/pair_0001_target.wav set/train/pair_0004_target.wav \
    set/val/pair_0005_input.wav set/val/pair_0005_target.wav
[ "$(find set -type f | wc -l)" -eq 11 ]

# the same again, with one thread and with several, whatever is there already
cp -r set first
rm set/train/pair_0002_input.wav
touch set/made_by.txt.123-4.tmp set/val/pair_0005_input.wav.123-4.tmp # of one that was killed
OMP_NUM_THREADS=1 expect 0 "" synth --out set --pairs 5 --seconds 0.5 --seed 7
diff -r set first
expect 0 "" synth --out other --pairs 2 --seconds 0.5 --seed 8
there other/train/pair_0001_input.wav other/val/pair_0002_target.wav
cmp -s set/train/pair_0001_input.wav other/train/pair_0001_input.wav && exit 1

expect 1 "set: not empty" synth --out set --pairs 5 --seconds 0.5 --seed 8
mkdir mine && echo mine >mine/notes.txt
expect 1 "mine: not empty" synth --out mine
[ "$(ls mine)" = notes.txt ]
: >file
expect 1 "file" synth --out file

# a run that is killed leaves no set, and the next run removes what it has left
"$ANTIPHON" synth --out killed --pairs 9999 --seconds 60 >/dev/null 2>&1 &
until [ "$(ls killed/unfinished/train 2>/dev/null)" ]; do kill -0 $!; sleep 0.01; done
kill -KILL $! && wait $! && exit 1
[ "$(ls killed)" = unfinished ]
expect 0 "killed: pairs of" synth --out killed --pairs 5 --seconds 0.5 --seed 7
diff -r killed first
mkdir -p noted/unfinished && touch noted/unfinished/made_by.txt.123-4.tmp # killed while it wrote the note
expect 0 "noted: pairs of" synth --out noted --pairs 5 --seconds 0.5 --seed 7
diff -r noted first

# one that is killed while it moves the set to its place has made it
for moved in "train" "train val" "train val made_by.txt"; do
    rm -rf moving && mkdir moving && cp -r first moving/unfinished
    for part in $moved; do mv "moving/unfinished/$part" "moving/$part"; done
    expect 0 "moving: pairs of" synth --out moving --pairs 5 --seconds 0.5 --seed 7
    diff -r moving first
done
rm -rf moving && mkdir moving && cp -r first moving/unfinished && mv moving/unfinished/train moving
expect 1 "moving: not empty" synth --out moving --pairs 5 --seconds 0.5 --seed 8 # of another kind: it is not made anew
diff -r moving first
mkdir -p taken/unfinished && echo mine >taken/unfinished/notes.txt
expect 1 "taken: not empty" synth --out taken
there taken/unfinished/notes.txt

expect 2 "--out DIR is missing" synth
expect 2 "--out needs a DIR, not an empty text" synth --out ""
expect 2 "--pairs must be between 2 and 9999, not 1" synth --out x --pairs 1
expect 2 "--seconds needs a number" synth --out x --seconds long
expect 2 "--seed must be at least 0" synth --out x --seed -1
expect 2 "did you mean --seconds?" synth --out x --second 3
expect 2 "unexpected argument y; usage: antiphon synth" synth --out x y
expect 2 'did you mean "synth"?' snyth
expect 0 "--seconds S" synth --help
expect 0 "--seconds S" help synth
[ ! -e x ]
