"""Networks that tests make: small, quick, and known to the last number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def saved(nodes: list[Any], inputs: list[Any], outputs: list[Any], held: dict[str, NDArray[Any]]) -> bytes:
    tensors = [numpy_helper.from_array(values, name) for name, values in held.items()]
    graph = helper.make_graph(nodes, "toy", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    data: bytes = model.SerializeToString()
    return data


def embedder(dimensions: int = 512, size: int = 112, batch: int | str = "batch", last: bool = False) -> bytes:
    """8 × 8 thumbnails of each channel, times a fixed random matrix."""
    picture = [batch, size, size, 3] if last else [batch, 3, size, size]
    nodes = [helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2])] if last else []
    step = size // 8
    nodes += [
        helper.make_node("AveragePool", ["planes" if last else "image"], ["small"], kernel_shape=[step] * 2, strides=[step] * 2),
        helper.make_node("Flatten", ["small"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["template"]),
    ]
    matrix = np.random.default_rng(1).normal(size=(192, dimensions)).astype(np.float32)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, picture)
    template = helper.make_tensor_value_info("template", TensorProto.FLOAT, [batch, dimensions])
    return saved(nodes, [image], [template], {"matrix": matrix})


FOUND = {"stride": 16, "cell": (20, 19), "reach": (5.0, 6.0, 5.0, 7.0)}
POINTS = ((-2.0, -2.0), (2.0, -2.0), (0.0, 0.5), (-1.5, 3.0), (1.5, 3.0))


def scrfd(score: float = 0.9) -> bytes:
    """A detector that finds one face wherever it looks: at row 20, column 19 of stride 16, twice (once a little worse)."""
    held, outputs = {}, []
    for kind, width in (("score", 1), ("box", 4), ("points", 10)):
        for stride in (8, 16, 32):
            values = np.zeros(((640 // stride) ** 2 * 2, width), np.float32)
            if stride == FOUND["stride"]:
                row = (20 * 40 + 19) * 2
                values[row : row + 2] = {"score": [[score], [score - 0.1]], "box": [FOUND["reach"]] * 2,
                                         "points": [np.ravel(POINTS)] * 2}[kind]  # fmt: skip
            held[f"{kind}_{stride}_held"] = values
            outputs.append((f"{kind}_{stride}", values.shape))
    nodes = [helper.make_node("ReduceMax", ["image"], ["top"], keepdims=0), helper.make_node("Mul", ["top", "zero"], ["nothing"])]
    nodes += [helper.make_node("Add", [f"{name}_held", "nothing"], [name]) for name, _ in outputs]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "height", "width"])
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in outputs]
    return saved(nodes, [image], infos, {**held, "zero": np.zeros((), np.float32)})
