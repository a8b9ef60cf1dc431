# Composing from WAV files and from a folder of pairs, and what it says of bad input.
. "$1/expect.sh"
. "$1/tiny.sh"
pairs pairs 4 3
expect 0 "" train tiny.json --out run --train.epochs=1
best=run/checkpoints/best.safetensors
a=$(ls pairs/val/*_input.wav | head -1) b=$(ls pairs/val/*_target.wav | head -1)

# the data bytes of a canonical 16-bit WAV file, and the rate its header gives
data_bytes() { echo $(($(wc -c <"$1") - 44)); }
rate() { od -An -j24 -N4 -tu4 "$1" | tr -d ' '; }

expect 0 "r_input" infer --checkpoint $best --input "$a" --target "$b" --out c.wav
cp out composed.txt
there c.wav
[ "$(data_bytes c.wav)" -eq $((3 * 24000 * 2)) ] # longer than a window: cross-faded to the full length
[ "$(rate c.wav)" -eq 24000 ]

# rate and channels: those that the model can fill, or what is asked for; both are said
channels() { od -An -j22 -N2 -tu2 "$1" | tr -d ' '; }
[ "$(channels c.wav)" -eq 1 ]
if grep -q "became" out; then echo "24 kHz mono is converted to 24 kHz mono" && exit 1; fi
expect 0 "the input (24000 Hz mono) and the target (24000 Hz mono) became 44100 Hz stereo" \
    infer --checkpoint $best --input "$a" --target "$b" --out wide.wav --sample_rate 44100 --channels 2
[ "$(rate wide.wav)" -eq 44100 ] && [ "$(channels wide.wav)" -eq 2 ] && [ "$(data_bytes wide.wav)" -eq $((3 * 44100 * 4)) ]
expect 0 "the input (44100 Hz stereo) and the target (24000 Hz mono) became 24000 Hz mono" \
    infer --checkpoint $best --input wide.wav --target "$b" --out narrow.wav
expect 2 "--sample_rate must be between 16000 and 96000, not 200000" \
    infer --checkpoint $best --input "$a" --target "$b" --out no.wav --sample_rate 200000
expect 0 "" train tiny.json --out full --train.epochs=1 --data.sample_rate=44100 --data.channels=2
expect 0 "written as 24000 Hz mono, as the model answers; not as 44100 Hz stereo" \
    infer --checkpoint full --input "$a" --target "$b" --out no.wav
expect 0 "written at 48000 Hz, with nothing above 12000: the model answers at 24000 Hz" \
    infer --checkpoint full --input "$a" --target "$b" --out no.wav --sample_rate 48000
rm no.wav
expect 0 "" train tiny.json --out takes --train.epochs=1 --agent.output=takes --data.sample_rate=44100 --data.channels=2
expect 0 "became 44100 Hz stereo" infer --checkpoint takes --input "$a" --target "$b" --out whole.wav
[ "$(rate whole.wav)" -eq 44100 ] && [ "$(channels whole.wav)" -eq 2 ] && [ "$(data_bytes whole.wav)" -eq $((3 * 44100 * 4)) ]
if grep -q "as the model answers" out; then echo "takes compose in any format" && exit 1; fi

# a run's folder stands for its best checkpoint, or for the last where there is no best
"$ANTIPHON" infer --checkpoint run/ --input "$a" --target "$b" --out d.wav >/dev/null
cmp c.wav d.wav
expect 0 "composed" evaluate --checkpoint run --pairs pairs --num_samples 1 --no_baselines
expect 0 "agent." info run
expect 0 "run/checkpoints/best.safetensors: sound" info --verify run
mkdir -p other/checkpoints
expect 1 "other: is a folder without a checkpoint" infer --checkpoint other --input "$a" --target "$b" --out no.wav
expect 1 "other: is a folder without a checkpoint" info other
expect 1 "other: is a folder without a checkpoint" train tiny.json --out no --resume other
cp run/checkpoints/last.safetensors other/checkpoints
expect 0 "other/checkpoints/last.safetensors: sound" info --verify other
expect 0 "going on from run/checkpoints/best.safetensors: 1 epoch" train tiny.json --out further --resume run --epochs=2

# an input as its own target is most likely a slip
expect 0 "$a: the input is its own target" infer --checkpoint $best --input "$a" --target "$a" --out own.wav
if grep -q "own target" composed.txt; then echo "no slip" && exit 1; fi

# twice the same, and again the same with the sources' order told otherwise
"$ANTIPHON" infer --checkpoint=$best --target="$b" --input="$a" --out=d.wav >/dev/null
cmp c.wav d.wav

# a folder of pairs, with the table
expect 0 "mean cost" infer --checkpoint $best --pairs pairs --num_samples 5 --out composed
there composed/0001_1_input.wav composed/0001_2_target.wav composed/0001_3_output.wav
grep -q "variation" out
expect 0 "r_input" cost composed/0001_1_input.wav composed/0001_2_target.wav composed/0001_3_output.wav

# peaks turned down alone: another output, of the same length
expect 0 "r_input" infer --checkpoint $best --input "$a" --target "$b" --out limited.wav --limit
[ "$(data_bytes limited.wav)" -eq "$(data_bytes c.wav)" ]

# a source in floating point beyond full scale: its copy is lowered, and that is said
mkdir loud
printf 'RIFF\044\0\001\0WAVEfmt \020\0\0\0\003\0\001\0\300\135\0\0\0\167\001\0\004\0\040\0data\0\0\001\0' >loud/pair_1_input.wav
printf '\0\0\0@' >two # 2.0
for _ in 1 2 3 4 5 6 7; do cat two two two two >more.raw && mv more.raw two; done
cat two >>loud/pair_1_input.wav
cp "$b" loud/pair_1_target.wav
expect 0 "the input exceeds full scale: its copy is 6.2 dB lower" infer --checkpoint $best --pairs loud --out loud/composed
grep -q '^1 composition in' out

# channels that cancel each other: what is heard instead, and that a stereo answer has the same
{
    printf 'RIFF\044\145\004\0WAVEfmt \020\0\0\0\001\0\002\0\300\135\0\0\0\167\001\0\004\0\020\0data\0\145\004\0'
    printf '\0\020\0\360' >up && printf '\0\360\0\020' >down # left 4096, right -4096; and the other way
    for part in up down; do
        for _ in 1 2 3; do cat $part $part $part >more.raw && mv more.raw $part; done
    done
    { cat up down up down && head -c 2000 /dev/zero; } >beat
    for _ in 1 2 3 4 5 6 7; do cat beat beat >more.raw && mv more.raw beat; done
    head -c 288000 beat
} >anti.wav
expect 0 "the input's channels cancel each other: heard is left alone, as right = -left" \
    infer --checkpoint takes --input anti.wav --target "$b" --out of_anti.wav
if grep -q "target's channels\|answer's cancel" out; then cat out && exit 1; fi
expect 0 "the target's channels cancel each other: heard is left alone, as right = -left; the answer's cancel, too: \
--channels 1 has a mono answer" infer --checkpoint takes --input "$a" --target anti.wav --out of_anti.wav
expect 0 "the target's channels cancel each other: heard is left alone, as right = -left" \
    infer --checkpoint takes --input "$a" --target anti.wav --out of_anti.wav --channels 1
if grep -q "answer's" out; then cat out && exit 1; fi
mkdir turned
cp anti.wav turned/pair_1_input.wav
cp "$b" turned/pair_1_target.wav
expect 0 "the input's channels cancel each other: heard is left" infer --checkpoint run --pairs turned --out turned/composed
expect 0 "" infer --checkpoint takes --input wide.wav --target wide.wav --out of_anti.wav
if grep -q "cancel" out; then cat out && exit 1; fi

# bad input
expect 2 "--input is given twice, as \"$a\" and as \"$b\": which is meant?" \
    infer --checkpoint $best --input "$a" --input "$b" --target "$b" --out no.wav
printf '\0\0\0\034ftypM4A \0\0\002\0isom' >"my song.m4a"
expect 1 "my song.m4a: is an MP4 file (AAC or ALAC), which is not read; convert it: ffmpeg -i 'my song.m4a' 'my song.wav'" \
    infer --checkpoint $best --input "my song.m4a" --target "$b" --out no.wav
expect 1 "absent.wav" infer --checkpoint $best --input absent.wav --target "$b" --out no.wav
: >empty.wav
expect 1 "empty.wav" infer --checkpoint $best --input empty.wav --target "$b" --out no.wav
echo "no audio" >text.wav
expect 1 "text.wav" infer --checkpoint $best --input "$a" --target text.wav --out no.wav
head -c 3000 "$a" >cut.wav
expect 1 "cut.wav" infer --checkpoint $best --input cut.wav --target "$b" --out no.wav
head -c 12000 "$a" >short.wav # cut to 11956 bytes of data: 0.249 s
printf '\264\056\0\0' | dd of=short.wav bs=1 seek=40 conv=notrunc 2>/dev/null
expect 1 "at least 0.25 s" infer --checkpoint $best --input short.wav --target "$b" --out no.wav
expect 0 "at least 0.25 s" infer --help
expect 1 "absent.safetensors" infer --checkpoint absent.safetensors --input "$a" --target "$b" --out no.wav
head -c 5000 $best >cut.safetensors
expect 1 "cut.safetensors" infer --checkpoint cut.safetensors --input "$a" --target "$b" --out no.wav
# a number of a tensor is no number, in a file without the checksums that would tell of it first
LC_ALL=C sed 's/"checksums"/"checksumX"/; s/checksums.crc32/checksums.other/' $best >unsummed.safetensors
head -c -4 unsummed.safetensors >nan.safetensors && printf '\000\000\300\177' >>nan.safetensors
expect 1 "nan.safetensors: tensor optimiser.v." train tiny.json --out no --resume nan.safetensors
size=$(od -An -N8 -tu8 $best | tr -d ' ')
{
    head -c $((size + 8)) unsummed.safetensors && printf '\000\000\300\177'
    tail -c +$((size + 13)) unsummed.safetensors
} >nan.safetensors
expect 1 "holds a number that is not finite" infer --checkpoint nan.safetensors --input "$a" --target "$b" --out no.wav
expect 1 "nowhere" infer --checkpoint $best --input "$a" --target "$b" --out nowhere/no.wav
expect 2 "target" infer --checkpoint $best --input "$a" --out no.wav
expect 2 "unexpected argument $a; usage" infer --checkpoint $best "$a" "$b" no.wav
expect 2 "--num_samples must be between 1 and 1000000, not 0" infer --checkpoint $best --pairs pairs --out no --num_samples 0
expect 2 "--checkpoint FILE|RUN_DIR is missing; usage: antiphon infer --checkpoint" infer --input "$a" --target "$b" --out no.wav
expect 2 "one of the sources" infer --checkpoint $best --input "$a" --target "$b" --out "$a"
expect 2 "must end in .wav" infer --checkpoint $best --input "$a" --target "$b" --out $best
cp $best mine.wav
expect 2 "mine.wav: exists and is not WAV" infer --checkpoint $best --input "$a" --target "$b" --out mine.wav
cmp $best mine.wav
[ ! -e no.wav ]
if ls ./*.tmp* >/dev/null 2>&1; then echo "temporary files are left" && exit 1; fi
