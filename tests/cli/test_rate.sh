# Rate and channels of the recordings: training hears the same in all of them, and so does cost.
. "$1/expect.sh"
. "$1/tiny.sh"
pairs pairs 4 2
mkdir inputs targets
for pair in pairs/train/pair_*_input.wav pairs/val/pair_*_input.wav; do
    name=$(basename "$pair" _input.wav)
    cp "$pair" "inputs/$name.wav"
    cp "${pair%_input.wav}_target.wav" "targets/$name.wav"
done
expect 0 "24000 Hz mono" prepare --inputs inputs --targets targets --out narrow --seconds 1 --sample_rate 24000 --channels 1
expect 0 "48000 Hz stereo" prepare --inputs inputs --targets targets --out wide --seconds 1 --sample_rate 48000 --channels 2

# the same recordings as 24 kHz mono and as 48 kHz stereo: as many steps of the same size, nearly the same losses
for set in narrow wide; do
    expect 0 "" train tiny.json --out run_$set --data.path=$set --train.epochs=2 --train.seed=1
done
python3 - <<'END'
import json
def epochs(run):
    return [line for line in map(json.loads, open(run + "/log.jsonl")) if "val_loss" in line]
narrow, wide = epochs("run_narrow"), epochs("run_wide")
assert len(narrow) == len(wide) == 2, (narrow, wide)
for a, b in zip(narrow, wide):
    assert a["step"] == b["step"], (a, b)
    assert abs(a["val_loss"] - b["val_loss"]) < 0.01 * a["val_loss"], (a["val_loss"], b["val_loss"])
assert narrow[0]["val_loss"] != wide[0]["val_loss"]  # 48 kHz has been resampled
END

# cost hears the average of the channels; where they cancel each other, it hears them all the same
python3 - <<'END'
import array, wave
def read(path):
    with wave.open(path) as file:
        return array.array("h", file.readframes(file.getnframes()))
def write(path, left, right):
    with wave.open(path, "wb") as file:
        file.setnchannels(2), file.setsampwidth(2), file.setframerate(24000)
        file.writeframes(array.array("h", [x for pair in zip(left, right) for x in pair]).tobytes())
drums, piano = read("inputs/pair_0001.wav"), read("targets/pair_0001.wav")
write("turned.wav", drums, [max(-32767, min(32767, -x)) for x in drums])
write("sides.wav", drums, piano)
with wave.open("middle.wav", "wb") as file:
    file.setnchannels(1), file.setsampwidth(2), file.setframerate(24000)
    file.writeframes(array.array("h", [(x + y) // 2 for x, y in zip(drums, piano)]).tobytes())
END
of() { "$ANTIPHON" cost "$1" targets/pair_0001.wav "$2" --json | sed 's/.*"r_input": \([-0-9.]*\), "r_target": \([-0-9.]*\),.*/\1 \2/'; }
near() { echo "$1 $2" | awk '{ exit !(($1 - $3) ^ 2 < 1e-6 && ($2 - $4) ^ 2 < 1e-6) }'; }
near "$(of inputs/pair_0001.wav turned.wav)" "$(of inputs/pair_0001.wav inputs/pair_0001.wav)"
near "$(of inputs/pair_0001.wav sides.wav)" "$(of inputs/pair_0001.wav middle.wav)"
if near "$(of inputs/pair_0001.wav sides.wav)" "$(of inputs/pair_0001.wav inputs/pair_0001.wav)"; then
    echo "only the left channel is heard" && exit 1
fi

# what takes compose in stereo has the target's image, and evaluate measures it
expect 0 "" train tiny.json --out takes --data.path=wide --train.epochs=1 --agent.output=takes \
    --data.sample_rate=48000 --data.channels=2
expect 0 "The stereo image of 1 composed piece" \
    evaluate --checkpoint takes --pairs wide --num_samples 1 --no-baselines --json image.json
python3 - <<'END'
import json
image = json.load(open("image.json"))["image"]
assert image["level"]["mean"] < 0.1 and image["coherence"]["mean"] < 0.01, image
END
# the report plays it in stereo, at its rate; its pictures reach higher
expect 0 "" infer --checkpoint takes --pairs wide --num_samples 1 --out takes/samples
expect 0 "page.html" report takes --out page.html
python3 - <<'END'
import base64, re
page = open("page.html").read()
sounds = [base64.b64decode(text) for text in re.findall(r'data:audio/flac;base64,([^"]*)"', page)]
assert len(sounds) == 3
for flac in sounds:  # the stream's first block: 20 bits of rate, 3 of channels less one
    bits = int.from_bytes(flac[18:21], "big")
    assert (bits >> 4, (bits >> 1 & 7) + 1) == (48000, 2), bits
assert ">16k<" in page and ">12k<" not in page
END
expect 0 "composed" evaluate --checkpoint run_narrow --pairs narrow --num_samples 1 --no-baselines --json image.json
if grep -q image out image.json; then echo "mono has no stereo image" && exit 1; fi

# the synthesiser plays the same music at another rate, and higher
expect 0 "high: pairs of 2 s" synth --out high --pairs 4 --seconds 2 --seed 1 --sample_rate 48000
expect 1 "high: not empty, and not what" synth --out high --pairs 4 --seconds 2 --seed 1
python3 - <<'END'
import wave
with wave.open("high/train/pair_0001_input.wav") as file:
    assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (48000, 1, 96000)
END
alike() { "$ANTIPHON" cost "$1" "$2" "$2" --json | sed 's/.*"r_input": \([-0-9.]*\),.*/\1/' | awk '{ exit !($1 > 0.95) }'; }
alike high/train/pair_0001_target.wav pairs/train/pair_0001_target.wav
