# What is printed fits a terminal of 80 columns, the progress line also a narrower one; a progress line is ended before
# anything else is printed.
. "$1/expect.sh"
. "$1/tiny.sh"
. "$1/loud.sh"
export OMP_NUM_THREADS=1

# fits FILE COLUMNS WHAT: no line of the file is longer. "±" and the blocks of an envelope are one column each.
fits() {
    if ! awk -v most="$2" '{ gsub(/[\200-\277]/, "") } length($0) > most { print; bad = 1 } END { exit bad }' "$1" >wide; then
        echo "$3: more than $2 columns:" && cat wide && exit 1
    fi
}
narrow() {
    LC_ALL=C fits out 80 "$1"
}

# the help of every verb, and each verb where it has much to say
"$ANTIPHON" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p' >verbs
[ "$(wc -l <verbs)" -ge 12 ]
"$ANTIPHON" >usage 2>&1 || true
LC_ALL=C fits usage 80 usage
while read -r verb; do expect 0 "Options:" help "$verb" && narrow "help $verb"; done <verbs
sed "s/1.0}/2.0}/" tiny.json >longer.json && mv longer.json tiny.json
pairs pairs 6 2
narrow synth
mkdir recordings
make_loud recordings/loud.wav
cp pairs/train/*_input.wav recordings
head -c 200000 /dev/zero >silent
{ head -c 44 pairs/train/pair_0001_input.wav && head -c 96000 silent; } >recordings/silent.wav
expect 0 "left out" prepare --songs recordings --out prepared --seconds 0.5
narrow prepare
cp recordings/loud.wav pairs/train/pair_0001_input.wav
cp pairs/train/pair_0002_input.wav pairs/train/pair_0009_input.wav
expect 0 "maxima hardly move" train tiny.json --out run --epochs=1
grep -q 'left out: 1 recording' out
narrow train
expect 0 "weights of" train tiny.json --out gates --epochs=1 --agent.output=gates --init run
narrow "train --init"
expect 0 "going on" train tiny.json --out run --epochs=2 --resume auto --loss.novelty=0.25 --train.batch_size=3
narrow "train --resume"
expect 0 "no effect on the model" train tiny.json --out run --epochs=2 --resume auto --loss.novelty=0.5
narrow "train that is done"
cat >random.json <<'END'
{
  "data": {"path": "pairs", "seconds": 0.5},
  "codec": {"type": "seanet", "dim": 8, "width": 4, "ratios": [8, 4], "lstm": 1},
  "agent": {"component": 4, "model": 16, "heads": 2, "layers": 1, "ff": 32, "output": "direct"},
  "train": {"epochs": 1}
}
END
expect 0 "the frozen codec is random" train random.json --out random
narrow "train without a codec"
expect 0 "r_input" infer --checkpoint run --pairs pairs/train --num_samples 1 --out composed
grep -q 'full scale throughout' out
grep -q 'left out: 1 recording' out
narrow infer
expect 0 "hardly move" evaluate --composed composed
narrow evaluate

# on a terminal; `script` makes one, of any width
command -v script >/dev/null || { echo "the rest is skipped: there is no script" && exit 0; }
# seen FILE: its lines as the terminal was sent them, each redrawn one for itself, without the orders to it
seen() {
    LC_ALL=C tr '\r' '\n' <"$1" | sed "s/$(printf '\033')\[K//g"
}
for columns in 30 55 200; do
    script -qec "stty cols $columns; exec '$ANTIPHON' train tiny.json --out on_$columns --epochs=3" typescript >/dev/null
    seen typescript | grep '^epoch [0-9]*/' >progress
    LC_ALL=C fits progress $((columns < 80 ? columns - 1 : 79)) "progress on $columns columns"
done
grep -q 'loss .*corr cost .*pairs/s .* left$' progress

# Ctrl-C: what is said then begins a line
cat >endless.sh <<'END'
echo $$ >pid
exec "$ANTIPHON" train tiny.json --out endless --epochs=1 --train.steps_per_epoch=1000000
END
export ANTIPHON
env --default-signal=INT script -qec 'sh endless.sh' typescript >/dev/null &
terminal=$!
until [ -s pid ] && seen typescript | grep -q '^epoch [0-9]*/'; do sleep 0.05; done
kill -INT "$(cat pid)"
code=0
wait $terminal || code=$?
[ "$code" -eq 130 ]
tr -d '\r' <typescript >lines
grep -q '^antiphon: stopping after this step' lines
grep -q '^antiphon train: interrupted at step' lines
if grep 'antiphon' lines | grep -v '^antiphon\|^Script'; then echo "the line was not ended" && exit 1; fi
cat >composing.sh <<'END'
echo $$ >pid
exec "$ANTIPHON" infer --checkpoint run --pairs many --num_samples 1000 --out many_out
END
# more than can be composed before the signal comes, however busy the machine is
expect 0 "" synth --out long --pairs 2 --seconds 20
mkdir many
for k in $(seq 900); do
    for side in input target; do ln long/train/pair_0001_$side.wav "many/pair_${k}_$side.wav"; done
done
rm -f pid
env --default-signal=INT script -qec 'sh composing.sh' typescript >/dev/null &
terminal=$!
until [ -s pid ] && seen typescript | grep -q '^seconds: [0-9]* of 20'; do sleep 0.05; done
kill -INT "$(cat pid)"
code=0
wait $terminal || code=$?
[ "$code" -eq 130 ]
tr -d '\r' <typescript | grep -q '^antiphon infer: interrupted$'
