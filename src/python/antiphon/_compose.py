from __future__ import annotations

import os
import struct
import tempfile
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, NamedTuple, overload

import numpy
from numpy.typing import ArrayLike

from ._checkpoint import Checkpoint, checkpoint_path
from ._library import SAMPLE_RATE, Error, Samples, check, ffi, lib, path_bytes, samples, stop_flag

Progress = Callable[[float, float], None]


class Composition(NamedTuple):
    """An answer, and its samples per second."""

    audio: Samples
    rate: int


class Model:
    """A trained model, loaded once to compose many times.

        model = antiphon.Model("runs/compose")
        answer, rate = antiphon.compose(model, drums, piano)

    path: a checkpoint, or a run's folder, which stands for its best checkpoint.

    Threads may share a model; it composes for one at a time.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fsdecode(checkpoint_path(path))
        agent = Checkpoint(self.path).config.get("agent", {})
        if not agent.get("compositional", True) and agent.get("output") == "direct":
            raise Error(f"{self.path}: holds only a codec, which cannot compose")
        self._config, model = ffi.new("ap_config *"), ffi.new("ap_model **")
        check(lib.ap_checkpoint_load(path_bytes(self.path), self._config, model))
        self._model = ffi.gc(model[0], lib.ap_model_free)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Model({self.path!r})"


def _recording(name: str, array: ArrayLike) -> Samples:
    """[channels, samples] of what may be one channel, as [samples]."""
    audio = samples(name, array)
    if audio.ndim == 1:
        audio = audio[None]
    if audio.ndim != 2 or not 1 <= audio.shape[0] <= 64:
        raise ValueError(f"{name}: shape {audio.shape}, neither [samples] nor [channels, samples]")
    return audio


def _write(path: Path, rate: int, audio: Samples) -> None:
    """A WAV file of 32-bit floats (format 3), which holds every sample exactly."""
    channels, body = audio.shape[0], numpy.ascontiguousarray(audio.T, dtype="<f4").tobytes()
    form = struct.pack("<HHIIHHH", 3, channels, rate, 4 * channels * rate, 4 * channels, 32, 0)
    parts = [(b"fmt ", form), (b"fact", struct.pack("<I", audio.shape[1])), (b"data", body)]
    whole = b"WAVE" + b"".join(name + struct.pack("<I", len(part)) + part for name, part in parts)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(whole)) + whole)


def _read(path: Path) -> Composition:
    """The 16-bit WAV file that the library has written."""
    with wave.open(str(path)) as file:
        rows = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, file.getnchannels())
        audio = numpy.ascontiguousarray(rows.T, dtype=numpy.float32) / numpy.float32(32768)
        return Composition(audio[0] if len(audio) == 1 else audio, file.getframerate())


class _Watch:
    """Hears of each window that is done. What is raised meanwhile, Ctrl-C above all, stops the composing."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress, self.raised = progress, None
        self.callback: Any = ffi.callback("ap_compose_watch", self._hear)

    def _hear(self, _context: Any, done: float, whole: float) -> None:
        try:
            if self.progress:
                self.progress(done, whole)
        except BaseException as error:  # noqa: B902: no exception passes through C
            self.raised = error
            stop_flag[0] = 1


def _settings(model: Model, settings: dict[str, Any]) -> Any:
    """The library's reading of what is given, as of infer's options; its checks and messages are the same."""
    given = {name: str(value) for name, value in settings.items() if value is not None}
    for name, value in given.items():
        if "\0" in value:
            raise ValueError(f"{name} holds a NUL character")
    texts = [[ffi.new("char[]", text.encode()) for text in setting] for setting in given.items()]
    paths = ffi.new("ap_compose_paths *")
    check(lib.ap_compose_set(model._config, len(texts), ffi.new("ap_compose_setting[]", texts), paths))
    return paths


def _compose(model: Model, folder: Path, paths: Any, progress: Progress | None) -> Composition:
    watch, composed = _Watch(progress), ffi.new("ap_composed *")
    names = [ffi.new("char[]", path_bytes(folder / name)) for name in ("input.wav", "target.wav", "output.wav")]
    paths.output = names[2]
    with model._lock:
        try:
            check(lib.ap_compose_files(model._config, model._model, names[0], names[1], paths, watch.callback,
                                       ffi.NULL, composed))
        except KeyboardInterrupt:
            raise watch.raised if watch.raised else KeyboardInterrupt() from None
        finally:
            stop_flag[0] = 0
    if watch.raised:  # in the last window, after which nothing was left to stop
        raise watch.raised
    return _read(folder / "output.wav")


def _variations(model: Model, folder: Path, paths: Any, count: int, progress: Progress | None) -> Iterator[Composition]:
    """As many answers, each with the next seed."""
    first = paths.knobs.seed
    for k in range(count):
        paths.knobs.seed = first + k
        yield _compose(model, folder, paths,
                       progress and (lambda done, whole: progress(k * whole + done, count * whole)))


@overload
def compose(checkpoint: str | os.PathLike[str] | Model, input: ArrayLike, target: ArrayLike, rate: int = SAMPLE_RATE,
            limit: bool = False, progress: Progress | None = None, *, seed: int | None = None,
            preset: str | None = None, rhythm: float | None = None, harmony: float | None = None,
            dry: float | None = None, without: str | None = None, section: str | None = None,
            sample_rate: int | None = None, channels: int | None = None, variations: None = None) -> Composition: ...


@overload
def compose(checkpoint: str | os.PathLike[str] | Model, input: ArrayLike, target: ArrayLike, rate: int = SAMPLE_RATE,
            limit: bool = False, progress: Progress | None = None, *, seed: int | None = None,
            preset: str | None = None, rhythm: float | None = None, harmony: float | None = None,
            dry: float | None = None, without: str | None = None, section: str | None = None,
            sample_rate: int | None = None, channels: int | None = None, variations: int) -> list[Composition]: ...


def compose(checkpoint: str | os.PathLike[str] | Model, input: ArrayLike, target: ArrayLike, rate: int = SAMPLE_RATE,
            limit: bool = False, progress: Progress | None = None, *, seed: int | None = None,
            preset: str | None = None, rhythm: float | None = None, harmony: float | None = None,
            dry: float | None = None, without: str | None = None, section: str | None = None,
            sample_rate: int | None = None, channels: int | None = None,
            variations: int | None = None) -> Composition | list[Composition]:
    """Composes a third recording from two: what `antiphon infer` does, with arrays for files.

    checkpoint: a checkpoint, a run's folder (its best checkpoint), or a Model.
    input, target: the recordings, [samples] or [channels, samples], full scale 1, at least 0.25 s. The output is as
        long as the shorter one.
    rate: their samples per second.
    limit: True turns down only the peaks that would clip; False lowers the whole output.
    progress: called after each window, with the seconds composed and the seconds in all. What it raises stops the
        work.

    The others are options of `antiphon infer`. These are for any model:

    section: the part of the recordings to compose, in seconds or m:ss: "0:30-1:15"; "30-" goes to the end.
    sample_rate, channels: of the output, in place of the model's own.

    And these are for models with takes, such as data/compose.safetensors:

    seed: another seed, another answer to the same pair (default 0).
    variations: as many answers, each with the next seed: a list is returned.
    rhythm: -1, the target unstruck, to 1, nothing but short notes that strike with the input; 0: as composed.
    harmony: -1, the target's notes from elsewhere, to 1, only what it plays just then; 0: as composed.
    dry: 0 to 1, how much of the input sounds along; 1: at the target's level.
    without: silences what one of the agent's heads writes: "rhythm", "harmony" or "timbre".
    preset: some of these by name, "driving", "floating" or "roaming"; a knob that is given counts instead.

    Returns the output and its rate, which is the model's own unless sample_rate asks for another. The numbers are
    those of the 16-bit file that `antiphon infer` writes. What makes no sense raises `antiphon.Misuse`, a ValueError,
    with infer's message.
    """
    model = checkpoint if isinstance(checkpoint, Model) else Model(checkpoint)
    if not 1 <= rate <= 1_000_000:
        raise ValueError(f"{rate} samples per second")
    paths = _settings(model, {"seed": seed, "preset": preset, "rhythm": rhythm, "harmony": harmony, "dry": dry,
                              "without": without, "section": section, "sample_rate": sample_rate,
                              "channels": channels, "variations": variations})
    paths.limit = limit
    with tempfile.TemporaryDirectory(prefix="antiphon-") as name:
        folder = Path(name)
        for source, array in (("input", input), ("target", target)):
            _write(folder / f"{source}.wav", rate, _recording(source, array))
        try:
            answers = list(_variations(model, folder, paths, variations or 1, progress))
        except Error as error:
            raise type(error)(str(error).replace(f"{name}/", "")) from None
        return answers[0] if variations is None else answers
