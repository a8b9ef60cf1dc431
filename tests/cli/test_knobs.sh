# What a knob of `infer` does is heard: a seed gives another answer, more rhythm more onsets of the input, more harmony more of
# the target's, and dry lets the input through.
pairs=pairs
"$ANTIPHON" synth --out $pairs --pairs 3 --seconds 4 >/dev/null
cat >takes.json <<JSON
{"data": {"path": "pairs", "seconds": 4, "targets": "shuffled"}, "codec": {"type": "mdct", "dim": 64},
 "agent": {"output": "takes", "take_input": false, "component": 4, "model": 16, "layers": 1, "ff": 32, "attention_heads": 2,
           "take_width": 16, "dropout": 0},
 "loss": {"rms_input": 0, "rms_target": 0, "spectral": 0, "novelty": 0, "onset": 1},
 "train": {"epochs": 1, "steps_per_epoch": 1, "lr": 0}}
JSON
"$ANTIPHON" train takes.json --out run >/dev/null 2>&1
input=$(ls $pairs/val/*_input.wav | head -1)
target=${input%_input.wav}_target.wav
mkdir composed
compose() { # NAME [options]
    name=$1
    shift
    "$ANTIPHON" infer --checkpoint run --input "$input" --target "$target" --out "composed/${name}_3_output.wav" "$@" >/dev/null
    cp "$input" "composed/${name}_1_input.wav"
    cp "$target" "composed/${name}_2_target.wav"
}
compose plain
compose again --seed 0
compose one --seed 1
compose two --seed 2
compose rhythm_less --rhythm -1
compose rhythm_more --rhythm 1
compose harmony_less --harmony -1
compose harmony_more --harmony 1
compose dry --dry 1
cmp composed/plain_3_output.wav composed/again_3_output.wav

# three answers to one pair, none of which follows another
for a in plain one two; do
    for b in plain one two; do
        [ $a != $b ] || continue
        ! cmp -s composed/${a}_3_output.wav composed/${b}_3_output.wav
        "$ANTIPHON" cost composed/${a}_3_output.wav "$target" composed/${b}_3_output.wav |
            awk '/^r_input/ { r = $2 < 0 ? -$2 : $2; exit !(r < 0.7) }' || { echo "$a and $b are too alike" && exit 1; }
    done
done

"$ANTIPHON" evaluate --composed composed --no_baselines --json all.json >/dev/null
value() { # NAME MEASURE
    python3 -c '
import json, sys
d = json.load(open("all.json"))
print(d["systems"][0]["values"][sys.argv[2]][d["items"].index(sys.argv[1])])' "$1" "$2"
}
never_falls() { # MEASURE NAME...; from the first to the last it rises
    measure=$1
    first=$(value "$2" "$measure")
    last=$first
    shift
    for name in "$@"; do
        now=$(value "$name" "$measure")
        awk "BEGIN { exit !($now >= $last) }" || { echo "$measure of $name: $now, below $last" && exit 1; }
        last=$now
    done
    awk "BEGIN { exit !($last > $first) }" || { echo "$measure stays at $last" && exit 1; }
}
never_falls onset_f1 rhythm_less plain rhythm_more
never_falls chroma harmony_less plain harmony_more
awk "BEGIN { exit !($(value dry r_input) > $(value plain r_input)) }"
