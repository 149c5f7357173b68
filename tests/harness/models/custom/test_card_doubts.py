"""What a card of an ONNX file says that is more often a mistake is refused in one line, until the card says that it is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.models import open_model
from faceparity.harness.models.base.card import NetworkInput
from faceparity.harness.models.cards import shipped_card, shipped_names
from faceparity.harness.models.custom.card_doubts import check_scaling, check_varies, probes
from faceparity.harness.models.registry import load_model_card

onnx = pytest.importorskip("onnx")
helper = onnx.helper
SIZE = 8


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))


def card(folder: Path, outputs: dict[str, int | None], more: str = "", feeding: str = "", constant: bool = False) -> str:
    """A network that gives as many of the pixels as each output has numbers (None: the file does not say), and its card."""
    nodes = [helper.make_node("Flatten", ["x"], ["flat"])]
    values, constants = [], []
    for name, length in outputs.items():
        start, end, axis, nothing = (f"{name}_{word}" for word in ("start", "end", "axis", "nothing"))
        for known, number in ((start, 0), (end, length or 192), (axis, 1)):
            constants.append(onnx.numpy_helper.from_array(np.array([number], np.int64), known))
        constants.append(onnx.numpy_helper.from_array(np.array(0.0 if constant else 1.0, np.float32), nothing))
        constants.append(onnx.numpy_helper.from_array(np.array(float(constant), np.float32), f"{name}_plus"))
        nodes.append(helper.make_node("Slice", ["flat", start, end, axis], [f"{name}_part"]))
        nodes.append(helper.make_node("Mul", [f"{name}_part", nothing], [f"{name}_scaled"]))
        nodes.append(helper.make_node("Add", [f"{name}_scaled", f"{name}_plus"], [name]))
        values.append(helper.make_tensor_value_info(name, 1, ["n", length or "d"]))
    image = helper.make_tensor_value_info("x", 1, ["n", 3, SIZE, SIZE])
    graph = helper.make_graph(nodes, "g", [image], values, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    text = f'onnx = "m.onnx"\nlicence = "MIT"\ndetector = "none"\nalignment = "whole"\n{more}\ninput = {{ size = {SIZE}{feeding} }}\n'
    (folder / "m.toml").write_text(text, "utf-8")
    return str(folder / "m.toml")


def refused(path: str) -> str:
    with pytest.raises(UserError) as caught:
        open_model(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("feeding", "better"),
    [
        (", mean = [0.5], std = [0.5]", "probably mean = [127.5], std = [127.5];"),
        (", mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225]", "mean = [123.675, 116.28, 103.53], std = [58.395, 57.12, 57.375];"),
        (", mean = [127.5], std = [0.0078125]", "probably std = [128];"),
        (", mean = [-0.5]", "probably mean = [-127.5];"),
    ],
)  # fmt: skip
def test_mean_and_std_below_one(tmp_path: Path, feeding: str, better: str) -> None:
    path = card(tmp_path, {"y": 192}, feeding=feeding)
    said = refused(path)
    assert said.startswith("m.toml: input.")
    assert better in said
    assert 'intended = ["mean_std"]' in said
    with pytest.raises(UserError):
        load_model_card(path)  # as `faceparity models m.toml` reads it
    assert open_model(card(tmp_path, {"y": 192}, 'intended = ["mean_std"]', feeding)).card.dimensions == 192


def test_ordinary_scalings_are_taken(tmp_path: Path) -> None:
    for feeding in ("", ", mean = [127.5], std = [128]", ", mean = [0, 0, 0], std = [1]", ", std = [255]", ", mean = [1.0]"):
        assert open_model(card(tmp_path, {"y": 192}, feeding=feeding)).card.dimensions == 192
    for name in shipped_names():
        recipe = shipped_card(name).recipe
        check_scaling(name, recipe.input if recipe is not None else NetworkInput(), ())


def test_fewer_than_sixteen_numbers(tmp_path: Path) -> None:
    said = refused(card(tmp_path, {"age": 1}))
    assert "m.toml: m.onnx gives 1 number, and" in said
    assert "gives 15 numbers, and templates of faces have 16 or more" in refused(card(tmp_path, {"y": 15}))
    assert 'intended = ["dimensions"]' in said
    assert open_model(card(tmp_path, {"y": 16})).card.dimensions == 16
    assert open_model(card(tmp_path, {"y": 4}, 'intended = ["dimensions"]')).card.dimensions == 4


def test_several_outputs(tmp_path: Path) -> None:
    outputs = {"template": 64, "age": 1, "rest": None}
    said = refused(card(tmp_path, outputs))
    assert "m.onnx has 3 outputs: template (any×64), age (any×1), rest (any×any);" in said
    assert 'input = { output = "NAME" }' in said
    assert "3 outputs" in refused(card(tmp_path, outputs, "dimensions = 64")), "whatever else the card says"
    assert open_model(card(tmp_path, outputs, feeding=', output = "template"')).card.dimensions == 64
    assert "gives 1 number" in refused(card(tmp_path, outputs, feeding=', output = "age"'))
    assert "has no output 'face': it has template, age, rest" in refused(card(tmp_path, outputs, feeding=', output = "face"'))


def test_one_template_for_all(tmp_path: Path) -> None:
    said = refused(card(tmp_path, {"y": 64}, constant=True))
    assert "m.toml: m.onnx gives the same template for 4 unlike pictures" in said
    assert 'intended = ["constant"]' in said
    assert open_model(card(tmp_path, {"y": 64}, 'intended = ["constant"]', constant=True)).card.dimensions == 64


class Answers:
    """An embedder that gives what a function gives."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def embed(self, chips: Any) -> Any:
        return np.stack([np.asarray(self.function(chip), np.float32) for chip in chips])


def test_what_counts_as_one_template() -> None:
    def takes(function: Any) -> None:
        check_varies("m", Answers(function), 16, ())

    takes(lambda chip: [chip.mean(), 1.0])
    takes(lambda chip: [np.nan, 1.0])  # not finite: each image's failure
    takes(lambda chip: [1.0, 1.0 + 1e-5 * chip.mean()])

    def fails(chip: Any) -> Any:
        raise RuntimeError("no")

    takes(fails)
    for constant in (0.0, 5.0, 1e-20):
        with pytest.raises(UserError, match="same template"):
            takes(lambda chip, constant=constant: [constant, constant])


def test_probes_are_unlike() -> None:
    for size in (8, 96, 112):
        pictures = probes(size)
        assert all(picture.shape == (size, size, 3) and picture.dtype == np.uint8 for picture in pictures)
        assert len({picture.tobytes() for picture in pictures}) == 4
