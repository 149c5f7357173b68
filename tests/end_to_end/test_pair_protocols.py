"""Published pair lists from the command line: a miniature LFW and a pack, run, reported, and followed to the letter."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceparity.harness.metrics.fold_accuracy import k_fold
from tests.datasets.pair_layouts import FOLDS, PORTRAITS, make_lfw, make_pack, pairs, portrait
from tests.end_to_end.end_to_end_help import results

Command = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = pytest.mark.skipif(not PORTRAITS.is_dir(), reason="the control set's portraits are not in this copy")
PEOPLE, EACH = 80, 16


def toys_score(a: Path, b: Path) -> float:
    """As the toy model and cosine similarity have it."""
    ends = []
    for path in (a, b):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2GRAY)
        small = cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        ends.append((small - small.mean()).astype(np.float64))
    return float(ends[0] @ ends[1] / np.linalg.norm(ends[0]) / np.linalg.norm(ends[1]))


@pytest.fixture(scope="module")
def lfw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lfw(tmp_path_factory.mktemp("sets") / "lfw", PEOPLE, EACH)


@pytest.fixture(scope="module")
def out(lfw: Path, faceparity: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "run"
    done = faceparity("run", "-d", "lfw", "-m", "toy", "--out", folder, env={"FACEPARITY_DATA": str(lfw.parent)})
    assert done.returncode == 0, done.stderr
    (folder / "screen.txt").write_text(done.stdout)
    return folder


def test_the_figure_is_that_of_the_list_followed_by_hand(out: Path) -> None:
    found: dict[str, Any] = results(out)["protocols"][0]
    listed = pairs(PEOPLE, EACH)
    score = np.array([toys_score(portrait(*a), portrait(*b)) for a, b, _, _ in listed], np.float32)
    mated, fold = np.array([x[2] for x in listed]), np.array([x[3] for x in listed], np.int32)
    own = k_fold(score, mated, fold, FOLDS, np.zeros(mated.size, bool))
    accuracy = [f["accuracy"] for f in found["verification"]["folds"]]
    assert accuracy == pytest.approx(own.accuracy, abs=2 / (2 * EACH))
    assert np.mean(accuracy) == pytest.approx(float(np.mean(np.asarray(own.accuracy, float))), abs=0.01)
    assert 0.55 < found["verification"]["accuracy"] < 1
    assert found["verification"]["standard_error"] == pytest.approx(np.std(accuracy, ddof=1) / np.sqrt(10))
    assert (found["mated"], found["non_mated"], found["missing"]) == (FOLDS * EACH, FOLDS * EACH, 0)


def test_the_lists_stand_in_every_report(out: Path) -> None:
    e = results(out)
    v = e["protocols"][0]["verification"]
    told = f"{100 * v['accuracy']:.2f} % ± {100 * v['standard_error']:.2f}"
    screen, summary = (" ".join(x.split()) for x in ((out / "screen.txt").read_text(), (out / "summary.md").read_text()))
    page = " ".join((out / "report.html").read_text("utf-8").split())
    for text in (screen, summary, page):
        assert told in text
        assert "view 2" in text.lower()
        assert "all pairs" in text
    assert "Published protocols" in page
    assert "gender machine-made" in page
    assert [p["name"] for p in e["protocols"]] == ["view 2", "view 1, development training", "view 1, development test"]
    (tables,) = out.glob("*/*/tables")
    with (tables / "protocol_folds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(r["accuracy"]) for r in rows if r["protocol"] == "view 2"] == [f["accuracy"] for f in v["folds"]]
    with (tables / "protocol_rates.csv").open(newline="") as file:
        measured = {(r["protocol"], r["measure"], r["grouping"]) for r in csv.DictReader(file)}
    assert ("view 2", "fmr", "gender") in measured
    assert ("view 2", "fnmr", "") in measured


def test_nothing_of_the_list_is_published_but_counts(out: Path) -> None:
    (file,) = out.glob("*/*/results.json")
    text = file.read_text("utf-8") + (out / "report.html").read_text("utf-8") + (out / "run.log").read_text("utf-8")
    assert "Ada_Alpha" not in text
    assert "_0001" not in text.replace("Name_0001", "")


def test_a_pack_runs_without_labels_of_people_or_groups(faceparity: Command, tmp_path: Path) -> None:
    make_pack(tmp_path / "packs" / "lfw.bin", 40, 10)
    done = faceparity(
        "run", "-d", f"insightface_bin={tmp_path / 'packs'}", "-m", "toy", "--target-fmr", "1e-2", "--out", tmp_path / "o"
    )
    assert done.returncode == 0, done.stderr
    found = results(tmp_path / "o")
    assert found["protocols"][0]["verification"]["accuracy"] > 0.5
    assert found["dataset"]["identity"] == "none"
    assert [g["attributes"] for g in found["groupings"]] == [[]]
    assert "of decisions right" in " ".join(done.stdout.split())
    again = faceparity("report", tmp_path / "o")
    assert again.returncode == 0, again.stderr


def test_check_counts_the_lists_and_what_they_miss(lfw: Path, faceparity: Command) -> None:
    done = faceparity("check", f"lfw={lfw}")
    assert done.returncode == 0, done.stdout
    assert f"pairs, view 2: {FOLDS * EACH} mated, {FOLDS * EACH} non-mated, {FOLDS} folds\n" in done.stdout
    gone = next((lfw / "lfw").rglob("*_0003.jpg"))
    aside = gone.rename(lfw.parent / "aside.jpg")
    try:
        done = faceparity("check", f"lfw={lfw}")
    finally:
        aside.rename(gone)
    assert done.returncode == 1
    assert "more with an image that is not here" in done.stdout
    assert gone.name in done.stdout


def test_a_pack_with_code_is_one_line_and_does_not_run(faceparity: Command, tmp_path: Path) -> None:
    mark = tmp_path / "it_ran"
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / "lfw.bin").write_bytes(b"cos\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR.")
    for words in (("run", "-m", "toy", "-d"), ("check",)):
        done = faceparity(*words, f"insightface_bin={packs}", *(("--out", tmp_path / "o") if words[0] == "run" else ()))
        assert done.returncode == 2
        assert "refused and was not run" in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
        assert not mark.exists()


def test_images_of_a_list_that_fail_count_both_ways(faceparity: Command, tmp_path: Path) -> None:
    root = make_lfw(tmp_path / "lfw", 40, 8)
    (x, *_), *_ = pairs(40, 8)
    flat = next((root / "lfw").rglob(f"*_{x[1]:04d}.jpg"))
    cv2.imwrite(str(flat), np.full((64, 64, 3), 90, np.uint8))
    done = faceparity("run", "-d", f"lfw={root}", "-m", "toy", "--target-fmr", "1e-2", "--out", tmp_path / "o")
    assert done.returncode == 0, done.stderr
    found = results(tmp_path / "o")["protocols"][0]
    assert found["failed_mated"] + found["failed_non_mated"] > 0
    assert "with them as non-matches" in " ".join(done.stdout.split())
    data = json.loads(next((tmp_path / "o").glob("*/*/results.json")).read_text())
    assert data["extraction"]["overall"]["errors"] == 1
