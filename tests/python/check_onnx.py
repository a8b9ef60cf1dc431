"""Holds an exported model, run by onnxruntime, to what the library composes: see tests/cli/test_onnx.sh."""
import sys
import wave

import numpy as np
import onnxruntime

import antiphon

run, exported, input_path, target_path = sys.argv[1:]


def read(path):
    with wave.open(path) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768


options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])
metadata = session.get_modelmeta().custom_metadata_map
assert metadata["sample_rate"] == "24000"
a, b = read(input_path), read(target_path)
for samples in (24000 * 1 - 1, 9600, 24000 - 320):  # at most one window
    x, y = a[:samples], b[:samples]
    raw = session.run(["output"], {"input": x[None, None], "target": y[None, None]})[0][0, 0].astype(np.float64)
    assert raw.shape == x.shape
    # what composing adds: the sources' mean power, lowered where that would clip
    power = [np.mean(s.astype(np.float64) ** 2) for s in (x, y, raw)]
    gain = min(np.sqrt((power[0] + power[1]) / (2 * power[2])), 0.985 / np.abs(raw).max())
    answer = antiphon.compose(run, x, y).audio
    most = np.abs(gain * raw - answer).max()
    assert np.abs(answer).max() > 0.05 and most < 1e-4, (samples, most)
    # items of a batch do not touch each other
    twice = session.run(None, {"input": np.stack([x, y])[:, None], "target": np.stack([y, x])[:, None]})[0]
    alone = session.run(None, {"input": y[None, None], "target": x[None, None]})[0]
    assert np.abs(twice[1] - alone[0]).max() < 1e-5 * np.abs(alone).max()
