# antiphon prepare: both ways, and what is said about what is left out. (How it cuts: tests/unit/test_prepare.c.)
. "$1/expect.sh"

"$ANTIPHON" synth --out set --pairs 3 --seconds 2 >/dev/null
mkdir drums pianos
for k in 1 2; do
    cp set/train/pair_000${k}_input.wav drums/$k.wav
    cp set/train/pair_000${k}_output.wav pianos/$k.wav
done
cp drums/1.wav drums/alone.wav

expect 0 "made: pairs of 1 s, 2 for training, 2 for validation, from 2 recordings" \
    prepare --inputs drums --targets pianos --out made --seconds 1 --val-share=0.5
there made/train/pair_0001_input.wav made/train/pair_0002_output.wav made/val/pair_0003_input.wav made/val/pair_0004_output.wav
expect 0 "1 recording without a partner, such as alone.wav" \
    prepare --inputs drums --targets pianos --out again --seconds 1.5
expect 0 "the end of 2 recordings" prepare --inputs drums --targets pianos --out third --seconds 1.5
expect 0 "songs: pairs of 1 s, 4 for training, 2 for validation, from 3 recordings" \
    prepare --songs drums --out songs --seconds 1 --val_share 0.3

# said: recordings that are too short, a set that cannot be trained on
mkdir mixed && cp drums/1.wav mixed/long.wav && cp set/val/pair_0003_input.wav mixed/second.wav
"$ANTIPHON" synth --out short --pairs 2 --seconds 0.5 >/dev/null
cp short/train/pair_0001_input.wav mixed/short.wav
expect 0 "left out: 1 recording too short for two windows of 1 s, such as short.wav" \
    prepare --songs mixed --out fourth --seconds 1 --val-share 0
grep -qF "no pair for validation: train needs some in fourth/val" out

# a broken file is named, and nothing is left
head -c 60000 set/train/pair_0001_input.wav >mixed/zz.wav
expect 1 "mixed/zz.wav: truncated" prepare --songs mixed --out x --seconds 1
[ ! -e x ]

# what a killed run has left is no obstacle
mkdir -p left/unfinished/train && echo "antiphon prepare" >left/unfinished/made_by.txt && : >left/unfinished/train/pair_0001_input.wav
expect 0 "left: pairs of 1 s" prepare --songs drums --out left --seconds 1
[ "$(ls left | tr '\n' ' ')" = "made_by.txt train val " ]

expect 1 "made: not empty" prepare --songs drums --out made --seconds 1
expect 1 "a smaller --seconds may do" prepare --songs drums --out x
expect 1 "nowhere: cannot be listed" prepare --songs nowhere --out x
expect 2 "wants --inputs DIR and --targets DIR, or --songs DIR" prepare --inputs drums --out x
expect 2 "--songs takes the place" prepare --songs drums --inputs drums --out x
expect 2 "--out DIR is missing" prepare --songs drums
expect 2 "--out wants a DIR, not an empty text" prepare --songs drums --out ""
expect 2 "--val-share must be between 0 and 0.9, not 1" prepare --songs drums --out x --val-share 1
[ ! -e x ]
