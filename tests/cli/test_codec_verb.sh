# antiphon codec: latents and back by every kind of codec, measures, and what is refused.
. "$1/expect.sh"
. "$1/tiny.sh"
pairs pairs 4 1
a=$(ls pairs/val/*_input.wav) b=$(ls pairs/val/*_target.wav)
cat >wide.json <<'END'
{"codec": {"type": "mdct", "dim": 320, "hop": 320}}
END
cat >codec.json <<'END'
{
  "data": {"path": "pairs", "seconds": 0.5},
  "codec": {"type": "seanet", "dim": 8, "width": 4, "ratios": [5, 3, 2], "lstm": 1},
  "loss": {"rms_target": 1.0, "spectral": 0.5, "mel": 0.5},
  "train": {"epochs": 1, "batch_size": 2, "lr": 0.001}
}
END
echo '{"codec": {"type": "seanet", "norm": "time_group_norm"}}' >group.json
echo '{"codec": {"type": "seanet", "segment": 0.01}}' >short.json
# number KEY: of the codec's row of what --json printed
number() {
    sed -n '/"codec":/,/}/p' out | sed -n "s/.*\"$1\":[[:space:]]*\([-0-9.e]*\).*/\1/p"
}
holds() {
    awk "BEGIN { exit !($1) }" || { echo "not $1" && cat out && exit 1; }
}

# a transform with all its coefficients gives back what it was given; with an eighth of them it loses the top
expect 0 "envelope r" codec roundtrip "$a" --codec wide.json --out whole.wav
expect 0 "si_sdr_db" codec roundtrip "$a" --codec wide.json --json
holds "$(number si_sdr_db) > 60 && $(number log_mel_db) < 0.5 && $(number envelope_r) > 0.99"
sed 's/"dim": 320/"dim": 40/' wide.json >narrow.json
expect 0 "mdct dim=40" codec roundtrip "$a" "$b" --codec narrow.json --json
holds "$(number si_sdr_db) < 60 && $(number log_mel_db) > 2"

# latents are a file: the way in two steps is the way in one
expect 0 "[1, 320, " codec encode "$a" --codec wide.json --out z.safetensors
expect 0 "latents" info z.safetensors
expect 0 "apart.wav" codec decode z.safetensors --codec wide.json --out apart.wav
cmp whole.wav apart.wav
expect 0 "mdct dim=128" codec roundtrip "$a"

# a recording keeps its rate and its channels, and levels stand for what the coefficients leave out
format() { # FILE: its channels and its rate, from the header
    od -An -tu2 -j22 -N2 "$1" | tr -d ' \n' && od -An -tu4 -j24 -N4 "$1"
}
expect 0 "" codec roundtrip "$a" --codec wide.json --sample_rate 44100 --channels 2 --out stereo.wav
[ "$(format stereo.wav)" = "2      44100" ]
expect 0 "bands=16" codec roundtrip stereo.wav --out again.wav --json
holds "$(number log_mel_db) < 1"
[ "$(format again.wav)" = "2      44100" ]
expect 0 "[2, 128, " codec encode stereo.wav --out z.safetensors
expect 0 "" codec decode z.safetensors --out decoded.wav
cmp again.wav decoded.wav
expect 0 "" codec roundtrip stereo.wav --channels 1 --sample_rate 24000 --out mono.wav
[ "$(format mono.wav)" = "1      24000" ]
expect 0 "" codec encode "$a" --codec wide.json --out z.safetensors
expect 2 "is below" codec roundtrip "$a" --sample_rate 100 --out no.wav
expect 2 "" codec roundtrip "$a" --channels 3 --out no.wav

# a run's folder, its checkpoint, the configuration and weights alone are all codecs
expect 0 "best.safetensors" train-codec codec.json --out run
for codec in run run/checkpoints/best.safetensors; do
    expect 0 "seanet dim=8 hop=30" codec roundtrip "$a" --codec "$codec" --out "out.wav"
    [ -e first.wav ] && cmp first.wav out.wav
    cp out.wav first.wav
done
sed 's/"lstm": 1/"lstm": 1, "weights": "run\/checkpoints\/best.safetensors"/' codec.json >trained.json
expect 0 "seanet dim=8 hop=30" codec roundtrip "$a" --codec trained.json --out out.wav
cmp first.wav out.wav

expect 0 "the codec is random" codec roundtrip "$a" --codec codec.json

# a stereo codec encodes both channels jointly, at its own rate, in segments, whose volumes stand beside the latents
sed 's/"lstm": 1/"lstm": 1, "channels": 2, "causal": false, "norm": "time_group_norm", "normalize": true, "segment": 0.2, "sample_rate": 32000/' codec.json >joint.json
joint="sample_rate=32000 channels=2 causal=false norm=time_group_norm normalize=true segment=0.2"
expect 0 "$joint" codec roundtrip stereo.wav --codec joint.json --out joint.wav
[ "$(format joint.wav)" = "2      32000" ]
expect 0 "[1, 8, " codec encode stereo.wav --codec joint.json --out joint.safetensors
expect 0 "scales" info joint.safetensors
expect 0 "" codec decode joint.safetensors --codec joint.json --out decoded.wav
cmp joint.wav decoded.wav
expect 0 "$joint" codec roundtrip "$a" "$b" --codec joint.json
grep -q "ignores" err && cat err && exit 1
expect 2 "encodes 2 jointly" codec roundtrip stereo.wav --codec joint.json --channels 1 --out no.wav
expect 1 "latents of another codec" codec decode joint.safetensors --codec wide.json --out no.wav
for verb in train train-codec bench; do expect 2 "codec.channels = 2: an agent and training hear one channel" $verb joint.json; done
expect 2 "codec.causal must be false" codec roundtrip "$a" --codec group.json
expect 2 "less than one frame" codec roundtrip "$a" --codec short.json

# weights with a configuration of transformers beside them; without it, no one knows their rate
mkdir stereo
cp "$1/../golden/codec_round_trip_stereo.safetensors" stereo/model.safetensors
expect 1 "has group norm, and shapes do not tell" codec roundtrip stereo.wav --codec stereo/model.safetensors --out no.wav
echo '{"sampling_rate": 16000, "audio_channels": 2, "use_causal_conv": false, "norm_type": "time_group_norm", "normalize": true, "chunk_length_s": 1, "overlap": 0.01}' >stereo/config.json
expect 0 "seanet dim=6 hop=6 sample_rate=16000 channels=2" codec roundtrip stereo.wav --codec stereo/model.safetensors --out joint.wav
[ "$(format joint.wav)" = "2      16000" ]
echo '{"sampling_rate": 16000, "use_causal_conv": false, "norm_type": "weight_norm"}' >stereo/config.json
expect 1 "its norm_type differs from the weights'" codec roundtrip stereo.wav --codec stereo/model.safetensors --out no.wav

# what does not fit is refused, and writes nothing
expect 1 "latents of another codec: mdct dim=320" codec decode z.safetensors --out no.wav
expect 1 "no latents" codec decode run/checkpoints/best.safetensors --out no.wav
expect 1 "holds neither a checkpoint nor the weights" codec roundtrip "$a" --codec z.safetensors --out no.wav
expect 1 "none.wav" codec encode none.wav --out no.safetensors
expect 2 "something other than latents" codec encode "$a" --out run/checkpoints/best.safetensors
expect 2 "ends in .safetensors" codec encode "$a" --out no.wav
expect 2 "must end in .wav or .flac" codec decode z.safetensors --out no.mp3
expect 2 "--out is missing" codec encode "$a"
expect 2 "is what is read" codec roundtrip "$a" --out "$a"
expect 2 "one recording" codec roundtrip "$a" "$b" --out no.wav
expect 2 "not encode, decode or roundtrip" codec play "$a"
expect 2 "" codec encode
for file in no.*; do [ ! -e "$file" ]; done
