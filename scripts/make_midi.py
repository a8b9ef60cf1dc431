#!/usr/bin/env python3
"""Composes short pieces of music as MIDI files: for each a drum part and a part for one other instrument.

usage: make_midi.py DIR FIRST COUNT SECONDS SEED

Writes DIR/inputs/piece_NNNN.mid (drums) and DIR/targets/piece_NNNN.mid (a piano, bass, guitar or strings) for the pieces
FIRST .. FIRST + COUNT - 1. Each piece has its own tempo, metre, key, progression, groove and instrument, all of which
follow from SEED and its number alone. Both parts last SECONDS and a little.
"""
import math
import os
import random
import struct
import sys

TICKS = 480  # of a quarter note
DRUM_CHANNEL = 9  # the tenth
DRUM_VOLUME, VOLUME = 100, 127  # controller 7: struck and held notes come out about as loud
MARGIN = 0.1  # of the file's length beyond what is asked for, in seconds
KICK, STICK, SNARE, CLAP, CLOSED, OPEN, CRASH, RIDE, SHAKER, COWBELL = 36, 37, 38, 39, 42, 46, 49, 51, 70, 56
TOMS = (50, 47, 45, 43)

# Sixteenths of a bar: X accented, x as usual, o a ghost note.
GROOVES = {
    4: [
        {KICK: "X.......X.x.....", SNARE: "....X.......X...", CLOSED: "x.x.x.x.x.x.x.x."},
        {KICK: "X..x..x...x..x..", SNARE: "....X..o.o..X..o", CLOSED: "xoxoxoxoxoxoxoxo"},
        {KICK: "X...X...X...X...", CLAP: "....X.......X...", OPEN: "..x...x...x...x.", SHAKER: "oooooooooooooooo"},
        {KICK: "X.........x.....", SNARE: "........X.......", CLOSED: "x...x...x...x..."},
        {KICK: "X..xX..xX..xX..x", STICK: "x..x..x...x..x..", CLOSED: "xoxoxoxoxoxoxoxo"},
        {KICK: "X.X.......XX....", SNARE: "....X..x.x..X..x", RIDE: "x.x.x.x.x.x.x.x."},
        {KICK: "X.......X.......", SNARE: "oxooXooxooxoXoox", CRASH: "x..............."},
        {KICK: "x.......x.......", STICK: "....x.......x...", RIDE: "X...x.x.X...x.x."},
        {KICK: "X.....x.X.......", SNARE: "....X.......X.x.", COWBELL: "x...x...x...x..."},
    ],
    3: [
        {KICK: "X...........", SNARE: "....x...x...", CLOSED: "x.x.x.x.x.x."},
        {KICK: "X.....x.....", STICK: "....x...x...", RIDE: "X...x.x.x..."},
        {KICK: "X.......x.x.", SNARE: "........X...", CLOSED: "xoxoxoxoxoxo"},
    ],
}
KITS = (0, 8, 16, 24, 25, 32, 40)

# Chords as scale degrees, one a bar.
PROGRESSIONS = [
    (0, 4, 5, 3), (0, 5, 3, 4), (1, 4, 0, 5), (0, 3, 4, 4), (5, 3, 0, 4), (0, 6, 5, 4), (0, 3, 0, 4), (0, 2, 3, 4),
    (0, 0, 3, 0, 4, 3, 0, 4), (0, 4, 5, 2, 3, 0, 3, 4), (0, 5, 1, 4),
]
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10))


class Piece:
    """What both parts share."""

    def __init__(self, rng, seconds):
        self.tempo = rng.uniform(72, 156)
        self.beats = rng.choice((4, 4, 4, 4, 3))
        self.bars = math.ceil((seconds + MARGIN) * self.tempo / 60 / self.beats)
        self.swing = rng.choice((0.0, 0.0, 0.0, 0.16))
        self.key = rng.randrange(12)
        self.scale = rng.choice(SCALES)
        self.progression = rng.choice(PROGRESSIONS)

    def chord(self, bar, low, size=3):
        """`size` notes in thirds on the bar's degree, the root the lowest such note from `low` on"""
        degree = self.progression[bar % len(self.progression)]
        notes = [self.scale[(degree + 2 * k) % 7] + 12 * ((degree + 2 * k) // 7) for k in range(size)]
        root = low + (self.key + notes[0] - low) % 12
        return [root + n - notes[0] for n in notes]

    def swung(self, beat):
        """every other sixteenth comes late"""
        return beat + self.swing / 4 * (round(beat * 4) % 2)


# ---------------------------------------------------------------- parts: lists of (beat, length in beats, pitch, velocity)
def touch(rng, velocity):
    return max(1, min(127, round(velocity + rng.gauss(0, 6))))


def drums(rng, piece):
    groove, notes, loud = rng.choice(GROOVES[piece.beats]), [], {"X": 112, "x": 86, "o": 46}
    fill_every, loose = rng.choice((4, 4, 8)), rng.uniform(0, 0.15)
    for bar in range(piece.bars):
        start, steps = bar * piece.beats, 4 * piece.beats
        fill = steps - rng.choice((4, 6, 8)) if bar % fill_every == fill_every - 1 else steps
        for pitch, row in groove.items():
            for step, mark in enumerate(row[:fill]):
                if mark == "." or (mark != "X" and rng.random() < loose):
                    continue
                notes.append((start + piece.swung(step / 4), 0.2, pitch, touch(rng, loud[mark])))
        for step in range(fill, steps):
            if rng.random() < 0.75:
                pitch = rng.choice((SNARE,) + TOMS[(step - fill) * len(TOMS) // (steps - fill) :])
                notes.append((start + piece.swung(step / 4), 0.2, pitch, touch(rng, 84 + 2 * (step - fill))))
        if bar and bar % fill_every == 0:
            notes.append((start, 1, CRASH, touch(rng, 100)))
    return notes


def rhythm(rng, beats, density):
    """onsets and lengths of one bar, in beats: the first, then eighths by chance"""
    onsets = [0.0] + [k / 2 for k in range(1, 2 * beats) if rng.random() < density]
    return [(a, b - a) for a, b in zip(onsets, onsets[1:] + [beats])]


def block_chords(rng, piece, low, density=0.3, held=0.9, spread=0.0, bass=False):
    bar_rhythm, notes = rhythm(rng, piece.beats, density), []
    for bar in range(piece.bars):
        pitches = piece.chord(bar, low, rng.choice((3, 3, 4)))
        for at, length in bar_rhythm:
            up = pitches if rng.random() < 0.7 else pitches[::-1]
            for k, pitch in enumerate(up):
                notes.append((bar * piece.beats + piece.swung(at) + k * spread, length * held, pitch, touch(rng, 80 if at else 92)))
        if bass:
            notes.append((bar * piece.beats, piece.beats * held, piece.chord(bar, low - 24)[0], touch(rng, 88)))
    return notes


def arpeggio(rng, piece, low, step=0.5, held=1.4, bass=False):
    order, notes = rng.choice(((0, 1, 2, 3), (0, 2, 1, 2), (3, 2, 1, 0), (0, 1, 2, 1), (0, 2, 3, 2))), []
    rests = {k for k in range(1, int(piece.beats / step)) if rng.random() < 0.15}
    for bar in range(piece.bars):
        pitches = piece.chord(bar, low)
        pitches.append(pitches[0] + 12)
        for k in range(int(piece.beats / step)):
            if k not in rests:
                at = bar * piece.beats + piece.swung(k * step)
                notes.append((at, step * held, pitches[order[k % 4]], touch(rng, 84 if k % 4 else 98)))
        if bass:
            notes.append((bar * piece.beats, piece.beats * 0.9, pitches[0] - 12, touch(rng, 84)))
    return notes


def bass_line(rng, piece, low):
    bar_rhythm, notes = rhythm(rng, piece.beats, rng.choice((0.3, 0.5, 0.95))), []
    walk = rng.choice(((0, 0, 0, 0), (0, 2, 0, 2), (0, 3, 0, 3), (0, 1, 2, 1)))
    for bar in range(piece.bars):
        pitches = piece.chord(bar, low)
        pitches.append(pitches[0] + 12)
        for k, (at, length) in enumerate(bar_rhythm):
            notes.append((bar * piece.beats + piece.swung(at), length * 0.85, pitches[walk[k % 4]], touch(rng, 88 if at else 104)))
    return notes


def melody(rng, piece, low):
    """steps of the scale, drawn to the chord at the beginning of each bar"""
    notes, degrees = [], [low + (piece.key + s - low) % 12 + 12 * o for o in (0, 1) for s in piece.scale]
    degrees.sort()
    at = rng.randrange(len(degrees))
    for bar in range(piece.bars):
        home = {p % 12 for p in piece.chord(bar, low)}
        for beat, length in rhythm(rng, piece.beats, 0.4):
            at = max(0, min(len(degrees) - 1, at + rng.choice((-2, -1, -1, 1, 1, 2))))
            if beat == 0:
                at = min(range(len(degrees)), key=lambda k: (degrees[k] % 12 not in home, abs(k - at)))
            notes.append((bar * piece.beats + beat, length * 0.95, degrees[at], touch(rng, 92)))
    return notes


def pads(rng, piece, low):
    return block_chords(rng, piece, low, density=0.05, held=1.0) + melody(rng, piece, low + 12)


# A family: its programs (General MIDI, from 0) and its ways of playing.
FAMILIES = {
    "piano": ((0, 1, 2, 4, 5), (
        lambda r, p: block_chords(r, p, 55, 0.3, bass=True),
        lambda r, p: block_chords(r, p, 52, 0.5, held=0.6, bass=True),
        lambda r, p: arpeggio(r, p, 50, 0.5, bass=True),
        lambda r, p: arpeggio(r, p, 48, 0.25) + melody(r, p, 65))),
    "bass": ((32, 33, 34, 35, 36, 38), (
        lambda r, p: bass_line(r, p, 28),
        lambda r, p: bass_line(r, p, 33))),
    "guitar": ((24, 25, 26, 27, 28), (
        lambda r, p: block_chords(r, p, 48, 0.6, spread=0.02),
        lambda r, p: arpeggio(r, p, 45, 0.5),
        lambda r, p: arpeggio(r, p, 48, 0.25, held=1.0))),
    "strings": ((40, 42, 45, 46, 48, 49), (
        lambda r, p: pads(r, p, 48),
        lambda r, p: arpeggio(r, p, 52, 0.5, held=0.6),
        lambda r, p: block_chords(r, p, 50, 0.4, held=0.5))),
}


# ---------------------------------------------------------------- Standard MIDI Files, format 0
def variable_length(n):
    out = [n & 0x7F]
    while n > 0x7F:
        n >>= 7
        out.append(0x80 | n & 0x7F)
    return bytes(reversed(out))


def midi(channel, program, volume, tempo, end, notes):
    """a file of `end` beats: later notes are left out, those that sound there end"""
    events = []  # (tick, rank, bytes): at one tick notes end before others begin
    for at, length, pitch, velocity in notes:
        on, off = round(at * TICKS), round(min(at + length, end) * TICKS)
        if at >= end:
            continue
        events.append((on, 1, bytes((0x90 | channel, pitch, velocity))))
        events.append((max(off, on + 1), 0, bytes((0x80 | channel, pitch, 0))))
    track = b"\x00\xff\x51\x03" + round(60e6 / tempo).to_bytes(3, "big") + bytes((0, 0xC0 | channel, program))
    track += bytes((0, 0xB0 | channel, 7, volume))
    now = 0
    for tick, _, data in sorted(events):
        track += variable_length(tick - now) + data
        now = tick
    track += variable_length(max(0, math.ceil(end * TICKS) - now)) + b"\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS) + b"MTrk" + struct.pack(">I", len(track)) + track


def main(folder, first, count, seconds, seed):
    for part in ("inputs", "targets"):
        os.makedirs(os.path.join(folder, part), exist_ok=True)
    for index in range(first, first + count):
        rng = random.Random(f"{seed}/{index}")
        piece = Piece(rng, seconds)
        families = sorted(FAMILIES)
        programs, styles = FAMILIES[families[index % len(families)]]  # in turn: every family is in every split
        parts = {
            "inputs": (DRUM_CHANNEL, rng.choice(KITS), DRUM_VOLUME, drums(rng, piece)),
            "targets": (0, rng.choice(programs), VOLUME, rng.choice(styles)(rng, piece)),
        }
        end = (seconds + MARGIN) * piece.tempo / 60
        for part, (channel, program, volume, notes) in parts.items():
            with open(os.path.join(folder, part, f"piece_{index:04d}.mid"), "wb") as file:
                file.write(midi(channel, program, volume, piece.tempo, end, notes))


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
