"""Build ONNX graphs of TensorFlow's convolutional networks.

TensorFlow has channels last and padding by the word `SAME`; ONNX has channels first and padding by numbers. A graph is built node by
node. Constants that meet a picture are given a shape that lines their channels up; everything else is taken over unchanged, in f32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

NHWC = 1
"""Increased whenever the graphs that are built change."""

F32 = NDArray[np.float32]


class NhwcGraph:
    """A graph being built. Values go by the names of the file that is read; pictures are f32[batch, channels, rows, columns]."""

    def __init__(self, name: str, size: tuple[int, int, int]) -> None:
        """Begin a graph.

        size: rows, columns and channels of the input, which is called `image` and takes [batch, rows, columns, channels].
        """
        self._name = name
        self._size = size
        self._nodes: list[Any] = []
        self._initializers: list[Any] = []
        self._shapes: dict[str, tuple[int, int, int]] = {}
        self._constants: dict[str, NDArray[Any]] = {}
        self._flat: set[str] = set()

    def _emit(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        from onnx import helper

        self._nodes.append(helper.make_node(op, list(inputs), [output], **attributes))

    def _keep(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        if name not in {tensor.name for tensor in self._initializers}:
            self._initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def start(self, name: str) -> None:
        """Add the input, under the file's name for it."""
        rows, columns, channels = self._size
        self._emit("Transpose", ["image"], name, perm=[0, 3, 1, 2])
        self._shapes[name] = (rows, columns, channels)

    def constant(self, name: str, values: NDArray[Any]) -> None:
        """Add a constant of the file, for any use."""
        self._constants[name] = values

    def values(self, name: str) -> NDArray[Any]:
        """Return a constant's values.

        Raises KeyError if the name is no constant's.
        """
        return self._constants[name]

    def is_constant(self, name: str) -> bool:
        """Return whether a name is a constant's."""
        return name in self._constants

    def shape(self, name: str) -> tuple[int, int, int]:
        """Return a picture's rows, columns and channels."""
        return self._shapes[name]

    def convolve(
        self,
        picture: str,
        output: str,
        filters: F32,
        *,
        stride: tuple[int, int],
        same: bool,
        depthwise: bool,
        bias: F32 | None = None,
    ) -> None:
        """Add a convolution.

        filters: f32[rows, columns, in, out], for a depthwise one f32[rows, columns, in, multiplier].
        """
        rows, columns, channels = self._shapes[picture]
        window_rows, window_columns, ins, outs = filters.shape
        if depthwise:
            kernel = filters.transpose(2, 3, 0, 1).reshape(ins * outs, 1, window_rows, window_columns)
            groups, filters_out = ins, ins * outs
        else:
            kernel, groups, filters_out = filters.transpose(3, 2, 0, 1), 1, outs
        if ins != channels:
            raise ValueError(f"{output}: filters for {ins} channels meet {channels}")
        top, bottom = _padding(rows, window_rows, stride[0], same)
        left, right = _padding(columns, window_columns, stride[1], same)
        inputs = [picture, self._keep(f"{output}/filters", kernel.astype(np.float32))]
        if bias is not None:
            inputs.append(self._keep(f"{output}/bias", bias.astype(np.float32)))
        self._emit("Conv", inputs, output, strides=list(stride), pads=[top, left, bottom, right], group=groups)
        columns_out = (columns + left + right - window_columns) // stride[1] + 1
        self._shapes[output] = ((rows + top + bottom - window_rows) // stride[0] + 1, columns_out, filters_out)

    def pad(self, picture: str, output: str, amounts: NDArray[Any]) -> None:
        """Pad a picture.

        amounts: int[4, 2], before and after, for batch, rows, columns and channels.
        """
        batch, vertical, horizontal, across_channels = (tuple(int(amount) for amount in pair) for pair in amounts)
        pads = np.array(
            [batch[0], across_channels[0], vertical[0], horizontal[0], batch[1], across_channels[1], vertical[1], horizontal[1]],
            np.int64,
        )
        self._emit("Pad", [picture, self._keep(f"{output}/pads", pads)], output)
        rows, columns, channels = self._shapes[picture]
        self._shapes[output] = (rows + sum(vertical), columns + sum(horizontal), channels + sum(across_channels))

    def pointwise(self, op: str, inputs: Sequence[str], output: str) -> None:
        """Add an operation on each number.

        Add, Sub, Mul, Max, Min of two values, or Relu, Abs, Sigmoid of one.
        """
        names = [self._aligned_constant(name, inputs) for name in inputs]
        self._emit(op, names, output)
        pictures = [self._shapes[name] for name in inputs if name in self._shapes]
        if pictures:
            self._shapes[output] = max(pictures)
        else:
            self._flat.add(output)

    def _aligned_constant(self, name: str, others: Sequence[str]) -> str:
        """Return the name under which a value joins others.

        A constant is stored in the shape that lines it up with the pictures among the others.
        """
        if name not in self._constants:
            return name
        values = self._constants[name].astype(np.float32)
        if any(other in self._shapes for other in others):
            if values.ndim > 1 and max(values.shape[:-1]) > 1:
                raise ValueError(f"{name}: a constant of shape {values.shape} meets a picture")
            return self._keep(f"{name}/channels", values.reshape(1, -1, 1, 1))
        return self._keep(name, values)

    def mean(self, picture: str, output: str) -> None:
        """Add the mean over rows and columns.

        f32[batch, channels].
        """
        self._emit("GlobalAveragePool", [picture], f"{output}/4d")
        self._emit("Flatten", [f"{output}/4d"], output)
        self._flat.add(output)

    def flatten(self, value: str, output: str) -> None:
        """Flatten a picture in the file's order.

        Channels change fastest.
        """
        if value in self._shapes:
            self._emit("Transpose", [value], f"{output}/nhwc", perm=[0, 2, 3, 1])
            self._emit("Flatten", [f"{output}/nhwc"], output)
        else:
            self._emit("Identity", [value], output)
        self._flat.add(output)

    def multiply(self, value: str, output: str, weights: F32, bias: F32 | None = None) -> None:
        """Add a matrix product and a bias.

        value · weights + bias; weights: f32[inputs, outputs].
        """
        weights_name = self._keep(f"{output}/weights", weights.astype(np.float32))
        self._emit("MatMul", [value, weights_name], output if bias is None else f"{output}/product")
        if bias is not None:
            self._emit("Add", [f"{output}/product", self._keep(f"{output}/bias", bias.astype(np.float32))], output)
        self._flat.add(output)

    def serialised(self, output: str, dimensions: int) -> bytes:
        """Return the graph as the bytes of an ONNX file.

        From `image` to the named value. Nodes that it does not need are left out.
        """
        from onnx import TensorProto, helper

        rows, columns, channels = self._size
        needed, nodes = {output}, []
        for node in reversed(self._nodes):
            if needed & set(node.output):
                nodes.append(node)
                needed |= set(node.input)
        if "image" not in needed:
            raise ValueError(f"nothing leads from the input to {output}")
        constants = [tensor for tensor in self._initializers if tensor.name in needed]
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", rows, columns, channels])
        template = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", dimensions])
        graph = helper.make_graph(list(reversed(nodes)), self._name, [image], [template], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="faceparity")
        data: bytes = model.SerializeToString(deterministic=True)
        return data


def _padding(length: int, window: int, stride: int, same: bool) -> tuple[int, int]:
    """Return TensorFlow's zeros before and after.

    An odd one goes after.
    """
    if not same:
        return 0, 0
    total = max((-(-length // stride) - 1) * stride + window - length, 0)
    return total // 2, total - total // 2
