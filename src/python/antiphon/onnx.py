"""Exports a trained model to ONNX, so that other runtimes compose with it.

    python -m antiphon.onnx runs/compose compose.onnx

The graph maps "input" and "target", both [batch, 1, samples] at 24000 samples per second, to "output" of the same
shape, for any batch and length. It is what the model composes of one window, before `antiphon infer` cross-fades
windows and sets the level. The agent was trained on windows of data.seconds, which the file's metadata tells.

Models with `agent.output` "takes" are not exported: they decode nothing, but mix grains of the target that the program
itself chooses and plays. Nor are codecs with weights (codec.type "seanet").
"""
from __future__ import annotations

import math
import os
import sys
from typing import Any

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

from ._checkpoint import Checkpoint
from ._library import SAMPLE_RATE, Error

__all__ = ["export"]

OPSET = 17  # the first with LayerNormalization
HEADS = ("rhythm", "harmony", "timbre")


class _Graph:
    """The nodes so far. A method adds one and returns the name of its result."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, value: Any, dtype: Any = numpy.float32) -> str:
        return self._keep(f"constant_{len(self.constants)}", numpy.asarray(value, dtype=dtype))

    def whole(self, *value: int) -> str:
        return self.constant(value, numpy.int64)

    def _keep(self, name: str, value: Any) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(numpy.ascontiguousarray(value).reshape(value.shape), name)
        return name

    def weight(self, name: str) -> str:
        return name if name in self.constants else self._keep(name, self.checkpoint[name])

    # ---- the model's layers, under the names of their tensors
    def linear(self, name: str, x: str, weight: str = "weight", bias: str = "bias", join: str = ".") -> str:
        key = f"{name}{join}{weight}"
        turned = self._keep(f"{key} turned", self.checkpoint[key].T)
        return self.op("Add", self.op("MatMul", x, turned), self.weight(f"{name}{join}{bias}"))

    def conv(self, name: str, x: str, causal: bool = False) -> str:
        taps = self.checkpoint.shape(f"{name}.weight")[2]
        pads = [taps - 1, 0] if causal else [taps // 2, taps // 2]
        return self.op("Conv", x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias"), pads=pads)

    def layer_norm(self, name: str, x: str) -> str:
        return self.op("LayerNormalization", x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias"), axis=-1,
                       epsilon=1e-5)

    def gelu(self, x: str) -> str:
        erf = self.op("Erf", self.op("Mul", x, self.constant(math.sqrt(0.5))))
        return self.op("Mul", self.op("Mul", x, self.constant(0.5)), self.op("Add", erf, self.constant(1)))

    def turn(self, x: str) -> str:
        return self.op("Transpose", x, perm=[0, 2, 1])

    def groups(self, x: str, gains: str, count: int) -> str:
        """x [B, count * n, T], each group of n channels times its row of gains [B, count, T]."""
        parted = self.op("Reshape", x, self.op("Concat", self.whole(0, count, -1), self.size(x, 2), axis=0))
        scaled = self.op("Mul", parted, self.op("Unsqueeze", gains, self.whole(2)))
        return self.op("Reshape", scaled, self.op("Concat", self.whole(0, -1), self.size(x, 2), axis=0))

    def size(self, x: str, axis: int) -> str:
        return self.op("Gather", self.op("Shape", x), self.whole(axis), axis=0)

    def gain(self, u: str) -> str:
        """exp(3 tanh(u / 3))"""
        third = self.op("Mul", u, self.constant(1 / 3))
        return self.op("Exp", self.op("Mul", self.op("Tanh", third), self.constant(3)))

    def positions(self, x: str, width: int) -> str:
        """x [B, T, width] plus sines and cosines of the position"""
        step = self.op("Unsqueeze", self.op("Cast", self.steps(x), to=TensorProto.DOUBLE), self.whole(1))
        speed = numpy.exp(numpy.arange(0, width, 2) * (-math.log(10000) / width))
        angle = self.op("Mul", step, self.constant(speed[None], numpy.float64))
        pair = [self.op("Unsqueeze", self.reduced(kind, angle), self.whole(2)) for kind in ("Sin", "Cos")]
        table = self.op("Reshape", self.op("Concat", *pair, axis=2), self.whole(-1, width))
        return self.op("Add", x, table)

    def reduced(self, kind: str, angle: str) -> str:
        """The sine or cosine of an angle in double precision, taken within one turn, for runtimes that have only the
        single one."""
        turn = self.constant(2 * math.pi, numpy.float64)
        turns = self.op("Floor", self.op("Div", angle, turn))
        return self.op(kind, self.op("Cast", self.op("Sub", angle, self.op("Mul", turns, turn)), to=TensorProto.FLOAT))

    def steps(self, x: str) -> str:
        """0, 1, ... for the rows of x [B, T, width], [T]"""
        count = self.op("Squeeze", self.size(x, 1), self.whole(0))
        return self.op("Range", self.constant(0, numpy.int64), count, self.constant(1, numpy.int64))

    def unheard(self, x: str, past: int) -> str:
        """What makes the scores [T, T] of keys that a query (a row) does not hear too low to count"""
        step = self.steps(x)
        ago = self.op("Sub", self.op("Unsqueeze", step, self.whole(1)), step)
        later = self.op("Less", ago, self.constant(0, numpy.int64))
        gone = self.op("Greater", ago, self.constant(past - 1, numpy.int64))
        return self.op("Mul", self.op("Cast", self.op("Or", later, gone), to=TensorProto.FLOAT), self.constant(-1e30))

    def attention(self, name: str, x: str, heads: int, past: int) -> str:
        both = self.linear(f"{name}.in_proj", x, join="_")
        width = self.checkpoint.shape(f"{name}.in_proj_weight")[1]
        parted = self.op("Reshape", both, self.op("Concat", self.whole(0), self.size(x, 1), self.whole(3, heads, -1), axis=0))
        parted = self.op("Transpose", parted, perm=[2, 0, 3, 1, 4])
        q, k, v = (self.op("Gather", parted, self.constant(i, numpy.int64), axis=0) for i in range(3))
        scaled = self.op("Mul", q, self.constant(1 / math.sqrt(width // heads)))
        scores = self.op("MatMul", scaled, self.op("Transpose", k, perm=[0, 1, 3, 2]))
        if past:
            scores = self.op("Add", scores, self.unheard(x, past))
        heard = self.op("MatMul", self.op("Softmax", scores, axis=-1), v)
        heard = self.op("Transpose", heard, perm=[0, 2, 1, 3])
        heard = self.op("Reshape", heard, self.whole(0, 0, width))
        return self.linear(f"{name}.out_proj", heard)

    def transformer(self, name: str, x: str, layers: int, heads: int, past: int = 0) -> str:
        for i in range(layers):
            layer = f"{name}.layers.{i}"
            heard = self.attention(f"{layer}.self_attn", x, heads, past)
            x = self.layer_norm(f"{layer}.norm1", self.op("Add", x, heard))
            hidden = self.linear(f"{layer}.linear2", self.gelu(self.linear(f"{layer}.linear1", x)))
            x = self.layer_norm(f"{layer}.norm2", self.op("Add", x, hidden))
        return x


# ---------------------------------------------------------------- the codec
def _basis(codec: dict[str, Any]) -> Any:
    """[D, 1, 2 hop]: the transform's cosines under a sine window"""
    dim, hop = codec["dim"], codec["hop"]
    n, k = numpy.arange(2 * hop)[None], numpy.arange(dim)[:, None]
    window = numpy.sin(math.pi * (n + 0.5) / (2 * hop)) * math.sqrt(2 / hop)
    return (window * numpy.cos(math.pi / hop * (n + 0.5 + hop / 2) * (k + 0.5)))[:, None]


def _encode(graph: _Graph, codec: dict[str, Any], x: str) -> str:
    """The pad on the right serves any length: a frame that it alone would fill does not fit."""
    basis = graph.constant(_basis(codec) * codec["gain"])
    return graph.op("Conv", x, basis, strides=[codec["hop"]], pads=[codec["hop"], 2 * codec["hop"] - 1])


def _decode(graph: _Graph, codec: dict[str, Any], z: str, like: str) -> str:
    hop = codec["hop"]
    y = graph.op("ConvTranspose", z, graph.constant(_basis(codec) / codec["gain"]), strides=[hop])
    end = graph.op("Add", graph.size(like, 2), graph.whole(hop))
    return graph.op("Slice", y, graph.whole(hop), end, graph.whole(2), output="output")


# ---------------------------------------------------------------- the agent
def _head(graph: _Graph, name: str, x: str, causal: bool) -> str:
    y = graph.op("LeakyRelu", graph.conv(f"{name}.conv1", x, causal), alpha=0.2)
    y = graph.op("LeakyRelu", graph.conv(f"{name}.conv2", y, causal), alpha=0.2)
    y = graph.op("Add", y, graph.conv(f"{name}.skip", x))
    norm = (graph.weight(f"{name}.norm.{part}") for part in ("weight", "bias", "running_mean", "running_var"))
    return graph.op("BatchNormalization", y, *norm, epsilon=1e-5)


def _agent(graph: _Graph, agent: dict[str, Any], zi: str, zt: str) -> str:
    if agent["compress"]:
        zi, zt = graph.op("Asinh", zi), graph.op("Asinh", zt)
    past = agent.get("past", 0)  # older checkpoints do not say it
    heard = [_head(graph, f"agent.{source}_extractor.{head}", z, past > 0) for source, z in (("input", zi), ("target", zt))
             for head in HEADS]
    parts = graph.op("Concat", *heard, axis=1)
    logits = graph.conv("agent.select2", graph.op("LeakyRelu", graph.conv("agent.select1", parts), alpha=0.2))
    chosen = graph.groups(parts, graph.op("Softmax", logits, axis=1), len(heard))
    x = graph.linear("agent.project", graph.turn(chosen))
    if agent["positions"]:
        x = graph.positions(x, agent["model"])
    x = graph.transformer("agent.composer", x, agent["layers"], agent["attention_heads"], past)
    x = graph.turn(graph.linear("agent.out2", graph.gelu(graph.linear("agent.out1", x))))
    return graph.op("Clip", x, graph.constant(-50), graph.constant(50))


# ---------------------------------------------------------------- the output parts
def _gates(graph: _Graph, agent: dict[str, Any], z: str, zi: str, zt: str) -> str:
    bands, delays = agent["gate_bands"], agent["gate_delays"]
    gains = graph.gain(graph.turn(graph.linear("gates.linear", graph.turn(z))))

    def gated(group: int, x: str) -> str:
        begin, end = graph.whole(group * bands), graph.whole((group + 1) * bands)
        return graph.groups(x, graph.op("Slice", gains, begin, end, graph.whole(1)), bands)

    y = graph.op("Mul", z, graph.constant(agent["gate_new"]))
    for k, delay in enumerate(delays):
        late = zt
        if delay:
            padded = graph.op("Pad", zt, graph.whole(0, 0, delay, 0, 0, 0))
            late = graph.op("Slice", padded, graph.whole(0), graph.size(zt, 2), graph.whole(2))
        y = graph.op("Add", y, gated(1 + k, late))
    return graph.op("Add", y, gated(0, zi)) if agent["gate_input"] else y


def _match(graph: _Graph, y: str, a: str, b: str) -> str:
    """y scaled towards the RMS of a and b, by a factor from 0.7 to 1.5"""
    def power(x: str) -> str:
        mean = graph.op("ReduceMean", graph.op("Mul", x, x), axes=[1, 2], keepdims=1)
        return graph.op("Add", mean, graph.constant(1e-8))
    want = graph.op("Sqrt", graph.op("Mul", graph.op("Add", power(a), power(b)), graph.constant(0.5)))
    factor = graph.op("Div", want, graph.op("Add", graph.op("Sqrt", power(y)), graph.constant(1e-8)))
    return graph.op("Mul", y, graph.op("Clip", factor, graph.constant(0.7), graph.constant(1.5)))


def _stage(graph: _Graph, cascade: dict[str, Any], dim: int, name: str, *sources: str) -> str:
    x = graph.turn(graph.op("Concat", *sources, axis=1))
    x = graph.layer_norm(f"{name}.norm_in", graph.positions(x, len(sources) * dim))
    x = graph.transformer(f"{name}.transformer", x, cascade["layers"], cascade["attention_heads"])
    return graph.turn(graph.linear(f"{name}.out", graph.layer_norm(f"{name}.norm_out", x)))


def _cascade(graph: _Graph, cascade: dict[str, Any], dim: int, z: str, zt: str) -> str:
    both = graph.op("Add", z, zt)
    y = _stage(graph, cascade, dim, "cascade.stage0", z, zt)
    y = _match(graph, graph.op("Add", y, graph.op("Mul", both, graph.constant(0.5))), z, zt)
    mean = graph.op("Mul", graph.op("Add", both, y), graph.constant(1 / 3))
    return _match(graph, graph.op("Add", _stage(graph, cascade, dim, "cascade.stage1", z, y, zt), mean), z, zt)


def _build(graph: _Graph) -> tuple[list[Any], Any]:
    """Adds the whole model; its inputs and its output."""
    config = graph.checkpoint.config
    codec, agent = config["codec"], config["agent"]
    audio = ["batch", 1, "samples"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, audio) for name in ("input", "target")]
    zi, zt = (_encode(graph, codec, source) for source in ("input", "target"))
    z = _agent(graph, agent, zi, zt) if agent["compositional"] else zi
    if agent["output"] == "gates":
        z = _gates(graph, agent, z, zi, zt)
    elif agent["output"] == "cascade":
        z = _cascade(graph, config["cascade"], codec["dim"], z, zt)
    elif agent["output"] != "direct":
        raise Error(f"{graph.checkpoint.path}: agent.output is {agent['output']!r}, which is not exported")
    _decode(graph, codec, z, "input")
    return inputs, helper.make_tensor_value_info("output", TensorProto.FLOAT, audio)


def export(checkpoint: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Writes the model of a checkpoint, or of a run's folder, as the ONNX file `path`, whole or not at all."""
    source = Checkpoint(checkpoint)
    if "codec" not in source.config:
        raise Error(f"{source.path}: has no configuration")
    if source.config["codec"]["type"] != "mdct":
        raise Error(f"{source.path}: codec.type is {source.config['codec']['type']!r}; only mdct is exported")
    graph = _Graph(source)
    inputs, output = _build(graph)
    model = helper.make_model(
        helper.make_graph(graph.nodes, "antiphon", inputs, [output], list(graph.constants.values())),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="antiphon")
    helper.set_model_props(model, {"sample_rate": str(SAMPLE_RATE), "seconds": str(source.config["data"]["seconds"])})
    onnx.checker.check_model(model)
    beside = f"{os.fspath(path)}.{os.getpid()}.tmp"
    try:
        with open(beside, "wb") as file:
            file.write(model.SerializeToString())
        os.replace(beside, path)
    finally:
        if os.path.exists(beside):
            os.remove(beside)


def main(words: list[str]) -> int:
    if words in (["-h"], ["--help"]):
        print(f"usage: python -m antiphon.onnx CHECKPOINT|RUN_DIR OUT.onnx\n\n{(__doc__ or '').strip()}")
        return 0
    if len(words) != 2 or not words[1].endswith(".onnx"):
        print("usage: python -m antiphon.onnx CHECKPOINT|RUN_DIR OUT.onnx", file=sys.stderr)
        return 2
    try:
        export(*words)
    except (Error, OSError) as error:
        print(f"antiphon.onnx: {error}", file=sys.stderr)
        return 1
    print(words[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
