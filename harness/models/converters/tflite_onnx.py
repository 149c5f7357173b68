"""Convert a TensorFlow Lite network to ONNX: the plain f32 convolutional networks that face models are.

A .tflite file is a FlatBuffer. Only what is needed of its schema is read here, by the numbers of its fields.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.models.converters.nhwc_graph import NhwcGraph

ADD, CONV, DEPTHWISE, MUL, RELU, RESHAPE, SUB, ABS = 0, 3, 4, 18, 19, 22, 41, 101
_POINTWISE = {ADD: "Add", MUL: "Mul", SUB: "Sub", RELU: "Relu", ABS: "Abs"}
_DTYPES = {0: np.dtype("<f4"), 2: np.dtype("<i4")}
_SAME = 0


class _FlatTable:
    """A table of a FlatBuffer: its fields by number. Everything is little-endian."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self._position = position
        self._fields = position - self._number(position, "<i4")

    def _number(self, position: int, kind: str) -> int:
        return int(np.frombuffer(self._data, kind, 1, position)[0])

    def _position_of(self, field: int) -> int:
        """Return a field's position; 0 if it has its default."""
        slot = 4 + 2 * field
        if slot >= self._number(self._fields, "<u2"):
            return 0
        offset = self._number(self._fields + slot, "<u2")
        return self._position + offset if offset else 0

    def number(self, field: int, kind: str, default: int = 0) -> int:
        """Return a field's number.

        kind: as in numpy, "<i4".
        """
        position = self._position_of(field)
        return self._number(position, kind) if position else default

    def table(self, field: int) -> _FlatTable | None:
        """Return a field's table; None if there is none."""
        position = self._position_of(field)
        return _FlatTable(self._data, position + self._number(position, "<u4")) if position else None

    def vector(self, field: int, kind: str) -> NDArray[Any]:
        """Return a field's vector of numbers; empty without one."""
        position = self._position_of(field)
        if not position:
            return np.empty(0, kind)
        start = position + self._number(position, "<u4")
        return np.frombuffer(self._data, kind, self._number(start, "<u4"), start + 4)

    def tables(self, field: int) -> list[_FlatTable]:
        """Return a field's vector of tables; empty without one."""
        position = self._position_of(field)
        if not position:
            return []
        start = position + self._number(position, "<u4")
        slots = (start + 4 + 4 * i for i in range(self._number(start, "<u4")))
        return [_FlatTable(self._data, slot + self._number(slot, "<u4")) for slot in slots]


def _model(data: bytes) -> tuple[_FlatTable, list[int], list[_FlatTable]]:
    """Return the one subgraph, the operations' codes and the buffers.

    Raises ValueError for another kind of file, or another number of subgraphs.
    """
    if data[4:8] != b"TFL3":
        raise ValueError("not a TensorFlow Lite file")
    model = _FlatTable(data, int(np.frombuffer(data, "<u4", 1)[0]))
    graphs = model.tables(2)
    if len(graphs) != 1:
        raise ValueError(f"{len(graphs)} subgraphs where there should be one")
    # Field 0 is the code as it was when it fitted into a byte, field 3 as it is now.
    codes = [max(code.number(0, "<i1"), code.number(3, "<i4")) for code in model.tables(1)]
    return graphs[0], codes, model.tables(4)


def tflite_to_onnx(data: bytes) -> bytes:
    """Convert a network to the bytes of an ONNX file.

    It takes a batch of any size. Input `image`: f32[batch, rows, columns, 3]; output: f32[batch, dimensions]. Raises ValueError for a
    network with other operations than those of plain f32 convolutional networks.
    """
    subgraph, codes, buffers = _model(data)
    tensors = subgraph.tables(0)
    shapes = [tensor_table.vector(0, "<i4").tolist() for tensor_table in tensors]
    (start,), (end,) = subgraph.vector(1, "<i4").tolist(), subgraph.vector(2, "<i4").tolist()
    _, rows, columns, channels = shapes[start]
    graph = NhwcGraph("tflite", (rows, columns, channels))
    graph.start(f"t{start}")
    for i, tensor in enumerate(tensors):
        raw = buffers[tensor.number(2, "<u4")].vector(0, "<u1")
        if raw.size:
            kind = _DTYPES.get(tensor.number(1, "<i1"))
            if kind is None:
                raise ValueError("weights that are neither f32 nor int32: quantised networks are not converted")
            graph.constant(f"t{i}", np.frombuffer(raw.tobytes(), kind).reshape(shapes[i]))
    for operation in subgraph.tables(3):
        inputs = [f"t{i}" for i in operation.vector(1, "<i4") if i >= 0]
        _add(graph, codes[operation.number(0, "<u4")], inputs, f"t{operation.vector(2, '<i4')[0]}", operation.table(4))
    return graph.serialised(f"t{end}", int(shapes[end][-1]))


def _add(graph: NhwcGraph, code: int, inputs: list[str], output: str, options: _FlatTable | None) -> None:
    """Add an operation to the graph.

    Raises ValueError for one that is not converted.
    """
    number: Callable[[int, str, int], int] = options.number if options is not None else lambda field, kind, default: default
    if code in (CONV, DEPTHWISE):
        filters = graph.values(inputs[1])
        # A convolution's lie as [out, rows, columns, in], a depthwise one's as [1, rows, columns, channels].
        filters = filters.transpose(1, 2, 3, 0)
        _check(number(3 if code == CONV else 4, "<i1", 0) == 0, "an activation fused into a convolution")
        stride = (number(2, "<i4", 1), number(1, "<i4", 1))
        same = number(0, "<i1", _SAME) == _SAME
        bias = graph.values(inputs[2]) if len(inputs) > 2 else None
        graph.convolve(inputs[0], output, filters, stride=stride, same=same, depthwise=code == DEPTHWISE, bias=bias)
    elif code in _POINTWISE:
        _check(number(0, "<i1", 0) == 0, "an activation fused into an operation")
        graph.pointwise(_POINTWISE[code], inputs, output)
    elif code == RESHAPE:
        graph.flatten(inputs[0], output)
    else:
        raise ValueError(f"operation {code} of TensorFlow Lite is not one of those that are converted")


def _check(plain: bool, what: str) -> None:
    if not plain:
        raise ValueError(f"{what} is not converted")
