# antiphon prepare: both ways, and what is said about what is left out. (How it cuts: tests/unit/test_prepare.c.)
. "$1/expect.sh"

"$ANTIPHON" synth --out set --pairs 3 --seconds 2 >/dev/null
mkdir drums pianos
for k in 1 2; do
    cp set/train/pair_000${k}_input.wav drums/$k.wav
    cp set/train/pair_000${k}_target.wav pianos/$k.wav
done
cp set/val/pair_0003_input.wav drums/alone.wav

expect 0 "made: pairs of 1 s, 44100 Hz stereo, 2 for training, 2 for validation, from 2 recordings" \
    prepare --inputs drums --targets pianos --out made --seconds 1 --val-share=0.5
there made/train/pair_0001_input.wav made/train/pair_0002_target.wav made/val/pair_0003_input.wav made/val/pair_0004_target.wav
expect 0 "left out: drums/alone.wav: without a partner" \
    prepare --inputs drums --targets pianos --out again --seconds 1.5
expect 0 "the end of 2 recordings" prepare --inputs drums --targets pianos --out third --seconds 1.5
expect 0 "songs: pairs of 1 s, 44100 Hz stereo, 4 for training, 2 for validation, from 3 recordings" \
    prepare --songs drums --out songs --seconds 1 --val_share 0.3

# the set's rate and channels: said, noted with it, and what its files have
format() { od -An -j22 -N6 -tu2 "$1" | tr -s ' '; } # channels, and the rate in two halves
[ "$(format made/train/pair_0001_input.wav)" = " 2 44100 0" ]
expect 0 "low: pairs of 1 s, 16000 Hz mono, " prepare --songs drums --out low --seconds 1 --sample_rate 16000 --channels 1
[ "$(format low/train/pair_0001_input.wav)" = " 1 16000 0" ]
grep -qF -- "--sample_rate 16000 --channels 1" low/made_by.txt
[ "$(wc -c <low/train/pair_0001_input.wav)" -eq 32044 ]
expect 2 "--sample_rate must be between 16000 and 96000, not 8000" prepare --songs drums --out x --sample_rate 8000
expect 2 "--channels must be between 1 and 2, not 3" prepare --songs drums --out x --channels 3

# said: recordings that are too short, a set that cannot be trained on
mkdir mixed && cp drums/1.wav mixed/long.wav && cp set/val/pair_0003_input.wav mixed/second.wav
"$ANTIPHON" synth --out short --pairs 2 --seconds 0.5 >/dev/null
cp short/train/pair_0001_input.wav mixed/short.wav
expect 0 "left out: mixed/short.wav: too short for two windows of 1 s" \
    prepare --songs mixed --out fourth --seconds 1 --val-share 0
grep -qF "no pair for validation: train needs some in fourth/val" out

# a broken file is named; where nothing else is there, nothing is made
head -c 60000 set/train/pair_0001_input.wav >mixed/zz.wav
expect 0 "left out: mixed/zz.wav: truncated" prepare --songs mixed --out fifth --seconds 1
mkdir broken && cp mixed/zz.wav broken
expect 1 "broken: no usable recording is left" prepare --songs broken --out x --seconds 1
[ ! -e x ]

# names that agree in part, and those that do not
mkdir kits grands
for k in 1 2; do cp drums/$k.wav kits/drums_$k.wav && cp pianos/$k.wav grands/piano_0$k.wav; done
expect 0 "matched by the varying part of their names: drums_1.wav with piano_01.wav" \
    prepare --inputs kits --targets grands --out sixth --seconds 1
mv grands/piano_02.wav grands/nocturne.wav && mv grands/piano_01.wav grands/ballad.wav
expect 0 "matched by their sorted order, because no names agree: drums_1.wav with ballad.wav" \
    prepare --inputs kits --targets grands --out seventh --seconds 1
cp mixed/second.wav kits/drums_3.wav
expect 1 "sorted order would pair drums_1.wav with ballad.wav, drums_2.wav with nocturne.wav" \
    prepare --inputs kits --targets grands --out x --seconds 1
[ ! -e x ]

# hours and sizes are told; what cannot be read is named and counted, and --strict allows none
expect 0 "eighth/train: 0.00 hours of pairs" prepare --songs drums --out eighth --seconds 1
mkdir torn && cp drums/* torn && printf 'RIFF' >torn/torn.wav
expect 1 "torn: 1 recording is left out, and strict allows none; nothing is written" \
    prepare --songs torn --out x --seconds 1 --strict
[ ! -e x ]
expect 0 "left out: torn/torn.wav: " prepare --songs torn --out ninth --seconds 1

# what a killed run has left is no obstacle
mkdir -p left/unfinished/train && echo "antiphon prepare" >left/unfinished/made_by.txt && : >left/unfinished/train/pair_0001_input.wav
expect 0 "left: pairs of 1 s" prepare --songs drums --out left --seconds 1
[ "$(ls left | tr '\n' ' ')" = "made_by.txt train val " ]


# a run that was killed while it moved the whole set: given again it does the rest, and says so
for moved in "train" "train val" "train val made_by.txt"; do
    cp -r made killed && sed "s/made/killed/" made/made_by.txt >killed/made_by.txt
    mkdir killed/unfinished
    for name in train val made_by.txt; do
        case " $moved " in *" $name "*) ;; *) mv "killed/$name" killed/unfinished ;; esac
    done
    expect 0 "killed: whole" prepare --inputs drums --targets pianos --out killed --seconds 1 --val-share=0.5
    [ "$(ls killed | tr '\n' ' ')" = "made_by.txt train val " ]
    diff -r killed/train made/train
    expect 1 "killed: not empty" prepare --inputs drums --targets pianos --out killed --seconds 1 --val-share=0.5
    rm -r killed
done

: >lone.wav
expect 1 "made: not empty" prepare --songs drums --out made --seconds 1
expect 1 "try a smaller --seconds" prepare --songs drums --out x
expect 1 "nowhere: cannot be listed" prepare --songs nowhere --out x
expect 2 "--inputs DIR and --targets DIR, or --songs DIR, are missing" prepare --inputs drums --out x
expect 1 "lone.wav: is not a folder" prepare --inputs lone.wav --targets drums --out x
expect 2 "--inputs and --targets are one folder, drums: --songs makes pairs" prepare --inputs drums --targets ./drums --out x
expect 2 "--songs takes the place" prepare --songs drums --inputs drums --out x
expect 2 "--out DIR is missing; usage: antiphon prepare --inputs DIR" prepare --songs drums
expect 2 "--out needs a DIR, not an empty text" prepare --songs drums --out ""
expect 2 "--val-share must be between 0 and 0.9, not 1" prepare --songs drums --out x --val-share 1
[ ! -e x ]

# a slash that completion has put behind a folder is not doubled in what is told
mkdir slash && cp drums/1.wav drums/2.wav slash && : >slash/void.wav
expect 0 "left out: slash/void.wav: is empty (0 bytes)" prepare --songs slash/ --out tenth/ --seconds 1
grep -qF "tenth: pairs of 1 s" out && grep -qF "tenth/train: 0.00 hours" out
if grep -F "//" out; then exit 1; fi
