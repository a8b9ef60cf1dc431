# antiphon bench: every phase is there, the JSON reads, misuse.
. "$1/expect.sh"
. "$1/tiny.sh"

# has NAME PART PHASE...: the table in the file NAME has a line for each phase of the part
has() {
    file=$1 part=$2
    shift 2
    for phase in "$@"; do
        grep -Eq "^$part +$phase +[0-9]+\.[0-9]+" "$file" || { echo "no line $part $phase:" && cat "$file" && exit 1; }
    done
}
loss="rms_input rms_target spectral novelty_loss corr_cost"
expect 0 "grew 0 times after the first step" bench tiny.json --steps 1
# shellcheck disable=SC2086  # lists of words
has out forward batch encode agent cascade decode $loss measures
# shellcheck disable=SC2086
has out backward $loss decode cascade agent
has out update optimiser
has out whole forward backward step
has out alone encode decode modulation_cost
grep -q "^tiny.json: 2 x 1.0 s, " out

# another output part, a codec that learns, terms that are off
expect 0 "1 x 0.5 s, 1 thread," bench tiny.json --steps 1 --batch 1 --seconds=0.5 --threads 1 --agent.output=gates \
    --codec.type=seanet --codec.width=2 --codec.train=true --loss.spectral 0
has out forward gates encode
has out backward gates encode
if grep -Eq "cascade|spectral" out; then echo "parts that are not there:" && cat out && exit 1; fi

expect 0 '"step_ms":' bench tiny.json --steps 2 --json
if command -v python3 >/dev/null; then
    python3 - <<'END'
import json
bench = json.load(open("out"))
phases = {(p["part"], p["name"]): p for p in bench["phases"]}
assert bench["batch"] == 2 and bench["steps"] == 2 and bench["arena_growths_after_first_step"] == 0
assert bench["peak_memory_bytes"] > bench["arena_bytes"] > 0
assert phases["whole", "step"]["ms"] == bench["step_ms"] > 0
assert phases["forward", "agent"]["gflop"] > 0 and phases["backward", "agent"]["gflop"] > phases["forward", "agent"]["gflop"]
whole = sum(phases["whole", part]["gflop"] for part in ("forward", "backward"))
assert abs(phases["whole", "step"]["gflop"] - whole) < 1e-9 * whole
# the cost reads 2 items of three signals of 24000 samples, and a few scalars
cost = phases["forward", "corr_cost"]
numbers = cost["gb_per_s"] * cost["ms"] * 1e6 / (3 * 2 * 24000)
assert min(abs(numbers - 4), abs(numbers - 8)) < 0.01, numbers
END
fi

expect 2 "--steps" bench tiny.json --steps 0
expect 2 "--stepz" bench tiny.json --stepz 3
expect 2 "too few arguments" bench
expect 2 "train.batch_size" bench tiny.json --batch 0
expect 1 "absent.json" bench absent.json
expect 2 "loss" bench tiny.json --loss.rms_input=0 --loss.rms_target=0 --loss.spectral=0 --loss.novelty=0 --loss.corr_weight=0
expect 1 "absent.safetensors" bench tiny.json --codec.type=seanet --codec.weights=absent.safetensors
