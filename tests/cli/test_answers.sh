# Several answers, parts of recordings, and FLAC: infer --target --target, --variations, --section, --format.
. "$1/expect.sh"
. "$1/tiny.sh"
pairs pairs 2 3
cat >takes.json <<JSON
{"data": {"path": "pairs", "seconds": 2, "targets": "shuffled", "channels": 2},
 "codec": {"type": "mdct", "dim": 64},
 "agent": {"output": "takes", "take_input": false, "component": 4, "model": 16, "layers": 1, "ff": 32, "attention_heads": 2,
           "take_width": 16, "dropout": 0},
 "loss": {"rms_input": 0, "rms_target": 0, "spectral": 0, "novelty": 0, "onset": 1},
 "train": {"epochs": 1, "steps_per_epoch": 1, "lr": 0}}
JSON
expect 0 "" train takes.json --out run
expect 0 "" train tiny.json --out cascade --train.epochs=1
a=pairs/train/pair_0001_input.wav b=pairs/train/pair_0001_target.wav
cp $b piano.wav
cp pairs/val/pair_0002_target.wav harp.wav
infer() { # CODE TEXT [options]
    code=$1 text=$2
    shift 2
    expect "$code" "$text" infer --checkpoint run --input $a "$@"
}
wav() { # FILE: its samples, whatever its kind
    python3 - "$1" <<'PY'
import struct, sys
b = open(sys.argv[1], "rb").read()
assert b[:4] == b"RIFF"
sys.stdout.buffer.write(b[b.index(b"data") + 8:])
PY
}

# FLAC by its name holds the samples that WAV does
infer 0 "r_input" --target piano.wav --out plain.wav
infer 0 "r_input" --target piano.wav --out plain.flac
[ "$(head -c 4 plain.flac)" = fLaC ]
[ "$(wc -c <plain.flac)" -lt "$(wc -c <plain.wav)" ]
infer 0 "r_input" --target piano.wav --out PLAIN.FLAC
cmp plain.flac PLAIN.FLAC
expect 0 "cost       " cost $a piano.wav plain.flac
mv out flac.txt
expect 0 "cost       " cost $a piano.wav plain.wav
cmp out flac.txt
cp plain.wav other.flac
infer 2 "other.flac: exists and is not FLAC" --target piano.wav --out other.flac
infer 2 "must end in .wav or .flac" --target piano.wav --out plain.mp3
infer 2 "--format: is for --pairs" --target piano.wav --out x.wav --format flac
expect 0 "1 composition in flacs" infer --checkpoint run --pairs pairs --out flacs --format flac
there flacs/0001_1_input.flac flacs/0001_2_target.flac flacs/0001_3_output.flac
[ "$(ls flacs | wc -l)" -eq 4 ] # and pairs.json
expect 0 "1 item" evaluate --composed flacs --no_baselines
cp plain.wav flacs/0001_3_output.wav
expect 1 "flacs: holds 0001_3_output both as WAV and as FLAC; remove one" evaluate --composed flacs --no_baselines
expect 2 "--format mp3: is neither wav nor flac" infer --checkpoint run --pairs pairs --out x --format mp3
expect 0 "latents" codec encode piano.wav --out z.safetensors
expect 0 "z.flac: 3.0 s" codec decode z.safetensors --out z.flac
[ "$(head -c 4 z.flac)" = fLaC ]

# a section is what would come of the files cut there, and, of a model with takes, what the whole has there
cut() { # FROM TO FILE CUT: by hand, 24 kHz mono
    python3 - "$@" <<'PY'
import sys, wave
begin, end, source, to = sys.argv[1:]
with wave.open(source) as f, wave.open(to, "wb") as g:
    g.setparams(f.getparams())
    f.setpos(int(float(begin) * f.getframerate()))
    g.writeframes(f.readframes(int((float(end) - float(begin)) * f.getframerate())))
PY
}
cut 0.5 2.5 $a cut_a.wav
cut 0.5 2.5 piano.wav cut_b.wav
expect 0 "" infer --checkpoint cascade --input cut_a.wav --target cut_b.wav --out by_hand.wav
expect 0 " 2.0 " infer --checkpoint cascade --input $a --target piano.wav --out section.wav --section 0:00.5-2.5
cmp by_hand.wav section.wav
expect 0 " 2.5 " infer --checkpoint cascade --input $a --target piano.wav --out rest.wav --section 0.5-
expect 0 "" infer --checkpoint cascade --pairs pairs --out parts --section 1-2
wav parts/0001_1_input.wav >part.raw
cut 1 2 pairs/val/pair_0002_input.wav part.wav
wav part.wav | cmp - part.raw
# windows of 2 s begin every 1.5 s: the section that begins with the second one has its notes, at a level of its own
infer 0 "r_input" --target piano.wav --out late.wav --section 1.5-3
wav late.wav >late.raw
wav plain.wav >plain.raw
python3 - <<'PY'
import array
x, y = (array.array("h", open(name, "rb").read()) for name in ("plain.raw", "late.raw"))
x = x[len(x) // 2:]             # from 1.5 s on
assert len(x) == len(y), (len(x), len(y))
begin = len(x) // 3             # behind the cross-fade
x, y = x[begin:], y[begin:]
dot = lambda a, b: sum(p * q for p, q in zip(a, b))
r = dot(x, y) / (dot(x, x) * dot(y, y)) ** 0.5
assert r > 0.99, r
PY
infer 2 "--section 2-1: ends before it begins" --target piano.wav --out x.wav --section 2-1
infer 2 "--section 1-1.1: is too short: at least 0.25 s are needed" --target piano.wav --out x.wav --section 1-1.1
infer 1 "$a: lasts 3.00 s, and the section ends at 4.00 s" --target piano.wav --out x.wav --section 1-4
infer 1 "$a: lasts 3.00 s, and the section begins at 3.50 s" --target piano.wav --out x.wav --section 3.5-
infer 1 "$a: 0.10000 s long, too short" --target piano.wav --out x.wav --section 2.9-
for wrong in 1 x-2 1:75-2:00 -2 1-2-3 1:-2 1e1-12 "0 - 1"; do
    infer 2 "--section $wrong: is not FROM-TO" --target piano.wav --out x.wav --section="$wrong"
done

# several targets: a file each, at other accents; several variations: a seed each, none of which follows another
infer 0 "the two follow each other by r" --target piano.wav --target harp.wav --out both.wav
there both_piano.wav both_harp.wav
cmp both_piano.wav plain.wav
infer 0 "r_input" --target harp.wav --seed 1 --out alone.wav
cmp both_harp.wav alone.wav
infer 0 "seeds 4 to 6: each gives its answer again" --target piano.wav --variations 3 --seed 4 --out v.wav
infer 0 "r_input" --target piano.wav --seed 5 --out alone.wav
cmp v_2.wav alone.wav
infer 0 "r_input" --target piano.wav --variations 3 --out v.flac
unwrapped out | sed -n 's/^they follow each other by .*at most by \([^ ]*\) .*/\1/p' >most
awk '{ r = $1 < 0 ? -$1 : $1; exit !(r < 0.7) }' most
expect 0 "r_input" cost v_1.flac $b v_3.flac
! cmp -s v_1.flac v_2.flac
infer 0 "r_input" --target piano.wav --target harp.wav --variations 2 --out all.wav
there all_piano_1.wav all_piano_2.wav all_harp_1.wav all_harp_2.wav
mkdir far && cp harp.wav far/piano.wav
infer 2 "piano.wav and far/piano.wav: the answers to both would be called x_piano.wav; rename one" \
    --target piano.wav --target far/piano.wav --out x.wav
infer 1 "absent.wav" --target piano.wav --target absent.wav --out x.wav
[ ! -e x_piano.wav ]
cp piano.wav own_piano.wav
infer 2 "own_piano.wav: is one of the sources" --target piano.wav --target own_piano.wav --out own.wav
cmp piano.wav own_piano.wav
expect 2 "--variations: is for --input and --target" infer --checkpoint run --pairs pairs --out x --variations 2

# knobs are for models with takes, and presets for those who do not want to turn them
for knob in "--seed 1" "--rhythm 0" "--harmony 0" "--dry 0" "--without rhythm" "--preset driving" "--variations 2"; do
    # shellcheck disable=SC2086
    expect 2 "${knob% *}: is for models with takes" infer --checkpoint cascade --input $a --target $b --out x.wav $knob
done
infer 2 "--preset drivin: there is none; did you mean driving?" --target piano.wav --out x.wav --preset drivin
infer 2 "--preset x: there is none; they are driving, floating and roaming" --target piano.wav --out x.wav --preset x
[ ! -e x.wav ] && [ ! -e x ]
if ls ./*.tmp* >/dev/null 2>&1; then echo "temporary files are left" && exit 1; fi
