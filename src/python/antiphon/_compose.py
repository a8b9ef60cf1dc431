from __future__ import annotations

import os
import struct
import tempfile
import threading
import wave
from pathlib import Path
from typing import Any, Callable, NamedTuple

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


def _compose(model: Model, folder: Path, limit: bool, progress: Progress | None) -> None:
    watch, composed = _Watch(progress), ffi.new("ap_composed *")
    names = [ffi.new("char[]", path_bytes(folder / name)) for name in ("input.wav", "target.wav", "output.wav")]
    paths = ffi.new("ap_compose_paths *", {"output": names[2], "limit": limit})
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


def compose(checkpoint: str | os.PathLike[str] | Model, input: ArrayLike, target: ArrayLike, rate: int = SAMPLE_RATE,
            limit: bool = False, progress: Progress | None = None) -> Composition:
    """Composes a third recording from two: what `antiphon infer` does, with arrays for files.

    checkpoint: a checkpoint, a run's folder (its best checkpoint), or a Model.
    input, target: the recordings, [samples] or [channels, samples], full scale 1, at least 0.25 s. The output is as
        long as the shorter one.
    rate: their samples per second.
    limit: True turns down only the peaks that would clip; False lowers the whole output.
    progress: called after each window, with the seconds composed and the seconds in all. What it raises stops the
        work.

    Returns the output and its rate, which is the model's own. The numbers are those of the 16-bit file that
    `antiphon infer` writes.
    """
    model = checkpoint if isinstance(checkpoint, Model) else Model(checkpoint)
    if not 1 <= rate <= 1_000_000:
        raise ValueError(f"{rate} samples per second")
    with tempfile.TemporaryDirectory(prefix="antiphon-") as name:
        folder = Path(name)
        for source, array in (("input", input), ("target", target)):
            _write(folder / f"{source}.wav", rate, _recording(source, array))
        try:
            _compose(model, folder, limit, progress)
        except Error as error:
            raise type(error)(str(error).replace(f"{name}/", "")) from None
        return _read(folder / "output.wav")
