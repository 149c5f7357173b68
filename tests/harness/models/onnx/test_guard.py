"""An ONNX file that wants more than to be computed is refused, wherever in the graph it hides it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.models.registry import load_model_card

onnx = pytest.importorskip("onnx")
helper = onnx.helper


def graph(nodes: list[Any], initializers: list[Any]) -> Any:
    image = helper.make_tensor_value_info("x", 1, ["n", 3, 8, 8])
    answer = helper.make_tensor_value_info("y", 1, ["n", 192])
    return helper.make_graph(nodes, "g", [image], [answer], initializers)


def flat(inside: str = "") -> Any:
    return helper.make_node("Flatten", ["x"], ["y"], domain=inside)


def outside(name: str = "w") -> Any:
    tensor = onnx.numpy_helper.from_array(np.zeros(2, np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../etc/passwd"
    return tensor


def in_a_branch(tensor: Any) -> Any:
    inner = helper.make_graph([helper.make_node("Constant", [], ["c"], value=tensor)], "b", [], [])
    return helper.make_node("If", ["p"], ["z"], then_branch=inner, else_branch=inner)


def card(folder: Path, made: Any) -> Path:
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("evil", 1)])
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    (folder / "m.toml").write_text(
        'onnx = "m.onnx"\nlicence = "MIT"\ndetector = "none"\nalignment = "whole"\ninput = { size = 8 }\n'
    )
    return folder / "m.toml"


@pytest.mark.parametrize(
    "made",
    [
        graph([flat()], [outside()]),
        graph([helper.make_node("Constant", [], ["c"], value=outside()), flat()], []),
        graph([in_a_branch(outside()), flat()], []),
    ],
)
def test_weights_in_other_files(made: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"m\.onnx: keeps weights in another file"):
        load_model_card(str(card(tmp_path, made)))


def test_operations_from_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="wants the operation Flatten of evil"):
        load_model_card(str(card(tmp_path, graph([flat("evil")], []))))


def test_an_ordinary_graph_is_taken(tmp_path: Path) -> None:
    assert load_model_card(str(card(tmp_path, graph([flat()], [])))).dimensions == 192
