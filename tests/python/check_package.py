"""Holds the installed package to independent arithmetic and to what the program writes: see tests/cli/test_python.sh."""
import importlib.metadata
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import wave

import numpy as np

import antiphon

program = os.environ["ANTIPHON"]


def raises(kind, words, call, *arguments, **settings):
    try:
        call(*arguments, **settings)
    except kind as error:
        assert words in str(error), f"says {str(error)!r}, not {words!r}"
        assert "\n" not in str(error)
    else:
        raise AssertionError(f"does not raise {kind.__name__}: {words}")


def run(*words):
    return subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True).stdout


def read(path):
    with wave.open(path) as file:
        rows = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return np.squeeze(rows.T.astype(np.float32) / 32768), file.getframerate()


def write(path, audio, rate):
    rows = np.atleast_2d(audio).T
    with wave.open(path, "wb") as file:
        file.setparams((rows.shape[1], 2, rate, 0, "NONE", ""))
        file.writeframes(np.round(rows * 32768).astype("<i2").tobytes())


# ---------------------------------------------------------------- the cost
def formula(x, y, z, segments):
    """The cost in double precision, written from its definition."""
    def envelope(a):
        length = a.shape[-1] // segments
        return np.abs(a[..., :length * segments].reshape(-1, segments, length)).max(2)
    total = 0
    for source in (x, y):
        r = [np.corrcoef(a, b)[0, 1] for a, b in zip(envelope(source), envelope(z))]
        total -= np.log(1 - np.minimum(np.abs(r), 0.999)).mean()
    return total


def check_cost():
    rng = np.random.default_rng(1)
    x, y, z = rng.standard_normal((3, 4, 1003))
    z += 0.7 * x
    for segments in (7, 250):
        value, slope = antiphon.cost(x, y, z, segments, gradient=True)
        assert abs(value - formula(x, y, z, segments)) < 1e-5
        assert isinstance(value, float) and slope.shape == z.shape and slope.dtype == np.float32
        touched = np.argwhere(slope)
        assert len(touched) == 4 * segments  # one sample a segment: its maximum
        for b, s in touched[:: len(touched) // 20]:
            step = np.zeros_like(z)
            step[b, s] = 1e-6
            difference = (formula(x, y, z + step, segments) - formula(x, y, z - step, segments)) / 2e-6
            assert abs(difference - slope[b, s]) < 1e-4 * np.abs(slope).max(), (difference, slope[b, s])
    # any numbers, in any layout; one item alone
    assert antiphon.cost(x[0].tolist(), y[0], z[0], 7) == antiphon.cost(x[:1], y[:1], z[:1], segments=7)
    turned = [np.asfortranarray(a) for a in (x, y, z)]
    assert antiphon.cost(*turned, 7) == antiphon.cost(x, y, z, 7)
    assert antiphon.cost(*(np.repeat(a, 2, axis=-1)[:, ::2] for a in (x, y, z)), 7) == antiphon.cost(x, y, z, 7)
    # past the clamp only the extended barrier has a slope
    z = x[:1]
    constant = np.ones_like(z)
    same, original = antiphon.cost(x[:1], constant, z, 7, gradient=True)
    extended = antiphon.cost(x[:1], constant, z + 1e-3 * y[:1], 7, "extended", gradient=True)[1]
    assert abs(same - np.log(1000)) < 1e-3 and not original.any() and extended.any()
    for words, arguments in {
        "shapes (1, 1003), (1, 1003) and (1003,)": (z, z, z[0]),
        "(1, 1, 1003), neither": (z[None], z[None], z[None]),
        "1 segments": (z, z, z, 1),
        "1004 segments": (z, z, z, 1004),
        "barrier 'none'": (z, z, z, 7, "none"),
        "empty batch": (z[:0], z[:0], z[:0], 7),
        "target: sample 5 is not finite": (z[0], np.where(np.arange(1003) == 5, np.nan, z[0]), z[0], 7),
        "output: sample 0 is not finite": (z[0], z[0], np.full(1003, 1e39), 7),
    }.items():
        raises(ValueError, words, antiphon.cost, *arguments)
    raises(TypeError, "input: numbers of type complex128", antiphon.cost, z * 1j, z, z)


# ---------------------------------------------------------------- checkpoints
def check_checkpoint():
    checkpoint = antiphon.Checkpoint("run")
    path = os.path.join("run", "checkpoints", "best.safetensors")
    assert checkpoint.path == path and len(checkpoint) == len(list(checkpoint))
    with open(path, "rb") as file:
        content = file.read()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + size])
    metadata = header.pop("__metadata__")
    assert set(header) == set(checkpoint)
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        assert checkpoint.shape(name) == tuple(entry["shape"])
        np.testing.assert_array_equal(checkpoint[name].ravel(), np.frombuffer(content[begin:end], "<f4"))
    assert checkpoint.config == json.loads(metadata["config"]) and checkpoint.config["codec"]["dim"] == 32
    assert checkpoint.state["epoch"] == "1"
    raises(KeyError, "agent.none", checkpoint.__getitem__, "agent.none")
    raises(antiphon.Error, "no_such_run", antiphon.Checkpoint, "no_such_run")
    raises(ValueError, "NUL", antiphon.Checkpoint, "a\0b")
    # one bit of a tensor
    name, begin = "agent.project.weight", 8 + size + header["agent.project.weight"]["data_offsets"][0]
    with open("broken.safetensors", "wb") as file:
        file.write(content[:begin] + bytes([content[begin] ^ 1]) + content[begin + 1:])
    raises(antiphon.Error, f"broken.safetensors: tensor {name}: the checksum", antiphon.Checkpoint("broken.safetensors").__getitem__, name)


# ---------------------------------------------------------------- composing
def check_compose(input, target):
    a, rate = read(input)
    b, _ = read(target)
    model = antiphon.Model("run")

    def same(x, y, rate, **settings):
        write("x.wav", x, rate)
        write("y.wav", y, rate)
        run("infer", "--checkpoint", "run", "--input", "x.wav", "--target", "y.wav", "--out", "z.wav",
            *(["--limit"] if settings else []))
        answer = antiphon.compose(model, read("x.wav")[0], read("y.wav")[0], rate=rate, **settings)
        wanted, wanted_rate = read("z.wav")
        assert answer.rate == wanted_rate and answer.audio.dtype == np.float32
        np.testing.assert_array_equal(answer.audio, wanted)
        return answer.audio

    plain = same(a, b, rate)
    assert plain.shape[-1] == len(a) and plain.any()
    assert not np.array_equal(same(np.clip(4 * a, -1, 0.99), b, rate, limit=True), plain)
    same(np.stack([a, 0.5 * b]), b[:40000], rate)
    same(a, b, 44100)
    np.testing.assert_array_equal(antiphon.compose("run/checkpoints/last.safetensors", a, b).audio,
                                  antiphon.compose("run/checkpoints/last.safetensors", list(a), b).audio)
    # a model serves threads one after the other
    answers = [None] * 3
    threads = [threading.Thread(target=lambda k: answers.__setitem__(k, antiphon.compose(model, a, b)), args=(k,))
               for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers:
        np.testing.assert_array_equal(answer.audio, plain)
    # what is raised in the middle ends the work, and not the work after it
    heard = []
    antiphon.compose(model, a, b, progress=lambda done, whole: heard.append((done, whole)))
    assert len(heard) > 2 and heard == sorted(heard) and abs(heard[-1][1] - len(a) / rate) < 1e-9

    def fail(done, whole):
        heard.append(done)
        raise LookupError("enough")

    heard.clear()
    raises(LookupError, "enough", antiphon.compose, model, a, b, progress=fail)
    assert len(heard) == 1
    raises(KeyboardInterrupt, "", antiphon.compose, model, a, b, progress=lambda *_: os.kill(os.getpid(), signal.SIGINT))
    np.testing.assert_array_equal(antiphon.compose(model, a, b).audio, plain)
    # faults
    raises(antiphon.Error, "input.wav: 0.10000 s long, too short", antiphon.compose, model, a[:2400], b)
    raises(antiphon.Error, "codec/checkpoints/best.safetensors: holds only a codec", antiphon.Model, "codec")
    raises(antiphon.Error, "tiny.json", antiphon.Model, "tiny.json")
    raises(ValueError, "target: sample 0 is not finite", antiphon.compose, model, a, b * np.nan)
    raises(ValueError, "input: shape (1, 1, 5)", antiphon.compose, model, np.ones((1, 1, 5)), b)
    raises(ValueError, "0 samples per second", antiphon.compose, model, a, b, 0)
    assert not [name for name in os.listdir(os.environ["TMPDIR"]) if name.startswith("antiphon-")]


def check_settings(input, target):
    """Each does what the option of infer does, and what makes no sense raises infer's message."""
    a, b, model = read(input)[0], read(target)[0], antiphon.Model("takes")

    def words(settings):
        return [f"--{name}={value}" for name, value in settings.items()]

    def infer(**settings):
        run("infer", "--checkpoint", "takes", "--input", input, "--target", target, "--out", "z.wav", *words(settings))
        return read("z.wav")

    plain = antiphon.compose(model, a, b).audio
    for settings in (dict(seed=3), dict(preset="floating"), dict(rhythm=0.7), dict(harmony=-0.5), dict(dry=0.25),
                     dict(without="timbre"), dict(section="0:00.5-2"), dict(section="1-"), dict(sample_rate=16000),
                     dict(channels=2), dict(preset="driving", rhythm=np.float32(-0.25), dry=0)):
        wanted, rate = infer(**settings)
        answer = antiphon.compose(model, a, b, **settings)
        assert answer.rate == rate, settings
        np.testing.assert_array_equal(answer.audio, wanted, str(settings))
        assert not np.array_equal(answer.audio, plain), settings
    # several answers, each with the next seed
    heard = []
    answers = antiphon.compose(model, a, b, seed=2, variations=3, progress=lambda *both: heard.append(both))
    assert [len(answers), heard[-1][0]] == [3, heard[-1][1]] and heard == sorted(heard)
    assert len(heard) % 3 == 0 and abs(heard[-1][1] - 3 * len(a) / 24000) < 1e-9
    for k, answer in enumerate(answers):
        np.testing.assert_array_equal(answer.audio, infer(seed=2 + k)[0])
    alone, = antiphon.compose(model, a, b, variations=1)
    np.testing.assert_array_equal(alone.audio, plain)
    # faults
    def refused(checkpoint, **settings):
        line = subprocess.run([program, "infer", "--checkpoint", checkpoint, "--input", input, "--target", target, "--out",
                               "no.wav", *words(settings)], capture_output=True, text=True).stderr
        assert line.startswith("antiphon infer: --") and line.endswith("\n"), line
        raises(antiphon.Misuse, line[len("antiphon infer: --"):-1], antiphon.compose, checkpoint, a, b, **settings)

    for settings in (dict(seed=-1), dict(seed=1.5), dict(preset="drivin"), dict(preset="x"), dict(rhythm=2),
                     dict(rhythm=True), dict(harmony=np.nan), dict(dry="much"), dict(without="bass"), dict(section="2-1"),
                     dict(section="soon"), dict(sample_rate=8000), dict(channels=3), dict(variations=0)):
        refused("takes", **settings)
    for settings in (dict(seed=0), dict(rhythm=0), dict(preset="driving"), dict(variations=1), dict(without="rhythm")):
        refused("run", **settings)
    raises(ValueError, "preset holds a NUL", antiphon.compose, model, a, b, preset="driving\0")
    raises(antiphon.Error, "input.wav: lasts 3.00 s, and the section ends at 9.00 s", antiphon.compose, model, a, b,
           section="1-9")


# ---------------------------------------------------------------- measures
def check_measures(fixtures):
    input, target, output = (read(f"{fixtures}/metrics_{name}.wav")[0] for name in ("input", "target", "output"))
    measured = antiphon.measures(input, target, output)
    texts = antiphon.measure_texts()
    assert [t.name for t in texts] == list(measured) and all(t.meaning for t in texts)
    assert abs(measured["cost"] - antiphon.cost(input, target, output)) < 1e-6
    with open(f"{fixtures}/metrics.json") as file:
        reference = json.load(file)
    for name, wanted in reference["metrics"].items():  # by librosa and others
        assert abs(measured[name] - wanted) < 1e-3 * max(1, abs(wanted)), (name, measured[name], wanted)
    assert {name for name, value in measured.items() if np.isnan(value)} == {"chroma_gain", "r_others"}
    itself = antiphon.measures(input, target, target)
    assert itself["timbre_target"] == 0 and itself["timbre_ratio"] == 0 and itself["timbre_input"] > 1
    assert abs(itself["mix_share"] - 1) < 1e-3 and abs(itself["r_target"] - 1) < 1e-4
    raises(antiphon.Error, "9599 samples are too few", antiphon.measures, *[input[:9599]] * 3)
    raises(ValueError, "not all [samples]", antiphon.measures, input, target, output[1:])


input_path, target_path, fixtures_path = sys.argv[1:]
assert antiphon.__version__ == importlib.metadata.version("antiphon"), "pyproject.toml tells another version"
assert run("--version").split()[1] == antiphon.__version__
assert all(getattr(antiphon, name).__doc__ for name in antiphon.__all__ if name != "SAMPLE_RATE")
check_cost()
check_checkpoint()
check_compose(input_path, target_path)
check_settings(input_path, target_path)
check_measures(fixtures_path)
