"""Worked examples (copied from the project's science notes): inputs, expected values, tolerance."""

from __future__ import annotations

import numpy as np
import pytest

from faceparity.harness.metrics import differential as d
from faceparity.harness.metrics import rates as r
from faceparity.harness.uncertainty import contrasts as c
from faceparity.harness.uncertainty import intervals as i
from faceparity.harness.uncertainty import variance as v

MATED = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
NON_MATED = np.array([0.65, 0.6, 0.55, 0.4, 0.35, 0.3, 0.2, 0.1, 0.05, 0.0])


def test_rates_count_a_tie_as_a_match() -> None:
    assert r.fmr(NON_MATED, 0.60) == pytest.approx(0.2)
    assert r.fnmr(MATED, 0.60) == pytest.approx(0.2)
    assert r.fmr(NON_MATED[:0], 0.5) is None


@pytest.mark.parametrize(
    ("target", "threshold", "achieved"), [(0.1, 0.65, 0.1), (0.15, 0.65, 0.1), (0.2, 0.6, 0.2), (0.3, 0.55, 0.3)]
)
def test_threshold_at_target_is_an_observed_score(target: float, threshold: float, achieved: float) -> None:
    found = r.threshold_at_target(NON_MATED, np.full(10, 0.1), target)
    assert found == pytest.approx((threshold, achieved))


def test_a_target_below_the_highest_score_is_out_of_reach() -> None:
    assert r.threshold_at_target(NON_MATED, np.full(10, 0.1), 0.05) is None
    assert r.threshold_at_target(np.array([0.7, 0.7, 0.1]), np.full(3, 1 / 3), 0.5) is None


def test_generalised_rates() -> None:
    got = r.generalised(fmr=0.001, fnmr=0.03, fte=0.02, fta=0.01)
    assert got == pytest.approx({"FAR": 0.00099, "FRR": 0.0397, "GFAR": 0.0009702, "GFRR": 0.058906}, abs=1e-12)


FMR = np.array([1, 2, 4, 10]) * 1e-4
FNMR = np.array([0.010, 0.020, 0.015, 0.030])


def test_indices() -> None:
    assert d.max_min(FMR) == pytest.approx(10)
    assert d.max_min(FNMR) == pytest.approx(3)
    assert d.max_arithmetic_mean(FMR) == pytest.approx(2.35294117647)
    assert d.max_geometric_mean(FMR) == pytest.approx(3.34370152488)
    assert d.max_geometric_mean(FNMR) == pytest.approx(1.73205080757)
    assert d.gini(FMR) == pytest.approx(0.56862745098)
    assert d.gini(np.array([1.0, 0, 0, 0])) == pytest.approx(1)
    for alpha, fdr, ir, garbe in (
        (0.5, 0.98955, 5.47722557505, 0.428758169935),
        (0.75, 0.994325, 7.400828045, 0.498692810),
        (1, 0.9991, 10, 0.568627451),
    ):
        assert d.fdr(FMR, FNMR, alpha) == pytest.approx(fdr)
        assert d.inequity_rate(FMR, FNMR, alpha) == pytest.approx(ir)
        assert d.garbe(FMR, FNMR, alpha) == pytest.approx(garbe)


def test_indices_with_a_zero_rate_are_undefined_not_infinite() -> None:
    zero = np.array([0, 2, 4, 10]) * 1e-4
    assert d.max_min(zero) is None
    assert d.max_geometric_mean(zero) is None
    assert d.inequity_rate(zero, FNMR) is None
    assert d.gini(zero) == pytest.approx(0.666666666667)
    assert d.gini(np.zeros(4)) is None
    assert d.garbe(np.full(4, 0.1), np.full(4, 0.2)) == 0


Y = np.array([[0, 2, 1, 1, 2], [2, 0, 0, 0, 1], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [2, 1, 0, 0, 0]], float)


def test_dyadic_and_jackknife_variance() -> None:
    upper = np.triu(Y, 1)
    rows, m = Y.sum(1), np.full(5, 16.0)
    variance = v.dyadic_variance(rows, m, float((upper**2).sum()), 4 * upper.sum(), 10 * 16.0)
    assert variance == pytest.approx(0.0066875)
    assert v.binomial_variance(7, 40) == pytest.approx(0.003609375)
    loo = v.without_each_subject(7, 40, rows, m)
    np.testing.assert_allclose(loo, [0.0416666666667, 0.166666666667, 0.25, 0.25, 0.166666666667])
    assert v.jackknife_variance(loo) == pytest.approx(0.0233333333333)
    z = i.quantile_z()
    assert i.wilson(0.175, 40, z) == pytest.approx((0.0874541374604, 0.319499903318))
    assert i.wilson(0.175, i.effective_n(0.175, variance), z) == pytest.approx((0.0684684818645, 0.379719653746))
    assert i.wilson_from_variance(0.175, v.jackknife_variance(loo), 4) == pytest.approx((0.0197388127717, 0.690837444243))


def test_balanced_jackknife_identity() -> None:
    """V_D before its clamp = V_J (G-2)²/(G(G-1)) - S/M² when every subject has the same number of comparisons."""
    rng = np.random.default_rng(1)
    g = 9
    y = np.triu(rng.integers(0, 3, (g, g)), 1).astype(float)
    rows, m = (y + y.T).sum(1), np.full(g, 4.0 * (g - 1))
    total, p = m.sum() / 2, y.sum() / (m.sum() / 2)
    s = (y**2).sum() - 2 * p * 4 * y.sum() + p * p * 16 * g * (g - 1) / 2
    raw = (((rows - p * m) ** 2).sum() - s) / total**2
    jack = v.jackknife_variance(v.without_each_subject(y.sum(), total, rows, m))
    assert raw == pytest.approx(jack * (g - 2) ** 2 / (g * (g - 1)) - s / total**2)


def test_cluster_variance() -> None:
    e, m = np.array([0, 3, 0, 1, 0, 6.0]), np.array([10, 10, 3, 6, 1, 15.0])
    assert v.cluster_variance(e, m) == pytest.approx(0.00654778235025 * 6 / 5)
    equal = v.cluster_variance(np.array([1.0, 1, 1]), np.array([3.0, 3, 3]))
    assert equal == pytest.approx((1 / 3) * (2 / 3) / 9), "equal rates of all subjects must not give a width of zero"


@pytest.mark.parametrize(
    ("k", "n", "wilson", "exact"),
    [
        (0, 3000, (0.0, 0.001278848725), (0.0, 0.001228870804)),
        (3, 3000, (0.000340147219, 0.002936143809), (0.0002062715372, 0.002919616465)),
        (30, 300000, (7.005116502e-05, 0.0001427509728), (6.747056506e-05, 0.0001427531661)),
        (12, 1000, (0.006877647806, 0.02085726848), (0.00621552556, 0.02086767959)),
    ],
)
def test_intervals_of_independent_trials(k: int, n: int, wilson: tuple[float, float], exact: tuple[float, float]) -> None:
    assert i.wilson(k / n, n, i.quantile_z()) == pytest.approx(wilson, rel=1e-8, abs=1e-12)
    assert i.clopper_pearson(k, n) == pytest.approx(exact, rel=1e-8)


def test_zero_error_bounds_are_of_both_kinds() -> None:
    assert i.zero_error_bounds(19_900, 200) == pytest.approx((3 / 19_900, 0.03))
    assert i.zero_error_bounds(1, 2) == (1.0, 1.0)


def test_log_ratio_and_multiplicity() -> None:
    got = c.log_ratio(0.004, 1e-6, 1e9, 0.001, 1e-7, 1e9)
    assert got.ratio == pytest.approx(4)
    assert got.interval == pytest.approx((1.81522172009, 8.81435023775), rel=1e-6)
    assert got.p == pytest.approx(0.000583925333402, rel=1e-5)
    assert c.holm([0.001, 0.012, 0.021, 0.04, 0.2]) == pytest.approx([0.005, 0.048, 0.063, 0.08, 0.2])
    assert c.holm([0.2, 0.001, 0.04, 0.021, 0.012]) == pytest.approx([0.2, 0.005, 0.08, 0.063, 0.048])


@pytest.mark.parametrize(("ratio", "errors"), [(1.5, 79.570017), (2, 24.504622), (3, 8.6707668), (5, 3.6361389), (10, 1.6284296)])
def test_detectable_ratio(ratio: float, errors: float) -> None:
    assert c.detectable_ratio(1e-3, errors / 1e-3, errors / 1e-3) == pytest.approx(ratio, rel=1e-6)
    assert c.detectable_ratio(1e-3, 1, 1) is None
