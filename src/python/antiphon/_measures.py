from __future__ import annotations

from typing import NamedTuple

from numpy.typing import ArrayLike

from ._library import check, ffi, lib, pointer, samples, text


class Measure(NamedTuple):
    """What a measure is called and says, and which values are good: "" for what tells of the sources alone. The unit of
    a plain number is ""."""

    name: str
    unit: str
    meaning: str
    good: str


def measure_texts() -> list[Measure]:
    """All measures, in the order of `measures`."""
    texts = (lib.ap_metric_describe(metric) for metric in range(lib.AP_METRIC_COUNT))
    return [Measure(text(t.name), text(t.unit), text(t.meaning), text(t.good)) for t in texts]


def measures(input: ArrayLike, target: ArrayLike, output: ArrayLike) -> dict[str, float]:
    """What `antiphon evaluate` measures, of one output: by name, as `measure_texts` explains them.

    The three signals are mono at 24000 samples per second, [samples], of the same length, at least 0.4 s. Measures
    that compare an output with those of other pairs (chroma_gain, r_others) are NaN.
    """
    signals = [samples(name, x) for name, x in (("input", input), ("target", target), ("output", output))]
    shapes = [x.shape for x in signals]
    if signals[2].ndim != 1 or shapes[0] != shapes[2] or shapes[1] != shapes[2]:
        raise ValueError("input, target and output have the shapes %s, %s and %s, not all [samples]" % tuple(shapes))
    evaluation = ffi.gc(lib.ap_evaluation_create(), lib.ap_evaluation_free)
    system = lib.ap_evaluation_add_system(evaluation, b"output")
    check(lib.ap_evaluation_begin(evaluation, b"measures", len(signals[0]), pointer(signals[0]), pointer(signals[1])))
    check(lib.ap_evaluation_score(evaluation, system, pointer(signals[2])))
    return {measure.name: lib.ap_evaluation_value(evaluation, system, 0, metric)
            for metric, measure in enumerate(measure_texts())}
