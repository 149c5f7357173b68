"""Rates of plain scores, DET, EER and d′, and what an evaluation says of each group's scores, against the scores themselves."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceparity.harness.comparisons.similarity import exact_scores, prepare
from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.metrics import rates as r
from faceparity.harness.metrics import separation as s
from faceparity.harness.options import Options
from faceparity.harness.verification.rates.score_separation import crossing
from tests.harness import toy

SCORES = st.lists(st.integers(-8, 8).map(lambda k: k / 8), min_size=1, max_size=30).map(np.array)


def bracket(mated: np.ndarray, non_mated: np.ndarray) -> tuple[float, float]:
    """Where the equal error rate lies, by looking at every threshold there is, above all scores too."""
    thresholds = [*np.concatenate([mated, non_mated]).tolist(), np.inf]
    pairs = [((non_mated >= t).mean(), (mated < t).mean()) for t in thresholds]
    return max(min(p) for p in pairs), min(max(p) for p in pairs)


@given(SCORES, SCORES)
@settings(max_examples=200)
def test_det_counts_at_every_observed_score(mated: np.ndarray, non_mated: np.ndarray) -> None:
    curve = s.det(mated, non_mated)
    assert curve.thresholds.tolist() == sorted(set(mated.tolist()) | set(non_mated.tolist()))
    for t, fmr, fnmr in zip(*curve, strict=True):
        assert fmr == r.fmr(non_mated, t) == sum(x >= t for x in non_mated) / non_mated.size
        assert fnmr == r.fnmr(mated, t) == sum(x < t for x in mated) / mated.size


@given(SCORES, SCORES)
@settings(max_examples=200)
def test_eer_lies_where_every_threshold_together_puts_it(mated: np.ndarray, non_mated: np.ndarray) -> None:
    found = s.eer(s.det(mated, non_mated))
    assert found is not None
    assert (found.low, found.high) == pytest.approx(bracket(mated, non_mated))
    assert found.low <= found.value <= found.high


@given(SCORES, SCORES, st.sampled_from([np.exp, lambda x: x**3, lambda x: 5 * x - 2]))
@settings(max_examples=50)
def test_eer_does_not_change_under_a_monotone_transform(mated: np.ndarray, non_mated: np.ndarray, f) -> None:
    before, after = (s.eer(s.det(a, b)) for a, b in ((mated, non_mated), (f(mated), f(non_mated))))
    assert before is not None
    assert after is not None
    assert after[:3] == before[:3]


@given(SCORES, SCORES, st.sampled_from([-np.inf, -0.5, 0.0, 0.25, 0.6]))
@settings(max_examples=200)
def test_eer_of_a_tally_holds_that_of_the_scores(mated: np.ndarray, non_mated: np.ndarray, floor: float) -> None:
    """Coarse bins, and a ledger from `floor` on: exact if the crossing is in it, else wider, never elsewhere."""
    mated, non_mated = mated.astype(np.float32), non_mated.astype(np.float32)
    edges = np.linspace(-1.01, 1.01, 8).astype(np.float32)
    counts = [np.histogram(x, edges)[0] for x in (mated, non_mated)]
    found = crossing(edges, *counts, mated, non_mated[non_mated >= np.float32(floor)], floor)
    low, high = bracket(mated, non_mated)
    assert found is not None
    assert found.low <= low + 1e-12
    assert found.high >= high - 1e-12
    if floor < -1:
        assert (found.low, found.high) == pytest.approx((low, high)), "with every score in the ledger it is exact"


def test_without_comparisons_there_is_no_curve_and_no_eer() -> None:
    some, none = np.array([0.1, 0.7]), np.empty(0)
    curve = s.det(none, some)
    assert np.isnan(curve.fnmr).all()
    assert curve.fmr.tolist() == [1, 0.5]
    assert s.eer(curve) is None
    assert s.eer(s.det(some, none)) is None
    assert s.eer(s.det(none, none)) is None
    assert r.fmr(none, 0.5) is None
    assert r.fnmr(none, 0.5) is None
    assert s.moments(none) is None
    assert s.d_prime(1, 0, 0, 0) is None


def test_normal_scores_give_the_known_d_prime_eer_and_a_straight_det() -> None:
    from scipy import stats

    at = (np.arange(20_000) + 0.5) / 20_000
    mated, non_mated = stats.norm.ppf(at, 3), stats.norm.ppf(at)
    assert s.d_prime(*s.moments(mated), *s.moments(non_mated)) == pytest.approx(3, rel=1e-3)  # type: ignore[misc]
    curve = s.det(mated, non_mated)
    found = s.eer(curve)
    assert found is not None
    assert found.value == pytest.approx(stats.norm.sf(1.5), abs=1e-4)
    inside = (curve.fmr > 0.001) & (curve.fnmr > 0.001) & (curve.fmr < 0.5) & (curve.fnmr < 0.5)
    x, y = s.probit(curve.fmr[inside]), s.probit(curve.fnmr[inside])
    assert np.abs(x + y + 3).max() < 0.02


def test_failures_count_as_non_matches() -> None:
    assert r.false_non_matches_with_failures(24, 960, 40) == pytest.approx((0.025, 0.064))
    assert r.false_matches_with_failures(97, 97_000, 3_000) == pytest.approx((0.001, 0.00097))
    assert r.false_non_matches_with_failures(0, 0, 5) == (None, 1.0)
    assert r.false_matches_with_failures(0, 0, 0) == (None, None)
    assert r.failure_rate(2, 8) == 0.25
    assert r.failure_rate(0, 0) is None


@pytest.fixture(scope="module", params=[(1.0, 8), (1.2, 0)], ids=["crossing in the ledger", "crossing below it"])
def case(request):
    noise, in_ledger = request.param
    dataset = toy.make_dataset(5, 160, 5)
    templates = toy.make_templates(dataset, 6, dimensions=48, noise=noise)
    made = evaluate(dataset, toy.make_card(), templates, Options(targets=(1e-2,)))
    vectors = prepare(templates.vectors, "cosine")
    n = len(vectors)
    i, j = (np.array(x, np.int32) for x in zip(*combinations(range(n), 2), strict=True))
    return dataset, made, i, j, exact_scores(vectors, i, j, "cosine"), in_ledger


def test_an_evaluation_describes_each_groups_scores(case) -> None:
    dataset, made, i, j, scores, in_ledger = case
    floor = made.evidence.tally.floor
    exact = 0
    for grouping in made.evaluation.groupings:
        names = [
            " × ".join(dataset.attributes[a].values[dataset.attributes[a].codes[k]] for a in grouping.attributes)
            for k in range(dataset.n_samples)
        ]
        group = np.array(names)
        assert [x.group for x in grouping.separation] == [g.group for g in grouping.groups]
        for said in grouping.separation:
            inside = (group[i] == said.group) & (group[j] == said.group)
            same = dataset.subjects[i] == dataset.subjects[j]
            mated, non_mated = scores[inside & same], scores[inside & ~same]
            assert (said.mated, said.non_mated) == (mated.size, non_mated.size)
            assert said.mated_mean == pytest.approx(mated.mean(), rel=1e-6)
            assert said.mated_sd == pytest.approx(mated.std(), rel=1e-5)
            assert abs(said.non_mated_mean - non_mated.mean()) <= said.bin_width / 2
            assert abs(said.non_mated_sd - non_mated.std()) <= said.bin_width / 2
            assert said.d_prime == pytest.approx(
                s.d_prime(mated.mean(), mated.std(), non_mated.mean(), non_mated.std()), rel=1e-3
            )
            _, low, high, _ = s.eer(s.det(mated, non_mated))
            assert said.eer_within[0] <= low + 1e-12
            assert high - 1e-12 <= said.eer_within[1]
            assert said.eer_within[1] - said.eer_within[0] < 0.02
            if said.eer_threshold > floor + said.bin_width:
                exact += 1
                assert said.eer_within == pytest.approx((low, high))
    assert len(made.evaluation.groupings) == 3
    assert exact == in_ledger


def test_what_is_left_out_says_why() -> None:
    """Without mated pairs; and with so few, or so clear ones, that an EER would rest on a handful of errors."""
    dataset = toy.make_dataset(7, 130, 1)
    e = evaluate(dataset, toy.make_card(), toy.make_templates(dataset, 8), Options(targets=(1e-2,))).evaluation
    said = [x for g in e.groupings for x in g.separation]
    sizes = [g.subjects for grouping in e.groupings for g in grouping.groups]
    assert min(sizes) < 30 < max(sizes)
    for x, n in zip(said, sizes, strict=True):
        assert x.reason == ("too_few_subjects" if n < 30 else "no_mated_pairs")
        assert (x.eer, x.d_prime, x.mated_mean) == (None, None, None)
        assert (x.non_mated_mean is None) == (n < 30)
    dataset = toy.make_dataset(9, 200, 2)
    for noise, reason in ((0.4, "zero_errors"), (0.75, "too_few_errors")):
        templates = toy.make_templates(dataset, 10, dimensions=48, noise=noise)
        e = evaluate(dataset, toy.make_card(), templates, Options(targets=(1e-2,))).evaluation
        for x in e.groupings[-1].separation:
            assert (x.eer, x.eer_within, x.eer_threshold, x.reason) == (None, None, None, reason)
            assert x.d_prime > 3


def test_mated_scores_of_few_people_are_not_told() -> None:
    """Large groups of which fewer than 30 people have a second image: FNMR is suppressed there, and so is this."""
    dataset = toy.make_dataset(11, 300, 2)
    second = np.arange(dataset.n_samples) % 2 == 1
    templates = toy.make_templates(dataset, 12)
    gone = second & (dataset.subjects >= 60)
    keep = ~gone
    templates = replace(
        templates, status=np.where(gone, "no_face", "ok"), vectors=templates.vectors[keep], samples=templates.samples[keep]
    )
    e = evaluate(dataset, toy.make_card(), templates, Options(targets=(1e-2,))).evaluation
    for x, fnmr in zip(e.groupings[-1].separation, e.groupings[-1].operating_points[0].fnmr, strict=True):
        assert (fnmr.status, fnmr.reason) == ("suppressed", "too_few_subjects")
        assert x.mated > 0
        assert (x.mated_mean, x.d_prime, x.eer, x.reason) == (None, None, None, "too_few_subjects")
        assert x.non_mated_mean is not None
