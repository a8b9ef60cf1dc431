# Names and values from files of somebody else's do not steer the terminal: no verb prints a control character (C0, C1,
# U+202E) that stands in one.
. "$1/expect.sh"
. "$1/tiny.sh"
evil=$(printf 'x\302\233\033]0;\342\200\256y')
raw=$evil$(printf '\233') # not UTF-8, as a name may be and a configuration not
# tame: what was printed last has none
tame() {
    if LC_ALL=C tr -d '\n' <out | cat - err | LC_ALL=C grep -q "$(printf '[\033\233]\\|\342\200\256')"; then
        echo "$*: a control character is printed:" && cat -v out err && exit 1
    fi
}

pairs pairs 3 1
mv pairs/val/pair_0003_input.wav "pairs/val/pair_${raw}_input.wav"
mv pairs/val/pair_0003_target.wav "pairs/val/pair_${raw}_target.wav"
cp pairs/train/pair_0001_input.wav "pairs/val/pair_${evil}2_input.wav"
cp pairs/train/pair_0001_input.wav "pairs/train/pair_${evil}3_input.wav"
mv pairs "set$evil"
expect 0 "without a partner" train tiny.json --out "run$evil" --data.path="set$evil" --train.epochs=1
tame train
expect 0 "changed: data.path was" train tiny.json --out "run$evil" --data.path="set$evil/." --train.epochs=1 --resume auto
tame train
expect 0 "without a partner" infer --checkpoint "run$evil/checkpoints/best.safetensors" --pairs "set$evil" --out "out$raw"
tame infer
expect 0 "data" info "run$evil/checkpoints/best.safetensors"
tame info
expect 0 "report.html" report "run$evil"
tame report
mkdir inputs targets
cp set*/train/pair_0001_input.wav "inputs/a.wav"
cp "$(ls set*/val/*_input.wav | head -1)" "inputs/$raw.wav"
cp set*/train/pair_0001_target.wav "targets/a.wav"
expect 0 "without a partner" prepare --inputs inputs --targets targets --out "prepared$raw" --seconds 0.5
tame prepare
expect 0 "training" synth --out "made$raw" --pairs 2 --seconds 0.5
tame synth
printf '{"train": {"%s": 1}}' "$evil" >unknown.json
expect 2 "unknown.json" train unknown.json --out no
tame train
