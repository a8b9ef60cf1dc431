"""Composes audio: timing from one recording, harmony and timbre from another.

    import antiphon
    answer, rate = antiphon.compose("runs/compose", drums, piano, rate=44100)
    antiphon.cost(drums, piano, output)                 # what the output pays for following its sources
    antiphon.measures(drums, piano, output)             # what `antiphon evaluate` measures
    antiphon.Checkpoint("runs/compose").config

Sounds are arrays of numbers with full scale 1; time is the last axis. `antiphon.torch` has the cost as a term of a
loss in PyTorch. `python -m antiphon.onnx` exports a model.
"""
from ._checkpoint import Checkpoint
from ._compose import Composition, Model, compose
from ._cost import cost
from ._library import SAMPLE_RATE, Error, Misuse, lib, text
from ._measures import Measure, measure_texts, measures

__version__: str = text(lib.ap_version())

__all__ = ["SAMPLE_RATE", "Checkpoint", "Composition", "Error", "Measure", "Misuse", "Model", "compose", "cost",
           "measure_texts", "measures"]
