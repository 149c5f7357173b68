from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from faceparity.harness.results import Evaluation
from faceparity.reports.formats.terminal import render
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import finest

KINDS = ["plain", "no_mated", "contaminated", "partial", "distance", "synthetic", "refused", "hostile"]


def shown(e: Evaluation, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(render([e]))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().replace(f.NBSP, " ")


@pytest.mark.parametrize("kind", KINDS)
def test_fits_eighty_columns_and_holds_no_control_codes(variants: dict[str, Evaluation], kind: str) -> None:
    text = shown(variants[kind])
    assert max(cell_len(line.rstrip()) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_every_group_stands_with_its_rate_people_and_errors(variants: dict[str, Evaluation]) -> None:
    e = variants["plain"]
    text = shown(e, 120)
    p = finest(e).operating_points[0]
    for r in p.fmr:
        line = next(
            x
            for x in text.split("FMR by gender × ethnicity")[1].splitlines()
            if r.group.split(" × ")[1] in x and f" {r.subjects} " in x
        )
        if r.status == "suppressed":
            assert "<30 people" in line
        else:
            assert f" {r.errors} " in line
    assert "0 %" not in [cell.strip() for cell in text.split("  ")]


def test_what_must_not_be_overlooked_is_said_in_words(variants: dict[str, Evaluation]) -> None:
    contaminated = " ".join(shown(variants["contaminated"]).split())
    assert "CONTAMINATED" in contaminated
    assert "without probable repeats of one person" in contaminated
    assert "PARTIAL POOL: nobody labelled White (ethnicity)" in " ".join(shown(variants["partial"]).split())
    synthetic = " ".join(shown(variants["synthetic"]).split())
    assert "SYNTHETIC" in synthetic
    assert synthetic.count("says nothing about people") == 1
    assert "only thresholds set by target on this set mean something" in synthetic
    assert synthetic.index("says nothing about people") < synthetic.index("FMR")
    assert "not supplied" in shown(variants["distance"])
    assert "It would take 100,000,000 comparisons" in " ".join(shown(variants["plain"]).split())
    assert "Euclidean distance ≤ 0.6" in shown(variants["distance"])
    assert "CONTAMINATED" not in shown(variants["plain"])


def test_verdict_needs_both_readings(variants: dict[str, Evaluation]) -> None:
    e = variants["contaminated"].model_copy(deep=True)
    p = finest(e).operating_points[0]
    assert p.without_likely_same_person is not None
    assert "higher" in shown(e)
    for c in p.without_likely_same_person.contrasts:
        c.verdict = "inconclusive"
    first = re.split(r"Published threshold|FMR by gender(?: \(|: )", shown(e))[0]
    assert "higher" not in first


def test_markup_in_names_is_shown_not_obeyed(variants: dict[str, Evaluation]) -> None:
    assert "<script>" in shown(variants["hostile"])
    e = variants["plain"].model_copy(deep=True)
    e.dataset.title = "[red]x[/red]"
    assert "[red]x[/red]" in shown(e)
