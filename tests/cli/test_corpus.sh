# scripts/make_corpus.sh: the same pieces again from the same seed, others from another, none in two splits.
. "$1/expect.sh"
scripts=$1/../../scripts
for need in python3 fluidsynth; do command -v "$need" >/dev/null || exit 77; done
for font in FluidR3_GM TimGM6mb; do [ -e "/usr/share/sounds/sf2/$font.sf2" ] || exit 77; done

for k in 1 1 2; do
    python3 "$scripts/make_midi.py" midi 0 8 2 $k
    cat midi/*/*.mid | cksum >>sums
done
[ "$(sort -u sums | wc -l)" -eq 2 ] && [ "$(sed -n 1p sums)" = "$(sed -n 2p sums)" ]
[ "$(cksum midi/*/*.mid | cut -d' ' -f1 | sort -u | wc -l)" -eq 16 ]

PIECES=8 VALIDATION=4 JUDGED=4 SECONDS_EACH=4 "$scripts/make_corpus.sh" corpus >out
grep -q '4 pairs of 4 s to train on, 4 to validate, 4 by another font to judge' out
for split in train val other_font/val; do
    for side in input target; do
        [ "$(find "corpus/$split" -name "pair_*_$side.wav" | wc -l)" -eq 4 ]
        for file in "corpus/$split"/pair_*_"$side".wav; do [ "$(wc -c <"$file")" -ge $((2 * 4 * 24000)) ]; done
    done
done
[ "$(cksum corpus/train/*.wav corpus/val/*.wav corpus/other_font/val/*.wav | cut -d' ' -f1 | sort -u | wc -l)" -eq 24 ]

# what is there is not overwritten
code=0
"$scripts/make_corpus.sh" corpus 2>err || code=$?
[ "$code" -eq 2 ] && grep -q 'holds a corpus already' err
