"""The differential measures: each formula written out, and what must hold for every one in the registry."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faceparity.harness.metrics import differential as d
from faceparity.harness.metrics.registry import MEASURES, Measure, markdown_table, measure
from tests import ROOT

ALL = list(MEASURES.values())
SCALE_FREE = {"max_min", "max_geometric_mean", "max_arithmetic_mean", "gini", "gini_raw", "ratio_to_reference", "inequity_rate"}
NOMINAL, REFERENCE = 0.01, 0


def rates(least: float = 1e-9) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """FMR and FNMR of 2 to 12 groups."""
    one = st.floats(least, 1, allow_subnormal=False)
    return st.integers(2, 12).flatmap(lambda k: st.tuples(*[arrays(np.float64, k, elements=one)] * 2))


def given_of(m: Measure, k: int, alpha: float = 0.5) -> dict[str, object]:
    every = {"alpha": alpha, "nominal": NOMINAL, "mated_share": np.full(k, 0.3), "reference": REFERENCE}
    return {name: every[name] for name in m.given}


def value(m: Measure, x: np.ndarray, y: np.ndarray, alpha: float = 0.5) -> np.ndarray:
    arguments = (x, y) if m.of == "both" else (x,)
    return m.over(*arguments, **given_of(m, x.shape[-1], alpha))


def mean(v: list[float]) -> float:
    return sum(v) / len(v)


def deviation(v: list[float], less: int = 0) -> float:
    return math.sqrt(sum((a - mean(v)) ** 2 for a in v) / (len(v) - less))


def raw_gini(v: list[float]) -> float:
    return sum(abs(a - b) for a in v for b in v) / (2 * len(v) ** 2 * mean(v))


def corrected(v: list[float]) -> float:
    return raw_gini(v) * len(v) / (len(v) - 1)


def spread(v: list[float]) -> float:
    return max(abs(a - b) for a in v for b in v)


Plain = Callable[[list[float], list[float], float], float]
PLAIN: dict[str, Plain] = {
    "max_min": lambda x, y, a: max(x) / min(x),
    "max_geometric_mean": lambda x, y, a: max(x) / math.prod(v ** (1 / len(x)) for v in x),
    "max_arithmetic_mean": lambda x, y, a: max(x) / mean(x),
    "gini": lambda x, y, a: corrected(x),
    "gini_raw": lambda x, y, a: raw_gini(x),
    "max_difference": lambda x, y, a: spread(x),
    "std": lambda x, y, a: deviation(x),
    "std_sample": lambda x, y, a: deviation(x, 1),
    "mape": lambda x, y, a: mean([100 * abs(v - NOMINAL) / NOMINAL for v in x]),
    "mean_abs_log10": lambda x, y, a: mean([abs(math.log10(v / NOMINAL)) for v in x]),
    "inequity_rate": lambda x, y, a: (max(x) / min(x)) ** a * (max(y) / min(y)) ** (1 - a),
    "fdr": lambda x, y, a: 1 - (a * spread(x) + (1 - a) * spread(y)),
    "garbe": lambda x, y, a: a * corrected(x) + (1 - a) * corrected(y),
    "equalised_odds_difference": lambda x, y, a: max(spread(x), spread(y)),
    "demographic_parity_difference": lambda x, y, a: spread([0.3 * (1 - q) + 0.7 * p for p, q in zip(x, y, strict=True)]),
    "ser": lambda x, y, a: max(p + q for p, q in zip(x, y, strict=True)) / min(p + q for p, q in zip(x, y, strict=True)),
    "std_accuracy": lambda x, y, a: deviation([1 - (p + q) / 2 for p, q in zip(x, y, strict=True)]),
}
"""Each formula by loops; mated share 0.3."""


@pytest.mark.parametrize("m", [m for m in ALL if not m.per_group], ids=lambda m: m.name)
@given(rates(1e-6), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))
@settings(max_examples=40)
def test_value_is_its_formula(m: Measure, xy: tuple[np.ndarray, np.ndarray], alpha: float) -> None:
    x, y = xy
    assert m.name in PLAIN, "a measure without a test of its formula"
    assert float(value(m, x, y, alpha)) == pytest.approx(PLAIN[m.name](x.tolist(), y.tolist(), alpha), rel=1e-9, abs=1e-12)


def test_ratio_to_reference_is_each_rate_over_the_references() -> None:
    x = np.array([0.2, 0.1, 0.4])
    assert d.ratio_to_reference.over(x, reference=1).tolist() == pytest.approx([2, 1, 4])
    assert np.isnan(d.ratio_to_reference.over(np.array([0.2, 0.0]), reference=1)).all()
    assert d.ratio_to_reference.over(np.array([0.0, 0.2]), reference=1).tolist() == [0, 1]


@pytest.mark.parametrize("m", ALL, ids=lambda m: m.name)
@given(rates(), st.sampled_from([0.0, 0.5, 0.75, 1.0]))
@settings(max_examples=60)
def test_value_is_within_its_range(m: Measure, xy: tuple[np.ndarray, np.ndarray], alpha: float) -> None:
    low, high = m.limits(xy[0].size)
    got = value(m, *xy, alpha)
    assert not np.isnan(got).any(), "positive rates leave nothing undefined"
    assert (got >= low - 1e-9).all()
    assert (got <= high * (1 + 1e-9)).all()


@pytest.mark.parametrize("m", [m for m in ALL if np.isfinite(m.limits(4)[1])], ids=lambda m: m.name)
def test_the_ends_of_a_bounded_range_are_reached(m: Measure) -> None:
    k = 4
    ends = [np.array(v, float) for v in ([1, 0, 0, 0], [1, 1, 0, 0], [0.5] * 4)]
    got = [float(value(m, a, b)) for a in ends for b in ends]
    assert (np.nanmin(got), np.nanmax(got)) == pytest.approx(
        m.limits(k) if m.name != "demographic_parity_difference" else (0, 0.7)
    )


@pytest.mark.parametrize("m", ALL, ids=lambda m: m.name)
@given(rates())
@settings(max_examples=30)
def test_naming_the_groups_in_another_order_changes_nothing(m: Measure, xy: tuple[np.ndarray, np.ndarray]) -> None:
    if m.per_group:
        return
    order = np.random.default_rng(0).permutation(xy[0].size)
    assert float(value(m, *(v[order] for v in xy))) == pytest.approx(float(value(m, *xy)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("m", ALL, ids=lambda m: m.name)
@given(rates(1e-6), st.floats(1e-3, 1))
@settings(max_examples=30)
def test_scale_free_measures_see_ratios_only(m: Measure, xy: tuple[np.ndarray, np.ndarray], factor: float) -> None:
    before, after = value(m, *xy), value(m, *(v * factor for v in xy))
    if m.name in SCALE_FREE | {"garbe", "ser"}:
        np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-12)
    elif m.name in ("max_difference", "std", "std_sample", "std_accuracy", "equalised_odds_difference"):
        np.testing.assert_allclose(after, before * factor, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("m", ALL, ids=lambda m: m.name)
def test_a_group_that_gets_worse_moves_it_in_the_direction_that_it_names(m: Measure) -> None:
    equal = np.full(5, NOMINAL)
    worse = equal * [1, 1, 1, 1, 3]
    before, after = float(value(m, equal, equal).max()), float(value(m, worse, worse).max())
    assert after > before if m.worse == "larger" else after < before
    best = m.limits(5)[0 if m.worse == "larger" else 1]
    assert m.per_group or before == pytest.approx(best, abs=1e-12), "equal rates are the best there is"


@pytest.mark.parametrize("m", ALL, ids=lambda m: m.name)
def test_zero_errors_do_what_it_says_without_a_warning(m: Measure) -> None:
    zero = np.zeros(4)
    for position in range(1, 4):
        one = np.array([0.1, 0.2, 0.3, 0.4])
        one[position] = 0
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for rates_, says in ((one, m.a_zero), (zero, m.all_zero)):
                got = value(m, rates_, rates_)
                assert np.isfinite(got).all() == (says == "defined"), (rates_, got)
                assert not np.isinf(got).any(), "undefined is nan, not infinity"
                if not m.per_group:
                    arguments = [rates_, rates_] if m.of == "both" else [rates_]
                    called = m(*arguments, *given_of(m, 4).values())
                    assert (called is None) == (says == "undefined")
    assert ("undefined" in m.zero) == ("undefined" in (m.a_zero, m.all_zero))


def test_a_rate_without_weight_need_not_be_defined() -> None:
    x, zero = np.array([1.0, 2, 4]) / 100, np.zeros(3)
    assert d.inequity_rate(x, zero, 1.0) == pytest.approx(4)
    assert d.garbe(x, zero, 1.0) == pytest.approx(d.gini(x))
    assert d.garbe(x, zero, 0.5) is None
    assert d.garbe(np.full(4, 0.1), np.full(4, 0.2)) == 0, "equal rates are 0, not undefined"


@pytest.mark.parametrize("m", ALL, ids=lambda m: m.name)
def test_many_draws_at_once_are_each_as_alone(m: Measure) -> None:
    x, y = np.random.default_rng(1).random((2, 50, 6))
    x[3, 2] = y[3, 2] = 0
    x[4] = y[4] = 0
    together = value(m, x, y)
    for k in range(50):
        np.testing.assert_array_equal(together[k], value(m, x[k], y[k]))


def test_one_alone_does_not_tell_fifty_fold_from_none() -> None:
    """Why FDR stands in the appendix."""
    x, y = np.array([1e-5, 5e-4]), np.array([0.02, 0.02])
    assert d.fdr(x, y) > 0.999
    assert d.max_min(x) == pytest.approx(50)
    assert d.equalised_odds_difference(x, np.array([0.02, 0.03])) == pytest.approx(0.01), "swamped by FNMR"


def test_every_measure_says_what_it_is() -> None:
    for m in ALL:
        for text in (m.title, m.formula, m.range, m.weakness, m.zero, m.source):
            assert text.strip(), m.name
        low, high = m.limits(5)
        assert low < high
        assert MEASURES[m.name] is m
    assert {m.name for m in ALL if m.per_group} == {"ratio_to_reference"}
    assert len({m.title for m in ALL}) == len(ALL)


def test_a_name_is_registered_once() -> None:
    again = measure(
        "again", of="rate", formula="x", range="x", limits=lambda k: (0, 1), weakness="x", zero="x", a_zero="defined",
        all_zero="defined", source="x",
    )  # fmt: skip
    with pytest.raises(ValueError, match="gini"):
        _named(again, "gini")


def _named(register: Callable[[Callable[..., np.ndarray]], Measure], name: str) -> Measure:
    def function(x: np.ndarray) -> np.ndarray:
        return x

    function.__name__ = name
    return register(function)


def test_the_readme_has_the_table_as_the_registry_has_it() -> None:
    readme = ROOT / "harness" / "metrics" / "README.md"
    start, end = "<!-- table: python -m faceparity.harness.metrics -->\n", "<!-- end of table -->"
    text = readme.read_text(encoding="utf-8")
    assert text[text.index(start) + len(start) : text.index(end)] == markdown_table(), "run the command in it and paste"


def test_gini_of_every_order_is_one_number() -> None:
    values = {round(float(d.gini(np.array(p)) or 0), 12) for p in permutations([0.1, 0.2, 0.4, 0.8])}
    assert len(values) == 1
