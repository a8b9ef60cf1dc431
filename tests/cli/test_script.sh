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

# demo pairs have the rate of the configuration
sed 's/"data": {/&"sample_rate": 32000, /' tiny.json >high.json
grep -q 32000 high.json
CONFIG=high.json DEMO=$here PAIRS=2 OUT=high EPOCHS=1 NUM_SAMPLES=1 "$script" >out 2>err || { cat out err && exit 1; }
python3 - <<'END'
import wave
for path in "demo_2x1s_32000/val/pair_0002_input.wav", "demo_4x1s/val/pair_0004_input.wav":
    with wave.open(path) as file:
        assert file.getframerate() == (32000 if "32000" in path else 24000), (path, file.getframerate())
END

# again: it is done, and composes all the same
run
grep -q 'nothing left to train' out
grep -q 'mean cost' out

# what is changed now comes too late, which is said
CONFIG=tiny.json DATASET=demo_4x1s OUT=run EPOCHS=2 CORR_WEIGHT=0.5 NUM_SAMPLES=1 "$script" >out 2>err ||
    { cat out err && exit 1; }
unwrapped out | grep -q 'no effect on the model: all epochs are done; to continue, raise .*(EPOCHS); to start anew, .*(OUT)'

# a set of one's own, without the agent; paths that are given count from where one stands
CONFIG=tiny.json DATASET=demo_4x1s OUT=plain EPOCHS=1 USE_COMPOSITIONAL=false NUM_SAMPLES=1 "$script" >out 2>err ||
    { cat out err && exit 1; }
grep -q '"compositional": *false' plain/config.json
if "$ANTIPHON" info plain/checkpoints/last.safetensors | grep -q 'agent\.project'; then exit 1; fi

# what is not given lies beside the script
mkdir -p elsewhere/configs && cp "$script" elsewhere/ && cp tiny.json elsewhere/configs/compose.json
DATASET=demo_4x1s EPOCHS=1 NUM_SAMPLES=1 elsewhere/run_train_compositional.sh >out 2>err || { cat out err && exit 1; }
there elsewhere/runs/compose/report.html

# the help names every setting, with its default, and nothing is done
for word in --help -h; do
    (ANTIPHON=false "$script" $word >out 2>err) || { cat err && exit 1; }
    [ ! -s err ]
    sed -n 's/^\([A-Z_]*\)=\${.*/\1/p' "$script" >settings
    [ "$(wc -l <settings)" -ge 17 ]
    while read -r setting; do
        grep -q "^$setting  *[^ ][^ ]*  *[^ ]" out || { echo "$word says nothing of $setting" && exit 1; }
    done <settings
    grep -q '^PAIRS  *160  *demo pairs' out
done

# refused TEXT SETTING... [WORD]: one line that contains TEXT, exit code 2, and nothing is begun
refused() {
    text=$1 code=0
    shift
    env OUT=refused ANTIPHON=false "$@" >out 2>err || code=$?
    if [ "$code" -ne 2 ] || [ "$(wc -l <err)" -ne 1 ] || [ -s out ] || ! grep -qF -- "$text" err; then
        echo "$*: exit code $code, says:" && cat out err && exit 1
    fi
}
refused '"--epochs=3"' "$script" --epochs=3
refused '""' "$script" ""
for value in 0 -1 2.5 1000001 99999999999999999999 many; do
    refused "NUM_SAMPLES must be a whole number from 1 to 1000000, not \"$value\"" NUM_SAMPLES=$value "$script"
done
refused "PAIRS must be" PAIRS=1 "$script"
refused "EPOCHS must be" EPOCHS=0 "$script"
refused "BATCH_SIZE must be" BATCH_SIZE=1e1 "$script"
refused "LEARNING_RATE must be" LEARNING_RATE=fast "$script"
for weight in CORR NOVELTY SPECTRAL INPUT TARGET; do
    refused "${weight}_WEIGHT must be a number from 0 to 1000000, not \"-1\"" "${weight}_WEIGHT=-1" "$script"
done
