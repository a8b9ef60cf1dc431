#!/usr/bin/env python3
"""Compares a run's event files with its log.jsonl: the same scalars at the same steps, each once.

    read_events.py RUN_DIR      by an own reader of the format, and by TensorBoard where it is installed

The own reader knows nothing of the program: framing and CRC by https://www.tensorflow.org/tutorials/load_data/tfrecord,
fields by tensorboard/compat/proto/{event,summary}.proto. As TensorBoard does, it drops what is not earlier than the
step of a SessionLog START.
"""
import glob
import json
import math
import struct
import sys


def of_byte(crc):
    for _ in range(8):
        crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc


TABLE = [of_byte(byte) for byte in range(256)]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    """The whole records of a file; one that is cut short at its end is left out."""
    with open(path, "rb") as stream:
        data = stream.read()
    at = 0
    while len(data) - at >= 12:
        length, = struct.unpack_from("<Q", data, at)
        assert struct.unpack_from("<I", data, at + 8)[0] == masked(data[at:at + 8]), f"{path}: length at {at}"
        if len(data) - at < 16 + length:
            return
        record = data[at + 12:at + 12 + length]
        assert struct.unpack_from("<I", data, at + 12 + length)[0] == masked(record), f"{path}: record at {at}"
        yield record
        at += 16 + length


def fields(message):
    """(number, value) of each field: an int, or the bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(kind)
        if size is None:
            assert kind == 2, f"wire type {kind}"
            size = varint()
        assert at + size <= len(message)
        yield key >> 3, message[at:at + size]
        at += size


def read(folder):
    """{tag: [(step, value)]}, {tag: plugin}, {tag: audio} of the run."""
    scalars, plugins, audio = {}, {}, {}
    for path in sorted(glob.glob(folder + "/events.out.tfevents.*")):
        for number, record in enumerate(records(path)):
            event = dict(fields(record))
            if number == 0:
                assert event[3] == b"brain.Event:2", path
            assert 1e9 < struct.unpack("<d", event[1])[0] < 1e11
            if 7 in event and dict(fields(event[7])).get(1) == 1:
                for tag in scalars:
                    scalars[tag] = [point for point in scalars[tag] if point[0] < event[2]]
            for _, value in fields(event.get(5, b"")):
                value = dict(fields(value))
                tag = value[1].decode()
                if 2 in value:
                    scalars.setdefault(tag, []).append((event[2], struct.unpack("<f", value[2])[0]))
                if 6 in value:
                    audio.setdefault(tag, []).append((event[2], dict(fields(value[6]))[4]))
                if 9 in value:
                    plugins[tag] = dict(fields(dict(fields(value[9]))[1]))[1].decode()
    return scalars, plugins, audio


def of_log(folder):
    scalars = {}
    with open(folder + "/log.jsonl", encoding="utf-8") as log:
        for line in map(json.loads, log):
            for name, value in line.items():
                if name not in ("step", "epoch", "time"):
                    scalars.setdefault(name, []).append((line["step"], math.nan if value is None else value))
    return scalars


def same(one, other):
    assert one.keys() == other.keys(), one.keys() ^ other.keys()
    for tag, points in one.items():
        assert [step for step, _ in points] == [step for step, _ in other[tag]], f"{tag}: other steps"
        for (step, a), (_, b) in zip(points, other[tag]):
            assert math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-30) or a != a and b != b, f"{tag}, {step}: {a}, {b}"


def main():
    folder = sys.argv[1]
    wanted = of_log(folder)
    scalars, plugins, audio = read(folder)
    same(wanted, scalars)
    assert plugins["config"] == "text" and plugins["_hparams_/session_start_info"] == "hparams", plugins
    for points in audio.values():
        assert all(sound.startswith(b"RIFF") for _, sound in points)
    print(f"{len(scalars)} scalars of {len(wanted['val_loss'])} epochs, {sum(map(len, audio.values()))} sounds")
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        print("no TensorBoard here: read by the own reader alone")
        return
    board = EventAccumulator(folder, size_guidance={"scalars": 0, "audio": 0})
    board.Reload()
    same(wanted, {tag: [(p.step, p.value) for p in board.Scalars(tag)] for tag in board.Tags()["scalars"]})
    for tag, points in audio.items():
        assert {step for step, _ in points} >= {sound.step for sound in board.Audio(tag)} != set()
    assert b"| data.path |" in board.Tensors("config")[0].tensor_proto.string_val[0]
    print("TensorBoard reads the same")


main()
