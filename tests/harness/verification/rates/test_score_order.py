"""Scores the wrong way round, labels of other people and constant templates: no verdict anywhere, with the reason by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparity.harness import results
from faceparity.harness.comparisons.tally import ScoreBins
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.options import Options
from faceparity.harness.scenarios.load import load_scenarios
from faceparity.harness.score_files.evaluate import evaluate_scores
from faceparity.harness.verification.rates.score_order import largest_share_above
from faceparity.reports.wording.finding import finding
from tests.harness.score_rows import ScoreRows, everybody, flat
from tests.harness.toy import make_card, make_dataset, make_templates
from tests.rederived_verdicts import disagreements

CALLED = ("higher", "lower")


def share_above(mated: np.ndarray, non_mated: np.ndarray) -> float:
    """By a loop over all pairs of scores."""
    return sum(1.0 if m > n else 0.5 if m == n else 0.0 for m in mated for n in non_mated) / (mated.size * non_mated.size)


scores = st.lists(st.integers(0, 30), min_size=1, max_size=25)


@given(scores, scores, st.integers(-1, 31))
def test_the_share_above_is_a_bound_and_exact_in_the_ledger(mated_list, non_mated_list, floor) -> None:
    mated, non_mated = (np.asarray(column, np.float32) for column in (mated_list, non_mated_list))
    grid = ScoreBins.uniform(0, 30, 7)
    ledger = non_mated[non_mated >= floor]
    counts, inside = (np.bincount(grid.bin(column), minlength=grid.n) for column in (non_mated, ledger))
    found = largest_share_above(grid.edges, counts, inside, mated, ledger)
    exact = share_above(mated, non_mated)
    assert found is not None
    assert found >= exact - 1e-12
    if ledger.size == non_mated.size:
        assert found == pytest.approx(exact)
    assert largest_share_above(grid.edges, np.zeros(grid.n, np.int64), inside * 0, mated, ledger[:0]) is None
    assert largest_share_above(grid.edges, counts, inside, mated[:0], ledger) is None


def verdicts(part: Any) -> list[str]:
    """Every verdict of a record, wherever it stands, but for those on failures to extract."""
    if isinstance(part, list):
        return [found for item in part for found in verdicts(item)]
    if not isinstance(part, results.Part):
        return []
    own = [getattr(part, name) for name in ("verdict", "result") if name in type(part).model_fields]
    own = [] if getattr(part, "measure", None) == "ftx" else own
    return own + [found for name in type(part).model_fields for found in verdicts(getattr(part, name))]


def no_verdict(evaluation: results.Evaluation) -> None:
    assert not set(verdicts(evaluation)) & {*CALLED, "as_claimed", "opposite", "borne_out", "contradicted", "mixed"}
    counted, wrong = disagreements(evaluation)
    assert counted
    assert not wrong


@pytest.fixture(scope="module")
def rows() -> ScoreRows:
    """Two groups of 160 people, of whom the first falsely matches some ten times as often."""
    return everybody({"Black": 160, "White": 160}, seed=3, shift={"Black": 0.08}, attribute="ethnicity")


OPTIONS = Options(targets=(0.01,))


def test_ordinary_scores_get_their_verdict(rows: ScoreRows) -> None:
    evaluation = evaluate_scores(rows.columns(), OPTIONS)
    (point,) = evaluation.groupings[0].operating_points
    assert evaluation.comparisons.mated_above == pytest.approx(
        share_above(rows.score[rows.mated], rows.score[~rows.mated]), abs=2e-3
    )
    assert point.withheld is None
    assert set(verdicts(point)) & set(CALLED)
    assert "as_claimed" in verdicts(evaluation.claims)
    assert "NO VERDICT" not in flat(evaluation)


@pytest.mark.parametrize(
    ("turned", "distance", "told"),
    [(True, False, "the scores are distances (add --distance)"), (False, True, "similarities (leave --distance out)")],
)
def test_scores_the_wrong_way_round(rows: ScoreRows, turned: bool, distance: bool, told: str) -> None:
    score = 1 - rows.score if turned else rows.score
    evaluation = evaluate_scores(rows.columns(score=score), OPTIONS, distance=distance)
    (point,) = evaluation.groupings[0].operating_points
    assert point.withheld is not None
    assert point.withheld.reason == "mated_not_above"
    assert evaluation.comparisons.mated_above is not None
    assert evaluation.comparisons.mated_above < 0.05
    no_verdict(evaluation)
    assert {contrast.reason for contrast in point.contrasts} == {"mated_not_above"}
    tested = [reading for claim in evaluation.claims for reading in claim.readings if reading.tests]
    assert tested
    assert {reading.reason for reading in tested} - {"proxy_label"} == {"mated_not_above"}
    assert evaluation.groupings[0].sweep is not None
    assert all(not any(rate.ratio_log_half_width or []) for rate in evaluation.groupings[0].sweep.rates)
    assert "NO VERDICT IS GIVEN" in flat(evaluation)
    assert told in flat(evaluation)
    assert "no verdict is given" in finding(evaluation).main[0]


def test_the_same_distances_read_as_distances(rows: ScoreRows) -> None:
    evaluation = evaluate_scores(rows.columns(score=1 - rows.score), OPTIONS, distance=True)
    (point,) = evaluation.groupings[0].operating_points
    assert point.withheld is None
    assert set(verdicts(point)) & set(CALLED)


@pytest.mark.slow
def test_scores_of_other_rows(rows: ScoreRows) -> None:
    """Mated scores are then as any others: of some seeds a little above, of others a little below."""
    shares = []
    for seed in range(6):
        score = rows.score[np.random.default_rng(seed).permutation(rows.score.size)]
        evaluation = evaluate_scores(rows.columns(score=score), OPTIONS)
        (point,) = evaluation.groupings[0].operating_points
        assert point.withheld is not None
        assert point.withheld.reason == "mated_not_above"
        shares.append(evaluation.comparisons.mated_above)
        no_verdict(evaluation)
        assert "NO VERDICT" in flat(evaluation)
        assert "--distance" not in flat(evaluation)
    assert min(shares) < 0.5 < max(shares)


def test_one_group_the_wrong_way_round(rows: ScoreRows) -> None:
    """The others keep their verdicts; nothing is said of this one, though most comparisons are in order."""
    rows = everybody({"Black": 80, "White": 80, "Asian": 60}, seed=3, shift={"Black": 0.12}, attribute="ethnicity")
    score = np.where(rows.group_a == "Asian", rows.score.max() + rows.score.min() - rows.score, rows.score)
    evaluation = evaluate_scores(rows.columns(score=score), Options(targets=(0.4,), references=("ethnicity=White",)))
    (point,) = evaluation.groupings[0].operating_points
    assert point.withheld is None
    assert evaluation.groupings[0].groups_not_above == ["Asian"]
    by_group = {group: [c for c in point.contrasts if c.group == group] for group in ("Asian", "Black")}
    assert {c.reason for c in by_group["Asian"]} == {"mated_not_above"}
    assert not set(verdicts(by_group["Asian"])) & set(CALLED)
    assert set(verdicts(by_group["Black"])) & set(CALLED)
    assert "NO VERDICT IS GIVEN on Asian" in flat(evaluation)
    assert not disagreements(evaluation)[1]


def test_half_of_the_mated_comparisons_missed_at_a_target(rows: ScoreRows) -> None:
    """On the limit a verdict is given; past it none at this target, and at the laxer one it stands."""
    mated = np.flatnonzero(rows.mated)
    strict = Options(targets=(0.01, 0.2))
    for missed, withheld in ((160, False), (161, True)):
        score = rows.score.copy()
        score[mated[:missed]] = np.quantile(score[~rows.mated], 0.95)
        score[mated[missed:]] = 5.0
        evaluation = evaluate_scores(rows.columns(score=score), strict)
        second, first = evaluation.groupings[0].operating_points  # the lax target comes first
        assert (first.withheld is not None) == withheld
        assert second.withheld is None
        assert set(verdicts(second)) & set(CALLED)
        if withheld:
            assert first.withheld is not None
            assert (first.withheld.reason, first.withheld.errors, first.withheld.comparisons) == ("fnmr_over_half", 161, 320)
            assert not set(verdicts(first)) & set(CALLED)
            text = flat(evaluation)
            assert "161 of 320 mated comparisons (50.3 %) fall below it, more than half" in text
            assert "the target is too strict" in text
            assert "20\N{NO-BREAK SPACE}%" in finding(evaluation).main[0], "the headline is the point that has a verdict"


def test_a_strict_threshold_that_somebody_wants_is_no_fault(rows: ScoreRows) -> None:
    evaluation = evaluate_scores(rows.columns(), Options(targets=(), threshold=0.9))
    (point,) = evaluation.groupings[0].operating_points
    assert point.fnmr[0].rate is not None
    assert point.fnmr[0].rate > 0.5
    assert point.withheld is None


def test_no_mated_comparison_says_nothing(rows: ScoreRows) -> None:
    kept = ~rows.mated
    evaluation = evaluate_scores(rows.pick(kept).columns(), OPTIONS)
    assert evaluation.comparisons.mated_above is None
    assert evaluation.groupings[0].operating_points[0].withheld is None


def test_scenarios_too() -> None:
    """Templates of which mated ones are the less alike: watchlists, searches and line-ups have no verdict either."""
    dataset = make_dataset(0, 240, 2)
    templates = make_templates(dataset, 0)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(dataset.n_samples, 16)).astype(np.float32)
    first = np.unique(dataset.subjects, return_index=True)[1]
    vectors[np.setdiff1d(np.arange(dataset.n_samples), first)] = -vectors[first]
    vectors += np.where(dataset.attributes["gender"].codes == 0, 3.0, 0.0)[:, None].astype(np.float32)
    templates = replace(templates, vectors=vectors[templates.samples])
    scenarios = load_scenarios(["watchlist-half", "search-half", "lineup-half"])
    resolved = Resolved(Options(by=("gender",), targets=(0.01,)), scenarios=scenarios)
    evaluation = evaluate(dataset, make_card(), templates, resolved).evaluation
    assert evaluation.scenarios
    assert evaluation.comparisons.mated_above is not None
    assert evaluation.comparisons.mated_above < 0.5
    no_verdict(evaluation)
    assert "the card's input" in flat(evaluation)


def test_constant_templates() -> None:
    """Every score is the same: one half exactly, and no target is reached."""
    dataset = make_dataset(0, 80, 2)
    templates = make_templates(dataset, 0)
    templates = replace(templates, vectors=np.ones_like(templates.vectors))
    evaluation = evaluate(dataset, make_card(), templates, Options(by=("gender",), targets=(0.01,))).evaluation
    assert evaluation.comparisons.mated_above == 0.5
    no_verdict(evaluation)
    assert "NO VERDICT IS GIVEN" in flat(evaluation)


def test_summary_and_page_say_it(rows: ScoreRows, tmp_path: Path) -> None:
    from faceparity.reports.formats.html import render as page
    from faceparity.reports.formats.markdown import summary

    evaluation = evaluate_scores(rows.columns(score=-rows.score), OPTIONS)
    for text in (summary([evaluation]), str(page([evaluation]))):
        assert "score above images of two" in text
        assert "--distance" in text
    assert "▲" not in summary([evaluation])
    assert "more spread" not in str(page([evaluation]))
