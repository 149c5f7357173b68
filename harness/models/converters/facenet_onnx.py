"""FaceNet's Inception-ResNet v1, as facenet-pytorch ships its weights, as an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.models.converters.torch_state_dict import read_state

FACENET = 1
"""Raised whenever the graph that is built changes."""

EPSILON = 1e-3
"""Of every batch normalisation."""

State = Mapping[str, NDArray[Any]]


class _FacenetGraph:
    """Nodes and weights of a graph being built. Every step takes the name of a value and gives that of the one it makes."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.nodes: list[Any] = []
        self.held: list[Any] = []

    def add(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        from onnx import helper

        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def hold(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.held.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def convolve(self, x: str, layer: str, stride: int = 1, pads: tuple[int, int] = (0, 0)) -> str:
        """A convolution, its batch normalisation multiplied into it in f64, and a ReLU. pads: rows and columns on each side."""
        s = {key: self.state[f"{layer}.{key}"].astype(np.float64) for key in _LAYER}
        gain = s["bn.weight"] / np.sqrt(s["bn.running_var"] + EPSILON)
        kernel = self.hold(f"{layer}.kernel", s["conv.weight"] * gain[:, None, None, None])
        bias = self.hold(f"{layer}.bias", s["bn.bias"] - s["bn.running_mean"] * gain)
        return self.add("Relu", [self.add("Conv", [x, kernel, bias], strides=[stride] * 2, pads=[*pads, *pads])])

    def shrink(self, x: str) -> str:
        """The maximum of 3 × 3, every other one."""
        return self.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])

    def residual(self, x: str, block: str, branches: Sequence[str], scale: float, relu: bool = True) -> str:
        """x and a scaled 1 × 1 convolution of the branches side by side."""
        joined = self.add("Concat", branches, axis=1)
        kernel = self.hold(f"{block}.kernel", self.state[f"{block}.conv2d.weight"].astype(np.float64) * scale)
        bias = self.hold(f"{block}.bias", self.state[f"{block}.conv2d.bias"].astype(np.float64) * scale)
        total = self.add("Add", [self.add("Conv", [joined, kernel, bias]), x])
        return self.add("Relu", [total]) if relu else total


_LAYER = ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")


def _block35(g: _FacenetGraph, x: str, block: str) -> str:
    zero = g.convolve(x, f"{block}.branch0")
    one = g.convolve(g.convolve(x, f"{block}.branch1.0"), f"{block}.branch1.1", pads=(1, 1))
    two = g.convolve(x, f"{block}.branch2.0")
    for i in (1, 2):
        two = g.convolve(two, f"{block}.branch2.{i}", pads=(1, 1))
    return g.residual(x, block, [zero, one, two], 0.17)


def _crossed(g: _FacenetGraph, x: str, block: str, reach: int, scale: float, relu: bool = True) -> str:
    """Block17 and Block8: a row, then a column of weights; reach: how many on each side of the middle."""
    zero = g.convolve(x, f"{block}.branch0")
    one = g.convolve(x, f"{block}.branch1.0")
    one = g.convolve(one, f"{block}.branch1.1", pads=(0, reach))
    one = g.convolve(one, f"{block}.branch1.2", pads=(reach, 0))
    return g.residual(x, block, [zero, one], scale, relu)


def _mixed_6a(g: _FacenetGraph, x: str) -> str:
    zero = g.convolve(x, "mixed_6a.branch0", 2)
    one = g.convolve(g.convolve(x, "mixed_6a.branch1.0"), "mixed_6a.branch1.1", pads=(1, 1))
    return g.add("Concat", [zero, g.convolve(one, "mixed_6a.branch1.2", 2), g.shrink(x)], axis=1)


def _mixed_7a(g: _FacenetGraph, x: str) -> str:
    zero = g.convolve(g.convolve(x, "mixed_7a.branch0.0"), "mixed_7a.branch0.1", 2)
    one = g.convolve(g.convolve(x, "mixed_7a.branch1.0"), "mixed_7a.branch1.1", 2)
    two = g.convolve(g.convolve(x, "mixed_7a.branch2.0"), "mixed_7a.branch2.1", pads=(1, 1))
    return g.add("Concat", [zero, one, g.convolve(two, "mixed_7a.branch2.2", 2), g.shrink(x)], axis=1)


def facenet_to_onnx(weights: bytes) -> bytes:
    """The network as the bytes of an ONNX file: `image`, f32[batch, 3, 160, 160], to `template`, f32[batch, 512], not normalised.

    Raises TorchFormatError for another file, KeyError for a state dict of another network.
    """
    from onnx import TensorProto, helper

    g = _FacenetGraph(read_state(weights))
    x = g.convolve("image", "conv2d_1a", 2)
    x = g.convolve(x, "conv2d_2a")
    x = g.shrink(g.convolve(x, "conv2d_2b", pads=(1, 1)))
    x = g.convolve(g.convolve(x, "conv2d_3b"), "conv2d_4a")
    x = g.convolve(x, "conv2d_4b", 2)
    for i in range(5):
        x = _block35(g, x, f"repeat_1.{i}")
    x = _mixed_6a(g, x)
    for i in range(10):
        x = _crossed(g, x, f"repeat_2.{i}", 3, 0.10)
    x = _mixed_7a(g, x)
    for i in range(5):
        x = _crossed(g, x, f"repeat_3.{i}", 1, 0.20)
    x = _crossed(g, x, "block8", 1, 1.0, relu=False)
    x = g.add("Flatten", [g.add("GlobalAveragePool", [x])])
    last = {key: g.state[f"last_bn.{key}"].astype(np.float64) for key in ("weight", "bias", "running_mean", "running_var")}
    gain = last["weight"] / np.sqrt(last["running_var"] + EPSILON)
    product = g.add("MatMul", [x, g.hold("last", (g.state["last_linear.weight"].astype(np.float64) * gain[:, None]).T)])
    shift = g.hold("shift", last["bias"] - last["running_mean"] * gain)
    g.nodes.append(helper.make_node("Add", [product, shift], ["template"]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 160, 160])
    template = helper.make_tensor_value_info("template", TensorProto.FLOAT, ["batch", int(gain.size)])
    graph = helper.make_graph(g.nodes, "facenet", [image], [template], g.held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="faceparity")
    data: bytes = model.SerializeToString(deterministic=True)
    return data
