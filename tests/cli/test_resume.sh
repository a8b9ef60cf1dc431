# Going on with what a kill, a full disk or the user has left of a run, in every order of events.
. "$1/expect.sh"
. "$1/tiny.sh"
export OMP_NUM_THREADS=1
pairs pairs 4 1

# the tensors of a checkpoint alone: the metadata names the folders
tensors() {
    size=$(od -An -N8 -tu8 "$1" | tr -d ' ')
    tail -c +$((size + 9)) "$1" | cksum
}

# whatever there is of both checkpoints and of the log, the next start comes to what an undisturbed run comes to
train="train tiny.json --data.seconds=0.5 --resume auto"
# shellcheck disable=SC2086  # several words
{
    expect 0 "done" $train --out whole --epochs=3
    expect 0 "done" $train --out first --epochs=1
    for kept in "" best last "best last"; do
        for log in whole torn none; do
            rm -rf left && cp -r first left
            for name in best last; do
                case " $kept " in *" $name "*) ;; *) rm left/checkpoints/$name.safetensors ;; esac
            done
            if [ $log = torn ]; then printf '{"step": 7, "ep' >>left/log.jsonl; fi
            if [ $log = none ]; then rm left/log.jsonl; fi
            expect 0 "done: left/checkpoints/best.safetensors" $train --out left --epochs=3
            case $kept in
            "") if grep -q "going on" out; then echo "there is nothing to go on from" && exit 1; fi ;;
            best) grep -q "^going on from left/checkpoints/best.safetensors: 1 epoch" out ;;
            *) grep -q "^going on from left/checkpoints/last.safetensors: 1 epoch" out ;;
            esac
            [ "$(tensors whole/checkpoints/last.safetensors)" = "$(tensors left/checkpoints/last.safetensors)" ]
        done
    done
}

# the codec's weights have moved: the checkpoint holds them
cat >codec.json <<'END'
{
  "data": {"path": "pairs", "seconds": 0.5},
  "codec": {"type": "seanet", "dim": 8, "width": 4, "ratios": [8, 4], "lstm": 1},
  "agent": {"component": 4, "model": 16, "heads": 2, "layers": 1, "ff": 32, "output": "direct"},
  "loss": {"rms_target": 1.0, "spectral": 0.5, "mel": 0.5, "corr_weight": 0.5},
  "train": {"epochs": 1, "batch_size": 2, "lr": 0.001}
}
END
expect 0 "best.safetensors" train-codec codec.json --out codec
cp codec/checkpoints/best.safetensors weights.safetensors
for run in stays moves; do
    expect 0 "done" train codec.json --out $run --codec.weights=weights.safetensors
done
expect 0 "done" train codec.json --out stays --resume auto --epochs=2 --codec.weights=weights.safetensors
mv weights.safetensors moved.safetensors
expect 0 "done" train codec.json --out moves --resume auto --epochs=2 --codec.weights=weights.safetensors
[ "$(tensors stays/checkpoints/last.safetensors)" = "$(tensors moves/checkpoints/last.safetensors)" ]
expect 0 'is moved.safetensors, which has no effect: the checkpoint contains the codec' \
    train codec.json --out moves --resume auto --epochs=3 --codec.weights=moved.safetensors
grep -q '"weights": "moved.safetensors"' moves/config.json
expect 1 "weights.safetensors: No such file" train codec.json --out no --codec.weights=weights.safetensors

# lengths that differ by a sample are told apart
cat >short.json <<'END'
{"data": {"path": "pairs", "seconds": 1.00004}, "codec": {"dim": 32}, "agent": {"compositional": false, "output": "direct"}}
END
expect 1 ": 24000 samples at 24000 Hz (1.00 s), shorter than data.seconds: 24001 samples (1.00 s): give a smaller --data.seconds" train short.json --out no
[ ! -e no ]

# under a cosine that has ended more epochs alone teach nothing
cosine="train tiny.json --out cosine --resume auto --train.schedule=cosine"
# shellcheck disable=SC2086
{
    expect 0 "done" $cosine --epochs=1
    expect 0 "to continue, raise train.epochs (EPOCHS) and change train.lr (LEARNING_RATE): the cosine has ended" \
        $cosine --epochs=1 --loss.novelty=0.2
    expect 0 "to continue, raise train.epochs (EPOCHS); to start anew" $cosine --epochs=1 --lr=0.002
    expect 0 "a new one begins at 0.002" $cosine --epochs=2 --lr=0.002
}
