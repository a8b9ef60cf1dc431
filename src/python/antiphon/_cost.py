from __future__ import annotations

from typing import Literal, overload

import numpy
from numpy.typing import ArrayLike

from ._library import Samples, ffi, lib, pointer, samples

Barrier = Literal["original", "extended"]
BARRIERS = {"original": lib.AP_BARRIER_ORIGINAL, "extended": lib.AP_BARRIER_EXTENDED}


@overload
def cost(input: ArrayLike, target: ArrayLike, output: ArrayLike, segments: int = 250, barrier: Barrier = "original",
         gradient: Literal[False] = False) -> float: ...


@overload
def cost(input: ArrayLike, target: ArrayLike, output: ArrayLike, segments: int = 250, barrier: Barrier = "original", *,
         gradient: Literal[True]) -> tuple[float, Samples]: ...


def cost(input: ArrayLike, target: ArrayLike, output: ArrayLike, segments: int = 250, barrier: Barrier = "original",
         gradient: bool = False) -> float | tuple[float, Samples]:
    """The correlation cost: what an output pays when its loudness follows that of its sources.

    It is the mean over the batch of -ln(1 - |r(input, output)|) - ln(1 - |r(target, output)|), where r is the
    correlation of the envelopes. An envelope is the maximum of |x| in each of `segments` equal parts. |r| is at most
    0.999, so that a copy of one source costs 6.908.

    The three signals have the same shape, [samples] or [batch, samples], at any rate.

    barrier: "original" has the gradient of the formula, which is zero where |r| is above 0.999. "extended" has the
        same value; its gradient stays as it is at |r| = 0.9 from there on.
    gradient: True returns the pair of the cost and its gradient with respect to the output.
    """
    signals = [samples(name, x) for name, x in (("input", input), ("target", target), ("output", output))]
    shapes = [x.shape for x in signals]
    if shapes[0] != shapes[2] or shapes[1] != shapes[2]:
        raise ValueError("input, target and output have the shapes %s, %s and %s" % tuple(shapes))
    if signals[2].ndim not in (1, 2):
        raise ValueError(f"shape {shapes[2]}, neither [samples] nor [batch, samples]")
    if barrier not in BARRIERS:
        raise ValueError(f"barrier {barrier!r}, neither 'original' nor 'extended'")
    length, batch = shapes[2][-1], int(numpy.prod(shapes[2][:-1], dtype=numpy.int64))
    if batch < 1:
        raise ValueError("an empty batch")
    if not 2 <= segments <= length:
        raise ValueError(f"{segments} segments: from 2 to {length} are possible in {length} samples")
    slope = numpy.empty_like(signals[2]) if gradient else None
    value = float(lib.ap_modulation_cost_arrays(
        batch, length, segments, BARRIERS[barrier], *map(pointer, signals), ffi.NULL, ffi.NULL,
        ffi.NULL if slope is None else pointer(slope)))
    return value if slope is None else (value, slope)
