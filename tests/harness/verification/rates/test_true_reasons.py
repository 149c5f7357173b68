"""Reasons of whole results, checked against the figures that stand beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.options import Options
from faceparity.harness.results import Evaluation
from faceparity.harness.verification.rates.true_reasons import why_few_groups
from faceparity.harness.verification.rates.verdict_rules import confirm_all, side_without_errors
from faceparity.reports.formats.html import render
from tests.harness.toy import make_card, make_dataset, make_templates
from tests.rate_rows import contradicts, rows_beside_counts
from tests.reports.report_page import read
from tests.true_reasons import untrue_reasons


def run(dataset: Dataset, *, noise: float = 1.0, targets: tuple[float, ...] = (0.05,)) -> Evaluation:
    options = Resolved(Options(by=("gender", "ethnicity"), targets=targets, seed=2))
    return evaluate(dataset, make_card(), make_templates(dataset, 3, noise=noise), options).evaluation


def with_small_cell(dataset: Dataset, people: int) -> Dataset:
    """With so many people in the first cell, the rest of them without an ethnicity."""
    gender, ethnicity = (dataset.attributes[name] for name in ("gender", "ethnicity"))
    inside = (gender.codes == 0) & (ethnicity.codes == 0)
    kept = np.unique(dataset.subjects[inside])[:people]
    codes = np.where(inside & ~np.isin(dataset.subjects, kept), -1, ethnicity.codes)
    return replace(dataset, attributes={**dataset.attributes, "ethnicity": replace(ethnicity, codes=codes.astype(np.int32))})


SETS = {
    "large cells": lambda: make_dataset(3, 180, 3),
    "no mated pairs": lambda: make_dataset(3, 180, 1),
    "no subject labels": lambda: make_dataset(3, 180, 1, identity="none"),
    "a small cell": lambda: with_small_cell(make_dataset(3, 180, 3), 20),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_every_reason_of_a_result_is_the_true_one(name: str) -> None:
    """Few false non-matches give zeros on one side or both, many give none."""
    found = [untrue_reasons(run(SETS[name](), noise=noise)) for noise in (0.3, 0.5, 1.5)]
    assert [wrong for _, wrong in found] == [[], [], []]
    assert sum(counted for counted, _ in found) > 20


def reasons_of_indices(evaluation: Evaluation) -> set[str | None]:
    return {
        index.reason
        for grouping in evaluation.groupings
        for point in grouping.operating_points
        if point.differential is not None
        for index in [*point.differential.fnmr.values(), *point.differential.combined.values()]
    }


def test_without_mated_pairs_no_cell_is_said_to_be_too_small() -> None:
    """252 times in one report of FairFace, where every cell has 135 people or more."""
    evaluation = run(make_dataset(3, 180, 1))
    assert reasons_of_indices(evaluation) == {"no_mated_pairs"}
    assert "a cell of the other attributes has" not in " ".join(read(render([evaluation])).text)


def test_a_cell_that_is_too_small_is_said_to_be() -> None:
    evaluation = run(SETS["a small cell"]())
    by_gender = next(grouping for grouping in evaluation.groupings if grouping.attributes == ["gender"])
    matched = {rate.group: rate.reason for rate in by_gender.operating_points[0].fmr if rate.design == "matched"}
    assert matched["female"] == "cells_too_small"
    missed = {rate.group: rate.reason for rate in by_gender.operating_points[0].fnmr if rate.design == "matched"}
    assert missed["female"] == "cells_too_small"


def test_a_cell_with_too_few_mates_is_said_to_have_that() -> None:
    """45 people in the cell, and all but 20 of them with one image."""
    dataset = make_dataset(3, 180, 3)
    gender, ethnicity = (dataset.attributes[name].codes for name in ("gender", "ethnicity"))
    inside = np.unique(dataset.subjects[(gender == 0) & (ethnicity == 0)])
    single = np.isin(dataset.subjects, inside[20:]) & (np.arange(dataset.n_samples) % 3 > 0)
    labels = {
        name: replace(one, codes=np.where(single, -1, one.codes).astype(np.int32)) for name, one in dataset.attributes.items()
    }
    evaluation = run(replace(dataset, attributes=labels))
    assert untrue_reasons(evaluation)[1] == []
    by_gender = next(grouping for grouping in evaluation.groupings if grouping.attributes == ["gender"])
    missed = {rate.group: rate.reason for rate in by_gender.operating_points[0].fnmr if rate.design == "matched"}
    assert missed["female"] == "cells_few_mated"


@pytest.mark.parametrize(
    ("group", "reference", "reason"),
    [(0, 0, "zero_errors"), (0, 3, "group_zero_errors"), (3, 0, "reference_zero_errors"), (None, 1, "group_zero_errors")],
)
def test_no_errors_are_said_of_the_side_that_has_none(group: int | None, reference: int, reason: str) -> None:
    assert side_without_errors(group, reference) == reason


def test_an_index_has_the_reason_of_most_groups() -> None:
    assert why_few_groups(["no_mated_pairs", None, None], [0, 20, 20], 0) == "too_few_subjects"
    assert why_few_groups(["cells_few_mated", "no_mated_pairs", "no_mated_pairs"], [40, 0, 0], 0) == "no_mated_pairs"
    assert why_few_groups([], [], 0) == "too_few_subjects"


def test_a_call_that_the_second_reading_lacks_says_which_of_the_two_it_is() -> None:
    from faceparity.harness.results import ScenarioContrast

    first = [
        ScenarioContrast(measure="fpir", group=name, reference="r", ratio=2.0, p_holm=0.01, verdict="higher")
        for name in ("both", "missing", "undefined", "other")
    ]
    changes = {"undefined": {"verdict": "none", "ratio": None}, "other": {"verdict": "lower", "ratio": 0.5}}
    second = [one.model_copy(update=changes.get(one.group, {})) for one in first if one.group != "missing"]
    found = confirm_all(first, second, lambda one: (one.measure, one.group))
    assert [one.reason for one in found] == [None, "no_second_reading", "no_second_reading", "readings_differ"]


@pytest.mark.parametrize("name", SETS)
def test_no_row_of_a_report_has_counts_that_contradict_its_rate(name: str) -> None:
    """Cells of unlike size and rate: the equally weighted mean is not errors / comparisons, and both are given."""
    dataset = SETS[name]()
    evaluation = run(with_small_cell(dataset, 35) if name == "large cells" else dataset)
    rows = list(rows_beside_counts(render([evaluation])))
    assert len(rows) > 10
    assert [row for row in rows if contradicts(row[1])] == []
    matched = [row for _, row in rows if row.get("Design", "").startswith("matched")]
    assert all("Pooled" in row and "2 groups weighted equally" in row["Design"] for row in matched)
    assert matched or name == "a small cell"
