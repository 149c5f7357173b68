"""Read the network that dlib serialised into dlib_face_recognition_resnet_model_v1.dat.

The file is one record per layer, from the input to the output, after a head with the loss, the skeleton of the nested layer
types and the input layer. A record is the layer's name, its settings and parameters, three flags and three tensors that only
training needs. Integers are a length byte (its top bit is the sign) and that many little-endian bytes; floating-point numbers
are two such integers, mantissa and binary exponent; a tensor is a version, four dimensions and f32 little-endian values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


class DlibFormatError(ValueError):
    """The file is not the network that this module reads."""


@dataclass(frozen=True, slots=True)
class Convolution:
    """filters: f32[out, in, rows, columns]; bias: f32[out]. Padding in zeros on each side."""

    filters: F32
    bias: F32
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Affine:
    """y = gamma · x + beta for each channel; both f32[channels]."""

    gamma: F32
    beta: F32


@dataclass(frozen=True, slots=True)
class PoolingLayer:
    """Maximum or mean over a window that never leaves the input. A window of 0 × 0 is the whole input."""

    kind: str
    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Plain:
    """A layer without settings: `relu_` or `add_prev_`."""

    kind: str


@dataclass(frozen=True, slots=True)
class FullyConnected:
    """y = x · weights, f32[inputs, outputs]; no bias."""

    weights: F32


Layer = Convolution | Affine | PoolingLayer | Plain | FullyConnected


@dataclass(frozen=True, slots=True)
class Network:
    """mean: RGB means to subtract before dividing by 256; size: rows and columns of the input; layers from input to output."""

    mean: tuple[float, float, float]
    size: tuple[int, int]
    layers: tuple[Layer, ...]


class _ByteReader:
    """A reader of dlib's values, from a position in the bytes on."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    def take(self, count: int) -> bytes:
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise DlibFormatError(f"the file ends at byte {len(self.data):,}, in the middle of a value")
        piece = self.data[self.position : end]
        self.position = end
        return piece

    def integer(self) -> int:
        head = self.take(1)[0]
        size = head & 0x0F
        if head & 0x70 or not 1 <= size <= 8:
            raise DlibFormatError(f"no integer at byte {self.position - 1:,}")
        value = int.from_bytes(self.take(size), "little")
        return -value if head & 0x80 else value

    def real(self) -> float:
        mantissa, exponent = self.integer(), self.integer()
        try:
            return math.ldexp(mantissa, exponent)
        except OverflowError:
            raise DlibFormatError(f"no finite number before byte {self.position:,}") from None

    def text(self) -> str:
        return self.take(self.integer()).decode("latin-1")

    def expect(self, version: int, what: str) -> None:
        found = self.integer()
        if found != version:
            raise DlibFormatError(f"{what} of version {found} at byte {self.position:,}; version {version} is known")

    def dimensions(self) -> tuple[int, int, int, int]:
        found = (self.integer(), self.integer(), self.integer(), self.integer())
        if min(found) < 0:
            raise DlibFormatError(f"a negative dimension before byte {self.position:,}")
        return found

    def tensor(self) -> F32:
        self.expect(2, "tensor")
        return np.frombuffer(self.take(4 * math.prod(self.dimensions())), "<f4").astype(np.float32)

    def view(self) -> tuple[int, int, int, int]:
        """Read the dimensions of a part of the preceding tensor."""
        self.expect(1, "view of a tensor")
        return self.dimensions()


def _convolution(reader: _ByteReader) -> Convolution:
    parameters = reader.tensor()
    out, rows, columns = reader.integer(), reader.integer(), reader.integer()
    stride, padding = (reader.integer(), reader.integer()), (reader.integer(), reader.integer())
    shape = reader.view()
    reader.view()
    for _ in range(4):  # learning rates and weight decays
        reader.real()
    weights = math.prod(shape)
    if shape[0] != out or shape[2:] != (rows, columns) or parameters.size != weights + out:
        raise DlibFormatError(f"a convolution whose {parameters.size} parameters are not {shape} and {out} biases")
    return Convolution(parameters[:weights].reshape(shape), parameters[weights:], stride, padding)


def _affine(reader: _ByteReader) -> Affine:
    parameters = reader.tensor()
    channels = reader.view()[1]
    reader.view()
    if reader.integer() != 0 or parameters.size != 2 * channels:
        raise DlibFormatError("an affine layer that is not one factor and one offset per channel")
    return Affine(parameters[:channels], parameters[channels:])


def _pool(reader: _ByteReader, kind: str) -> PoolingLayer:
    return PoolingLayer(
        kind, (reader.integer(), reader.integer()), (reader.integer(), reader.integer()), (reader.integer(), reader.integer())
    )


def _fully_connected(reader: _ByteReader) -> FullyConnected:
    outputs, inputs = reader.integer(), reader.integer()
    parameters = reader.tensor()
    reader.view()
    reader.view()
    reader.integer()
    for _ in range(4):
        reader.real()
    if min(inputs, outputs) < 0 or parameters.size != inputs * outputs:
        raise DlibFormatError("a fully connected layer with a bias, which this network does not have")
    return FullyConnected(parameters.reshape(inputs, outputs))


def _layer(reader: _ByteReader) -> Layer:
    name = reader.text()
    layer: Layer
    if name == "con_4":
        layer = _convolution(reader)
    elif name == "affine_":
        layer = _affine(reader)
    elif name in ("max_pool_2", "avg_pool_2"):
        layer = _pool(reader, name)
    elif name in ("relu_", "add_prev_"):
        layer = Plain(name)
    elif name == "fc_2":
        layer = _fully_connected(reader)
    else:
        raise DlibFormatError(f"an unknown layer {name[:20]!r} before byte {reader.position:,}")
    if set(reader.take(3)) - set(b"01"):
        raise DlibFormatError(f"no flags after a layer at byte {reader.position:,}")
    for _ in range(3):  # gradients and cached outputs: empty in a trained network
        reader.tensor()
    return layer


def read_network(data: bytes) -> Network:
    """Read the network in the bytes of a .dat file.

    Raises DlibFormatError where they are not one.
    """
    name = b"input_rgb_image_sized"
    start = data[:4096].find(bytes([1, len(name)]) + name)
    if start < 0 or b"loss_metric_2" not in data[:start]:
        raise DlibFormatError("not a dlib face-recognition network: its head names no metric loss or no sized RGB input")
    reader = _ByteReader(data, start + 2 + len(name))
    mean, size = (reader.real(), reader.real(), reader.real()), (reader.integer(), reader.integer())
    layers = [_layer(reader)]
    reader.integer()  # the layer on the input also says into how many samples an image is expanded
    while reader.position < len(data):
        layers.append(_layer(reader))
    if not isinstance(layers[-1], FullyConnected):
        raise DlibFormatError("a network that does not end in its fully connected layer")
    return Network(mean, size, tuple(layers))
