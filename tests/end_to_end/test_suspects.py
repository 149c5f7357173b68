"""From suspects to exclusions, as a person goes: read them here, look at them, name some, run again."""

from __future__ import annotations

import csv
import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest


def results(out: Path) -> dict[str, Any]:
    (path,) = out.rglob("results.json")
    return dict(json.loads(path.read_text("utf-8")))


@pytest.fixture(scope="module")
def run(people, faceparity, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    done = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--target-fmr", "0.05", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def listed(text: str) -> list[tuple[float, str, str]]:
    found = re.findall(r"^ +(-?[\d.]+)  (\S+\.png),(\S+\.png)", text, re.MULTILINE)
    return [(float(score), a, b) for score, a, b in found]


def test_suspects_are_listed_by_name_in_order(run: Path, faceparity) -> None:
    done = faceparity("suspects", run, "--most", "7")
    assert done.returncode == 0, done.stderr
    pairs = listed(done.stdout)
    assert len(pairs) == 14
    non_mated, mated = pairs[:7], pairs[7:]
    assert all(a[:13] != b[:13] for _, a, b in non_mated)
    assert all(a[:13] == b[:13] for _, a, b in mated)
    sign = results(run)["model"]["score"]["sign"]
    assert [s * sign for s, _, _ in non_mated] == sorted((s * sign for s, _, _ in non_mated), reverse=True)
    assert [s * sign for s, _, _ in mated] == sorted(s * sign for s, _, _ in mated)
    assert "error at target FMR 0.05" in done.stdout


def test_named_comparisons_and_images_are_left_out_of_the_next_run(run: Path, people, faceparity, tmp_path: Path) -> None:
    top = [(a, b) for _, a, b in listed(faceparity("suspects", run, "--most", "5").stdout)[:5]]
    rows = [("", a, b, "same person") for a, b in top] + [("secretname003_1.png", "", "", "It is Jane Doe")]
    path = tmp_path / "out.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "file_a", "file_b", "reason"), *rows])
    out = tmp_path / "again"
    done = faceparity(
        "run", "-d", f"folder={people}", "-m", "toy", "--target-fmr", "0.05", "--exclude", path, "--out", out
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 image and 5 comparisons (0 mated) left out by name" in done.stdout
    e, before = results(out), results(run)
    (told,) = e["exclusions"]
    assert (told["before"]["samples"], told["after"]["samples"], e["dataset"]["samples"]) == (260, 259, 259)
    assert told["points"][0]["threshold_before"] == before["groupings"][-1]["operating_points"][0]["threshold"]
    gone = 5 + 258 - 0  # the image's own comparisons with 258 of other people
    assert before["comparisons"]["non_mated"] - e["comparisons"]["non_mated"] == gone - sum(
        "secretname003_1.png" in p for p in top
    )
    assert "--exclude '<file>'" in e["provenance"]["command"] or "--exclude <file>" in e["provenance"]["command"]
    left = {(a, b) for _, a, b in listed(faceparity("suspects", out, "--most", "200").stdout)}
    assert not left & set(top)
    for published in (*out.rglob("*.json"), *out.rglob("*.csv"), *out.rglob("*.html"), *out.rglob("*.md"), out / "run.log"):
        assert "secretname" not in published.read_text("utf-8")
        assert "Jane" not in published.read_text("utf-8")
    assert (out / "people" / "toy" / "private" / "exclusions.sealed").is_file()


def test_a_sheet_is_private_and_outside_the_run(run: Path, people, faceparity, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"
    done = faceparity("suspects", run, "--most", "3", "--sheet", sheet, "-d", f"people={people}")
    assert done.returncode == 0, done.stderr
    assert "PRIVATE" in done.stdout
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    text = sheet.read_text("utf-8")
    assert text.count("data:image/jpeg;base64,") == 12
    assert "PRIVATE." in text
    assert "may not be passed on" in text
    for wrong, says in (
        (["--sheet", run / "sheet.html"], "outside it"),
        (["--sheet", sheet], "where are the pictures of people"),
    ):
        refused = faceparity("suspects", run, *wrong)
        assert refused.returncode == 2
        assert says in refused.stderr
    assert not (run / "sheet.html").exists()


def test_an_unknown_name_is_an_error_with_its_row_and_nothing_is_run(people, faceparity, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("file\nsecretname003_1.png\nnobody.png\n", "utf-8")
    done = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--exclude", path, "--out", tmp_path / "o")
    assert done.returncode == 2
    assert "out.csv:3: people has no image 'nobody.png'" in done.stderr
    assert not (tmp_path / "o").exists()


def test_a_run_without_a_private_part_says_so(people, faceparity, tmp_path: Path) -> None:
    out = tmp_path / "o"
    assert faceparity("run", "-d", f"folder={people}", "-m", "toy", "--ephemeral", "--out", out).returncode == 0
    done = faceparity("suspects", out)
    assert done.returncode == 2
    assert "no private part" in done.stderr
