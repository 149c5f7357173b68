"""`faceparity run`, from a folder of pictures to a report, and all that may be wrong with the folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from PIL import Image

from faceparity.datasets.common.errors import UserError
from faceparity.harness.runs.transferred_thresholds import thresholds_of
from tests.end_to_end.end_to_end_help import results


@pytest.fixture(scope="module")
def done(faceparity, people, tmp_path_factory):
    """One run on the folder of people, with the toy model."""
    out = tmp_path_factory.mktemp("out") / "run"
    result = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--target-fmr", "0.01", "--out", out)
    return result, out


def test_a_run_ends_with_a_table_and_the_path_of_the_report(done) -> None:
    result, out = done
    assert result.returncode == 0, result.stderr
    assert "people" in result.stdout
    assert "female" in result.stdout
    assert f"Report: {out / 'report.html'}" in result.stderr
    assert (out / "report.html").stat().st_size > 10_000
    assert (out / "run.log").is_file()
    assert (out / "people" / "toy" / "tables" / "rates.csv").is_file()


def test_results_validate_against_the_exported_schema(done, faceparity) -> None:
    _, out = done
    schema = json.loads(faceparity("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(results(out), schema)


def test_the_numbers_are_those_of_the_pictures(done, people) -> None:
    """FMR of women at the run's own threshold, from the files by another way."""
    _, out = done
    e = results(out)
    files = sorted(people.glob("*.png"))
    vectors = []
    for file in files:
        small = cv2.resize(cv2.imread(str(file), 0), (8, 8), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
        small -= small.mean()
        vectors.append(small / np.linalg.norm(small))
    scores = np.stack(vectors) @ np.stack(vectors).T
    person = np.array([int(f.stem[10:13]) for f in files])
    women = person % 2 == 0
    pairs = np.triu(np.ones_like(scores, bool), 1) & women[:, None] & women[None, :] & (person[:, None] != person[None, :])
    point = e["groupings"][0]["operating_points"][0]
    rate = next(r for r in point["fmr"] if r["group"] == "female" and r["design"] == "as_sampled")
    assert rate["comparisons"] == pairs.sum()
    assert rate["errors"] == (scores[pairs] >= point["threshold"] - 1e-7).sum()
    assert e["comparisons"]["mated"] == 130


def test_nothing_personal_is_in_the_publishable_part(done) -> None:
    _, out = done
    files = [f for f in out.rglob("*") if f.is_file() and "private" not in f.parts]
    assert len(files) > 8
    for file in files:
        text = file.read_text("utf-8")
        for secret in ("secretname", "person1", str(out), str(Path.home()) if str(Path.home()) != "/" else "\0"):
            assert secret not in text, f"{secret} in {file.name}"
    assert "<root>" in results(out)["provenance"]["command"]
    assert "<out>" in results(out)["provenance"]["command"]


def test_the_private_part_is_noise_without_its_key(done) -> None:
    _, out = done
    sealed = list(out.glob("people/toy/private/*.sealed"))
    assert {f.stem for f in sealed} == {"ledger", "suspects", "rejects", "problems", "codes", "labels", "left_out"}
    for file in sealed:
        assert b"secretname" not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0


def test_a_second_run_extracts_nothing_and_gives_the_same_bytes(done, faceparity, people, tmp_path) -> None:
    _, out = done
    again = faceparity(
        "run", "-d", f"folder={people}", "-m", "toy", "--target-fmr", "0.01", "--workers", "2", "--out", tmp_path / "again"
    )
    assert "all from the store" in again.stderr
    first, second = results(out), results(tmp_path / "again")
    for e in (first, second):
        e.pop("provenance")
    assert first == second
    tables = [
        {f.name: f.read_bytes() for f in (folder / "people" / "toy" / "tables").iterdir()} for folder in (out, tmp_path / "again")
    ]
    assert tables[0] == tables[1]


def test_a_report_can_be_written_again_from_the_results(done, faceparity, tmp_path) -> None:
    _, out = done
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    (copy / "report.html").unlink()
    shutil.rmtree(copy / "people" / "toy" / "tables")
    assert faceparity("report", copy).returncode == 0
    assert (copy / "report.html").read_bytes() == (out / "report.html").read_bytes()
    assert (copy / "people" / "toy" / "tables" / "rates.csv").read_bytes() == (
        out / "people" / "toy" / "tables" / "rates.csv"
    ).read_bytes()


def test_a_threshold_set_on_other_people(done, faceparity, people, tmp_path) -> None:
    _, out = done
    result = faceparity(
        "run", "-d", f"folder={people}", "-m", "toy", "--threshold-from", out, "--threshold", "0.7", "--out", tmp_path / "o"
    )
    assert result.returncode == 0, result.stderr
    points = results(tmp_path / "o")["groupings"][0]["operating_points"]
    own = results(out)["groupings"][0]["operating_points"][0]["threshold"]
    assert [(p["origin"], p["native_threshold"]) for p in points[-3:]] == [("published", 0.5), ("fixed", 0.7), ("fixed", own)]
    assert "FMR 0.01" in points[-1]["detail"]
    assert str(out) not in json.dumps(points)


def test_thresholds_set_on_other_people_are_there_for_every_model(done, tmp_path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(done[1], copy)
    other = json.loads((copy / "people/toy/results.json").read_text("utf-8"))
    other["model"]["name"] = "other"
    for point in (p for g in other["groupings"] for p in g["operating_points"] if p["origin"] == "target"):
        point["threshold"] = point["native_threshold"] = None
    (copy / "people/other").mkdir()
    (copy / "people/other/results.json").write_text(json.dumps(other), "utf-8")
    assert {fixed.model for fixed in thresholds_of(copy, ["toy"])} == {"toy"}
    with pytest.raises(UserError, match="no threshold was set at a target for other; name a run of the same models"):
        thresholds_of(copy, ["toy", "other"])


def test_ephemeral_keeps_nothing(faceparity, people, tmp_path) -> None:
    home = tmp_path / "home"
    result = faceparity(
        "run", "-d", f"folder={people}", "-m", "toy", "--ephemeral", "--out", tmp_path / "o", env={"FACEPARITY_HOME": str(home)}
    )
    assert result.returncode == 0, result.stderr
    assert not list(tmp_path.glob("o/*/*/private"))
    kept = [f.relative_to(home) for f in home.rglob("*") if f.is_file()]
    assert [f for f in kept if f.parts[0] != "caches"] == [], "compiled code and a list of fonts are nobody's"


@pytest.fixture
def spoiled(people, tmp_path):
    """The folder of people with everything that may be wrong with a folder."""
    folder = tmp_path / "spoiled"
    shutil.copytree(people, folder)
    outside = tmp_path / "outside.png"
    shutil.copy(folder / "secretname000_1.png", outside)
    rows = (folder / "labels.csv").read_text("utf-8").splitlines()
    good = Image.open(folder / "secretname000_1.png").resize((256, 256))
    (folder / "text.jpg").write_text("this is no picture")
    (folder / "empty.jpg").write_bytes(b"")
    good.save(folder / "whole.jpg")
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "whole.jpg").unlink()
    good.convert("CMYK").save(folder / "cmyk.jpg")
    deep = np.asarray(good.convert("L")).astype(np.uint16) * 257
    cv2.imwrite(str(folder / "deep.png"), deep)
    good.convert("L").save(folder / "grey.png")
    Image.new("RGB", (64, 64), (90, 90, 90)).save(folder / "faceless.png")
    three = good.copy()
    three.putpixel((0, 0), (255, 0, 0))
    three.save(folder / "three.png")
    shutil.copy(folder / "secretname001_1.png", folder / "copy.png")
    new = ("text.jpg", "empty.jpg", "cut.jpg", "cmyk.jpg", "deep.png", "grey.png", "faceless.png", "three.png", "copy.png")
    rows += [f"{name},extra{i},F,black" for i, name in enumerate(new)]
    rows += ["../outside.png,outsider,F,black", "gone.png,missing,F,black", "secretname000_1.png,person0,F,black", "short"]
    shutil.copy(folder / "secretname002_1.png", folder / "unnamed.png")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return folder


def test_bad_files_are_counted_and_named_and_take_nothing_else_down(spoiled, faceparity, tmp_path) -> None:
    out = tmp_path / "o"
    result = faceparity("run", "-d", f"folder={spoiled}", "-m", "toy", "--out", out)
    assert result.returncode == 0, result.stderr
    e = results(out)
    assert e["extraction"]["unreadable"] == 3
    assert e["extraction"]["no_face"] == 1
    assert e["extraction"]["several_faces"] == 1
    assert e["dataset"]["samples"] == 260 + 9
    assert e["extraction"]["overall"]["errors"] == 4
    assert e["dataset"]["problems"] == {
        "bad_row": 1, "duplicate_image": 1, "duplicate_row": 1, "extra_file": 1, "missing_file": 1, "outside_root": 1
    }  # fmt: skip
    assert e["comparisons"]["left_out"]["identical_image"] == 2, "the copy, and the same grey picture with 8 and with 16 bits"
    for name in ("text.jpg", "empty.jpg", "cut.jpg", "faceless.png", "gone.png", "unnamed.png", "copy.png", "outside.png"):
        assert name in result.stderr, name
        assert name not in json.dumps(e)
    for name in ("cmyk.jpg", "deep.png", "grey.png"):
        assert name not in result.stderr
    assert "Traceback" not in result.stderr


def test_a_model_that_finds_nobody_says_so_and_nothing_else(people, faceparity, tmp_path) -> None:
    folder = tmp_path / "grey"
    folder.mkdir()
    rows = [line.split(",") for line in (people / "labels.csv").read_text("utf-8").splitlines()[1:]]
    for i, row in enumerate(rows):
        cv2.imwrite(str(folder / row[0]), np.full((8, 8, 3), i % 256, np.uint8))
    shutil.copy(people / "labels.csv", folder)
    result = faceparity("run", "-d", f"folder={folder}", "-m", "toy", "--out", tmp_path / "o")
    assert result.returncode == 0, result.stderr
    assert "0 templates of 260 images" in result.stderr
    assert "PARTIAL" not in result.stdout
    e = results(tmp_path / "o")
    assert e["extraction"]["no_face"] == 260
    assert all(p["threshold"] is None for p in e["groupings"][0]["operating_points"] if p["origin"] == "target")
    assert e["warnings"] == []


def test_check_names_everything_that_is_wrong(spoiled, people, faceparity) -> None:
    bad = faceparity("check", f"folder={spoiled}")
    assert bad.returncode == 1
    for name in ("text.jpg", "empty.jpg", "cut.jpg", "gone.png", "unnamed.png", "copy.png"):
        assert name in bad.stdout
    fine = faceparity("check", f"folder={people}")
    assert fine.returncode == 0
    assert "nothing wrong" in fine.stdout


def test_with_nothing_named_the_control_set_is_run_and_called_synthetic(faceparity, tmp_path) -> None:
    result = faceparity("run", "-m", "toy", "--target-fmr", "0.01", "--out", tmp_path / "o", env={"FACEPARITY_DATA": ""})
    assert result.returncode == 0, result.stderr
    assert "SYNTHETIC" in result.stdout
    e = results(tmp_path / "o")
    assert (e["dataset"]["name"], e["dataset"]["synthetic"], e["dataset"]["subjects"]) == ("control", True, 324)
    assert any("nothing about people" in w and "only thresholds set by target" in w for w in e["warnings"])
    for name in ("report.html", "summary.md"):
        assert "says nothing about people" in (tmp_path / "o" / name).read_text("utf-8")
    assert e["dataset"]["labels"][0]["attribute"] == "ancestry_morph", "never called ethnicity"
