"""Convert FaceNet's Inception-ResNet v1, as facenet-pytorch publishes its weights, to an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.models.converters.torch_state_dict import read_state

FACENET = 1
"""Increased whenever the graph that is built changes."""

EPSILON = 1e-3
"""Of every batch normalisation."""

State = Mapping[str, NDArray[Any]]


class _FacenetGraph:
    """Nodes and weights of a graph being built. Every step takes the name of a value and returns that of its result."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def add(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        from onnx import helper

        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def keep(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def convolve(self, value: str, layer: str, stride: int = 1, pads: tuple[int, int] = (0, 0)) -> str:
        """Add a convolution with batch normalisation and a ReLU.

        The normalisation is multiplied into the weights in f64. pads: rows and columns on each side.
        """
        weights = {key: self.state[f"{layer}.{key}"].astype(np.float64) for key in _LAYER}
        gain = weights["bn.weight"] / np.sqrt(weights["bn.running_var"] + EPSILON)
        kernel = self.keep(f"{layer}.kernel", weights["conv.weight"] * gain[:, None, None, None])
        bias = self.keep(f"{layer}.bias", weights["bn.bias"] - weights["bn.running_mean"] * gain)
        return self.add("Relu", [self.add("Conv", [value, kernel, bias], strides=[stride] * 2, pads=[*pads, *pads])])

    def shrink(self, value: str) -> str:
        """Add a maximum of 3 × 3 with stride 2."""
        return self.add("MaxPool", [value], kernel_shape=[3, 3], strides=[2, 2])

    def residual(self, value: str, block: str, branches: Sequence[str], scale: float, relu: bool = True) -> str:
        """Add a block's branches, scaled, to its input.

        The branches are concatenated and go through a 1 × 1 convolution.
        """
        joined = self.add("Concat", branches, axis=1)
        kernel = self.keep(f"{block}.kernel", self.state[f"{block}.conv2d.weight"].astype(np.float64) * scale)
        bias = self.keep(f"{block}.bias", self.state[f"{block}.conv2d.bias"].astype(np.float64) * scale)
        total = self.add("Add", [self.add("Conv", [joined, kernel, bias]), value])
        return self.add("Relu", [total]) if relu else total


_LAYER = ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")


def _block35(builder: _FacenetGraph, value: str, block: str) -> str:
    first = builder.convolve(value, f"{block}.branch0")
    second = builder.convolve(builder.convolve(value, f"{block}.branch1.0"), f"{block}.branch1.1", pads=(1, 1))
    third = builder.convolve(value, f"{block}.branch2.0")
    for i in (1, 2):
        third = builder.convolve(third, f"{block}.branch2.{i}", pads=(1, 1))
    return builder.residual(value, block, [first, second, third], 0.17)


def _separable_block(builder: _FacenetGraph, value: str, block: str, reach: int, scale: float, relu: bool = True) -> str:
    """Add a Block17 or Block8.

    One of its branches is a row of weights, then a column; reach: how many on each side of the middle.
    """
    first = builder.convolve(value, f"{block}.branch0")
    second = builder.convolve(value, f"{block}.branch1.0")
    second = builder.convolve(second, f"{block}.branch1.1", pads=(0, reach))
    second = builder.convolve(second, f"{block}.branch1.2", pads=(reach, 0))
    return builder.residual(value, block, [first, second], scale, relu)


def _mixed_6a(builder: _FacenetGraph, value: str) -> str:
    first = builder.convolve(value, "mixed_6a.branch0", 2)
    second = builder.convolve(builder.convolve(value, "mixed_6a.branch1.0"), "mixed_6a.branch1.1", pads=(1, 1))
    return builder.add("Concat", [first, builder.convolve(second, "mixed_6a.branch1.2", 2), builder.shrink(value)], axis=1)


def _mixed_7a(builder: _FacenetGraph, value: str) -> str:
    first = builder.convolve(builder.convolve(value, "mixed_7a.branch0.0"), "mixed_7a.branch0.1", 2)
    second = builder.convolve(builder.convolve(value, "mixed_7a.branch1.0"), "mixed_7a.branch1.1", 2)
    third = builder.convolve(builder.convolve(value, "mixed_7a.branch2.0"), "mixed_7a.branch2.1", pads=(1, 1))
    return builder.add("Concat", [first, second, builder.convolve(third, "mixed_7a.branch2.2", 2), builder.shrink(value)], axis=1)


def facenet_to_onnx(weights: bytes) -> bytes:
    """Return FaceNet as the bytes of an ONNX file.

    From `image`, f32[batch, 3, 160, 160], to `template`, f32[batch, 512], not normalised. Raises TorchFormatError for another file,
    KeyError for a state dict of another network.
    """
    from onnx import TensorProto, helper

    builder = _FacenetGraph(read_state(weights))
    value = builder.convolve("image", "conv2d_1a", 2)
    value = builder.convolve(value, "conv2d_2a")
    value = builder.shrink(builder.convolve(value, "conv2d_2b", pads=(1, 1)))
    value = builder.convolve(builder.convolve(value, "conv2d_3b"), "conv2d_4a")
    value = builder.convolve(value, "conv2d_4b", 2)
    for i in range(5):
        value = _block35(builder, value, f"repeat_1.{i}")
    value = _mixed_6a(builder, value)
    for i in range(10):
        value = _separable_block(builder, value, f"repeat_2.{i}", 3, 0.10)
    value = _mixed_7a(builder, value)
    for i in range(5):
        value = _separable_block(builder, value, f"repeat_3.{i}", 1, 0.20)
    value = _separable_block(builder, value, "block8", 1, 1.0, relu=False)
    value = builder.add("Flatten", [builder.add("GlobalAveragePool", [value])])
    last = {key: builder.state[f"last_bn.{key}"].astype(np.float64) for key in ("weight", "bias", "running_mean", "running_var")}
    gain = last["weight"] / np.sqrt(last["running_var"] + EPSILON)
    product = builder.add(
        "MatMul", [value, builder.keep("last", (builder.state["last_linear.weight"].astype(np.float64) * gain[:, None]).T)]
    )
    shift = builder.keep("shift", last["bias"] - last["running_mean"] * gain)
    builder.nodes.append(helper.make_node("Add", [product, shift], ["template"]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 160, 160])
    template = helper.make_tensor_value_info("template", TensorProto.FLOAT, ["batch", int(gain.size)])
    graph = helper.make_graph(builder.nodes, "facenet", [image], [template], builder.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="faceparity")
    data: bytes = model.SerializeToString(deterministic=True)
    return data
