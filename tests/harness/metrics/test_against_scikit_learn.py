"""The same figures as other people's code: scikit-learn (ROC, DET), cimat (dyadic plug-in variance), fairlearn (parity differences)."""

from __future__ import annotations

import importlib.util
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import det_curve, roc_curve

from faceparity.harness.metrics import differential as d
from faceparity.harness.metrics import rates as r
from faceparity.harness.metrics import separation as s
from faceparity.harness.uncertainty import intervals, variance
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.error_counts import CellErrors


@pytest.fixture(params=[0, 1, 2])
def scores(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """Mated and non-mated scores; in the second and third case of few different values, so with many ties."""
    rng = np.random.default_rng(request.param)
    mated, non_mated = rng.normal(1.5, 1, 300), rng.normal(0, 1, 2000)
    return (mated, non_mated) if request.param == 0 else (np.round(mated, request.param), np.round(non_mated, request.param))


def test_det_is_that_of_scikit_learn(scores: tuple[np.ndarray, np.ndarray]) -> None:
    """det_curve leaves out what lies beyond its first perfect FMR or FNMR; all that it has, we have."""
    mated, non_mated = scores
    y = np.r_[np.ones(mated.size), np.zeros(non_mated.size)]
    fmr, fnmr, thresholds = det_curve(y, np.r_[mated, non_mated], drop_intermediate=False)
    ours = s.det(mated, non_mated)
    inside = np.isfinite(thresholds)
    at = np.searchsorted(ours.thresholds, thresholds[inside])
    assert inside.sum() > 20
    np.testing.assert_array_equal(ours.thresholds[at], thresholds[inside])
    np.testing.assert_allclose(ours.fmr[at], fmr[inside], atol=1e-15)
    np.testing.assert_allclose(ours.fnmr[at], fnmr[inside], atol=1e-15)


def test_roc_is_that_of_scikit_learn(scores: tuple[np.ndarray, np.ndarray]) -> None:
    mated, non_mated = scores
    y = np.r_[np.ones(mated.size), np.zeros(non_mated.size)]
    fpr, tpr, thresholds = roc_curve(y, np.r_[mated, non_mated], drop_intermediate=False)
    ours = s.det(mated, non_mated)
    np.testing.assert_array_equal(ours.thresholds[::-1], thresholds[1:])
    np.testing.assert_allclose(ours.fmr[::-1], fpr[1:], atol=1e-15)
    np.testing.assert_allclose(1 - ours.fnmr[::-1], tpr[1:], atol=1e-15)
    for k in range(1, thresholds.size, 97):
        assert r.fmr(non_mated, thresholds[k]) == pytest.approx(fpr[k])
        assert r.fnmr(mated, thresholds[k]) == pytest.approx(1 - tpr[k])


def test_threshold_at_target_is_the_last_point_of_the_roc_within_it(scores: tuple[np.ndarray, np.ndarray]) -> None:
    mated, non_mated = scores
    y = np.r_[np.ones(mated.size), np.zeros(non_mated.size)]
    fpr, _, thresholds = roc_curve(y, np.r_[mated, non_mated], drop_intermediate=False)
    for target in (0.3, 0.05, 0.01):
        found = r.threshold_at_target(non_mated, np.full(non_mated.size, 1 / non_mated.size), target)
        assert found is not None
        assert found[1] == pytest.approx(fpr[1:][fpr[1:] <= target * (1 + 1e-9)].max())
        assert r.fmr(non_mated, found[0]) == pytest.approx(found[1])
        assert found[0] >= thresholds[1:][fpr[1:] <= target * (1 + 1e-9)].min(), "mated scores are no thresholds"


PEOPLE, IMAGES, THRESHOLD = 12, (1, 2, 3, 2, 1, 4, 2, 2, 1, 3, 2, 2), 0.42
IDS = np.repeat(np.arange(PEOPLE), IMAGES)


def _all_pairs(seed: int) -> np.ndarray:
    """A symmetric score for each pair of images; people differ in how alike they look."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(0, 0.15, PEOPLE)
    noise = rng.normal(0, 0.2, (IDS.size, IDS.size))
    base = effect[IDS][:, None] + effect[IDS][None, :] + 0.6 * (IDS[:, None] == IDS[None, :])
    return base + np.triu(noise, 1) + np.triu(noise, 1).T


class Case:
    """Scores of all pairs; errors and comparisons of each pair of people: above the diagonal non-mated, on it mated."""

    def __init__(self, seed: int) -> None:
        score = _all_pairs(seed)
        self.errors, self.made = np.zeros((PEOPLE, PEOPLE)), np.zeros((PEOPLE, PEOPLE))
        self.scores: dict[int, dict[int, list[float]]] = {i: {} for i in range(PEOPLE)}
        for i, j in combinations(range(IDS.size), 2):
            a, b = int(IDS[i]), int(IDS[j])
            self.errors[a, b] += score[i, j] < THRESHOLD if a == b else score[i, j] >= THRESHOLD
            self.made[a, b] += 1
            for x, y in {(a, b), (b, a)}:
                self.scores[x].setdefault(y, []).append(float(score[i, j]))
        self.y, self.m = np.triu(self.errors, 1), np.triu(self.made, 1)

    @property
    def sums(self) -> tuple[float, float, float]:
        return float((self.y**2).sum()), float((self.y * self.m).sum()), float((self.m**2).sum())


@pytest.fixture(params=range(4))
def case(request: pytest.FixtureRequest) -> Case:
    return Case(request.param)


@pytest.fixture
def estimator(case: Case) -> Any:
    """cimat's, of the same scores."""
    if importlib.util.find_spec("cimat") is None:
        pytest.skip("cimat is not installed: pip install --no-deps cimat==0.1.2 (it asks for numpy below 2, but runs with 2)")
    from cimat import UncertaintyEstimator

    return UncertaintyEstimator(case.scores)


def test_plug_in_variances_are_those_of_cimat(case: Case, estimator: Any) -> None:
    """Its FNMR variance is without the factor n/(n - 1) and without the clamp."""
    fnmr_variance, fmr_variance = estimator.compute_variance(THRESHOLD, "plugin")
    rows, each = (x.sum(0) + x.sum(1) for x in (case.y, case.m))
    assert 0 < case.y.sum() < case.m.sum()
    assert variance.dyadic_variance(rows, each, *case.sums) == pytest.approx(fmr_variance, rel=1e-12)
    k, n = np.diag(case.errors), np.diag(case.made)
    k, n = k[n > 0], n[n > 0]
    clamped = max(fnmr_variance * k.size / (k.size - 1), variance.binomial_variance(k.sum(), n.sum()))
    assert k.sum() > 0
    assert variance.cluster_variance(k, n) == pytest.approx(clamped, rel=1e-12)


def test_wilson_interval_is_that_of_cimat(case: Case, estimator: Any) -> None:
    _, theirs = estimator.get_binerror_ci(threshold=THRESHOLD)
    rows, each = (x.sum(0) + x.sum(1) for x in (case.y, case.m))
    p = float(case.y.sum() / case.m.sum())
    n = intervals.effective_n(p, variance.dyadic_variance(rows, each, *case.sums))
    assert intervals.wilson(p, n, intervals.quantile_z()) == pytest.approx(tuple(theirs), rel=1e-9)


def test_an_evaluations_plain_variance_is_cimats_or_the_binomial(case: Case, estimator: Any) -> None:
    _, fmr_variance = estimator.compute_variance(THRESHOLD, "plugin")
    y, m = case.y, case.m
    cell = CellErrors(
        np.arange(PEOPLE, dtype=np.int32), int(y.sum()), int(m.sum()), y.sum(0) + y.sum(1), m.sum(0) + m.sum(1), None, None,
        *case.sums, None,
    )  # fmt: skip
    made = estimates.non_mated(cell)
    assert made.plain_variance == pytest.approx(max(fmr_variance, made.independent_variance))


@pytest.mark.parametrize("seed", range(5))
def test_parity_differences_are_those_of_fairlearn(seed: int) -> None:
    if importlib.util.find_spec("fairlearn") is None:
        pytest.skip("fairlearn is not installed: pip install '.[test]'")
    from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference

    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, 3000)
    mated = rng.random(3000) < (0.2 + 0.1 * group)
    match = rng.random(3000) < np.where(mated, 0.9 - 0.05 * group, 0.02 * (1 + group))
    fmr = np.array([match[(group == g) & ~mated].mean() for g in range(4)])
    fnmr = np.array([1 - match[(group == g) & mated].mean() for g in range(4)])
    share = np.array([mated[group == g].mean() for g in range(4)])
    given = {"y_true": mated, "y_pred": match, "sensitive_features": group}
    assert d.demographic_parity_difference(fmr, fnmr, share) == pytest.approx(demographic_parity_difference(**given))
    assert d.equalised_odds_difference(fmr, fnmr) == pytest.approx(equalized_odds_difference(**given))
