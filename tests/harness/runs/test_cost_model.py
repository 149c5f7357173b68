"""The cost model: its document tells its figures, and it grows as the work does."""

from __future__ import annotations

import re

import pytest

from faceparity.harness.runs import cost_model as module
from faceparity.harness.runs.cost_model import HEAD, cost, largest_target, rows
from tests import ROOT

DOCUMENT = ROOT / "harness" / "COST.md"


def test_the_documents_table_is_what_the_module_says() -> None:
    said = DOCUMENT.read_text("utf-8")
    table = "\n".join([HEAD, *rows([10**4, 10**5, 10**6, 10**7], [1, 0.01, 0.001], 512, 8, 2)])
    assert table in said, "run `python -m faceparity.harness.runs.cost_model` and put what it prints into COST.md"


@pytest.mark.parametrize(
    ("words", "value", "unit"),
    [
        (r"1/(\d+) s with the slowest", module.IMAGES_PER_SECOND, 1),
        (r"([\d.]+) ns with 512", module.COMPARISON + 512 * module.COMPARISON_PER_DIMENSION, 1e-9),
        (r"(\d+) ns with 128", module.COMPARISON + 128 * module.COMPARISON_PER_DIMENSION, 1e-9),
        (r"([\d.]+) µs of statistics", module.LEDGER_ENTRY, 1e-6),
        (r"(\d+) bytes of memory, 13 bytes", module.HELD_ENTRY, 1),
        (r"(\d+) bytes in the private part", module.PRIVATE_ENTRY, 1),
        (r"([\d.]+) ns for each person and each ledger", module.REPLICATE_ITEM, 1e-9),
        (r"\| (\d+) s and 15 µs a sample", module.EACH, 1),
        (r"and (\d+) µs a sample", module.SAMPLE, 1e-6),
        (r"template and (\d+) more in the store", module.STORED, 1),
        (r"(\d+) MB of results and tables", module.RESULT, 1e6),
    ],
)
def test_every_figure_per_unit_is_the_one_used(words: str, value: float, unit: float) -> None:
    (told,) = re.findall(words, DOCUMENT.read_text("utf-8"))
    assert value / unit == pytest.approx(float(told), rel=0.02)


def test_costs_grow_as_the_work_does() -> None:
    small, large = (cost(n, 512, targets=(1e-6,)) for n in (10**5, 2 * 10**5))
    assert large.comparison == pytest.approx(4 * small.comparison, rel=0.01)
    assert large.extraction == pytest.approx(2 * small.extraction)
    assert cost(10**5, 512, share=0.1).comparison == pytest.approx(small.comparison / 10)
    assert cost(10**5, 512, workers=4).comparison == pytest.approx(small.comparison / 4)
    assert cost(10**5, 512, images=0).extraction == 0
    assert cost(10**4, 512, cells=196).memory > cost(10**4, 512).memory + 5e8
    assert largest_target(10**6 * (10**6 - 1) / 2) == pytest.approx(1e-5, rel=0.01)


def test_small_shares_are_told_as_they_are() -> None:
    (row,) = rows([10**6], [0.0005], 512, 8, 2)
    assert row.startswith("| 1,000,000 | 0.05 %: 2e+08 |")
