# scripts/make_corpus.sh --recordings: from the packages' files, here of a few tones, sets that share no piece, kit or loop.
. "$1/expect.sh"
scripts=$PWD/scripts
ln -s "$(cd "$1/../.." && pwd)/scripts" "$scripts"
for need in sox soxi; do command -v $need >/dev/null || exit 77; done
/usr/bin/python3 -c 'import numpy' 2>/dev/null || exit 77
tone() { sox -n -r 44100 -c 2 "$@"; }

pieces=root/usr/share/games/wesnoth/1.16/data/core/music
mkdir -p $pieces root/usr/share/sonic-pi/samples
tone -C 0 $pieces/fox.ogg synth 41 sawtooth 200 tremolo 3 gain -6 # they differ by their names
for name in adder adder_again boa cobra drake eagle; do cp $pieces/fox.ogg $pieces/$name.ogg; done
tone $pieces/brief.ogg synth 5 sine 500 gain -6
hertz=300
for loop in amen_one amen_two perc tabla weird drone_g_97; do
    tone "root/usr/share/sonic-pi/samples/loop_$loop.flac" synth 0.5 square $hertz fade 0 0.5 0.4 gain -6
    hertz=$((hertz + 30))
done
for kit in Alder Birch Cedar; do
    folder=root/usr/share/hydrogen/data/drumkits/$kit
    mkdir -p "$folder"
    for drum in kick snare hat; do tone "$folder/$drum.wav" synth 0.2 square $hertz fade 0 0.2 0.1 gain -6; done
    hertz=$((hertz + 30))
    part() { echo "<instrument><name>$1</name><layer><filename>$2.wav</filename></layer></instrument>"; }
    echo "<drumkit_info><instrumentList>$(part Kick kick)$(part Snare snare)$(part "Closed Hat" hat)</instrumentList></drumkit_info>" \
        >"$folder/drumkit.xml"
done
band=root/usr/share/games/fretsonfire/data/songs/band/tune
mkdir -p $band && tone -C 0 $band/guitar.ogg synth 9 sawtooth 330 gain -6

UNPACKED=root TRAINING=9 RENDERED=0 VALIDATION=1 JUDGED=3 PITCHED=2 SONGS=1 SONG_SECONDS=12 SECONDS_EACH=4 \
    "$scripts/make_corpus.sh" --recordings corpus >out
grep -q 'CC0-1.0' out
for set in train:9 val:1 judged:3 pitched:2 songs:1; do
    name=${set%:*} count=${set#*:}
    grep -q "^$name: $count pairs" out
    [ "$(grep -c "^$name," corpus/pairs.csv)" -eq "$count" ]
    [ "$(find "corpus/$name" -name '*_input.wav' | wc -l)" -eq "$count" ]
    [ "$(find "corpus/sources/$name" -name '*.wav' | wc -l)" -eq $((2 * count)) ]
done
[ "$(soxi -r corpus/sources/judged/inputs/0001.wav)" -eq 44100 ] && [ "$(soxi -c corpus/sources/judged/inputs/0001.wav)" -eq 2 ]
[ "$(soxi -D corpus/sources/songs/targets/0001.wav)" = 12.000000 ]

# of FIELD SET...: what the sets were made from; pieces, kits and loops whose names share a word count as one
of() {
    field=$1 && shift
    for set in "$@"; do grep "^$set," corpus/pairs.csv; done | cut -d, -f"$field" | sed 's|.*/||; s/adder_again/adder/; s/amen_.../amen/' | sort -u
}
apart() { [ -s "$1" ] && [ -s "$2" ] && [ -z "$(comm -12 "$1" "$2")" ]; }
of 4 train >heard && of 4 val >chosen_by && of 4 judged songs pitched >unheard
apart heard unheard && apart heard chosen_by && apart chosen_by unheard
of 3 train val >heard && of 3 judged songs >unheard
apart heard unheard
if grep -q 'brief\|drone' corpus/pairs.csv; then echo "too short, or no drums" && exit 1; fi
grep '^pitched' corpus/pairs.csv | grep -q guitar.ogg

# the same seed makes the same, another one another
for seed in 1 1 2; do
    rm -rf again
    /usr/bin/python3 "$scripts/make_recordings.py" root again 1 0 1 0 0 4 12 $seed
    cat again/*/*/*.wav again/pairs.csv | cksum >>sums
done
[ "$(sort -u sums | wc -l)" -eq 2 ] && [ "$(sed -n 1p sums)" = "$(sed -n 2p sums)" ]
