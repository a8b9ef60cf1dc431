# Training a small seanet codec, then an agent on top of it.
. "$1/expect.sh"
. "$1/tiny.sh"
pairs pairs 4 1
cat >codec.json <<'END'
{
  "data": {"path": "pairs", "seconds": 0.5},
  "codec": {"type": "seanet", "dim": 8, "width": 4, "ratios": [8, 4], "lstm": 1},
  "agent": {"component": 4, "model": 16, "heads": 2, "layers": 1, "ff": 32, "output": "direct"},
  "loss": {"rms_target": 1.0, "spectral": 0.5, "mel": 0.5, "corr_weight": 0.5},
  "train": {"epochs": 2, "batch_size": 2, "lr": 0.001}
}
END
expect 0 "best.safetensors" train-codec codec.json --out codec
expect 0 "encoder.layers.0.conv.weight_v" info codec/checkpoints/best.safetensors
grep -q '"train_mel"' codec/log.jsonl
# what was validated, beside a lapped transform and silence
expect 0 "SI-SDR dB" train-codec codec.json --out table --epochs=1
for row in codec mdct silence; do grep -q "^  $row  " out; done
grep -q '"val_envelope_r"' table/log.jsonl
expect 0 "best.safetensors" train codec.json --out agent --codec.weights=codec/checkpoints/best.safetensors
a=$(ls pairs/val/*_input.wav) b=$(ls pairs/val/*_target.wav)
expect 0 "r_input" infer --checkpoint agent/checkpoints/best.safetensors --input "$a" --target "$b" --out c.wav

# EnCodec's other kind of network learns too; its checkpoint says what it is
expect 0 "best.safetensors" train-codec codec.json --out both --epochs=1 --codec.causal=false --codec.norm=time_group_norm
expect 0 "encoder.layers.0.norm.weight" info both/checkpoints/best.safetensors
expect 0 "causal=false norm=time_group_norm" codec roundtrip "$a" --codec both
expect 1 "of a model with codec.norm = time_group_norm; the configuration has weight_norm" train codec.json --out no --codec.weights=both/checkpoints/best.safetensors

expect 0 "the frozen codec is random" train codec.json --out random --epochs=1
expect 0 "audio to 0.6 kHz and levels above" train tiny.json --out levels --codec.bands=16 --epochs=1
expect 1 "holds only a codec" infer --checkpoint codec/checkpoints/best.safetensors --input "$a" --target "$b" --out no.wav
expect 1 "holds only a codec" evaluate --checkpoint codec/checkpoints/best.safetensors --pairs pairs
expect 0 "best.safetensors" train-codec tiny.json --out late --codec.type=seanet --codec.width=4 --codec.dim=8 --epochs=1
# of a recipe for composing only what serves a codec stays
expect 0 "best.safetensors" train-codec tiny.json --out apart --data.path=pairs --codec.type=seanet --codec.width=4 --codec.dim=8 --epochs=1
if grep -Eq '"train_(mixture|onset|chroma|level|novelty)_loss"' apart/log.jsonl; then echo "a term too many" && exit 1; fi
expect 2 "codec.width = 3 is odd" train-codec codec.json --out no --codec.width=3
expect 2 "codec.lstm = 5" train-codec codec.json --out no --codec.lstm=5
expect 2 "no weights" train-codec tiny.json --out no
expect 1 "codec.json" train codec.json --out no --codec.weights=codec.json
expect 1 "encoder.layers" train codec.json --out no --codec.weights=codec/checkpoints/best.safetensors --codec.width=8
[ ! -e no ]
