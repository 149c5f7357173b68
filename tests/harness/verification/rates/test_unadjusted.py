"""Ratios as sampled, where a thin cell of another attribute leaves no matched one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from faceparity.datasets.schema.dataset import Attribute, Dataset
from faceparity.harness import results
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.options import Options
from faceparity.reports.wording.finding import finding
from faceparity.reports.wording.headline import finest, headline
from faceparity.reports.wording.verdicts.unadjusted import unadjusted_sentences
from tests.harness import toy

BOTH = ("gender", "ethnicity")


def made(thin: int, unlabelled: int = 0) -> Dataset:
    """200 women and 200 men, Black and White in turn, but for `thin` women of a third ethnicity and some without one."""
    dataset = toy.make_dataset(4, 400, 2)
    gender, ethnicity = np.repeat([0, 1], 200), np.arange(400) % 2
    ethnicity[:thin] = 2
    ethnicity[100 : 100 + unlabelled] = -1
    ethnicity[300 : 300 + unlabelled] = -1
    labels = {"gender": (("female", "male"), gender), "ethnicity": (("Black", "White", "Z"), ethnicity)}
    return replace(
        dataset,
        attributes={
            name: Attribute(name, values, np.repeat(codes, 2).astype(np.int32)) for name, (values, codes) in labels.items()
        },
    )


@cache
def run_made(thin: int, unlabelled: int, by: tuple[str, ...]) -> results.Evaluation:
    """One result for all tests that read it."""
    return run(made(thin, unlabelled), by)


def run(dataset: Dataset, by: tuple[str, ...]) -> results.Evaluation:
    templates = toy.make_templates(dataset, 6, dimensions=8, noise=0.9)
    return evaluate(dataset, toy.make_card(), templates, Options(by=by, threshold=0.6, targets=(1e-2,))).evaluation


def by_gender(evaluation: results.Evaluation, origin: str = "fixed") -> results.OperatingPoint:
    (grouping,) = (grouping for grouping in evaluation.groupings if grouping.attributes == ["gender"])
    return next(point for point in grouping.operating_points if point.origin == origin)


@pytest.mark.parametrize("unlabelled", [0, 40])
def test_everybody_with_the_label_is_compared_as_sampled(unlabelled: int) -> None:
    """As a run by gender alone compares them at the same threshold, people without an ethnicity included."""
    dataset = made(20, unlabelled)
    found, alone = by_gender(run(dataset, BOTH)), by_gender(run(dataset, ("gender",)))
    assert {contrast.reason for contrast in found.contrasts} == {"cells_too_small"}
    assert [(contrast.measure, contrast.design) for contrast in found.unadjusted] == [
        ("fmr", "as_sampled"),
        ("fnmr", "as_sampled"),
    ]
    for contrast, expected in zip(found.unadjusted, alone.contrasts, strict=True):
        assert contrast.ratio == pytest.approx(expected.ratio, rel=1e-12)
        assert contrast.interval == pytest.approx(expected.interval, rel=1e-12)
    for rates, expected_rates in ((found.fmr, alone.fmr), (found.fnmr, alone.fnmr)):
        sampled = [rate for rate in rates if rate.design == "as_sampled"]
        assert [(rate.subjects, rate.errors) for rate in sampled] == [(rate.subjects, rate.errors) for rate in expected_rates]
        assert [rate.subjects for rate in sampled] == [200, 200]


def test_it_is_never_called_and_in_no_family() -> None:
    evaluation = run_made(20, 0, BOTH)
    for point in (by_gender(evaluation), by_gender(evaluation, "target")):
        assert point.unadjusted
        for contrast in point.unadjusted:
            assert (contrast.verdict, contrast.p, contrast.p_holm, contrast.reason) == ("none", None, None, "cells_too_small")
        assert all(contrast.design != "as_sampled" for contrast in point.contrasts)


def test_where_groups_can_be_matched_nothing_is_added() -> None:
    for evaluation in (run_made(30, 0, BOTH), run(made(0), ("gender",))):
        assert not by_gender(evaluation).unadjusted
        assert not list(unadjusted_sentences(evaluation, 0))


def test_it_is_worded_as_not_adjusted_and_is_not_the_headline() -> None:
    evaluation = run_made(20, 0, BOTH)
    position = headline(finest(evaluation))
    assert position is not None
    (sentence,) = unadjusted_sentences(evaluation, position)
    assert sentence.startswith("By gender, not adjusted for ethnicity: two people labelled ")
    assert sentence.endswith("no verdict is given on it.")
    found = finding(evaluation)
    assert sentence in found.beside
    assert sentence not in found.main


def test_the_larger_stands_over_the_smaller() -> None:
    evaluation = run_made(20, 0, BOTH)
    contrast = by_gender(evaluation, "target").unadjusted[0]
    (sentence,) = unadjusted_sentences(evaluation, 0)
    higher, lower = (contrast.group, contrast.reference) if (contrast.ratio or 0) > 1 else (contrast.reference, contrast.group)
    assert sentence.index(f"labelled {higher} ") < sentence.index(f"labelled {lower};")
