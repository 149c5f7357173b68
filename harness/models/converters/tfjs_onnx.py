"""A TensorFlow.js graph model (its .json and .bin) as an ONNX graph: the convolutional networks that face models are."""

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
    """Every constant by name, f32 or int32. Values stored as float16 become f32, which is exact."""
    found: dict[str, NDArray[Any]] = {}
    place = 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
        if stored not in ("float16", "float32", "int32"):
            raise ValueError(f"{entry['name']} is stored as {stored}")
        kind = np.dtype(stored).newbyteorder("<")
        count = int(np.prod(entry["shape"], dtype=np.int64))
        values = np.frombuffer(data, kind, count, place).reshape(entry["shape"])
        found[entry["name"]] = values.astype(np.int32 if entry["dtype"] == "int32" else np.float32)
        place += count * kind.itemsize
    if place != len(data):
        raise ValueError(f"{len(data)} bytes of weights where the topology speaks of {place}")
    return found


def _text(attributes: Mapping[str, Any], name: str, default: str) -> str:
    return base64.b64decode(attributes[name]["s"]).decode("ascii") if name in attributes else default


def _fused(attributes: Mapping[str, Any]) -> list[str]:
    listed = attributes.get("fused_ops", {}).get("list", {}).get("s", [])
    return [base64.b64decode(one).decode("ascii") for one in listed]


def tfjs_to_onnx(topology: bytes, data: bytes, output: str) -> bytes:
    """The graph from its one placeholder to the node called `output`, as the bytes of an ONNX file.

    Input `image`: f32[batch, rows, columns, 3]; output: f32[batch, dimensions]. Raises ValueError for a graph with other
    operations than those of plain convolutional networks, or weights that do not fit.
    """
    described = json.loads(topology)
    nodes = described["modelTopology"]["node"]
    arrays = weights(described["weightsManifest"], data)
    if output not in {node["name"] for node in nodes}:
        raise ValueError(f"there is no node called {output}")
    start = next(node for node in nodes if node["op"] == "Placeholder")
    rows, columns, channels = (int(d["size"]) for d in start["attr"]["shape"]["shape"]["dim"][1:])
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
    """Puts a node into the graph; how many numbers, or channels, its value has."""
    op, name, attributes = node["op"], node["name"], node.get("attr", {})
    inputs = [given.partition(":")[0] for given in node["input"] if not given.startswith("^")]
    if op in _POINTWISE:
        graph.pointwise(_POINTWISE[op], inputs, name)
        return max(width.get(i, 0) if not graph.is_constant(i) else graph.values(i).size for i in inputs)
    if op in ("Conv2D", "DepthwiseConv2dNative"):
        _check_plain(name, attributes)
        strides = [int(v) for v in attributes["strides"]["list"]["i"]]
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
    dilations = [int(v) for v in attributes.get("dilations", {}).get("list", {}).get("i", [1])]
    if _text(attributes, "data_format", "NHWC") != "NHWC" or max(dilations) > 1:
        raise ValueError(f"{name}: dilated, or not channels last")
