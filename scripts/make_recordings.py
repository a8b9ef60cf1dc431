#!/usr/bin/env python3
"""Makes pairs of recorded drums and produced music from unpacked Debian packages.

usage: make_recordings.py ROOT DIR TRAINING VALIDATION JUDGED PITCHED SONGS SECONDS SONG_SECONDS SEED

Below ROOT stand the files of the packages that make_corpus.sh names. Writes, stereo and at 44.1 kHz,
DIR/{train,val,judged,pitched,songs}/{inputs,targets}/NNNN.wav, and to DIR/pairs.csv what each was made from. Inputs are
drum loops, and patterns played on sampled kits; those of pitched are guitars and whole songs. Targets are windows of
SECONDS from pieces of music; those of songs last SONG_SECONDS. No piece is in two of train, val and judged, nor are
pieces whose names share a word; no kit and no loop is in both train and judged. All follows from SEED.
"""
import csv
import glob
import os
import random
import re
import subprocess
import sys
import wave
import xml.etree.ElementTree as xml

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import make_midi  # its grooves

RATE = 44100
MUSIC = ("usr/share/games/wesnoth/*/data/core/music", "usr/share/games/hedgewars/Data/Music",
         "usr/share/games/supertux2/music/*", "usr/share/games/singularity/music", "usr/share/hyperrogue/music")
STEMS = "usr/share/games/fretsonfire/data/songs/*/*"  # guitar.ogg beside song.ogg, the rest of the band
KITS = "usr/share/hydrogen/data/drumkits/*"
LOOPS = "usr/share/sonic-pi/samples/loop_*.flac"
PITCHED_LOOPS = ("loop_drone_g_97", "loop_garzul", "loop_3d_printer")
COMMON_WORDS = {"theme", "music", "remix", "drums", "drumkit", "loop", "part", "savino", "domina"}
SHORTEST = 40  # seconds of a piece
QUIETEST = 10 ** (-45 / 20)  # RMS of a window
WINDOWS_OF_PIECE = 6  # for training, at most
LARGEST_FAMILY = 6  # a larger one is trained on

# Parts of a groove, and the words that name instruments which can play them, in the order of preference.
ROLES = {
    make_midi.KICK: ("kick", "bass ?drum", "bass", "thump"),
    make_midi.SNARE: ("snare", "slap"),
    make_midi.CLAP: ("clap", "snap", "clave", "rim", "stick", "snare", "slap"),
    make_midi.STICK: ("stick", "rim", "click", "wood", "mute", "snare", "slap"),
    make_midi.CLOSED: ("closed", r"\bcl\b", "hat", "hh", "maraca", "bell", "tone"),
    make_midi.OPEN: ("open", r"\bop\b", "hat", "tambourine", "bell", "tone"),
    make_midi.CRASH: ("crash", "splash", "cymbal", "open", "bell", "drum"),
    make_midi.RIDE: ("ride", "cymbal", "bell", "closed", "maraca", r"\bcl\b"),
    make_midi.SHAKER: ("maraca", "shake", "tambourine", "pedal", "closed", r"\bcl\b", "bell"),
    make_midi.COWBELL: ("cowbell", "bell", "agogo", "ride", "drum", "closed"),
}
ROLES.update({tom: ("tom", "conga", "bongo", "tone", "drum", "snare") for tom in make_midi.TOMS})


def decode(path, speed=1.0):
    """[samples, 2] at RATE; played faster by `speed`, and higher"""
    command = ["sox", "-G", path, "-t", "f32", "-c", "2", "-"] + (["speed", f"{speed:.6f}"] if speed != 1 else [])
    raw = subprocess.run(command + ["rate", "-h", str(RATE)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return np.frombuffer(raw.stdout, np.float32).reshape(-1, 2)


def write(path, x):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with wave.open(path, "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", None))
        file.writeframes(np.round(np.clip(x, -1, 1) * 32767).astype("<i2").tobytes())


def rms(x):
    return float(np.sqrt(np.mean(x.mean(1) ** 2))) if len(x) else 0.0


def length(path):
    return float(subprocess.run(["soxi", "-D", path], check=True, stdout=subprocess.PIPE).stdout)


# ---------------------------------------------------------------- what belongs together
def words(name):
    found = re.findall(r"[a-z]{4,}", os.path.splitext(name)[0].lower())
    return [w for w in found if w not in COMMON_WORDS]


def families(names):
    """names in groups: two share one if a word of one is within a word of the other"""
    of = list(range(len(names)))
    for a in range(len(names)):
        for b in range(a):
            if of[a] != of[b] and any(u in v or v in u for u in words(names[a]) for v in words(names[b])):
                of = [of[b] if k == of[a] else k for k in of]
    return [[n for n, k in zip(names, of) if k == group] for group in sorted(set(of))]


def split(names, paths, counts, rng, able=lambda name: True):
    """parts of `names`, of at least counts[k] that are `able` each; the last has what is left"""
    groups = families(names)
    rng.shuffle(groups)
    parts = [[] for _ in counts] + [[]]
    for group in groups:
        open_parts = [k for k, count in enumerate(counts) if sum(map(able, parts[k])) < count]
        parts[open_parts[0] if open_parts and len(group) <= LARGEST_FAMILY else -1] += group
    return [[paths[name] for name in part] for part in parts]


# ---------------------------------------------------------------- drums
class Kit:
    def __init__(self, folder):
        self.folder, self.instruments, self.samples = folder, [], {}
        for instrument in xml.parse(os.path.join(folder, "drumkit.xml")).iterfind(".//{*}instrument"):
            layers = []
            for layer in instrument.iterfind(".//{*}layer"):
                path = os.path.join(folder, layer.findtext("{*}filename") or "")
                if os.path.isfile(path):
                    layers.append((float(layer.findtext("{*}min") or 0), float(layer.findtext("{*}max") or 1), path))
            single = os.path.join(folder, instrument.findtext("{*}filename") or "?")
            if not layers and os.path.isfile(single):
                layers = [(0.0, 1.0, single)]
            if layers:
                name = (instrument.findtext("{*}name") or "").lower()
                self.instruments.append((name, float(instrument.findtext("{*}volume") or 1), layers))

    def playing(self, role, rng):
        """one of the instruments that play the part best"""
        for pattern in ROLES[role]:
            found = [i for i in self.instruments if re.search(pattern, i[0])]
            if found:
                return rng.choice(found)
        return rng.choice(self.instruments)

    def hit(self, instrument, velocity):
        _, volume, layers = instrument
        path = min(layers, key=lambda l: max(l[0] - velocity, velocity - l[1], 0))[2]
        if path not in self.samples:
            self.samples[path] = decode(path)
        return self.samples[path] * (volume * velocity**1.5)


def pattern(kit, rng, seconds):
    """a part of make_midi.py's drums, played on the kit"""
    piece = make_midi.Piece(rng, seconds)
    chosen, out = {}, np.zeros((int(seconds * RATE), 2), np.float32)
    for beat, _, pitch, velocity in make_midi.drums(rng, piece):
        if pitch not in chosen:
            chosen[pitch] = kit.playing(pitch, rng)
        at = int((beat * 60 / piece.tempo + abs(rng.gauss(0, 0.003))) * RATE)
        sound = kit.hit(chosen[pitch], velocity / 127)[: max(0, len(out) - at)]
        out[at : at + len(sound)] += sound
    return out


def loop(path, rng, seconds):
    """a loop over and over, at its own speed or near it; every other time its eighths are put in another order"""
    sound, out = decode(path, rng.uniform(0.9, 1.12)), np.zeros((int(seconds * RATE), 2), np.float32)
    shuffled, at, fade = rng.random() < 0.5, 0, np.linspace(0, 1, 64, dtype=np.float32)[:, None]
    while at < len(out):
        slices = np.array_split(sound, 8)
        if shuffled and at:
            slices = [slices[k if rng.random() < 0.6 else rng.randrange(8)] for k in range(8)]
        for piece in slices:
            piece = piece.copy()
            if shuffled and len(piece) > 128:
                piece[:64] *= fade
                piece[-64:] *= fade[::-1]
            piece = piece[: max(0, len(out) - at)]
            out[at : at + len(piece)] += piece
            at += len(piece)
    return out


def drums(sources, index, rng, seconds):
    """by turns: one of three is a loop"""
    kits, loops = sources
    if loops and (index % 3 == 2 or not kits):
        source = loops[index // 3 % len(loops)]
        x = loop(source, rng, seconds)
    else:
        kit = kits[(index - index // 3) % len(kits)]
        source, x = kit.folder, pattern(kit, rng, seconds)
    return source, x * (rng.uniform(0.5, 0.95) / max(1e-9, np.abs(x).max()))


# ---------------------------------------------------------------- sets
def windows(path, count, seconds):
    """up to `count` windows, spread over the piece, that are not near silence: (start, samples)"""
    x, size = decode(path), int(seconds * RATE)
    places = [k * size for k in range(len(x) // size)]
    found = [(p / RATE, x[p : p + size]) for p in places if rms(x[p : p + size]) > QUIETEST]
    keep = sorted({int((k + 0.5) * len(found) / count) for k in range(count)}) if len(found) > count else range(len(found))
    return [found[k] for k in keep]


class Writer:
    def __init__(self, root, folder):
        self.root, self.folder, self.rows, self.count = root, folder, [], {}

    def pair(self, part, sources, input_, target, starts=("", "")):
        self.count[part] = self.count.get(part, 0) + 1
        name = f"{self.count[part]:04d}"
        write(f"{self.folder}/{part}/inputs/{name}.wav", input_)
        write(f"{self.folder}/{part}/targets/{name}.wav", target)
        named = [os.path.relpath(s, self.root) for s in sources]
        self.rows.append((part, f"pair_{name}", *named, *(s if s == "" else f"{s:.2f}" for s in starts)))

    def finish(self):
        with open(f"{self.folder}/pairs.csv", "w", newline="") as file:
            csv.writer(file).writerows([("set", "pair", "input", "target", "input_start", "target_start"), *self.rows])


def fill(writer, part, pieces, sources, count, each, seconds, rng):
    """`count` windows of music with drums, `each` of a piece at a time; fewer when the music ends"""
    made, pieces = 0, rng.sample(pieces, len(pieces))
    for path in pieces:
        for start, target in windows(path, each, seconds):
            if made == count:
                return
            source, x = drums(sources, made, rng, seconds)
            writer.pair(part, (source, path), x, target, ("", start))
            made += 1


def fill_pitched(writer, guitars, pieces, count, seconds, rng):
    """inputs by turns: a guitar alone, a whole song"""
    for k in range(count):
        target = pieces[(2 * k) % len(pieces)]
        source = guitars[k // 2 % len(guitars)] if k % 2 == 0 else pieces[(2 * k + 1) % len(pieces)]
        (a, x), (b, y) = (rng.choice(windows(path, 8, seconds)) for path in (source, target))
        writer.pair("pitched", (source, target), x, y, (a, b))


def find(root, patterns, extension="ogg"):
    return sorted(p for pattern in patterns for p in glob.glob(os.path.join(root, pattern, f"*.{extension}")))


def main(root, folder, training, validation, judged, pitched, songs, seconds, song_seconds, seed):
    rng, writer = random.Random(seed), Writer(root, folder)
    long_enough = {p: length(p) for p in find(root, MUSIC)}
    music = {os.path.basename(p): p for p, s in long_enough.items() if s >= SHORTEST}
    lasting = {n for n, p in music.items() if long_enough[p] >= song_seconds}
    songs_of, judged_of, val_of, train_of = split(sorted(music), music, (songs, -(-judged // 2), -(-validation // 2)), rng)
    if songs:  # whole ones: the longest of what is judged
        unheard = sorted(songs_of + judged_of, key=lambda p: os.path.basename(p) not in lasting)
        songs_of, judged_of = unheard[:songs], unheard[songs:] + unheard[:songs]

    kits = {os.path.basename(p): p for p in sorted(glob.glob(os.path.join(root, KITS))) if os.path.isfile(p + "/drumkit.xml")}
    loops = {os.path.basename(p): p for p in sorted(glob.glob(os.path.join(root, LOOPS)))}
    loops = {n: p for n, p in loops.items() if not n.startswith(PITCHED_LOOPS)}
    judged_kits, kits = split(sorted(kits), kits, (max(1, len(kits) // 3),), rng)
    judged_loops, loops = split(sorted(loops), loops, (max(1, len(loops) // 3),), rng)
    heard, unheard = ([Kit(p) for p in kits], loops), ([Kit(p) for p in judged_kits], judged_loops)

    fill(writer, "train", train_of, heard, training, WINDOWS_OF_PIECE, seconds, rng)
    fill(writer, "val", val_of, heard, validation, 2, seconds, rng)
    fill(writer, "judged", judged_of, unheard, judged, 2, seconds, rng)
    guitars = sorted(glob.glob(os.path.join(root, STEMS, "guitar.ogg")))
    if pitched and not guitars:
        sys.exit(f"no guitar.ogg in {os.path.join(root, STEMS)}")
    fill_pitched(writer, rng.sample(guitars, len(guitars)), rng.sample(judged_of, len(judged_of)), pitched, seconds, rng)
    fill(writer, "songs", songs_of, unheard, songs, 1, song_seconds, rng)
    writer.finish()


if __name__ == "__main__":
    if len(sys.argv) != 11:
        sys.exit(__doc__)
    main(*sys.argv[1:3], *map(int, sys.argv[3:8]), *map(float, sys.argv[8:10]), int(sys.argv[10]))
