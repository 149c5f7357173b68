"""Repairing a shipped graph changes nothing that it computes. On a small graph with everything that SFace's file has."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from faceparity.harness.models.onnx.repair import (
    dequantised,
    drop_weight_inputs,
    fold_quantised_weights,
    free_batch,
    repaired,
    rewrite_prelu,
)
from faceparity.harness.models.onnx.session import OnnxEmbedder, open_session

RNG = np.random.default_rng(7)
VALUES = RNG.integers(-128, 128, (4, 27)).astype(np.int8)
SCALES = RNG.uniform(1e-3, 1e-2, (4, 3)).astype(np.float32)
ZEROS = RNG.integers(-20, 20, (4, 3)).astype(np.int8)
SLOPES = np.array([0.25, -0.5, 0.0, 1.5], np.float32).reshape(4, 1, 1)


def shipped() -> bytes:
    """Block-quantised filters → Reshape → Conv → PReLU → mean, for batches of one, with two dangling inputs and a listed weight."""
    constants = {
        "w_quantized": VALUES,
        "w_scales": SCALES,
        "w_zero_point": ZEROS,
        "w_shape": np.array([4, 3, 3, 3], np.int64),
        "slope": SLOPES,
        "axes": np.array([2, 3], np.int64),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["w_quantized", "w_scales", "w_zero_point"], ["w_flat"], axis=1, block_size=9),
        helper.make_node("Reshape", ["w_flat", "w_shape"], ["w_4d"]),
        helper.make_node("Conv", ["data", "w_4d"], ["conv"], pads=[1, 1, 1, 1]),
        helper.make_node("PRelu", ["conv", "slope"], ["act"]),
        helper.make_node("ReduceMean", ["act", "axes"], ["out"], keepdims=0),
    ]
    inputs = [
        helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 8, 8]),
        helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 3, 3, 3]),
        helper.make_tensor_value_info("scalar_op1", TensorProto.FLOAT, [1]),
        helper.make_tensor_value_info("slope", TensorProto.FLOAT, [4, 1, 1]),
    ]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 4])
    graph = helper.make_graph(nodes, "g", inputs, [out], [numpy_helper.from_array(a, n) for n, a in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    data: bytes = model.SerializeToString()
    return data


def after(*steps: Any) -> Any:
    model = onnx.load_model_from_string(shipped())
    for step in steps:
        step(model)
    onnx.checker.check_model(model)
    return model


def run(model: Any, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    session = open_session(model.SerializeToString())
    result: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: batch})[0]
    return result


@pytest.fixture
def pictures() -> NDArray[np.float32]:
    return np.random.default_rng(5).integers(0, 256, (6, 3, 8, 8)).astype(np.float32)


def test_dequantised_by_hand() -> None:
    values = np.array([[1, 2, 3, 4, 5]], np.int8)
    scales = np.array([[0.5, 2.0, 10.0]], np.float32)
    zeros = np.array([[0, 1, -1]], np.int8)
    np.testing.assert_array_equal(dequantised(values, scales, zeros, 1, 2), [[0.5, 1.0, 4.0, 6.0, 60.0]])


def test_dequantised_as_the_runtime_does() -> None:
    """Bit for bit, also along the first axis and where a difference leaves int8's range."""
    for axis, values, scales, zeros in ((1, VALUES, SCALES, ZEROS), (0, VALUES.T.copy(), SCALES.T.copy(), ZEROS.T.copy())):
        node = helper.make_node("DequantizeLinear", ["v", "s", "z"], ["y"], axis=axis, block_size=9)
        kinds = {"v": TensorProto.INT8, "s": TensorProto.FLOAT, "z": TensorProto.INT8}
        given: dict[str, NDArray[Any]] = {"v": values, "s": scales, "z": zeros}
        inputs = [helper.make_tensor_value_info(n, k, given[n].shape) for n, k in kinds.items()]
        out = helper.make_tensor_value_info("y", TensorProto.FLOAT, values.shape)
        graph = helper.make_graph([node], "d", inputs, [out])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        theirs = open_session(model.SerializeToString()).run(None, given)[0]
        np.testing.assert_array_equal(dequantised(values, scales, zeros, axis, 9), theirs)


def test_inputs_left() -> None:
    assert [i.name for i in after(drop_weight_inputs).graph.input] == ["data"]


def test_repaired_graph_holds_nothing_of_the_old() -> None:
    model = onnx.load_model_from_string(repaired(shipped()))
    onnx.checker.check_model(model)
    assert {n.op_type for n in model.graph.node} == {"Conv", "Relu", "Sub", "Mul", "Add", "ReduceMean"}
    assert {t.name for t in model.graph.initializer} == {"w_4d", "slope", "axes"}


def test_same_numbers(pictures: NDArray[np.float32]) -> None:
    """Each step alone and all together, against the graph of which only the inputs were mended."""
    plain = after(drop_weight_inputs)
    expected = np.concatenate([run(plain, picture[None]) for picture in pictures])
    assert np.ptp(expected) > 1
    for steps in (
        (free_batch,),
        (fold_quantised_weights,),
        (rewrite_prelu,),
        (free_batch, fold_quantised_weights, rewrite_prelu),
    ):
        model = after(drop_weight_inputs, *steps)
        got = np.concatenate([run(model, picture[None]) for picture in pictures])
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_any_batch(pictures: NDArray[np.float32]) -> None:
    assert run(onnx.load_model_from_string(repaired(shipped())), pictures).shape == (6, 4)


def test_prelu_is_exact() -> None:
    """Negative, zero, positive, negative zero and infinite inputs; slopes of either sign."""
    x = np.array([-3.5, -0.0, 0.0, 2.25, 1e30, -1e30], np.float32).reshape(1, 1, 1, 6).repeat(4, axis=1)
    nodes = [helper.make_node("PRelu", ["x", "slope"], ["y"])]
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4, 1, 6]) for n in ("x", "y")]
    graph = helper.make_graph(nodes, "p", [info[0]], [info[1]], [numpy_helper.from_array(SLOPES, "slope")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    expected = np.where(x < 0, x * SLOPES[None], x)
    np.testing.assert_array_equal(run(model, x), expected)
    rewrite_prelu(model)
    assert "PRelu" not in {n.op_type for n in model.graph.node}
    np.testing.assert_array_equal(run(model, x), expected)


def test_repair_is_deterministic() -> None:
    assert repaired(shipped()) == repaired(shipped())


def test_embedder_rows_do_not_depend_on_neighbours() -> None:
    embedder = OnnxEmbedder(repaired(shipped()))
    chips = list(np.random.default_rng(11).integers(0, 256, (32, 8, 8, 3)).astype(np.uint8))
    together = embedder.embed(chips)
    assert together.dtype == np.float32
    for i, chip in enumerate(chips):
        np.testing.assert_array_equal(embedder.embed([chip])[0], together[i])
    np.testing.assert_array_equal(embedder.embed(chips[::-1]), together[::-1])
    assert embedder.embed([]).shape == (0, 4)
