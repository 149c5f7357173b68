"""TensorFlow's networks as ONNX: against loops in plain numpy, and against what TensorFlow's own runtimes gave for real weights."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.fetch.artefacts import path
from faceparity.harness.models.converters.nhwc_graph import NhwcGraph
from faceparity.harness.models.converters.tfjs_onnx import tfjs_to_onnx
from faceparity.harness.models.converters.tflite_onnx import tflite_to_onnx
from faceparity.harness.models.onnx.session import open_session
from faceparity.harness.models.registry import artefacts_of


def run(graph: bytes, image: NDArray[np.float32]) -> NDArray[np.float32]:
    made: NDArray[np.float32] = open_session(graph).run(None, {"image": image})[0]
    return made


def convolved(x: Any, filters: Any, stride: int, same: bool, depthwise: bool) -> Any:
    """TensorFlow's convolution of [rows, columns, channels], by loops."""
    rows, columns, channels = x.shape
    high, wide, _, outs = filters.shape
    if same:
        down = max((-(-rows // stride) - 1) * stride + high - rows, 0)
        right = max((-(-columns // stride) - 1) * stride + wide - columns, 0)
        x = np.pad(x, ((down // 2, down - down // 2), (right // 2, right - right // 2), (0, 0)))
    tall, broad = (x.shape[0] - high) // stride + 1, (x.shape[1] - wide) // stride + 1
    made = np.zeros((tall, broad, channels * outs if depthwise else outs))
    for i in range(tall):
        for j in range(broad):
            window = x[i * stride : i * stride + high, j * stride : j * stride + wide]
            made[i, j] = np.einsum("abc,abco->co" if depthwise else "abc,abco->o", window, filters).ravel()
    return made


@pytest.mark.parametrize("size", [(7, 6), (8, 8)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("depthwise", [False, True])
def test_convolutions(size: tuple[int, int], stride: int, same: bool, depthwise: bool) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(*size, 3)).astype(np.float32)
    filters = rng.normal(size=(3, 3, 3, 2)).astype(np.float32)
    graph = NhwcGraph("test", (*size, 3))
    graph.start("x")
    graph.convolve("x", "y", filters, stride=(stride, stride), same=same, depthwise=depthwise)
    expected = convolved(x, filters, stride, same, depthwise)
    assert graph.shape("y") == expected.shape
    graph.flatten("y", "flat")
    np.testing.assert_allclose(run(graph.serialised("flat", expected.size), x[None])[0], expected.ravel(), atol=1e-5)


def text(word: str) -> dict[str, str]:
    return {"s": base64.b64encode(word.encode()).decode()}


def node(name: str, op: str, inputs: list[str], **attributes: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "input": inputs, "attr": attributes}


def strides(n: int) -> dict[str, Any]:
    return {"list": {"i": ["1", str(n), str(n), "1"]}}


def tiny_tfjs() -> tuple[bytes, bytes, dict[str, NDArray[Any]]]:
    """A network of every operation that is converted: pad, both convolutions, PReLU by Maximum and Minimum, mean, product."""
    rng = np.random.default_rng(4)
    held: dict[str, NDArray[Any]] = {
        "pads": np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32),
        "filters": rng.normal(size=(3, 3, 3, 4)).astype(np.float16),
        "bias": rng.normal(size=4).astype(np.float32),
        "zero": np.zeros((), np.float32),
        "slope": rng.uniform(0.1, 0.5, 4).astype(np.float32),
        "deep": rng.normal(size=(3, 3, 4, 1)).astype(np.float32),
        "axes": np.array([1, 2], np.int32),
        "dense": rng.normal(size=(4, 5)).astype(np.float32),
        "dense_bias": rng.normal(size=5).astype(np.float32),
    }
    plain = {"data_format": text("NHWC"), "dilations": strides(1)}
    nodes: list[dict[str, Any]] = [
        {"name": "image_in", "op": "Placeholder", "attr": {"shape": {"shape": {"dim": [{"size": n} for n in ("-1", "6", "6", "3")]}}}},
        *({"name": name, "op": "Const", "attr": {}} for name in held),
        node("padded", "Pad", ["image_in", "pads"]),
        node("conv", "Conv2D", ["padded", "filters"], strides=strides(2), padding=text("VALID"), **plain),
        node("biased", "AddV2", ["conv", "bias"]),
        node("high", "Maximum", ["zero", "biased"]),
        node("low", "Minimum", ["zero", "biased"]),
        node("sloped", "Mul", ["slope", "low"]),
        node("prelu", "AddV2", ["high", "sloped"]),
        node("depthwise", "DepthwiseConv2dNative", ["prelu", "deep"], strides=strides(1), padding=text("SAME"), **plain),
        node("pooled", "Mean", ["depthwise", "axes"]),
        node("out", "_FusedMatMul", ["pooled", "dense", "dense_bias"], fused_ops={"list": {"s": [text("BiasAdd")["s"]]}}),
        node("unneeded", "Sigmoid", ["out"]),
    ]  # fmt: skip
    manifest, data = [], b""
    for name, values in held.items():
        half = values.dtype == np.float16
        entry = {"name": name, "shape": list(values.shape), "dtype": "int32" if values.dtype == np.int32 else "float32"}
        manifest.append(entry | ({"quantization": {"dtype": "float16", "original_dtype": "float32"}} if half else {}))
        data += values.tobytes()
    topology = {"modelTopology": {"node": nodes}, "weightsManifest": [{"paths": ["w.bin"], "weights": manifest}]}
    return json.dumps(topology).encode(), data, held


def test_tfjs_graph_against_numpy() -> None:
    topology, data, held = tiny_tfjs()
    x = np.random.default_rng(5).normal(size=(2, 6, 6, 3)).astype(np.float32)
    given = run(tfjs_to_onnx(topology, data, "out"), x)
    for image, row in zip(x, given, strict=True):
        y = convolved(np.pad(image, ((1, 1), (1, 1), (0, 0))), held["filters"].astype(float), 2, False, False) + held["bias"]
        y = np.maximum(y, 0) + held["slope"] * np.minimum(y, 0)
        y = convolved(y, held["deep"].astype(float), 1, True, True).mean(axis=(0, 1))
        np.testing.assert_allclose(row, y @ held["dense"] + held["dense_bias"], atol=1e-4)


def test_other_operations_are_refused() -> None:
    topology, data, _ = tiny_tfjs()
    with pytest.raises(ValueError, match="the operation Einsum is not one"):
        tfjs_to_onnx(topology.replace(b'"_FusedMatMul"', b'"Einsum"'), data, "out")
    with pytest.raises(ValueError, match="bytes of weights where the topology speaks of"):
        tfjs_to_onnx(topology, data + b"1234", "out")
    with pytest.raises(ValueError, match="there is no node called nowhere"):
        tfjs_to_onnx(topology, data, "nowhere")
    with pytest.raises(ValueError, match="buffer"):
        tfjs_to_onnx(topology, data[:-40], "out")


def test_other_files_are_refused() -> None:
    for data in (b"", b"<html>not found</html>", b"\0" * 100):
        with pytest.raises(ValueError, match="not a TensorFlow Lite file"):
            tflite_to_onnx(data)


def weights(name: str) -> list[bytes]:
    """What was fetched for a model, its detector's weights left out."""
    try:
        return [path(artefact).read_bytes() for artefact in artefacts_of(name) if not artefact.name.startswith("yunet")]
    except UserError as error:
        pytest.skip(str(error))


def ramp(*shape: int) -> NDArray[np.float32]:
    """f32, whole numbers from 0 to 254 in an order that is no picture's."""
    return ((np.arange(np.prod(shape)) * 7919) % 255).astype(np.float32).reshape(shape)


def test_mobilefacenet_equals_tensorflow_lite() -> None:
    """Reference: ai-edge-litert 2.3.0, one thread, first of a batch of two."""
    (data,) = weights("mobilefacenet-192")
    y = run(tflite_to_onnx(data), ramp(2, 112, 112, 3) / np.float32(127.5) - 1)[0]
    np.testing.assert_allclose(y[:6], [-0.10964838, 0.77336019, 0.27392426, -0.07280508, -1.50667036, 1.01159537], atol=2e-5)
    assert np.linalg.norm(y) == pytest.approx(24.569946, rel=1e-5)


def test_mobileface_equals_tensorflow_js() -> None:
    """Reference: TensorFlow.js 4.22.0, backend cpu."""
    topology, data = weights("mobileface-v3")
    y = run(tfjs_to_onnx(topology, data, "batchnorm0/add_1"), ramp(1, 112, 112, 3))[0]
    np.testing.assert_allclose(y[:6], [10.5436134, 1.1754379, -3.7641766, -3.0911205, 2.0024316, -8.4806347], atol=1e-4)
    assert np.linalg.norm(y) == pytest.approx(131.4599342, rel=1e-5)


def test_faceres_equals_tensorflow_js() -> None:
    """Reference: TensorFlow.js 4.22.0, backend cpu. Age and gender are not in the graph that is made."""
    topology, data = weights("hse-faceres")
    graph = tfjs_to_onnx(topology, data, "global_pooling/Mean")
    y = run(graph, ramp(1, 224, 224, 3))[0]
    assert np.linalg.norm(y) == pytest.approx(0.5489623697, rel=1e-5)
    assert b"gender" not in graph
    assert b"age_pred" not in graph
