"""The coverage study measures what it says, and the document holds what it may claim."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests import ROOT
from tests.benchmarks import coverage as study

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        ("within", study.Setting(40, 2, 0.05, 0.3)),
        ("within", study.Setting(40, 1, 0.05, 0.6)),
        ("cross", study.Setting(30, 2, 0.05, 0.3)),
        ("fnmr", study.Setting(60, 4, 0.1, 0.6)),
        ("sampled", study.Setting(40, 3, 0.05, 0.3, 0.3)),
    ],
)
def test_the_variance_called_true_is_that_of_the_draws(kind: str, at) -> None:
    rng = np.random.default_rng(1)
    drawn = np.array([study.DRAW[kind](rng, at, 0).rate for _ in range(2500)])
    assert drawn.mean() == pytest.approx(at.p, rel=0.05)
    assert drawn.var() == pytest.approx(study.true_variance(kind, at), rel=0.12)


def test_draws_are_the_products_own_cells() -> None:
    """Errors and comparisons of a drawn group add up as those of a real one do."""
    e = study.draw_within(np.random.default_rng(2), study.Setting(30, 2, 0.05, 0.3), 100)
    assert (e.subjects, e.comparisons, e.ids[0]) == (30, 30 * 29 // 2 * 4, 100)
    assert e.rate == e.errors / e.comparisons
    assert e.subject_weighted == pytest.approx(e.rate), "every subject has as many comparisons"


def test_one_setting_of_the_grid() -> None:
    found = study.measure("within", study.Setting(50, 1, 1e-2, 0.3), 400, study.SEED)
    assert found["coverage"] >= 0.93
    assert 1 < found["width_ratio"] <= 1.6
    assert found["coverage_if_independent"] < found["coverage"]
    assert found["type_I"] <= 0.07


def test_two_models_of_one_rate() -> None:
    found = study.measure_models("models", study.Setting(50, 1, 1e-2, 0.3), 400, study.SEED)
    assert found["type_I"] <= 0.07
    assert found["contrasts"] == 400


def _rows(section: str) -> list[dict[str, str]]:
    text = (ROOT / "harness" / "uncertainty" / "README.md").read_text("utf-8")
    lines = [line for line in text.split(f"### {section}")[1].split("###")[0].splitlines() if line.startswith("|")]
    head, _, *body = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [dict(zip(head, cells, strict=True)) for cells in body]


def test_the_documents_grid_is_whole_and_keeps_its_promises() -> None:
    grid = _rows("The grid")
    assert {(int(r["subjects"]), int(r["images"]), float(r["p"]), float(r["s"])) for r in grid} == set(study.GRID)
    for r in grid:
        assert float(r["coverage"]) >= 0.93, r
        assert float(r["width ÷ true"]) <= 1.6, r
        assert float(r["type I"]) <= 0.07, r
    beyond = _rows("Beyond it")
    assert any(float(r["coverage"]) < 0.93 for r in beyond), "it says that nothing covers there"


def test_the_documents_samples_are_whole_and_keep_their_promises() -> None:
    rows = _rows("Within-group FMR on a sample of the comparisons")
    keys = ("subjects", "images", "p", "s", "share")
    assert {tuple(float(r[k]) for k in keys) for r in rows} == {tuple(map(float, at)) for at in study.SAMPLED}
    for r in rows:
        assert float(r["coverage"]) >= 0.95, r
        assert float(r["type I"]) <= 0.07, r
        assert abs(float(r["bias"])) <= 3 * (float(r["design effect"]) / (1000 * float(r["mean errors"]))) ** 0.5, r
