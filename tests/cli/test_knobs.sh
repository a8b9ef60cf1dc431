# What a knob of `infer` does is heard: with the checkpoint that comes with the program, more rhythm gives more of the
# input's onsets, more harmony more of the target's chords, more dry more of the input. A preset does what it is called.
"$ANTIPHON" synth --out set --pairs 10 --seconds 4 >/dev/null
mkdir composed
compose() { # NAME [options]: both pairs, as NAME:1 and NAME:2
    name=$1
    shift
    "$ANTIPHON" infer --checkpoint "$checkpoint" --pairs set --out new "$@" >/dev/null
    for k in 1 2; do
        for part in 1_input 2_target 3_output; do mv new/000${k}_$part.wav "composed/$name:${k}_$part.wav"; done
    done
}
checkpoint=$1/../../data/compose.safetensors
compose plain
for x in -1 -0.6 0.5 1; do compose "rhythm:$x" --rhythm $x; done
for x in -1 -0.5 1; do compose "harmony:$x" --harmony $x; done
for x in 0.3 1; do compose "dry:$x" --dry $x; done
for preset in driving floating roaming; do compose $preset --preset $preset; done
for head in rhythm timbre; do compose "without:$head" --without $head; done
compose driving:still --preset driving --rhythm -1 --dry 0 # an option counts more
for k in 1 2; do cmp "composed/driving:still:${k}_3_output.wav" "composed/rhythm:-1:${k}_3_output.wav"; done
for head in rhythm timbre; do
    ! cmp -s composed/without:${head}:1_3_output.wav composed/plain:1_3_output.wav
done
rm composed/driving:still:*

"$ANTIPHON" evaluate --composed composed --no_baselines --json all.json >/dev/null
cat >compare.py <<'PY'
import json, sys
d = json.load(open("all.json"))
def mean(measure, name):
    return sum(d["systems"][0]["values"][measure][d["items"].index(f"{name}:{k}")] for k in (1, 2)) / 2
# MEASURE LEAST NAME...: it never falls from one to the next, by more than can be heard, and rises by LEAST from the
# first to the last
measure, least, names = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
values = [mean(measure, name) for name in names]
print(measure, *(f"{name} {value:.3f}" for name, value in zip(names, values)))
sys.exit(any(b < a - 0.002 for a, b in zip(values, values[1:])) or values[-1] < values[0] + least)
PY
rises() { python3 compare.py "$@" || { echo "does not rise as it should" && exit 1; }; }
rises onset_f1 0.3 rhythm:-1 rhythm:-0.6 plain rhythm:0.5 rhythm:1
rises variation 0.1 plain rhythm:0.5 rhythm:1
rises chroma 0.05 harmony:-1 harmony:-0.5 plain harmony:1
rises r_input 0.3 plain dry:0.3 dry:1
rises chroma_input 0.1 plain dry:0.3 dry:1
rises onset_f1 0.01 plain driving
rises chroma_input 0.02 plain driving
rises onset_f1 0.05 floating plain
rises variation 0.1 floating plain
rises chroma 0.005 roaming plain

# what the script says of the heads: silencing the rhythm's moves something, and there is a row for each
"$1/../../scripts/heads.sh" "$checkpoint" set heads >table
[ "$(wc -l <table)" -eq 6 ]
grep -q '^| rhythm |.*[1-9]' table
