"""The metrics' reference numbers, by the packages that define them.

    python3 -m venv venv && venv/bin/pip install librosa==0.11.0 mir_eval==0.8.2 pyloudnorm==0.2.0 soundfile==0.14.0
    venv/bin/python tests/peers/make_metric_reference.py            # writes tests/fixtures/metrics.json
    venv/bin/python tests/peers/make_metric_reference.py --signals  # and makes the three recordings anew

Reads tests/fixtures/metrics_{input,target,output}.wav (24 kHz, mono, 16 bit): drums, chords, and plucks of the chords near
the drums' times. tests/unit/test_metrics.c holds include/antiphon/metrics.h against the result.
"""
import json
import pathlib
import re
import sys
import textwrap

import librosa
import mir_eval
import numpy as np
import pyloudnorm
import soundfile

RATE = 24000
SECONDS = 2.5
HERE = pathlib.Path(__file__).resolve().parent.parent / "fixtures"
NAMES = ("input", "target", "output")


# ---------------------------------------------------------------- the recordings
def strike(signal, at, sound):
    start = int(at * RATE)
    end = min(len(signal), start + len(sound))
    signal[start:end] += sound[: end - start]


def tone(pitch, seconds, decay, harmonics):
    t = np.arange(int(seconds * RATE)) / RATE
    f = 440 * 2 ** ((pitch - 69) / 12)
    y = sum(np.sin(2 * np.pi * f * h * t) / h for h in range(1, harmonics + 1))
    return y * np.exp(-t / decay) * np.minimum(t / 0.005, 1)


def make_signals():
    rng = np.random.default_rng(7)
    drums, chords, plucks = (np.zeros(int(SECONDS * RATE)) for _ in range(3))
    t = np.arange(RATE // 4) / RATE
    kick = np.sin(2 * np.pi * (50 * t + 6 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.06)
    for i, at in enumerate(np.arange(0.1, SECONDS, 0.25)):
        noise = rng.standard_normal(len(t))
        strike(drums, at, 0.6 * kick if i % 2 == 0 else 0.2 * noise * np.exp(-t / 0.03))
        strike(drums, at + 0.125, 0.06 * noise * np.exp(-t / 0.01))
    for at, chord in ((0.02, (60, 64, 67)), (1.22, (57, 60, 65))):
        for pitch in chord:
            strike(chords, at, 0.09 * tone(pitch, 1.3, 0.8, 6))
    for i, at in enumerate(np.arange(0.1, SECONDS, 0.25)):
        pitch = ((60, 64, 67), (57, 60, 65))[int(at > 1.2)][i % 3]
        strike(plucks, at + 0.03 * rng.standard_normal(), 0.2 * tone(pitch, 0.5, 0.12, 4))
    plucks += 0.15 * drums + 0.001 * rng.standard_normal(len(plucks))
    for name, signal in zip(NAMES, (drums, chords, plucks)):
        soundfile.write(HERE / f"metrics_{name}.wav", signal, RATE, subtype="PCM_16")


# ---------------------------------------------------------------- the packages' numbers
def onset_strength(x):
    return librosa.onset.onset_strength(y=x, sr=RATE, n_fft=1024, hop_length=240)


def onset_times(x):
    frames = librosa.onset.onset_detect(onset_envelope=onset_strength(x), sr=RATE, hop_length=240)
    return librosa.frames_to_time(frames, sr=RATE, hop_length=240)


def chance(reference, estimate, seconds, shifts=20):
    return np.mean([mir_eval.onset.f_measure(np.sort((reference + seconds * k / (shifts + 1)) % seconds), estimate)[0]
                    for k in range(1, shifts + 1)])


def chroma(x):
    c = librosa.feature.chroma_stft(y=x, sr=RATE, n_fft=4096, hop_length=1024, tuning=0)
    level = librosa.feature.rms(y=x, frame_length=4096, hop_length=1024)[0]
    return np.where(level >= 10 ** (-50 / 20), c, 0)


def chroma_cosine(a, b):
    norms = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    sounding = np.linalg.norm(b, axis=0) > 0
    return np.mean(((a * b).sum(0) / np.maximum(norms, 1e-12))[sounding])


def sounding(S):
    level = librosa.feature.rms(S=S, frame_length=2048)[0] / np.sqrt(3 / 8)  # the window's own level taken out
    return level >= 10 ** (-50 / 20)


def mfcc(x):
    c = librosa.feature.mfcc(y=x, sr=RATE, n_mfcc=13, n_fft=2048, hop_length=512, n_mels=128)
    return c[1:, sounding(np.abs(librosa.stft(x, n_fft=2048, hop_length=512)))].mean(1)


def flatness(x):
    S = np.abs(librosa.stft(x, n_fft=2048, hop_length=512))
    f = librosa.fft_frequencies(sr=RATE, n_fft=2048)
    return librosa.feature.spectral_flatness(S=S[(f >= 100) & (f <= 4500)])[0][sounding(S)].mean()


def loudness(x):
    return pyloudnorm.Meter(RATE).integrated_loudness(x.astype(np.float64))


# ---------------------------------------------------------------- and numpy's, for what no package defines
def pearson(a, b):
    return np.corrcoef(a, b)[0, 1]


def envelope(x, segments=250):
    width = len(x) // segments
    return np.abs(x[: segments * width]).reshape(segments, width).max(1)


def level(x, width):
    return np.sqrt((x[: len(x) // width * width].reshape(-1, width).astype(np.float64) ** 2).mean(1))


def lagged(a, b, lag=50):
    return max(abs(pearson(a[max(-k, 0): len(a) - max(k, 0)], b[max(k, 0): len(b) - max(-k, 0)]))
               for k in range(-lag, lag + 1))


def mix_share(o, i, t):
    basis = np.stack([i, t], 1).astype(np.float64)
    rest = o - basis @ np.linalg.lstsq(basis, o.astype(np.float64), rcond=None)[0]
    return 1 - (rest ** 2).sum() / (o.astype(np.float64) ** 2).sum()


def numbers(x):
    return [float(f"{v:.7g}") for v in np.asarray(x, dtype=np.float64).ravel()]


def matching_cases():
    """Random onset lists, dense enough that greedy choices could go wrong, and the size of the largest matching."""
    rng = np.random.default_rng(11)
    cases = []
    for size in (3, 10, 40, 80):
        a, b = (np.sort(rng.uniform(0, 2, size + rng.integers(0, 5))).round(4) for _ in range(2))
        cases.append({"a": numbers(a), "b": numbers(b), "pairs": len(mir_eval.util.match_events(a, b, 0.05))})
    return cases


def peak_cases():
    """Random onset strengths, and the frames in which librosa sees onsets."""
    rng = np.random.default_rng(12)
    cases = []
    for size in (20, 200, 200, 200):
        strength = (rng.standard_normal(size) ** 2).round(3)
        peaks = librosa.onset.onset_detect(onset_envelope=strength.copy(), sr=RATE, hop_length=240)
        cases.append({"strength": numbers(strength), "onsets": numbers(peaks)})
    return cases


def main():
    if "--signals" in sys.argv[1:]:
        make_signals()
    x = {name: soundfile.read(HERE / f"metrics_{name}.wav", dtype="float32")[0] for name in NAMES}
    onsets = {name: onset_times(x[name]) for name in NAMES}
    signals = {}
    for name in NAMES:
        e = envelope(x[name])
        signals[name] = {
            "onset_strength": numbers(onset_strength(x[name])), "onsets": numbers(onsets[name]),
            "chroma": numbers(chroma(x[name]).T), "mfcc": numbers(mfcc(x[name])), "flatness": float(flatness(x[name])),
            "loudness": float(loudness(x[name])), "variation": float(e.std(ddof=1) / e.mean()),
            "active": float((level(x[name], RATE // 20) > 10 ** (-50 / 20)).mean())}
    i, t, o = (x[name] for name in NAMES)
    f1 = mir_eval.onset.f_measure(onsets["input"], onsets["output"])[0]
    d_target, d_input = np.linalg.norm(mfcc(o) - mfcc(t)), np.linalg.norm(mfcc(o) - mfcc(i))
    reference = {
        "made_with": {package.__name__: package.__version__ for package in (librosa, mir_eval, np, soundfile)}
        | {"pyloudnorm": pyloudnorm.__dict__.get("__version__", "0.2.0")},
        "signals": signals,
        "peaks": peak_cases(),
        "matching": matching_cases(),
        "metrics": {
            "r_input": pearson(envelope(i), envelope(o)), "r_target": pearson(envelope(t), envelope(o)),
            "r_max_input": lagged(level(i, 240), level(o, 240)), "r_max_target": lagged(level(t, 240), level(o, 240)),
            "mix_share": mix_share(o, i, t), "onset_f1": f1,
            "onset_gain": f1 - chance(onsets["input"], onsets["output"], len(o) / RATE),
            "chroma": chroma_cosine(chroma(o), chroma(t)), "timbre_target": float(d_target),
            "timbre_input": float(d_input), "timbre_ratio": float(d_target / (d_target + d_input)),
            "loudness": loudness(o) - loudness(t)}}
    reference["metrics"] = {key: float(f"{value:.7g}") for key, value in reference["metrics"].items()}
    text = re.sub(r"(?<=[\d\[]),?\s+(?=[-\d])", ", ", json.dumps(reference, indent=1)).replace("[, ", "[")
    lines = [wrapped for line in text.split("\n") for wrapped in textwrap.wrap(line, 118, drop_whitespace=False) or [""]]
    (HERE / "metrics.json").write_text("\n".join(line.rstrip() for line in lines) + "\n")
    print(json.dumps(reference["metrics"], indent=1))
    print({name: (len(onsets[name]), signals[name]["loudness"], signals[name]["flatness"], signals[name]["variation"])
           for name in NAMES})


if __name__ == "__main__":
    main()
