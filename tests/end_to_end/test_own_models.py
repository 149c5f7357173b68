"""Every way of bringing a model of one's own, by the examples in harness/models/README.md as they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests import ROOT
from tests.end_to_end.end_to_end_help import results

Command = Callable[..., subprocess.CompletedProcess[str]]
README = ROOT / "harness" / "models" / "README.md"


def thumbnails(size: int = 112) -> onnx.ModelProto:
    """A network whose templates are 8 × 8 thumbnails less their mean."""
    nodes = [
        helper.make_node("AveragePool", ["image"], ["small"], kernel_shape=[size // 8] * 2, strides=[size // 8] * 2),
        helper.make_node("Flatten", ["small"], ["flat"]),
        helper.make_node("ReduceMean", ["flat"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["flat", "mean"], ["template"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, size, size])
    template = helper.make_tensor_value_info("template", TensorProto.FLOAT, ["batch", 192])
    graph = helper.make_graph(nodes, "thumbnails", [image], [template])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, people: Path) -> Path:
    """A folder with all files of the README, the pictures, and a network."""
    folder = tmp_path_factory.mktemp("own")
    for block in re.findall(r"```\w+\n# file: (.*?)```", README.read_text("utf-8"), re.DOTALL):
        name, _, text = block.partition("\n")
        (folder / name).write_text(text, "utf-8")
    (folder / "people").symlink_to(people, target_is_directory=True)
    onnx.save(thumbnails(), str(folder / "mine.onnx"))
    return folder


def run(faceparity: Command, place: Path, model: str, **env: str) -> dict[str, object]:
    """The result of `faceparity run -d folder=people -m MODEL`."""
    out = place / f"out-{re.sub('[^a-z]', '-', model)}"
    options = ["--by", "gender", "--target-fmr", "0.01", "--workers", "2"]
    done = faceparity("run", "-d", "folder=people", "-m", model, *options, "--out", out, cwd=place, env=env or None)
    assert done.returncode == 0, done.stderr
    return results(out)


def separates(result: dict[str, object]) -> None:
    """Nobody failed, and few mated comparisons are missed at the threshold: the templates are those of the right pictures."""
    assert result["extraction"]["overall"]["comparisons"] == 260
    assert result["extraction"]["overall"]["errors"] == 0
    (point,) = [p for p in result["groupings"][0]["operating_points"] if p["origin"] == "target"]
    fnmr = point["overall"]["fnmr"]
    assert fnmr["comparisons"] == 130
    assert fnmr["errors"] < 6


def test_all_commands_of_the_readme_are_tried() -> None:
    told = [
        line.split("  #")[0].strip()
        for line in re.findall(r"^(?:faceparity|python|pip) .*", README.read_text("utf-8"), re.MULTILINE)
    ]
    assert told == [
        "faceparity run -d folder=people -m sface:detector=hog",
        "faceparity run -d folder=people -m mine.toml",
        "faceparity run -d folder=people -m mine.toml",
        "faceparity run -d folder=people -m product.toml",
        "python make_templates.py",
        "faceparity run -d folder=people -m ready.toml",
        "python make_scores.py",
        "faceparity score scores.csv --by gender",
        "pip install .",
        "faceparity run -d folder=people -m my-model",
    ]


def test_onnx(faceparity: Command, place: Path) -> None:
    result = run(faceparity, place, "mine.toml:detector=none,alignment=whole")
    separates(result)
    model = result["model"]
    assert model["name"] == "mine:alignment=whole,detector=none"
    assert (model["licence"], model["training_data"]) == ("MIT", "pictures of 300 volunteers")
    assert (model["dimensions"], model["published_threshold"]) == (192, 0.4)
    assert "not found this way" in model["known_weaknesses"][-1]
    assert model["detector"].startswith("none")
    assert "-m <file>:alignment=whole,detector=none " in result["provenance"]["command"]
    assert result["warnings"] == [], "MIT allows every use"


def test_command(faceparity: Command, place: Path) -> None:
    result = run(faceparity, place, "product.toml")
    separates(result)
    assert "licence of product is unknown" in " ".join(result["warnings"])


def test_ready_templates(faceparity: Command, place: Path) -> None:
    subprocess.run([sys.executable, "make_templates.py"], cwd=place, check=True)
    result = run(faceparity, place, "ready.toml")
    separates(result)
    by_command = run(faceparity, place, "product.toml")
    rates = [[g["rate"] for p in r["groupings"][0]["operating_points"] for g in p["fmr"]] for r in (result, by_command)]
    assert rates[0] == rates[1], "the same templates by two ways give the same rates"


def test_images_without_a_ready_template_are_failures(faceparity: Command, place: Path) -> None:
    subprocess.run([sys.executable, "make_templates.py"], cwd=place, check=True)
    lines = (place / "files.csv").read_text("utf-8").splitlines()
    (place / "fewer.csv").write_text("\n".join(lines[:-7]), "utf-8")
    np.save(place / "fewer.npy", np.load(place / "templates.npy")[:-7])
    card = (place / "ready.toml").read_text("utf-8").replace("templates.npy", "fewer.npy").replace("files.csv", "fewer.csv")
    (place / "fewer.toml").write_text(card, "utf-8")
    result = run(faceparity, place, "fewer.toml")
    assert result["extraction"]["overall"]["errors"] == 7


@pytest.mark.parametrize(("number", "reason"), [(0.0, "zeros"), (1e39, "beyond 32-bit floating point"), (np.nan, "NaN")])
def test_templates_that_no_comparison_takes_are_failures(faceparity: Command, place: Path, number: float, reason: str) -> None:
    """Of ready-made templates here; the run goes on, this time and the next."""
    subprocess.run([sys.executable, "make_templates.py"], cwd=place, check=True)
    templates = np.load(place / "templates.npy").astype(np.float64)
    templates[7] = number
    np.save(place / "odd.npy", templates)
    (place / "odd.toml").write_text((place / "ready.toml").read_text("utf-8").replace("templates.npy", "odd.npy"), "utf-8")
    for out in ("out-odd", "out-odd-again"):
        options = ["--by", "gender", "--target-fmr", "0.01", "--out", out]
        done = faceparity("run", "-d", "folder=people", "-m", "odd.toml", *options, cwd=place)
        assert done.returncode == 0, done.stderr
        assert results(place / out)["extraction"]["overall"]["errors"] == 1
        told = " ".join(done.stderr.split())
        assert re.search(rf"1 without a template: \S+ \(its template [a-z ]+{reason}", told), told


def test_a_line_too_many_of_a_command_ends_the_run(faceparity: Command, place: Path) -> None:
    """It shifted all later answers by an image, and the run ended well."""
    text = (place / "product.py").read_text("utf-8")
    twice = text.replace("flush=True)", "flush=True)\n    if '030_1' in line:\n        print(json.dumps(answer), flush=True)")
    assert twice != text
    (place / "twice.py").write_text(twice, "utf-8")
    (place / "twice.toml").write_text((place / "product.toml").read_text("utf-8").replace("product.py", "twice.py"), "utf-8")
    done = faceparity("run", "-d", "folder=people", "-m", "twice.toml", "--workers", "2", "--out", "out-twice", cwd=place)
    assert done.returncode == 2
    told = done.stderr.strip().splitlines()[-1]
    assert "the command of twice wrote more than one line for an image" in told
    assert not list((place / "out-twice").glob("*/*/results.json"))


def rates_of(result: dict[str, object]) -> list[object]:
    """FMR and FNMR of each gender at each target: comparisons and errors."""
    points = [p for p in result["groupings"][0]["operating_points"] if p["origin"] == "target"]
    within = [g for p in points for g in p["fmr"] + p["fnmr"] if g["design"] == "within"]
    return [(g["group"], g["comparisons"], g["errors"]) for g in within]


@pytest.fixture
def fewer(place: Path, people: Path, tmp_path: Path) -> Path:
    """A folder with the files of the README and 140 of the pictures: asking for scores one by one takes time."""
    for name in ("matcher.py", "make_scores.py", "product.py", "product.toml"):
        shutil.copy(place / name, tmp_path)
    (tmp_path / "people").mkdir()
    lines = (people / "labels.csv").read_text("utf-8").splitlines()[:141]
    (tmp_path / "people" / "labels.csv").write_text("\n".join(lines) + "\n", "utf-8")
    for line in lines[1:]:
        shutil.copy(people / line.split(",")[0], tmp_path / "people")
    return tmp_path


def scored(faceparity: Command, place: Path) -> dict[str, object]:
    """The result of the README's program and `faceparity score`."""
    subprocess.run([sys.executable, "make_scores.py"], cwd=place, check=True)
    done = faceparity("score", "scores.csv", "--by", "gender", "--target-fmr", "0.01", "--out", "scored", cwd=place)
    assert done.returncode == 0, done.stderr
    return json.loads((place / "scored" / "results.json").read_text("utf-8"))


def test_a_product_that_gives_scores_alone(faceparity: Command, fewer: Path) -> None:
    """By scores as by templates: every comparison within a gender is there, and as many are wrong at the target."""
    result = scored(faceparity, fewer)
    rates = rates_of(result)
    assert [r[:2] for r in rates] == [("female", 2380), ("male", 2380), ("female", 35), ("male", 35)]
    assert rates == rates_of(run(faceparity, fewer, "product.toml"))
    assert result["extraction"]["supplied"] is False


def test_a_comparison_that_fails_counts(faceparity: Command, fewer: Path) -> None:
    """One picture that the product finds no face in: its comparisons are empty scores, and are in the rates with failures."""
    first = min((fewer / "people").glob("*.png"))
    cv2.imwrite(str(first), np.full((64, 64, 3), 90, np.uint8))
    result = scored(faceparity, fewer)
    assert result["extraction"]["supplied"] is True
    (hers,) = [r for r in rates_of(result)[2:] if r[0] == "female"]
    (point,) = [p for p in result["groupings"][0]["operating_points"] if p["origin"] == "target"]
    (rate,) = [g for g in point["fnmr"] if g["group"] == "female" and g["design"] == "within"]
    assert hers[1] == 34
    assert rate["rate_including_failures"] == pytest.approx((hers[2] + 1) / 35)


def test_python_object(faceparity: Command, place: Path, command_environment: dict[str, str]) -> None:
    """Installing is left to pip; what it would install is put on the path, with the entry points of the pyproject.toml."""
    points = tomllib.loads((place / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    site = place / "site"
    info = site / "my_model-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-model\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "".join(f"[{group}]\n" + "".join(f"{n} = {v}\n" for n, v in names.items()) for group, names in points.items())
    )
    (site / "my_model.py").write_text((place / "my_model.py").read_text("utf-8"), "utf-8")
    path = os.pathsep.join((str(site), command_environment["PYTHONPATH"]))
    separates(run(faceparity, place, "my-model", PYTHONPATH=path))


def test_training_overlap_is_flagged_first(faceparity: Command, place: Path) -> None:
    """Told by the model's card here; by the data set's, in tests/harness/models/test_cards.py."""
    card = (place / "ready.toml").read_text("utf-8") + '\n[training_overlaps]\npeople = "certain: made of them"\n'
    (place / "overlap.toml").write_text(card, "utf-8")
    subprocess.run([sys.executable, "make_templates.py"], cwd=place, check=True)
    out = place / "out-overlap"
    done = faceparity("run", "-d", "folder=people", "-m", "overlap.toml", "--target-fmr", "0.01", "--out", out, cwd=place)
    assert done.returncode == 0, done.stderr
    model = results(out)["model"]
    assert (model["training_overlap"], model["training_overlap_note"]) == (True, "certain: made of them")
    told = " ".join(done.stdout.split())
    assert "TRAINING OVERLAP" in told.split("no template")[0]
    assert "certain: made of them" in told
    page = (out / "report.html").read_text("utf-8")
    assert "certain: made of them" in page
    assert "licence of overlap is unknown" in page


def test_a_command_that_dies_is_told(faceparity: Command, place: Path) -> None:
    (place / "broken.py").write_text("raise SystemExit('licence expired')\n")
    card = (place / "product.toml").read_text("utf-8").replace("product.py", "broken.py")
    (place / "broken.toml").write_text(card, "utf-8")
    done = faceparity("run", "-d", "folder=people", "-m", "broken.toml", "--out", place / "out-broken", cwd=place)
    assert done.returncode == 2
    told = done.stderr.strip().splitlines()[-1]
    assert "licence expired" in told
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("mine.onnx", "nothere.onnx"), "nothere.onnx can't be read"),
        (("size = 112", "size = 96"), "has the shape batch×3×112×112, but the card says batch×3×96×96"),
        (('"NCHW"', '"NHWC"'), "correct size or layout"),
        (('onnx = "mine.onnx"', 'onnx = "mine.onnx"\nsha256 = "' + "0" * 64 + '"'), "damaged or another version"),
        (('onnx = "mine.onnx"', 'onnx = "half.onnx"'), "half.onnx"),
        (('onnx = "mine.onnx"', 'onnx = "text.onnx"'), "text.onnx is not an ONNX file"),
        (('score = "cosine"', 'score = "cosine"\ncolour = "blue"'), "there is no key 'colour': known are"),
        (('"yunet"', '"retina"'), "no detector called 'retina': known are yunet, hog"),
        (('mean = [127.5]', 'mean = [1, 2]'), "one number, or one for each of the three channels"),
        (('onnx = "mine.onnx"', ""), "give one of onnx, command and templates"),
    ],
)  # fmt: skip
def test_mistakes_get_one_line(
    place: Path, change: tuple[str, str], told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from faceparity.datasets.common.errors import UserError
    from faceparity.harness.models import open_model

    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path))
    (place / "half.onnx").write_bytes((place / "mine.onnx").read_bytes()[:60])
    (place / "text.onnx").write_text("<html>not found</html>")
    text = (place / "mine.toml").read_text("utf-8")
    assert change[0] in text
    (place / "wrong.toml").write_text(text.replace(*change), "utf-8")
    with pytest.raises(UserError) as caught:
        open_model(str(place / "wrong.toml") + ("" if "retina" in change[1] else ":detector=none,alignment=whole"))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
