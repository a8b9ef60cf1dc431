# run_train_compositional.sh as a user types it, in the small: settings from the environment, then run again.
. "$1/expect.sh"
. "$1/tiny.sh"
script="$1/../../run_train_compositional.sh"
here=$(pwd)

run() {
    CONFIG="$here/tiny.json" DEMO="$here" PAIRS=4 OUT="$here/run" EPOCHS=2 CORR_WEIGHT=0.25 NOVELTY_WEIGHT=0.1 NUM_SAMPLES=1 \
        USE_COMPOSITIONAL=true "$script" >out 2>err || { cat out err && exit 1; }
}
# a synthesiser that was killed is started again
mkdir -p demo_4x1s/unfinished/val && echo "antiphon synth" >demo_4x1s/unfinished/made_by.txt
run
there demo_4x1s/val run/config.json run/checkpoints/best.safetensors
there run/samples/0001_1_input.wav run/samples/0001_2_target.wav run/samples/0001_3_output.wav
there run/report.html
grep -qF "Open $here/run/report.html" out
grep -q 'mean cost' out
grep -q '"corr_weight": *0.25' run/config.json
grep -q '"epochs": *2' run/config.json

# again: it is done, and composes all the same
run
grep -q 'nothing left to train' out
grep -q 'mean cost' out

# a set of one's own, without the agent; paths that are given count from where one stands
CONFIG=tiny.json DATASET=demo_4x1s OUT=plain EPOCHS=1 USE_COMPOSITIONAL=false NUM_SAMPLES=1 "$script" >out 2>err ||
    { cat out err && exit 1; }
grep -q '"compositional": *false' plain/config.json
if "$ANTIPHON" info plain/checkpoints/last.safetensors | grep -q 'agent\.project'; then exit 1; fi

# what is not given lies beside the script
mkdir -p elsewhere/configs && cp "$script" elsewhere/ && cp tiny.json elsewhere/configs/compose.json
DATASET=demo_4x1s EPOCHS=1 NUM_SAMPLES=1 elsewhere/run_train_compositional.sh >out 2>err || { cat out err && exit 1; }
there elsewhere/runs/compose/report.html
