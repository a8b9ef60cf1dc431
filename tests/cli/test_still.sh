# Recordings whose envelope does not move: train and infer say where a correlation says nothing. (cost: test_cost.sh.)
# shellcheck disable=SC2086  # lists of words
. "$1/expect.sh"
. "$1/tiny.sh"
. "$1/loud.sh"
pairs pairs 3 2

not_said() {
    if cat out err | grep -qF "$1"; then echo "says \"$1\":" && cat out err && exit 1; fi
}

still="a source's maxima hardly move"
train="train tiny.json --train.epochs=1 --data.seconds=2"
expect 0 "pairs in" $train --out plain
not_said "$still"

make_loud pairs/train/pair_0001_input.wav
expect 0 "in 1 of 2 windows $still" $train --out loud
expect 0 "pairs in" $train --out rms --loss.corr_envelope=rms
not_said "$still"
expect 0 "pairs in" $train --out free --loss.corr_weight=0
not_said "$still"

expect 0 "the input is silent, steady or at full scale throughout" infer --checkpoint plain/checkpoints/last.safetensors \
    --input pairs/train/pair_0001_input.wav --target pairs/train/pair_0001_target.wav --out out.wav
not_said "the target is silent"

# a source for validation that is silent or steady is told before training begins
steady="in 1 of 1 windows for validation a source is silent or steady"
cp pairs/val/pair_0003_target.wav kept.wav
head -c 44 kept.wav >pairs/val/pair_0003_target.wav
head -c "$(($(wc -c <kept.wav) - 44))" /dev/zero >>pairs/val/pair_0003_target.wav
expect 0 "$steady" $train --out silent --loss.corr_weight=0
mv kept.wav pairs/val/pair_0003_target.wav
expect 0 "pairs in" $train --out sounding
not_said "for validation a source"
