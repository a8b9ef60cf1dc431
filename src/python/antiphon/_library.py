"""The C library, and how its errors and arrays become Python's."""
from __future__ import annotations

import os
from typing import Any

import numpy
from numpy.typing import ArrayLike, NDArray

from ._binding import ffi, lib

SAMPLE_RATE: int = lib.AP_SAMPLE_RATE
"""The rate at which models hear, and at which all measures are defined, in samples per second."""

Samples = NDArray[numpy.float32]

stop_flag = ffi.new("sig_atomic_t *", 0)
lib.ap_stop_flag_set(stop_flag)


class Error(Exception):
    """What the C library reports: one line that names the file, the place in it and the reason."""


class Misuse(Error, ValueError):
    """The caller asked for something that does not exist, or that the program does not take."""


def check(status: Any) -> None:
    """Raises what a status of the C library reports."""
    if status.code == lib.AP_OK:
        return
    message = ffi.string(status.message).decode("utf-8", "replace")
    if status.code == lib.AP_INTERRUPTED:
        raise KeyboardInterrupt(message)
    raise (Misuse if status.code == lib.AP_MISUSE else Error)(message)


def path_bytes(path: str | os.PathLike[str]) -> bytes:
    """The path as the C library takes it."""
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError("a path holds a NUL character")
    return encoded


def text(pointer: Any) -> str:
    """A C string."""
    return ffi.string(pointer).decode()


def samples(name: str, array: ArrayLike) -> Samples:
    """The array as contiguous float32. Refuses numbers that are not real or not finite."""
    given = numpy.asarray(array)
    if given.dtype.kind not in "fiu":
        raise TypeError(f"{name}: numbers of type {given.dtype}, not real ones")
    with numpy.errstate(over="ignore"):
        converted = numpy.ascontiguousarray(given, dtype=numpy.float32)
    if not numpy.isfinite(converted).all():
        raise ValueError(f"{name}: sample {int(numpy.argmin(numpy.isfinite(converted)))} is not finite")
    return converted.reshape(given.shape)


def pointer(array: Samples) -> Any:
    """The numbers of a contiguous float32 array. The caller keeps the array alive."""
    return ffi.cast("ap_real *", array.ctypes.data)
