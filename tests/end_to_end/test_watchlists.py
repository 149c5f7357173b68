"""A watchlist from the command line: what is run, what is written, and a line for every mistake."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

SCENARIO = """
[[scenario]]
kind = "watchlist"
name = "mine"
title = "My list"
by = ["gender"]
threshold = {threshold}
[scenario.watchlist]
{listed}
[scenario.crowd]
people = 5000
watchlisted = 0.01
{crowd}
"""


def scenario(folder: Path, listed: str = "share = 0.5", crowd: str = "", threshold: str = "{ target_fmr = 0.01 }") -> Path:
    path = folder / "mine.toml"
    path.write_text(SCENARIO.format(listed=listed, crowd=crowd, threshold=threshold), "utf-8")
    return path


@pytest.fixture(scope="module")
def done(faceparity, people, tmp_path_factory) -> tuple[Path, str]:
    tmp = tmp_path_factory.mktemp("watchlist")
    given = ("--scenario", scenario(tmp), "--scenario", "watchlist-half")
    result = faceparity("run", "-d", f"folder={people}", "-m", "toy", *given, "--out", tmp / "out")
    assert result.returncode == 0, result.stderr
    return tmp / "out", result.stdout


def test_the_record_holds_both_in_their_order(done) -> None:
    (path,) = done[0].glob("*/*/results.json")
    e = json.loads(path.read_text("utf-8"))
    mine, half = e["scenarios"]
    assert (mine["name"], half["name"]) == ("mine", "watchlist-half")
    assert mine["reason"] is None
    assert mine["listed"] == 65
    assert mine["reading"]["overall"]["fpir"]["rate"] > 0
    assert [g["group"] for g in mine["reading"]["groups"]] == ["female", "male"]
    assert e["provenance"]["command"].count("--scenario <file> --scenario watchlist-half") == 1


def test_it_is_told_in_people_everywhere(done) -> None:
    out, shown = done
    page, summary = (out / "report.html").read_text("utf-8"), (out / "summary.md").read_text("utf-8")
    for text in (page, summary, shown):
        plain = " ".join(text.split())
        assert "Of 5,000 people walking past who are on no list, " in plain
        assert "In a crowd of 5,000, 50 of them on the list, there would be about" in plain
        assert "Spread between draws" in plain
        assert "My list (mine)" in plain


def test_tables_hold_every_figure(done) -> None:
    (folder,) = done[0].glob("*/*/tables")
    rows = {name: list(csv.DictReader((folder / f"{name}.csv").open(encoding="utf-8"))) for name in
            ("watchlists", "watchlist_groups", "watchlist_rates", "watchlist_sizes")}  # fmt: skip
    assert [r["scenario"] for r in rows["watchlists"]] == ["mine", "watchlist-half"]
    mine = [r for r in rows["watchlist_groups"] if r["scenario"] == "mine"]
    assert [r["group"] for r in mine] == ["female", "male", "everybody"]
    assert float(mine[-1]["false_alerts"]) > 0
    assert {r["measure"] for r in rows["watchlist_rates"]} == {"fpir", "fnir"}
    assert {r["measured"] for r in rows["watchlist_sizes"]} == {"true", "false"}


MISTAKES = {
    "more people than there are": ({"listed": "people = 500"}, "the data has 130 people"),
    "shares that don't sum to 1": (
        {"crowd": "make_up = { female = 0.5, male = 0.4 }"},
        "scenario.1.crowd: the shares of make_up sum to 0.9",
    ),
    "a group that is not there": ({"crowd": "make_up = { robot = 1.0 }"}, "no group is called 'robot'; there are female, male"),
    "more of a group than there are": (
        {"listed": "people = 80\nmake_up = { female = 0.9, male = 0.1 }"},
        "72 of female are wanted on the list, and the data has 65",
    ),
    "a key that is none": ({"crowd": "size = 3"}, "scenario.1.crowd.size: no such key"),
    "two thresholds": ({"threshold": "{ fixed = 1, published = true }"}, "scenario.1.threshold: give one of"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_a_line_before_the_first_picture(name: str, faceparity, people, tmp_path) -> None:
    changes, told = MISTAKES[name]
    path = scenario(tmp_path, **changes)
    result = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--scenario", path, "--out", tmp_path / "out")
    lines = result.stderr.strip().splitlines()
    assert result.returncode == 2, result.stderr
    assert len([line for line in lines if line.startswith("faceparity: ")]) == 1
    assert told in lines[-1]
    assert not (tmp_path / "out").exists()


def test_ready_ones_can_be_printed_and_given_back(faceparity, people, tmp_path) -> None:
    listed = faceparity("scenarios").stdout
    assert "watchlist-half" in listed
    text = faceparity("scenarios", "watchlist-half").stdout
    (tmp_path / "copy.toml").write_text(text.replace("share = 0.5", "people = 20"), "utf-8")
    result = faceparity(
        "run",
        "-d",
        f"folder={people}",
        "-m",
        "toy",
        "--scenario",
        tmp_path / "copy.toml",
        "--target-fmr",
        "0.01",
        "--out",
        tmp_path / "o",
    )
    assert result.returncode == 0, result.stderr
    assert "on a list of 20 people" in " ".join(result.stdout.split()) or "Not run" in result.stdout
    assert faceparity("scenarios", "nobody").returncode == 2
