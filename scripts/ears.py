#!/usr/bin/env python3
"""Measures composed pieces by librosa, mir_eval and pyloudnorm; by madmom and
basic-pitch where they are installed.

None of it is Antiphon's code. Of each system, a folder of triplets, it prints
the means over pieces and half of their 95 % bootstrap interval:

  onset      F-measure of the output's onsets against the input's within 50 ms,
             above chance (the same shifted)
  onset_nn   the same by madmom's network (Eyben et al., 2010)
  beat       F-measure of the output's beats against the input's within 70 ms,
             by madmom (Boeck, Schedl, 2011)
  chroma     correlation of chroma with the target's
  chroma_in  the same with the input's, less the target's own with it
  notes      F-measure of the output's pitches against the target's at the same
             time, by basic-pitch (Bittner et al., 2022)
  timbre     distance of mean MFCC to the target's, over that to the target's
             and the input's
  r_in, r_tg largest correlation of the levels with the input's, the target's,
             within half a second
  LU, crest  integrated loudness above the target's (BS.1770); peak over RMS, dB
  image      how far the side channel's share is from the target's, in stereo

With --evaluation, which `antiphon evaluate --json` writes, it says whether the
program's own measures order the systems alike: Spearman's rank correlation over
the systems that are in both.
"""
import argparse
import collections.abc
import glob
import json
import logging
import os
import sys
import warnings

RATE, HOP = 22050, 256
SHIFTS, RESAMPLES = 20, 2000
# (measure here, metric of `antiphon evaluate`)
COMPARED = (("onset", "onset_gain"), ("onset_nn", "onset_gain"), ("chroma", "chroma"), ("notes", "chroma"), ("timbre", "timbre_ratio"),
            ("r_in", "r_max_input"), ("r_tg", "r_max_target"), ("LU", "loudness"), ("crest", "crest"))


class Narrow(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog):
        super().__init__(prog, width=80)


def options():
    parser = argparse.ArgumentParser(prog="ears.sh", description=__doc__, formatter_class=Narrow)
    parser.add_argument("systems", nargs="+", metavar="NAME=DIR", help="a name and its folder of triplets; DIR alone is its own name")
    parser.add_argument("--most", type=int, default=10**6, metavar="N", help="pieces of each folder, at most")
    parser.add_argument("--pieces", metavar="FILE", help="make_corpus.sh's pairs.csv: intervals are over pieces, not over windows of them")
    parser.add_argument("--set", default="judged", help="the set of that file (default: judged)")
    parser.add_argument("--evaluation", metavar="FILE", help="written by antiphon evaluate --json")
    parser.add_argument("--json", metavar="FILE", help="also write all numbers there")
    parser.add_argument("--only-librosa", action="store_true", help="neither madmom nor basic-pitch, which take longer")
    return parser.parse_args()


class Networks:
    """madmom's and basic-pitch's, where they are installed"""

    def __init__(self, wanted):
        self.onset = self.beat = self.notes = None
        if not wanted:
            return
        try:
            for name in ("MutableSequence", "MutableMapping", "Iterable", "Sequence"):  # madmom is of Python 3.7
                setattr(collections, name, getattr(collections.abc, name))
            for name, kind in (("float", float), ("int", int), ("bool", bool)):
                if name not in np.__dict__:
                    setattr(np, name, kind)
            from madmom.features import beats, onsets
            from madmom.audio.signal import Signal
            network, pick = onsets.RNNOnsetProcessor(), onsets.OnsetPeakPickingProcessor(fps=100)
            follow, track = beats.RNNBeatProcessor(), beats.DBNBeatTrackingProcessor(fps=100)
            heard = lambda x: Signal(np.asarray(np.clip(x, -1, 1) * 32767, np.int16), sample_rate=44100, num_channels=1)
            self.onset = lambda x: pick(network(heard(x)))
            self.beat = lambda x: track(follow(heard(x)))
        except ImportError as error:
            print(f"without madmom: {error}", file=sys.stderr)
        try:
            logging.disable(logging.WARNING)  # of the runtimes that are not there
            import basic_pitch
            from basic_pitch.inference import Model, predict
            model = Model(os.path.join(os.path.dirname(basic_pitch.__file__), "saved_models/icassp_2022/nmp.onnx"))

            def notes(path):
                with open(os.devnull, "w") as nothing:
                    out, sys.stdout = sys.stdout, nothing
                    try:
                        return [(start, end, pitch) for start, end, pitch, *_ in predict(path, model)[2]]
                    finally:
                        sys.stdout = out
            self.notes = notes
        except Exception as error:  # without onnxruntime its own import ends in a NameError
            print(f"without basic-pitch: {error}", file=sys.stderr)


# ---------------------------------------------------------------- one recording
class Heard:
    def __init__(self, path, networks):
        self.path = path
        whole, rate = soundfile.read(path, always_2d=True)
        self.whole, self.rate, self.seconds = whole, rate, len(whole) / rate
        mid = whole.mean(1)
        x = self.x = librosa.resample(mid, orig_sr=rate, target_sr=RATE)
        self.onsets = librosa.onset.onset_detect(y=x, sr=RATE, hop_length=HOP, units="time")
        self.chroma = librosa.feature.chroma_stft(y=x, sr=RATE, n_fft=4096, hop_length=1024, tuning=0)
        sounding = librosa.feature.rms(y=x, frame_length=2048, hop_length=512)[0] > 10 ** (-50 / 20)
        mfcc = librosa.feature.mfcc(y=x, sr=RATE, n_mfcc=13, hop_length=512)[1:]
        self.mfcc = mfcc[:, sounding].mean(1) if sounding.any() else np.zeros(12)
        width = RATE // 100
        self.level = np.sqrt((x[: len(x) // width * width].reshape(-1, width) ** 2).mean(1))
        self.loudness = pyloudnorm.Meter(rate).integrated_loudness(whole if whole.shape[1] > 1 else mid)
        rms = np.sqrt((whole**2).mean())
        self.crest = 20 * np.log10(np.abs(whole).max() / rms) if rms > 0 else 0.0
        side = (whole[:, 0] - whole[:, -1]) / 2
        self.image = float((side**2).sum() / max((side**2).sum() + (mid**2).sum(), 1e-12)) if whole.shape[1] > 1 else np.nan
        at_44100 = librosa.resample(mid, orig_sr=rate, target_sr=44100) if networks.onset else None
        self.onsets_nn = networks.onset(at_44100) if networks.onset else None
        self.beats = networks.beat(at_44100) if networks.beat else None
        self.notes = networks.notes(path) if networks.notes else None


def above_chance(reference, estimate, seconds, measure):
    """the measure less its mean over shifts of the reference"""
    if len(reference) == 0 or len(estimate) == 0:
        return 0.0
    shifted = [np.sort((reference + seconds * k / (SHIFTS + 1)) % seconds) for k in range(1, SHIFTS + 1)]
    return measure(reference, estimate) - float(np.mean([measure(s, estimate) for s in shifted]))


def onset_f(reference, estimate):
    return mir_eval.onset.f_measure(reference, estimate, window=0.05)[0]


def correlation(a, b):
    count = min(a.shape[-1], b.shape[-1])
    a, b = a[..., :count].ravel() - a[..., :count].mean(), b[..., :count].ravel() - b[..., :count].mean()
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / size) if size > 0 else 0.0


def largest_r(a, b):
    lag, count = min(50, min(len(a), len(b)) // 4), min(len(a), len(b))
    return max(abs(correlation(a[max(0, k) : count + min(0, k)], b[max(0, -k) : count - max(0, k)])) for k in range(-lag, lag + 1))


def note_f(reference, estimate, seconds):
    """F-measure of pitch classes that sound, in steps of 50 ms: an output may repeat the target's notes as often as it likes"""
    def roll(notes):
        grid = np.zeros((12, max(1, int(seconds * 20))), bool)
        for start, end, pitch in notes:
            grid[pitch % 12, int(start * 20) : max(int(end * 20), int(start * 20) + 1)] = True
        return grid
    a, b = roll(reference), roll(estimate)
    sounding = b.any(0) & a.any(0)  # what it plays, not when it is silent
    common, both = (a & b)[:, sounding].sum(), a[:, sounding].sum() + b[:, sounding].sum()
    return 2 * common / both if both else np.nan


def measure(i, t, o):
    distance = lambda a, b: float(np.linalg.norm(a.mfcc - b.mfcc))
    to_target, to_input = distance(o, t), distance(o, i)
    values = {
        "onset": above_chance(i.onsets, o.onsets, i.seconds, onset_f),
        "chroma": correlation(o.chroma, t.chroma),
        "chroma_in": correlation(o.chroma, i.chroma) - correlation(t.chroma, i.chroma),
        "timbre": to_target / (to_target + to_input) if to_target + to_input > 0 else np.nan,
        "r_in": largest_r(i.level, o.level), "r_tg": largest_r(t.level, o.level),
        "LU": o.loudness - t.loudness, "crest": o.crest, "image": o.image - t.image}
    if o.onsets_nn is not None:
        values["onset_nn"] = above_chance(i.onsets_nn, o.onsets_nn, i.seconds, onset_f)
        values["beat"] = mir_eval.beat.f_measure(i.beats, o.beats) if len(i.beats) and len(o.beats) else 0.0
    if o.notes is not None:
        values["notes"] = note_f(t.notes, o.notes, i.seconds)
    return {name: float(v) if np.isfinite(v) else np.nan for name, v in values.items()}


# ---------------------------------------------------------------- all of them
def names_in(folder):
    ending = "_3_output.wav"
    names = sorted(os.path.basename(p)[: -len(ending)] for p in glob.glob(os.path.join(folder, "*" + ending)))
    if not names:
        sys.exit(f"{folder}: holds no composed piece (NAME_3_output.wav)")
    return names


def pieces_of(path, part):
    """{pair: its target}"""
    import csv
    with open(path, newline="") as file:
        return {row["pair"]: row["target"] for row in csv.DictReader(file) if row["set"] == part}


def interval(values, groups, rng):
    """the mean, and half the width of its interval when pieces are drawn again"""
    keep = np.isfinite(values)
    values, groups = values[keep], groups[keep]
    if len(values) == 0:
        return np.nan, np.nan
    sums = np.array([(values[groups == g].sum(), (groups == g).sum()) for g in np.unique(groups)])
    drawn = sums[rng.integers(len(sums), size=(RESAMPLES, len(sums)))].sum(1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    return float(values.mean()), float(high - low) / 2


def ranks(values):
    order = np.argsort(np.argsort(values)).astype(float)
    for v in set(values):  # ties share their mean
        order[values == v] = order[values == v].mean()
    return order


def agree(systems, means, evaluation):
    """Spearman's rank correlations with the program's own means"""
    with open(evaluation) as file:
        own = {s["name"].replace(" ", "_"): s["summary"] for s in json.load(file)["systems"]}
    both = [s for s in systems if s.replace(" ", "_") in own]
    found = {}
    for here, there in COMPARED:
        pairs = [(means[s][here][0], own[s.replace(" ", "_")][there]["mean"]) for s in both if here in means[s]]
        pairs = [(a, b) for a, b in pairs if b is not None and np.isfinite(a)]
        if len(pairs) > 2:
            a, b = (ranks(np.array(side)) for side in zip(*pairs))
            found[f"{here} / {there}"] = {"spearman": correlation(a, b), "systems": len(pairs)}
    return found


def main():
    given = options()
    libraries()
    networks = Networks(not given.only_librosa)
    piece = pieces_of(given.pieces, getattr(given, "set")) if given.pieces else {}
    values, means, sources = {}, {}, {}
    for system in given.systems:
        name, _, folder = system.rpartition("=")
        name = name or os.path.basename(os.path.normpath(folder))
        names = names_in(folder)[: given.most]
        rows = []
        for k, n in enumerate(names):
            print(f"\r{name}: {k + 1} of {len(names)} ", end="", file=sys.stderr, flush=True)
            heard = []
            for part in ("1_input", "2_target", "3_output"):
                path = f"{folder}/{n}_{part}.wav"
                key = (n, part, os.path.getsize(path)) if part != "3_output" else None  # the same sources for every system
                if key is None or key not in sources:
                    x = Heard(path, networks)
                    if key is None:
                        heard.append(x)
                        continue
                    sources[key] = x
                heard.append(sources[key])
            rows.append(measure(*heard))
        print(file=sys.stderr)
        values[name] = {"pieces": names, "values": {m: [r[m] for r in rows] for m in rows[0]}}
        groups = np.unique([piece.get(n, n) for n in names], return_inverse=True)[1]
        means[name] = {m: interval(np.array(v), groups, np.random.default_rng(1)) for m, v in values[name]["values"].items()}
    columns = [m for m in ("onset", "onset_nn", "beat", "chroma", "chroma_in", "notes", "timbre", "r_in", "r_tg", "LU", "crest", "image")
               if any(np.isfinite(means[s].get(m, (np.nan,))[0]) for s in means)]
    print("| | n | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 2))
    for s in means:
        cells = [f"{means[s][m][0]:.2f} ±{means[s][m][1]:.2f}" if m in means[s] else "" for m in columns]
        print(f"| {s} | {len(values[s]['pieces'])} | " + " | ".join(cells) + " |")
    order = agree(list(means), means, given.evaluation) if given.evaluation else {}
    for what, found in order.items():
        print(f"order of {found['systems']} systems, {what}: Spearman {found['spearman']:.2f}")
    if given.json:
        plain = lambda v: None if not np.isfinite(v) else v
        result = {s: {"pieces": values[s]["pieces"],
                      "summary": {m: {"mean": plain(a), "half": plain(b)} for m, (a, b) in means[s].items()},
                      "values": {m: [plain(v) for v in row] for m, row in values[s]["values"].items()}} for s in means}
        with open(given.json, "w") as file:
            json.dump({"systems": result, "order": order}, file, indent=1)


def libraries():
    """what is measured with, once the arguments are understood"""
    global librosa, mir_eval, np, pyloudnorm, soundfile
    import librosa
    import mir_eval
    import numpy as np
    import pyloudnorm
    import soundfile
    warnings.filterwarnings("ignore")


if __name__ == "__main__":
    main()
