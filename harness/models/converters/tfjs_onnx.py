"""Convert a TensorFlow.js graph model (its .json and .bin) to ONNX: the convolutional networks that face models are."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.models.converters.nhwc_graph import NhwcGraph

_POINTWISE = {
    "Add": "Add", "AddV2": "Add", "Sub": "Sub", "Mul": "Mul", "Maximum": "Max", "Minimum": "Min", "Relu": "Relu", "Abs": "Abs",
}  # fmt: skip


def weights(manifest: list[Mapping[str, Any]], data: bytes) -> dict[str, NDArray[Any]]:
    """Return every constant by name, float32 or int32.

    Values stored as float16 become float32, which is exact. Raises ValueError for other types, or more or fewer bytes than described.
    """
    constants: dict[str, NDArray[Any]] = {}
    position = 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
        if stored not in ("float16", "float32", "int32"):
            raise ValueError(f"{entry['name']} is stored as {stored}")
        kind = np.dtype(stored).newbyteorder("<")
        count = int(np.prod(entry["shape"], dtype=np.int64))
        values = np.frombuffer(data, kind, count, position).reshape(entry["shape"])
        constants[entry["name"]] = values.astype(np.int32 if entry["dtype"] == "int32" else np.float32)
        position += count * kind.itemsize
    if position != len(data):
        raise ValueError(f"{len(data)} bytes of weights where the topology speaks of {position}")
    return constants


def _text(attributes: Mapping[str, Any], name: str, default: str) -> str:
    return base64.b64decode(attributes[name]["s"]).decode("ascii") if name in attributes else default


def _fused(attributes: Mapping[str, Any]) -> list[str]:
    listed = attributes.get("fused_ops", {}).get("list", {}).get("s", [])
    return [base64.b64decode(operation).decode("ascii") for operation in listed]


def tfjs_to_onnx(topology: bytes, data: bytes, output: str) -> bytes:
    """Convert a graph model to an ONNX file's bytes.

    From its one placeholder to the node called `output`. Input `image`: f32[batch, rows, columns, 3]; output: f32[batch, dimensions].
    Raises ValueError for a graph with other operations than those of plain convolutional networks, or weights that do not fit.
    """
    description = json.loads(topology)
    nodes = description["modelTopology"]["node"]
    arrays = weights(description["weightsManifest"], data)
    if output not in {node["name"] for node in nodes}:
        raise ValueError(f"there is no node called {output}")
    start = next(node for node in nodes if node["op"] == "Placeholder")
    rows, columns, channels = (int(side["size"]) for side in start["attr"]["shape"]["shape"]["dim"][1:])
    graph = NhwcGraph(start["name"], (rows, columns, channels))
    graph.start(start["name"])
    width: dict[str, int] = {}
    for node in nodes:
        if node["op"] == "Const":
            graph.constant(node["name"], arrays[node["name"]])
    for node in nodes:
        if node["op"] not in ("Const", "Placeholder"):
            width[node["name"]] = _add(graph, node, width)
        if node["name"] == output:
            break
    return graph.serialised(output, width[output])


def _add(graph: NhwcGraph, node: Mapping[str, Any], width: Mapping[str, int]) -> int:
    """Add a node to the graph.

    Returns how many numbers, or channels, its value has. Raises ValueError for an operation that is not converted.
    """
    op, name, attributes = node["op"], node["name"], node.get("attr", {})
    inputs = [input_name.partition(":")[0] for input_name in node["input"] if not input_name.startswith("^")]
    if op in _POINTWISE:
        graph.pointwise(_POINTWISE[op], inputs, name)
        return max(width.get(source, 0) if not graph.is_constant(source) else graph.values(source).size for source in inputs)
    if op in ("Conv2D", "DepthwiseConv2dNative"):
        _check_plain(name, attributes)
        strides = [int(stride) for stride in attributes["strides"]["list"]["i"]]
        same = _text(attributes, "padding", "VALID") == "SAME"
        graph.convolve(
            inputs[0], name, graph.values(inputs[1]), stride=(strides[1], strides[2]), same=same, depthwise=op != "Conv2D"
        )
        return graph.shape(name)[2]
    if op == "Pad":
        graph.pad(inputs[0], name, graph.values(inputs[1]))
        return graph.shape(name)[2]
    if op == "Mean" and sorted(graph.values(inputs[1]).tolist()) == [1, 2]:
        graph.mean(inputs[0], name)
        return graph.shape(inputs[0])[2]
    if op == "Reshape":
        graph.flatten(inputs[0], name)
        return int(graph.values(inputs[1])[-1])
    if op == "MatMul" or (op == "_FusedMatMul" and set(_fused(attributes)) <= {"BiasAdd"}):
        bias = graph.values(inputs[2]) if len(inputs) > 2 else None
        graph.multiply(inputs[0], name, graph.values(inputs[1]), bias)
        return int(graph.values(inputs[1]).shape[1])
    raise ValueError(f"{name}: the operation {op} is not one of those that are converted")


def _check_plain(name: str, attributes: Mapping[str, Any]) -> None:
    dilations = [int(dilation) for dilation in attributes.get("dilations", {}).get("list", {}).get("i", [1])]
    if _text(attributes, "data_format", "NHWC") != "NHWC" or max(dilations) > 1:
        raise ValueError(f"{name}: dilated, or not channels last")
