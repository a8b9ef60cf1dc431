# Training by a configuration file with overrides, interrupted and resumed, and what it says of bad input.
. "$1/expect.sh"
. "$1/tiny.sh"
pairs pairs 6 2

# a run: its folder holds all that is promised
expect 0 "best.safetensors" train tiny.json --out whole --data.path=pairs --train.samples_every=3 --mask_reg_weight 0.2
there whole/config.json whole/log.jsonl whole/checkpoints/last.safetensors whole/checkpoints/best.safetensors
there whole/samples/epoch_0003.wav
grep -q '"novelty": *0.2' whole/config.json
grep -q 'Output:' out
grep -q '"train_corr_cost"' whole/log.jsonl
expect 0 "agent.project.weight" info whole/checkpoints/last.safetensors

# the same run, ended after one epoch and resumed, comes to the same bits
expect 0 "" train tiny.json --out halves --train.epochs=1 --mask_reg_weight 0.2
expect 0 "going on from" train tiny.json --out halves --resume auto --mask_reg_weight 0.2
"$ANTIPHON" info whole/checkpoints/last.safetensors >a
"$ANTIPHON" info halves/checkpoints/last.safetensors >b
for run in whole halves; do # the tensors alone: the metadata names the folders
    size=$(od -An -N8 -tu8 "$run/checkpoints/last.safetensors" | tr -d ' ')
    tail -c +$((size + 9)) "$run/checkpoints/last.safetensors" | cksum >"$run.sum"
done
cmp whole.sum halves.sum
for run in whole halves; do # and to the same log, clocks aside
    sed -E 's/"(time|pairs_per_second|epoch_seconds)": [^,}]*//g' "$run/log.jsonl" >"$run.log"
done
cmp whole.log halves.log
[ "$(grep -c '"val_loss"' whole.log)" -eq 3 ]

# recorded in an MLflow folder as well
expect 0 "" train tiny.json --out tracked --train.epochs=1 --train.samples_every=1 --track.uri=mlruns
grep -q '^status: 3$' mlruns/*/*/meta.yaml
[ "$(wc -l <"$(echo mlruns/*/*/metrics/val_loss)")" -eq 1 ]
there mlruns/*/*/artifacts/best.safetensors mlruns/*/*/artifacts/config.json mlruns/*/*/artifacts/epoch_0001.wav
# the whole log, a report, and the commit that the program is of
cmp tracked/log.jsonl mlruns/*/*/artifacts/log.jsonl
cmp tracked/report.html mlruns/*/*/artifacts/report.html
if git -C "$1" rev-parse HEAD >/dev/null 2>&1; then
    grep -qE '^[0-9a-f]{40}$' mlruns/*/*/tags/mlflow.source.git.commit
fi
expect 2 "track.uri" train tiny.json --out no --track.uri=sqlite:///mlflow.db
# an end that MLflow did not get is delivered although nothing is left to train, and is not asked for twice
sed -i 's/"ended":.*true/"ended": false/' tracked/mlflow.json
sed -i 's/^status: 3$/status: 1/' mlruns/*/*/meta.yaml
expect 0 "nothing left to train" train tiny.json --out tracked --train.epochs=1 --resume auto --track.uri=mlruns
grep -q '^status: 3$' mlruns/*/*/meta.yaml
grep -q '"ended":.*true' tracked/mlflow.json
[ "$(wc -l <"$(echo mlruns/*/*/metrics/val_loss)")" -eq 1 ]
touch -d 2000-01-01 tracked/mlflow.json
expect 0 "nothing left to train" train tiny.json --out tracked --train.epochs=1 --resume auto --track.uri=mlruns
[ "$(date -r tracked/mlflow.json +%Y)" -eq 2000 ]

# interrupted in the middle of an epoch: saved, exit code 130, and resumed to the same bits
# start OPTION...: trains in the background, as $process, and waits for an epoch
start() {
    begin train tiny.json "$@"
    until_says epoch
}
start --out broken --mask_reg_weight 0.2 --train.epochs=3
kill -INT $process 2>/dev/null || true
code=0
wait $process || code=$?
[ "$code" -eq 130 ] || [ "$code" -eq 0 ] || { echo "interrupted: exit code $code" && cat err && exit 1; }
expect 0 "" train tiny.json --out broken --resume auto --mask_reg_weight 0.2
size=$(od -An -N8 -tu8 broken/checkpoints/last.safetensors | tr -d ' ')
tail -c +$((size + 9)) broken/checkpoints/last.safetensors | cksum | cmp - whole.sum

# the first request is answered; a terminal that is closed asks too, as often as it likes, but not under nohup
for signal in INT TERM HUP; do
    start --out "stopped_$signal" --train.epochs=100000
    kill -$signal $process
    if [ $signal = HUP ]; then kill -HUP $process 2>/dev/null || true; fi
    code=0
    wait $process || code=$?
    [ "$code" -eq 130 ] || { echo "$signal: exit code $code" && cat err && exit 1; }
    grep -q "interrupted at step" err
    there "stopped_$signal/checkpoints/last.safetensors"
    answers=$(grep -c "^antiphon: stopping after this step; repeat to stop at once$" err) || true
    [ "$answers" -eq "$([ $signal = HUP ] && echo 0 || echo 1)" ]
done
(
    trap '' HUP
    start --out nohup --train.epochs=100000
    kill -HUP $process
    sleep 0.2
    kill -TERM $process # it is still there
    code=0
    wait $process || code=$?
    [ "$code" -eq 130 ] && grep -q "stopping after this step" err
)
# and it saves though nobody reads any longer what it says
mkfifo pipe
: >out
"$ANTIPHON" train tiny.json --out unread --train.epochs=100000 >out 2>pipe &
process=$!
: <pipe
until_says epoch
kill -TERM $process
code=0
wait $process || code=$?
[ "$code" -eq 130 ] || { echo "unread: exit code $code" && exit 1; }
there unread/checkpoints/last.safetensors

# what is done is not done again, and a run is not overwritten
expect 0 "nothing left to train" train tiny.json --out whole --resume auto --mask_reg_weight 0.2
expect 0 "nothing left to train" train tiny.json --out halves --resume auto --mask_reg_weight 0.2
if grep -q 'no effect' out; then echo "nothing was changed" && exit 1; fi
expect 0 "changed: train.lr was 0.001, is 0.002" train tiny.json --out whole --resume auto --mask_reg_weight 0.2 --lr 0.002
unwrapped out | grep -q 'no effect on the model: all epochs are done; to continue, raise train.epochs'

# another loss, or another folder: what was best before says nothing any more
expect 0 "the best epoch is judged anew" train tiny.json --out halves --resume auto --mask_reg_weight 90 --epochs 4
cmp halves/checkpoints/last.safetensors halves/checkpoints/best.safetensors
expect 0 "the best epoch is judged anew" train tiny.json --out elsewhere --resume whole/checkpoints/best.safetensors --epochs 4 --mask_reg_weight 0.2
there elsewhere/checkpoints/best.safetensors
rm halves/checkpoints/best.safetensors
expect 0 "nothing left to train: halves/checkpoints/last.safetensors" train tiny.json --out halves --resume auto --mask_reg_weight 90 --epochs 4
expect 0 "stopped early" train tiny.json --out early --agent.output=direct --epochs=9 --lr 0 --train.patience=2
expect 0 "no effect on the model: training stopped early" train tiny.json --out early --agent.output=direct --epochs=9 --lr 0.1 --train.patience=2 \
    --resume auto
if command -v flock >/dev/null; then # somebody else is training there
    # shellcheck disable=SC2016  # for the shell of flock
    flock whole/checkpoints -c '"$ANTIPHON" train tiny.json --out whole --resume auto 2>err' && exit 1
    grep -q "another training" err
fi
expect 2 "already holds a run" train tiny.json --out whole

# nor is what is left of one, whose last checkpoint is missing
cp -r whole left && rm left/checkpoints/last.safetensors
expect 2 "left already holds a run: --resume auto" train tiny.json --out left
cmp whole/checkpoints/best.safetensors left/checkpoints/best.safetensors
cmp whole/log.jsonl left/log.jsonl
expect 0 "left/checkpoints/last.safetensors is missing: using left/checkpoints/best.safetensors" \
    train tiny.json --out left --resume auto --epochs=4
there left/checkpoints/last.safetensors
rm -r left/checkpoints # as after a run that was ended before its first checkpoint
expect 0 "done" train tiny.json --out left --resume auto --epochs=1

# nor does a run go among the pairs, by whatever name
ln -s pairs/val link
for folder in pairs pairs/ "$PWD/pairs/." pairs/train/../../pairs pairs/train pairs/val/new/run link/run; do
    expect 2 "(data.path)" train tiny.json --out "$folder"
done
[ ! -e pairs/checkpoints ] && [ ! -e pairs/train/checkpoints ] && [ ! -e pairs/val/new ] && [ ! -e pairs/val/run ]
expect 0 "done" train tiny.json --out pairs/train/../run --epochs=1
rm -r pairs/run

# bad input: one line, the right code, nothing half-written
expect 2 "did you mean" train tiny.json --out no --train.epoch=3
expect 2 "train.lr" train tiny.json --out no --lr=fast
expect 2 "heads" train tiny.json --out no --agent.heads=5
expect 1 "GiB of memory" train tiny.json --out no --agent.model=65536 --agent.ff=65536 --agent.layers=256
expect 1 "no such pair set" train tiny.json --out no --data.path=nowhere
expect 1 "absent.json" train absent.json --out no
printf '{"train": {"epochs": "three"}}' >type.json
expect 2 "train.epochs" train type.json --out no
printf '{"train": {"epochs": 3,}}' >syntax.json
expect 2 "syntax.json" train syntax.json --out no
expect 1 "shorter than" train tiny.json --out no --data.seconds=5
expect 1 "" train tiny.json --out whole --resume auto --agent.model=64 --mask_reg_weight 0.2
head -c 20000 whole/checkpoints/last.safetensors >cut.safetensors
expect 1 "cut.safetensors" train tiny.json --out no --resume cut.safetensors
[ ! -e no/checkpoints/last.safetensors ]

# a checkpoint whose state is not one, without the checksums that would tell of it first
LC_ALL=C sed 's/"checksums"/"checksumX"/; s/checksums.crc32/checksums.other/' whole/checkpoints/last.safetensors >unsummed.safetensors
damage() { # damage KEY OLD NEW, of one length
    LC_ALL=C sed "s/\\\\\"$1\\\\\":\\\\t\\\\\"$2/\\\\\"$1\\\\\":\\\\t\\\\\"$3/" \
        unsummed.safetensors >damaged.safetensors
    if cmp -s unsummed.safetensors damaged.safetensors; then echo "$1 is as before" && exit 1; fi
    expect 1 "damaged.safetensors: the state's \"$1\"" train tiny.json --out no --resume damaged.safetensors
}
damage epoch 3 x
damage items 0 -
damage step . -
damage stale . +
damage best ... nan
LC_ALL=C sed 's/\\n}"/}!!"/' unsummed.safetensors >damaged.safetensors # text behind its end
expect 1 "damaged.safetensors: the state's" train tiny.json --out no --resume damaged.safetensors
[ ! -e no/checkpoints/last.safetensors ]

# a checkpoint from elsewhere does not take the place of another run's, and what a killed one left goes
expect 2 "whole already holds a run, which resuming halves/checkpoints/last.safetensors would overwrite" \
    train tiny.json --out whole --resume halves/checkpoints/last.safetensors
left="whole/checkpoints/last.safetensors.123-4.tmp whole/config.json.123-4.tmp whole/log.jsonl.123-4.tmp
    whole/mlflow.json.123-4.tmp whole/samples/epoch_0001.wav.123-4.tmp"
# shellcheck disable=SC2086  # several words
touch $left whole/checkpoints/mine.tmp whole/report.html.123-4.tmp
expect 0 "nothing left" train tiny.json --out whole --resume auto --mask_reg_weight 0.2
for path in $left; do [ ! -e "$path" ]; done
there whole/checkpoints/mine.tmp whole/report.html.123-4.tmp

# a pair without its partner is named and counted; without any pair training does not start
mkdir -p lone
cp -r pairs/train pairs/val lone
rm "$(ls lone/train/*_target.wav | head -1)"
expect 0 "without a partner" train tiny.json --out lone_run --data.path=lone --train.epochs=1
rm lone/train/*_target.wav
expect 1 "lone/train" train tiny.json --out no --data.path=lone
printf 'not audio at all' >"$(ls lone/val/*_input.wav | head -1)"
cp pairs/train/*_target.wav lone/train
expect 1 "lone/val" train tiny.json --out no --data.path=lone

# items with fewer samples than the original cost has segments, and than the drawn envelope has columns
for seconds in 0.01 0.0015; do
    expect 0 "" train tiny.json --out "short-$seconds" --data.seconds=$seconds --codec.hop=16 --codec.dim=16 \
        --agent.output=direct --loss.corr_segments=10 --loss.spectral=0 --train.epochs=1 --train.steps_per_epoch=2
    grep -q '"train_loss_corr"' "short-$seconds/log.jsonl"
    ! grep -q 'corr_cost' "short-$seconds/log.jsonl"
done
