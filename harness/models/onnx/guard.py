"""Refuse what an ONNX file from anywhere must not bring: weights in other files, and operations that need another library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from faceparity.datasets.common.errors import UserError

DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc"}
"""Whose operations onnxruntime has built in."""


def check_graph(model: Any, name: str) -> None:
    """Refuse a model with external weights or custom operations.

    model: onnx.ModelProto, loaded without its external data. Raises UserError. Weights in other files are refused altogether, not only
    outside the model's folder: the file's sha256 would not cover them.
    """
    local_domains = {function.domain for function in model.functions}
    for graph in _graphs(model):
        for tensor in _tensors(graph):
            if tensor.data_location == 1 or tensor.external_data:  # TensorProto.EXTERNAL
                location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "another file")
                raise UserError(
                    f"{name}: keeps weights in another file ({location[:60]}): save it as one file, which its sha256 covers whole "
                    "(onnx.save with save_as_external_data=False)"
                )
        for node in graph.node:
            if node.domain not in DOMAINS and node.domain not in local_domains:
                raise UserError(
                    f"{name}: wants the operation {node.op_type[:60]} of {node.domain[:60]}, which is code from elsewhere and is "
                    "never loaded: export it with ONNX's own operations"
                )


def _graphs(model: Any) -> Iterator[Any]:
    """Yield the graph, its functions, and every graph inside them.

    Those inside are the bodies of loops and branches.
    """
    pending = [model.graph, *model.functions]
    while pending:
        graph = pending.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    pending.append(attribute.g)
                pending.extend(attribute.graphs)


def _tensors(graph: Any) -> Iterator[Any]:
    """Yield a graph's weights and the constants of its operations."""
    yield from getattr(graph, "initializer", ())
    for sparse in getattr(graph, "sparse_initializer", ()):
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
