"""Searches, small galleries and line-ups from the command line: what is run and written, the same for any number of workers."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

SCENARIOS = """
[[scenario]]
kind = "search"
name = "mine"
by = ["gender"]
threshold = { target_fmr = 0.01 }
[scenario.gallery]
people = 40
make_up = { female = 0.75, male = 0.25 }

[[scenario]]
kind = "lineup"
name = "women"
threshold = { target_fmr = 0.01 }
probes = { where = { gender = "female" } }
"""
GIVEN = ("--scenario", "search-half", "--scenario", "gallery-flight", "--scenario", "lineup-half", "--scenario")


def run(faceparity: Any, people: Path, folder: Path, *more: object) -> tuple[Path, str]:
    (folder / "mine.toml").write_text(SCENARIOS, "utf-8")
    result = faceparity(
        "run", "-d", f"folder={people}", "-m", "toy", *GIVEN, folder / "mine.toml", *more, "--out", folder / "out"
    )
    assert result.returncode == 0, result.stderr
    return folder / "out", result.stdout


@pytest.fixture(scope="module")
def done(faceparity, people, tmp_path_factory) -> tuple[Path, str]:
    return run(faceparity, people, tmp_path_factory.mktemp("searches"))


def scenarios(out: Path) -> list[dict[str, Any]]:
    (path,) = out.glob("*/*/results.json")
    return json.loads(path.read_text("utf-8"))["scenarios"]


def test_each_is_in_the_record_in_the_order_given(done) -> None:
    half, flight, lineup, mine, women = scenarios(done[0])
    assert [s["kind"] for s in (half, flight, lineup, mine, women)] == ["search", "gallery", "lineup", "search", "lineup"]
    assert half["gallery"]["people"] == half["gallery"]["enrollable"] // 2
    assert flight["reason"] == "too_few_comparisons_for_target"
    assert mine["gallery"]["drawn_by_group"] == {"female": 30, "male": 10}
    assert [r["group"] for r in mine["fpir"]] == ["everybody", "female", "male"]
    assert mine["own_group"][1]["expected"] > 0.7 > mine["own_group"][2]["expected"]
    assert women["people"] + women["gallery_people"] + women["failed_gallery"] == 130
    assert women["overall"]["rate"] is not None or women["overall"]["reason"] == "zero_errors"
    assert lineup["reason"] in (None, "no_published_threshold")


def test_any_number_of_workers_gives_the_same(done, faceparity, people, tmp_path) -> None:
    out, _ = run(faceparity, people, tmp_path, "--workers", "3")
    assert scenarios(out) == scenarios(done[0])


def test_they_are_told_in_people_everywhere(done) -> None:
    out, shown = done
    for text in ((out / "report.html").read_text("utf-8"), (out / "summary.md").read_text("utf-8"), shown):
        plain = " ".join(text.split())
        assert "people who are not in the gallery of 40, " in plain
        assert "Not run: too few comparisons for the target. It would take 1,000" in plain
        assert "people searched in a gallery of " in plain
    page = (out / "report.html").read_text("utf-8")
    assert "Open-set DET by group" in page
    assert "Cumulative match characteristic by group" in page


def test_tables_hold_every_figure(done) -> None:
    (folder,) = done[0].glob("*/*/tables")
    rates = list(csv.DictReader((folder / "scenario_search_rates.csv").open(encoding="utf-8")))
    mine = [r for r in rates if r["scenario"] == "mine" and r["measure"] == "fpir"]
    assert [r["group"] for r in mine] == ["everybody", "female", "male"]
    record = scenarios(done[0])[3]
    assert float(mine[0]["rate"]) == pytest.approx(record["fpir"][0]["rate"])
    women = list(csv.DictReader((folder / "scenario_lineup_groups.csv").open(encoding="utf-8")))
    assert {r["scenario"] for r in women} >= {"women"}
    shares = list(csv.DictReader((folder / "scenario_search_shares.csv").open(encoding="utf-8")))
    assert sum(float(r["share_of_searches"]) for r in shares if r["scenario"] == "mine") == pytest.approx(1)


MISTAKES = {
    "a gallery larger than the data": (("people = 40", "people = 130"), "gallery.people = 130: the data has 130 people"),
    "a value that is not there": (('gender = "female" }', 'gender = "robot" }'), "no value 'robot'; it has female, male"),
    "people on both sides": (
        ('gender = "female" } }', 'gender = "female" } }\nagainst = { where = { gender = ["female", "male"] } }'),
        "65 people are on both sides",
    ),
    "nobody to search for": (('where = { gender = "female" }', 'files = ["none/*"]'), "no image is called 'none/*'"),
    "shares that don't sum to 1": (("male = 0.25", "male = 0.5"), "the shares of make_up sum to 1.25"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_a_line_before_the_first_picture(name: str, faceparity, people, tmp_path) -> None:
    change, told = MISTAKES[name]
    (tmp_path / "mine.toml").write_text(SCENARIOS.replace(*change), "utf-8")
    result = faceparity(
        "run", "-d", f"folder={people}", "-m", "toy", "--scenario", tmp_path / "mine.toml", "--out", tmp_path / "out"
    )
    lines = result.stderr.strip().splitlines()
    assert result.returncode == 2, result.stderr
    assert told in lines[-1]
    assert not (tmp_path / "out").exists()
