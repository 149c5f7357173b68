"""TensorFlow's convolutional networks as ONNX graphs: channels last and padding `SAME` there, channels first and numbers here.

A graph is built node by node. Constants that meet a picture are given a shape that lines their channels up; everything else is
taken over as it is, in f32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

NHWC = 1
"""Raised whenever the graphs that are built change."""

F32 = NDArray[np.float32]


class NhwcGraph:
    """A graph being built. Values go by the names of the file that is read; pictures are f32[batch, channels, rows, columns]."""

    def __init__(self, name: str, size: tuple[int, int, int]) -> None:
        """size: rows, columns and channels of the input, which is called `image` and takes [batch, rows, columns, channels]."""
        self._name = name
        self._size = size
        self._nodes: list[Any] = []
        self._held: list[Any] = []
        self._shapes: dict[str, tuple[int, int, int]] = {}
        self._constants: dict[str, NDArray[Any]] = {}
        self._flat: set[str] = set()

    def _emit(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        from onnx import helper

        self._nodes.append(helper.make_node(op, list(inputs), [output], **attributes))

    def _hold(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        if name not in {tensor.name for tensor in self._held}:
            self._held.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def start(self, name: str) -> None:
        """The input, under the file's name for it."""
        rows, columns, channels = self._size
        self._emit("Transpose", ["image"], name, perm=[0, 3, 1, 2])
        self._shapes[name] = (rows, columns, channels)

    def constant(self, name: str, values: NDArray[Any]) -> None:
        """A constant of the file, of whatever use."""
        self._constants[name] = values

    def values(self, name: str) -> NDArray[Any]:
        """A constant's values. Raises KeyError if it is none."""
        return self._constants[name]

    def is_constant(self, name: str) -> bool:
        """Whether a name is a constant's."""
        return name in self._constants

    def shape(self, name: str) -> tuple[int, int, int]:
        """Rows, columns and channels of a picture."""
        return self._shapes[name]

    def convolve(
        self, x: str, output: str, filters: F32, *, stride: tuple[int, int], same: bool, depthwise: bool, bias: F32 | None = None
    ) -> None:
        """filters: f32[rows, columns, in, out], for a depthwise one f32[rows, columns, in, multiplier]."""
        rows, columns, channels = self._shapes[x]
        high, wide, ins, outs = filters.shape
        if depthwise:
            kernel = filters.transpose(2, 3, 0, 1).reshape(ins * outs, 1, high, wide)
            groups, made = ins, ins * outs
        else:
            kernel, groups, made = filters.transpose(3, 2, 0, 1), 1, outs
        if ins != channels:
            raise ValueError(f"{output}: filters for {ins} channels meet {channels}")
        top, down = _padding(rows, high, stride[0], same)
        left, right = _padding(columns, wide, stride[1], same)
        inputs = [x, self._hold(f"{output}/filters", kernel.astype(np.float32))]
        if bias is not None:
            inputs.append(self._hold(f"{output}/bias", bias.astype(np.float32)))
        self._emit("Conv", inputs, output, strides=list(stride), pads=[top, left, down, right], group=groups)
        across = (columns + left + right - wide) // stride[1] + 1
        self._shapes[output] = ((rows + top + down - high) // stride[0] + 1, across, made)

    def pad(self, x: str, output: str, amounts: NDArray[Any]) -> None:
        """amounts: int[4, 2], before and after, for batch, rows, columns and channels."""
        batch, high, wide, deep = (tuple(int(v) for v in pair) for pair in amounts)
        pads = np.array([batch[0], deep[0], high[0], wide[0], batch[1], deep[1], high[1], wide[1]], np.int64)
        self._emit("Pad", [x, self._hold(f"{output}/pads", pads)], output)
        rows, columns, channels = self._shapes[x]
        self._shapes[output] = (rows + sum(high), columns + sum(wide), channels + sum(deep))

    def pointwise(self, op: str, inputs: Sequence[str], output: str) -> None:
        """Add, Sub, Mul, Max, Min of two, or Relu, Abs, Sigmoid of one."""
        names = [self._beside(name, inputs) for name in inputs]
        self._emit(op, names, output)
        pictures = [self._shapes[name] for name in inputs if name in self._shapes]
        if pictures:
            self._shapes[output] = max(pictures)
        else:
            self._flat.add(output)

    def _beside(self, name: str, others: Sequence[str]) -> str:
        """A value's name; of a constant, held in the shape that lines it up with the pictures among the others."""
        if name not in self._constants:
            return name
        values = self._constants[name].astype(np.float32)
        if any(other in self._shapes for other in others):
            if values.ndim > 1 and max(values.shape[:-1]) > 1:
                raise ValueError(f"{name}: a constant of shape {values.shape} meets a picture")
            return self._hold(f"{name}/channels", values.reshape(1, -1, 1, 1))
        return self._hold(name, values)

    def mean(self, x: str, output: str) -> None:
        """The mean over rows and columns: f32[batch, channels]."""
        self._emit("GlobalAveragePool", [x], f"{output}/4d")
        self._emit("Flatten", [f"{output}/4d"], output)
        self._flat.add(output)

    def flatten(self, x: str, output: str) -> None:
        """All of a picture in a row, in the file's order: channels change fastest."""
        if x in self._shapes:
            self._emit("Transpose", [x], f"{output}/nhwc", perm=[0, 2, 3, 1])
            self._emit("Flatten", [f"{output}/nhwc"], output)
        else:
            self._emit("Identity", [x], output)
        self._flat.add(output)

    def multiply(self, x: str, output: str, weights: F32, bias: F32 | None = None) -> None:
        """x · weights + bias, f32[inputs, outputs]."""
        held = self._hold(f"{output}/weights", weights.astype(np.float32))
        self._emit("MatMul", [x, held], output if bias is None else f"{output}/product")
        if bias is not None:
            self._emit("Add", [f"{output}/product", self._hold(f"{output}/bias", bias.astype(np.float32))], output)
        self._flat.add(output)

    def serialised(self, output: str, dimensions: int) -> bytes:
        """The graph, from `image` to the named value, as the bytes of an ONNX file. Nodes that it does not need are left out."""
        from onnx import TensorProto, helper

        rows, columns, channels = self._size
        needed, nodes = {output}, []
        for node in reversed(self._nodes):
            if needed & set(node.output):
                nodes.append(node)
                needed |= set(node.input)
        if "image" not in needed:
            raise ValueError(f"nothing leads from the input to {output}")
        held = [tensor for tensor in self._held if tensor.name in needed]
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", rows, columns, channels])
        template = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", dimensions])
        graph = helper.make_graph(list(reversed(nodes)), self._name, [image], [template], held)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="faceparity")
        data: bytes = model.SerializeToString(deterministic=True)
        return data


def _padding(length: int, window: int, stride: int, same: bool) -> tuple[int, int]:
    """Zeros before and after, as TensorFlow puts them: the odd one after."""
    if not same:
        return 0, 0
    total = max((-(-length // stride) - 1) * stride + window - length, 0)
    return total // 2, total - total // 2
