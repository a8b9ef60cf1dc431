# train --init: the weights of another run, and nothing else of it; what is new or left out is named.
. "$1/expect.sh"
. "$1/tiny.sh"
export OMP_NUM_THREADS=1
pairs pairs 4 1
pairs others 4 1
train="train tiny.json --data.seconds=0.5"
# shellcheck disable=SC2086  # several words
{
expect 0 "done" $train --out first --epochs=2

# a number of the last line of a log that has it
last_of() { sed -n "s/.*\"$2\": \([^,}]*\).*/\1/p" "$1/log.jsonl" | tail -n 1; }

# all of the weights, none of the rest: steps and epochs begin at 1, with the warm-up
expect 0 "from first/checkpoints/best.safetensors" $train --out second --init first --data.path=others --epochs=1 \
    --train.warmup_steps=100
if grep -q "going on\|tensors\? missing\|tensors\? in it\|changed:" out; then cat out && exit 1; fi
grep -q '"step": 1, ' second/log.jsonl
grep -q '^epoch 1 ' out
[ "$(sed -n 's/.*"learning_rate": \([^,}]*\).*/\1/p' second/log.jsonl | head -n 1)" = 1e-05 ]
# and it is of use: the first step's loss is below that of a run that begins at random
first_loss() { sed -n 's/.*"train_loss": \([^,}]*\).*/\1/p' "$1/log.jsonl" | head -n 1; }
awk -v a="$(first_loss second)" -v b="$(first_loss first)" 'BEGIN { exit !(a < b) }'

# another model: what is new and what is left out is named, ten of each and then a count
expect 0 "weights of" $train --out gates --init first/checkpoints/last.safetensors --epochs=1 --agent.output=gates --codec.gain=2
grep -q '^changed: agent.output was cascade, is gates$' out
grep -q '^changed: codec.gain was ' out
grep -q 'missing from it and initialised at random:$' out
grep -q '^  gates\.[a-z.0-9]* \[[0-9, ]*\]$' out
grep -q 'in it that this model does not have:$' out
[ "$(grep -c '^  cascade\.' out)" -eq 10 ]
grep -q '^  and [0-9]* more$' out

# another shape: refused before anything is written; which key it is, both values, and what to do
expect 1 "first/checkpoints/best.safetensors: is of another model: agent.model is 32 there, 64 here. Give it the same, \
--agent.model=32, or begin without its weights (no --init)" $train --out no --init first --agent.model=64
expect 1 "agent.component is 4 there, 8 here; agent.model is 32 there, 64 here. Give it the same, --agent.component=4 \
--agent.model=32, or" $train --out no --init first --agent.model=64 --agent.component=8
expect 1 "; agent.ff is 64 there, 128 here; and 1 more. Give it the same, " $train --out no --init first \
    --agent.component=8 --agent.model=64 --agent.attention_heads=4 --agent.ff=128 --cascade.attention_heads=4
[ ! -e no ]
# to go on with another model is refused in the same words
for key in agent.model:32:64 agent.layers:1:2 agent.output:cascade:direct; do
    name=${key%%:*} values=${key#*:}
    expect 1 "first/checkpoints/last.safetensors: is of another model: $name is ${values%:*} there, ${values#*:} here. \
Give it the same, --$name=${values%:*}, or begin another run (another --out)" \
        $train --out first --resume auto --epochs=3 "--$name=${values#*:}"
done
# nothing in common, no checkpoint, no such file
cat >codec.json <<'END'
{
  "data": {"path": "pairs", "seconds": 0.5},
  "codec": {"type": "seanet", "dim": 32, "width": 4, "ratios": [8, 4], "lstm": 1},
  "agent": {"component": 4, "model": 32, "heads": 2, "layers": 1, "ff": 64, "output": "cascade"},
  "cascade": {"layers": 1, "heads": 2},
  "loss": {"rms_target": 1.0, "spectral": 0.5, "mel": 0.5},
  "train": {"epochs": 1, "batch_size": 2, "lr": 0.001}
}
END
expect 0 "best.safetensors" train-codec codec.json --out codec
expect 1 "codec/checkpoints/best.safetensors: is of another model: codec.type is seanet there, mdct here; " \
    $train --out no --init codec
expect 1 "absent.safetensors: No such file" $train --out no --init absent.safetensors
expect 1 "pairs: is a folder without a checkpoint" $train --out no --init pairs
cp first/checkpoints/best.safetensors cut.safetensors
truncate -s -4 cut.safetensors
expect 1 "cut.safetensors" $train --out no --init cut.safetensors
[ ! -e no ]

# a codec alone serves an agent, whose codec.weights is then not read
expect 0 "weights of" train codec.json --out agent --init codec --codec.weights=absent.safetensors
unwrapped out | grep -q '^changed: codec.weights .* has no effect: the checkpoint contains the codec'
grep -q '^  agent\.' out
# but of a checkpoint without one the codec comes from codec.weights
cp codec/checkpoints/best.safetensors weights.safetensors
expect 0 "weights of" train codec.json --out both --init first --codec.weights=weights.safetensors
expect 1 "absent.safetensors: No such file" train codec.json --out no --init first --codec.weights=absent.safetensors

# it does not take the place of a run that is there, goes with --resume auto, and with no other
expect 2 "second already holds a run" $train --out second --init first
expect 2 "exclude each other" $train --out no --init first --resume second
expect 0 "from first/checkpoints/best.safetensors" $train --out again --init first --resume auto --epochs=1
expect 0 "first/checkpoints/best.safetensors is ignored: there is a run to resume" \
    $train --out again --init first --resume auto --epochs=2
grep -q '^going on from again/checkpoints/last.safetensors: 1 epoch, ' out
[ ! -e no ]
}

# a checkpoint or a run in place of the configuration: what to do instead
best=first/checkpoints/best.safetensors
expect 2 "$best: is a checkpoint, not a configuration: train CONFIG.json --resume $best continues it, train CONFIG.json --init $best starts from its weights" \
    train $best --out no
expect 2 "train CONFIG.json --init first/ starts" train first/ --out no
grep -q 'its configuration is first//*config.json$' err
expect 2 "$best: is a checkpoint, not a configuration: antiphon info --metadata config $best prints its configuration" config $best
expect 2 "first: is a run's folder, not a configuration: its configuration is first/config.json" bench first
"$ANTIPHON" info --metadata config $best >its.json
expect 0 "pairs" config its.json data.path
[ ! -e no ]
