# Killed at any moment, nothing is half-written, and going on comes to what a run comes to that nobody disturbed.
. "$1/expect.sh"
. "$1/tiny.sh"
export OMP_NUM_THREADS=1
pairs pairs 4 1

# the tensors of a checkpoint alone: the metadata names the folders
tensors() {
    size=$(od -An -N8 -tu8 "$1" | tr -d ' ')
    tail -c +$((size + 9)) "$1" | cksum
}

# kill_at SECONDS WORD...: starts the program and kills it then, unless it has ended
kill_at() {
    moment=$1
    shift
    begin "$@"
    sleep "$moment"
    kill -KILL $process 2>/dev/null || true
    wait $process 2>/dev/null || true
}

# training: checkpoints, log, configuration and samples
long="train tiny.json --data.seconds=0.5 --train.epochs=24 --train.samples_every=1"
# shellcheck disable=SC2086  # several words
expect 0 "done" $long --out whole
for moment in 0.05 0.1 0.15 0.2 0.25 0.3; do
    # shellcheck disable=SC2086
    kill_at "$moment" $long --out broken --resume auto
    for file in broken/checkpoints/*.safetensors; do
        if [ -e "$file" ]; then expect 0 "tensors" info "$file"; fi
    done
done
# shellcheck disable=SC2086
expect 0 "broken/checkpoints/best.safetensors" $long --out broken --resume auto
for name in last best; do
    [ "$(tensors whole/checkpoints/$name.safetensors)" = "$(tensors broken/checkpoints/$name.safetensors)" ]
done
[ "$(find whole | sed s/whole// | sort)" = "$(find broken | sed s/broken// | sort)" ]
diff -r whole/samples broken/samples

# a run with few checkpoints has one as soon as it has a best one
begin train tiny.json --out rare --train.epochs=100000 --train.checkpoint_every=50000
until_says Output: 3
kill -KILL $process
wait $process 2>/dev/null || true
expect 0 "going on from rare/checkpoints/last.safetensors: 1 epoch" train tiny.json --out rare --resume auto \
    --train.epochs=2 --train.checkpoint_every=50000

# pairs and compositions: the whole, or nothing under the name
expect 0 "" synth --out wanted --pairs 6 --seconds 1 --seed 5
mkdir composed
for moment in 0.005 0.01 0.02 0.03 0.05; do
    rm -rf made
    kill_at "$moment" synth --out made --pairs 6 --seconds 1 --seed 5
    [ ! -e made/made_by.txt ] || diff -r made wanted
    expect 0 "made: pairs" synth --out made --pairs 6 --seconds 1 --seed 5
    kill_at "$moment" synth --out made --pairs 6 --seconds 1 --seed 5 # which is there
    expect 0 "made: pairs" synth --out made --pairs 6 --seconds 1 --seed 5
    diff -r made wanted
    kill_at "$moment" infer --checkpoint whole/checkpoints/last.safetensors --input made/val/pair_0006_input.wav \
        --target made/val/pair_0006_target.wav --out composed/a.wav
    [ ! -e composed/a.wav ] || expect 0 "cost" cost composed/a.wav composed/a.wav composed/a.wav
done

# a limit on files is a full disk: one line, and nothing left of the file
(
    ulimit -f 40
    expect 1 "cannot be written: File too large" train tiny.json --out limited --train.epochs=1
)
[ -z "$(find limited -name '*.tmp')" ]
