"""The null of the indices: does it describe data whose groups have one rate; and the jackknife identity behind the variances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.metrics.differential import MEASURES, fdr, gini, max_difference, max_min
from faceparity.harness.uncertainty import variance
from faceparity.harness.uncertainty.equal_rates import equal_rates, null_of
from faceparity.harness.verification.rates.disparity_indices import make_differential
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.group_contrasts import Measured
from tests.benchmarks import null_indices

K = 6


def test_draws_have_one_mean_and_the_variance_of_the_effective_comparisons() -> None:
    n, m = np.array([500.0, 2000, 8000]), np.array([1000.0, 100_000, 8000])
    draws = equal_rates(np.full(3, 0.02), m, n, seed=1, replicates=200_000)
    assert draws.mean(0) == pytest.approx([0.02] * 3, rel=0.02)
    assert draws.var(0) == pytest.approx(0.02 * 0.98 / n, rel=0.03)
    for column, comparisons in zip(draws.T, m, strict=True):
        np.testing.assert_allclose(column * comparisons, np.round(column * comparisons), atol=1e-6)
        assert column.min() >= 0
        assert column.max() <= 1


def test_common_rate_is_the_mean_whatever_the_sizes() -> None:
    draws = equal_rates(np.array([0.1, 0.4]), np.array([900.0, 100]), np.array([300.0, 100]), seed=2, replicates=100_000)
    assert draws.mean(0) == pytest.approx([0.25, 0.25], rel=0.01)


def test_above_one_half_the_complement_is_drawn() -> None:
    n, m = np.array([50.0, 400]), np.array([5000.0, 5000])
    draws = equal_rates(np.full(2, 0.9), m, n, seed=3, replicates=200_000)
    assert draws.mean(0) == pytest.approx([0.9, 0.9], rel=0.005)
    assert draws.var(0) == pytest.approx(0.9 * 0.1 / n, rel=0.05)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_rates_of_zero_and_one_are_drawn_as_they_are(rate: float) -> None:
    draws = equal_rates(np.full(3, rate), np.array([1.0, 50, 1e9]), np.array([1.0, 2, 1e4]), seed=0, replicates=50)
    assert (draws == rate).all()


def test_extreme_means_at_least_as_extreme_and_undefined_draws_are_extreme() -> None:
    draws = np.array([[0.1, v] for v in (0.1, 0.2, 0.3, 0.4, 0.5) * 20])
    found = null_of(3.0, max_min.over, [draws])
    assert found is not None
    assert found.p == pytest.approx(61 / 101)
    assert found.median == pytest.approx(3)
    few = draws.copy()
    few[:3] = 0
    found = null_of(3.0, max_min.over, [few])
    assert found is not None
    assert found.p == pytest.approx((60 - 1 + 3 + 1) / 101), "three undefined draws, of which one was beyond 3 before"
    many = draws.copy()
    many[:10] = 0
    assert null_of(3.0, max_min.over, [many]) is None


def test_of_a_measure_that_is_best_at_one_the_lower_tail_is_extreme() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 0.1, (2, 1000, 4))
    value = 0.93
    found = null_of(value, fdr.over, [x, y], smaller_is_worse=True)
    drawn = fdr.over(x, y)
    assert found is not None
    assert found.p == pytest.approx(((drawn <= value).sum() + 1) / 1001)
    assert found.p95 == pytest.approx(np.quantile(drawn, 0.05))


@pytest.mark.slow
@pytest.mark.parametrize(("people", "p", "s"), [(100, 1e-2, 0.0), (60, 1e-2, 0.3)])
def test_equal_rates_are_seldom_called_unequal_and_p_is_about_uniform(people: int, p: float, s: float) -> None:
    """The study in small (`python -m tests.benchmarks.null_indices` is the large one): 5 % of 150, give or take 3 deviations."""
    found = null_indices.setting(4, people, 1, p, s, 150)
    rejected, median, undefined = (found[k] for k in ("rejected", "median", "undefined"))
    for name in null_indices.SHOWN:
        assert rejected[name] <= 0.105, (name, found)
        assert 0.36 <= median[name] <= 0.68, (name, found)
        assert undefined[name] <= 0.05


def test_a_real_difference_is_found_and_a_naive_null_would_find_it_in_equal_rates() -> None:
    """Groups of one rate whose people differ: without their effective numbers almost any data set has 'more than chance'."""
    rng = np.random.default_rng(3)
    honest = naive = 0
    for k in range(40):
        estimates = [null_indices.estimate(null_indices.draw(rng, 60, 4, 1e-2, 0.3), 4) for _ in range(4)]
        rates = np.array([e.rate for e in estimates])
        made = np.array([e.comparisons for e in estimates], float)
        effective = np.array([e.effective_errors / e.rate for e in estimates])
        for n in (effective, made):
            found = null_of(gini(rates), gini.over, [equal_rates(rates, made, n, k)])
            assert found is not None
            if n is effective:
                honest += found.p < 0.05
            else:
                naive += found.p < 0.05
    assert honest <= 8
    assert naive >= 25
    differ = np.array([0.01, 0.01, 0.01, 0.05])
    made = np.full(4, 20_000.0)
    found = null_of(gini(differ), gini.over, [equal_rates(differ, made, made / 4, 0)])
    assert found is not None
    assert found.p < 0.005


def estimates(errors: list[int], comparisons: list[int], effect: float = 2.0) -> list[Estimate]:
    out = []
    for e, m in zip(errors, comparisons, strict=True):
        p = e / m
        v = effect * p * (1 - p) / m
        out.append(Estimate(100, None, m, e, p, 4 * v, v, 99.0))
    return out


def differential(fmr: list[int], fnmr: list[int], nominal: float | None = 0.01):
    k = len(fmr)
    names = tuple(f"g{i}" for i in range(k))
    grouping = SampleGrouping(("a",), names, tuple((n,) for n in names), np.arange(k, dtype=np.int32))
    x = Measured("fmr", "within", estimates(fmr, [5000] * k))
    y = Measured("fnmr", "within", estimates(fnmr, [400] * k))
    return make_differential(grouping, x, y, 0, nominal), [e.rate for e in x.estimates], [e.rate for e in y.estimates]


def test_the_record_has_every_measure_with_its_null() -> None:
    found, x, y = differential([50, 60, 70, 200], [20, 25, 30, 22])
    fmr, fnmr = np.array(x), np.array(y)
    single = {m.name for m in MEASURES.values() if m.of == "rate" and not m.per_group}
    assert set(found.fmr) == single | {"mape", "mean_abs_log10"}
    assert set(found.fnmr) == single
    assert set(found.combined) == {m.name for m in MEASURES.values() if m.of == "both"}
    assert [a.alpha for a in found.combined_at] == [0.75, 1.0]
    assert all(set(a.combined) == {"garbe", "fdr", "inequity_rate"} for a in found.combined_at)
    assert found.nominal == 0.01
    for name in single:
        assert found.fmr[name].value == pytest.approx(MEASURES[name](fmr))
        assert found.fnmr[name].value == pytest.approx(MEASURES[name](fnmr))
        assert found.fmr[name].null_p < 0.05 < found.fnmr[name].null_p, name
        assert found.fmr[name].value > found.fmr[name].null_p95 >= found.fmr[name].null_median
    assert found.fmr["mape"].value == pytest.approx(MEASURES["mape"](fmr, 0.01))
    for alpha, indices in ((0.5, found.combined), *((a.alpha, a.combined) for a in found.combined_at)):
        for name in ("garbe", "fdr", "inequity_rate"):
            assert indices[name].value == pytest.approx(MEASURES[name](fmr, fnmr, alpha)), (name, alpha)
    share = np.full(4, 400 / 5400)
    parity = MEASURES["demographic_parity_difference"](fmr, fnmr, share)
    assert found.combined["demographic_parity_difference"].value == pytest.approx(parity)
    worse = found.combined_at[1].combined["fdr"]
    assert worse.value < worse.null_p95 <= worse.null_median, "smaller is worse"
    assert worse.null_p < 0.05 < found.combined["fdr"].null_p, "at alpha 0.5 FNMR swamps it"


def test_a_group_without_errors_leaves_ratios_undefined_and_the_rest_defined() -> None:
    found, _, _ = differential([0, 60, 70, 80], [20, 25, 30, 22])
    for name, x in found.fmr.items():
        undefined = MEASURES[name].a_zero == "undefined"
        assert (x.status, x.value is None) == (("undefined", True) if undefined else ("ok", False)), name
        assert x.reason == ("some_zero_errors" if undefined else None), name
    assert found.fnmr["max_min"].status == "ok"
    assert found.combined_at[1].combined["inequity_rate"].value is None


def test_without_a_nominal_rate_the_measures_that_want_one_are_left_out() -> None:
    for nominal in (None, 0.0):
        found, _, _ = differential([50, 60], [20, 25], nominal)
        assert found.nominal is None
        assert "mape" not in found.fmr
        assert "max_min" in found.fmr


def test_one_group_has_no_spread() -> None:
    found, _, _ = differential([50], [20])
    assert {(x.value, x.reason) for x in [*found.fmr.values(), *found.combined.values()]} == {(None, "one_group")}


@given(st.integers(3, 14), st.integers(1, 4), st.integers(0, 10_000))
@settings(max_examples=100)
def test_balanced_jackknife_identity(g: int, m: int, seed: int) -> None:
    """V_D before its clamp = V_J (G-2)²/(G(G-1)) - S/M² when every pair of subjects has m comparisons."""
    rng = np.random.default_rng(seed)
    y = np.triu(rng.integers(0, m + 1, (g, g)), 1).astype(float)
    rows, each = (y + y.T).sum(1), np.full(g, float(m * (g - 1)))
    total = float(each.sum() / 2)
    p = y.sum() / total
    s = ((y - p * m)[np.triu_indices(g, 1)] ** 2).sum()
    raw = (((rows - p * each) ** 2).sum() - s) / total**2
    jack = variance.jackknife_variance(variance.without_each_subject(float(y.sum()), total, rows, each))
    assert raw == pytest.approx(jack * (g - 2) ** 2 / (g * (g - 1)) - s / total**2, abs=1e-12)
    sums = float((y**2).sum()), float(y.sum() * m), total * m
    assert variance.dyadic_variance(rows, each, *sums) == pytest.approx(max(raw, s / total**2), abs=1e-12)


def test_max_difference_under_the_null_shrinks_with_the_sample() -> None:
    wide, narrow = (
        null_of(0.001, max_difference.over, [equal_rates(np.full(K, 0.01), np.full(K, m), np.full(K, m), 0)]) for m in (1e4, 1e6)
    )
    assert wide is not None
    assert narrow is not None
    assert wide.median > 5 * narrow.median
    assert wide.p > narrow.p
