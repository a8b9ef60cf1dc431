# A configuration small enough for tests, and pairs for it; `. "$1/tiny.sh"` brings it in after expect.sh.
cat >tiny.json <<'END'
{
  "data": {"path": "pairs", "seconds": 1.0},
  "codec": {"type": "mdct", "dim": 32},
  "agent": {"component": 4, "model": 32, "heads": 2, "layers": 1, "ff": 64, "output": "cascade"},
  "cascade": {"layers": 1, "heads": 2},
  "loss": {"novelty": 0.1, "corr_weight": 0.5},
  "train": {"epochs": 3, "batch_size": 2, "lr": 0.001}
}
END

# pairs FOLDER COUNT SECONDS: drums and piano from the synthesiser
pairs() {
    expect 0 "" synth --out "$1" --pairs "$2" --seconds "$3" --seed 1
}
