"""Comparisons that could not be made are counted by group and kind, and FRR and FAR stand beside FNMR and FMR."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceparity.harness import results
from faceparity.harness.options import Options
from faceparity.harness.score_files.evaluate import evaluate_scores
from faceparity.reports.formats.html import render as page
from faceparity.reports.formats.markdown import summary
from faceparity.reports.wording.finding import finding
from tests.harness.score_rows import ScoreRows, everybody, flat, shown

OPTIONS = Options(targets=(), threshold=0.5)


@pytest.fixture(scope="module")
def rows() -> ScoreRows:
    return everybody({"A": 60, "B": 60}, seed=7, shift={"B": 0.07}, attribute="group")


def without(rows: ScoreRows, chosen: np.ndarray) -> np.ndarray:
    score = rows.score.copy()
    score[chosen] = np.nan
    return score


def lowest_mated(rows: ScoreRows, group: str, n: int) -> np.ndarray:
    own = np.flatnonzero(rows.mated & (rows.group_a == group))
    return own[np.argsort(rows.score[own])][:n]


def rate(evaluation: results.Evaluation, measure: str, group: str) -> results.Rate:
    rates: list[results.Rate] = getattr(evaluation.groupings[0].operating_points[0], measure)
    return next(one for one in rates if one.group == group)


def failed(evaluation: results.Evaluation) -> dict[str, tuple[int, int, int, int]]:
    return {
        one.group: (one.mated_failed, one.mated, one.non_mated_failed, one.non_mated)
        for one in evaluation.groupings[0].failed_comparisons
    }


@settings(max_examples=10)
@given(seed=st.integers(0, 999), share=st.floats(0.01, 0.5))
def test_counts_and_rates_by_a_loop_over_rows(seed: int, share: float) -> None:
    rows = everybody({"A": 40, "B": 35}, seed=seed, attribute="group")
    empty = np.random.default_rng(seed).random(rows.score.size) < share
    evaluation = evaluate_scores(rows.columns(score=without(rows, empty)), OPTIONS)
    counts = evaluation.comparisons
    assert (counts.mated_failed, counts.non_mated_failed) == tuple(
        int((empty & kind).sum()) for kind in (rows.mated, ~rows.mated)
    )
    for group in "AB":
        here, matched = rows.group_a == group, ~empty & (rows.score >= 0.5)
        mated, non_mated = here & rows.mated, here & ~rows.mated
        expected = ((empty & mated).sum(), mated.sum(), (empty & non_mated).sum(), non_mated.sum())
        assert failed(evaluation)[group] == tuple(map(int, expected))
        fnmr, fmr = rate(evaluation, "fnmr", group), rate(evaluation, "fmr", group)
        if fnmr.status != "suppressed":
            assert fnmr.errors == int((mated & ~empty & ~matched).sum())
            assert (fnmr.rate_including_failures or 0.0) == pytest.approx((mated & ~matched).sum() / mated.sum())
        assert (fmr.rate_including_failures or 0.0) == pytest.approx((non_mated & matched).sum() / non_mated.sum())


def test_a_third_of_a_groups_mated_comparisons(rows: ScoreRows) -> None:
    """B's worst twenty are empty, so that its FNMR looks the better; its FRR does not."""
    evaluation = evaluate_scores(rows.columns(score=without(rows, lowest_mated(rows, "B", 20))), OPTIONS)
    assert failed(evaluation) == {"A": (0, 60, 0, 1770), "B": (20, 60, 0, 1770)}
    assert rate(evaluation, "fnmr", "B").rate_including_failures == pytest.approx(1 / 3)
    text = shown(evaluation)
    assert "Failed comparisons: 20 of 120 mated and 0 of 3,540 non-mated" in flat(evaluation)
    assert "not supplied" not in text
    assert max(map(len, text.splitlines())) <= 80
    line = next(line for line in text.splitlines() if line.startswith("B") and "33" in line)
    assert "33\N{NO-BREAK SPACE}%" in line
    for written in (summary([evaluation]), str(page([evaluation]))):
        assert "20 of 60 mated comparisons failed (33\N{NO-BREAK SPACE}%)" in written
        assert "20 of 120 mated" in written


def test_all_of_a_groups_mated_comparisons(rows: ScoreRows) -> None:
    evaluation = evaluate_scores(rows.columns(score=without(rows, rows.mated & (rows.group_a == "B"))), OPTIONS)
    found = rate(evaluation, "fnmr", "B")
    assert (found.rate, found.status, found.reason, found.rate_including_failures) == (None, "suppressed", "all_failed", 1.0)
    assert failed(evaluation)["B"] == (60, 60, 0, 1770)
    assert {one.reason for one in evaluation.groupings[0].operating_points[0].contrasts if one.measure == "fnmr"} == {
        "all_failed"
    }
    for written in (shown(evaluation), summary([evaluation]), str(page([evaluation]))):
        assert "no two images of the same person" not in written
    assert max(map(len, shown(evaluation).splitlines())) <= 80
    assert "every comparison failed" in flat(evaluation)
    assert evaluation.groupings[0].separation[1].reason == "all_failed"


def test_every_mated_comparison_of_everybody(rows: ScoreRows) -> None:
    evaluation = evaluate_scores(rows.columns(score=without(rows, rows.mated)), OPTIONS)
    assert [one.rate_including_failures for one in evaluation.groupings[0].operating_points[0].fnmr] == [1.0, 1.0]
    assert "all 120 mated comparisons failed" in " ".join(finding(evaluation).beside)
    assert "no two images of" not in str(page([evaluation]))


def test_of_under_thirty_people_nothing_is_shown() -> None:
    rows = everybody({"A": 60, "B": 29}, seed=7, attribute="group")
    evaluation = evaluate_scores(rows.columns(score=without(rows, rows.mated & (rows.group_a == "B"))), OPTIONS)
    found = rate(evaluation, "fnmr", "B")
    assert (found.reason, found.rate_including_failures) == ("all_failed", None)


def test_non_mated_ones(rows: ScoreRows) -> None:
    empty = ~rows.mated & (rows.group_a == "B") & (np.arange(rows.score.size) % 2 == 0)
    evaluation = evaluate_scores(rows.columns(score=without(rows, empty)), OPTIONS)
    found = rate(evaluation, "fmr", "B")
    assert found.errors is not None
    assert found.rate_including_failures == pytest.approx(found.errors / 1770)
    assert failed(evaluation)["B"] == (0, 60, int(empty.sum()), 1770)
    gone = evaluate_scores(rows.columns(score=without(rows, ~rows.mated & (rows.group_a == "B"))), OPTIONS)
    assert (rate(gone, "fmr", "B").reason, rate(gone, "fmr", "B").rate_including_failures) == ("all_failed", None)


def failures(of: dict[str, tuple[int, int]]) -> dict[str, list[object]]:
    """A file of failures to extract: of each group so many images attempted and failed, a subject each."""
    table: dict[str, list[object]] = {"subject": [], "attempted": [], "failed": [], "group": []}
    for group, (attempted, lost) in of.items():
        for k in range(attempted):
            for name, value in (("subject", f"{group}x{k}"), ("attempted", 1), ("failed", int(k < lost)), ("group", group)):
                table[name].append(value)
    return table


def test_failures_to_extract_add_to_the_same_figures(rows: ScoreRows) -> None:
    """A quarter of B's images gave no template: of 16 comparisons 9 could be made, whatever else is empty."""
    file = failures({"A": (100, 0), "B": (100, 25)})
    evaluation = evaluate_scores(rows.columns(), OPTIONS, failures=file)
    kept = 0.75**2
    assert failed(evaluation) == {"A": (0, 60, 0, 1770), "B": (round(60 / kept) - 60, 107, round(1770 / kept) - 1770, 3147)}
    found = rate(evaluation, "fnmr", "B")
    assert found.errors is not None
    assert found.rate_including_failures == pytest.approx((found.errors + 47) / 107)
    fmr = rate(evaluation, "fmr", "B")
    assert fmr.errors is not None
    assert fmr.rate_including_failures == pytest.approx(fmr.errors / 3147)
    both = evaluate_scores(rows.columns(score=without(rows, lowest_mated(rows, "B", 20))), OPTIONS, failures=file)
    assert failed(both)["B"] == (107 - 40, 107, 3147 - 1770, 3147)
    text = flat(both)
    assert "Failures to extract a template (FTX): 25 of 200 images" in text
    assert "Failed comparisons: 67 of 167 mated" in text


def test_rates_without_failures_do_not_know_of_them(rows: ScoreRows) -> None:
    """FMR, FNMR, their intervals and contrasts are those of the comparisons that were made."""
    plain = evaluate_scores(rows.columns(), OPTIONS).groupings[0].operating_points[0]
    file = failures({"A": (50, 1), "B": (50, 20)})
    beside = evaluate_scores(rows.columns(), OPTIONS, failures=file).groupings[0].operating_points[0]
    for before, after in zip((*plain.fmr, *plain.fnmr), (*beside.fmr, *beside.fnmr), strict=True):
        assert after.model_copy(update={"rate_including_failures": None}) == before
    assert plain.contrasts == beside.contrasts


def test_without_any_word_of_failures_nothing_is_known(rows: ScoreRows) -> None:
    evaluation = evaluate_scores(rows.columns(), OPTIONS)
    assert evaluation.comparisons.mated_failed is None
    assert evaluation.groupings[0].failed_comparisons == []
    assert "Failures to extract a template: not supplied." in flat(evaluation)


def test_groups_that_the_file_does_not_know_are_counted(rows: ScoreRows) -> None:
    for file in (failures({"A": (50, 5)}), failures({"A": (50, 5), "B": (10, 10)})):
        evaluation = evaluate_scores(rows.columns(), OPTIONS, failures=file)
        assert failed(evaluation)["B"] == (0, 60, 0, 1770)
        assert any("no image with a template of 1 group that the scores compare" in warning for warning in evaluation.warnings)


def test_a_verdict_that_failures_turn_round(rows: ScoreRows) -> None:
    """B's many low mated scores are empty: fewer of the rest are missed, and more of all."""
    rows = everybody({"A": 400, "B": 400}, seed=1, attribute="group")
    rng = np.random.default_rng(5)
    score = np.where(
        rows.mated, np.where(rng.random(rows.score.size) < np.where(rows.group_a == "A", 0.4, 0.1), 0.1, 0.9), rows.score
    )
    rows = replace(rows, score=score)
    empty = rows.mated & (rows.group_a == "B") & (rng.random(score.size) < 0.6)
    evaluation = evaluate_scores(rows.columns(score=without(rows, empty)), replace_reference(OPTIONS))
    (contrast,) = [one for one in evaluation.groupings[0].operating_points[0].contrasts if one.measure == "fnmr"]
    assert contrast.verdict == "lower"
    assert any("With failed comparisons counted it is the other way round: B" in text for text in finding(evaluation).cautions)


def replace_reference(options: Options) -> Options:
    return options.model_copy(update={"references": ("group=A",)})
