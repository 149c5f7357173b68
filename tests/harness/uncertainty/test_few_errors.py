"""The bound on few errors and the test against few errors: known values, and properties that a bound and a test must have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from faceparity.harness.uncertainty.design_effects import Dependence, carried, dependence, design_effects
from faceparity.harness.uncertainty.few_errors import few_error_test, never_below_fewer_errors, upper_bound
from faceparity.harness.uncertainty.variance import binomial_variance, dyadic_variance


@pytest.mark.parametrize(("errors", "effect", "expected"), [(0, 1, 3.689), (1, 1, 5.572), (9, 3, 26.30)])
def test_the_bound_times_comparisons_has_known_values(errors, effect, expected) -> None:
    assert float(upper_bound([errors], [1e7], [effect])) * 1e7 == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("errors", [0, 3, 9])
def test_the_bound_is_the_rate_at_which_so_few_errors_have_a_chance_of_one_in_forty(errors) -> None:
    rate = optimize.brentq(lambda expected: stats.poisson.cdf(errors, expected) - 0.025, 1e-6, 100)
    assert float(upper_bound([errors], [1e6], [1.0])) == pytest.approx(rate / 1e6, rel=1e-9)


@given(st.lists(st.tuples(st.integers(0, 200), st.floats(1, 1e6), st.floats(1, 100)), min_size=1, max_size=6), st.integers(0, 5))
def test_the_bound_never_falls_as_errors_rise(cells, more) -> None:
    errors, comparisons, effects = (np.array(column, float) for column in zip(*cells, strict=True))
    comparisons += 201
    higher = errors.copy()
    higher[more % errors.size] += 1
    assert upper_bound(higher, comparisons, effects) >= upper_bound(errors, comparisons, effects) * (1 - 1e-12)


@given(st.integers(0, 30), st.integers(31, 10**8), st.floats(1, 50), st.floats(0, 1))
def test_the_bound_rises_with_the_design_effect_and_falls_with_comparisons(errors, comparisons, effect, share) -> None:
    base = float(upper_bound([errors], [comparisons], [effect]))
    assert errors / comparisons < base <= 1
    assert float(upper_bound([errors], [comparisons], [effect * (1 + share)])) >= base * (1 - 1e-12)
    assert float(upper_bound([errors], [2 * comparisons], [effect])) <= base


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.sampled_from([10, 100, 1000])), min_size=1, max_size=8))
def test_the_running_maximum_is_over_groups_with_no_more_errors_in_no_fewer_comparisons(groups) -> None:
    bounds, errors, comparisons = (np.array(column, float) for column in zip(*groups, strict=True))
    found = never_below_fewer_errors(bounds, errors, 1 / comparisons, 1 / comparisons)
    for k in range(len(groups)):
        like = [j for j in range(len(groups)) if errors[j] <= errors[k] and comparisons[j] >= comparisons[k]]
        assert found[k] == max(bounds[j] for j in like)


@pytest.mark.parametrize(
    ("higher", "lower", "p", "at_least"),
    [((120, 79200, 3), (0, 79200, 5), 1.37e-8, 6.21), ((40, 4950, 1), (2, 4950, 2), 2.59e-6, 3.39)],
)
def test_the_test_has_known_values(higher, lower, p, at_least) -> None:
    found = few_error_test(*higher, *lower)
    assert float(found.p) == pytest.approx(p, rel=5e-3)
    assert float(found.at_least) == pytest.approx(at_least, abs=5e-3)


@pytest.mark.parametrize(("higher", "lower"), [((40, 5000), (3, 5000)), ((31, 900), (0, 4000)), ((55, 20000), (7, 800))])
def test_without_design_effects_it_is_the_binomial_test_of_the_share_of_errors(higher, lower) -> None:
    share = higher[1] / (higher[1] + lower[1])
    found = few_error_test(*higher, 1, *lower, 1)
    exact = 2 * stats.binom.sf(higher[0] - 1, higher[0] + lower[0], share)
    assert float(found.p) == pytest.approx(min(1, exact), rel=1e-9)
    limit = stats.binomtest(higher[0], higher[0] + lower[0]).proportion_ci(0.95, "exact").low
    assert float(found.at_least) == pytest.approx(limit / (1 - limit) * lower[1] / higher[1], rel=1e-6)


@given(st.integers(30, 500), st.integers(0, 7), st.floats(1, 20), st.floats(1, 20), st.floats(1.01, 3))
def test_a_larger_design_effect_of_the_lower_side_never_makes_it_more_certain(y_a, y_b, d_a, d_b, more) -> None:
    base = few_error_test(y_a, 10_000, d_a, y_b, 10_000, d_b)
    wider = few_error_test(y_a, 10_000, d_a, y_b, 10_000, d_b * more)
    assert wider.p >= base.p * (1 - 1e-9)
    assert wider.at_least <= base.at_least * (1 + 1e-9)
    assert few_error_test(y_a, 10_000, d_a, y_b + 1, 10_000, d_b).p >= base.p * (1 - 1e-9)


def random_groups(seed: int, shape: tuple[int, ...]) -> tuple[Dependence, np.ndarray]:
    """Groups of 40 people, two images each, all compared; the sums from their errors pair by pair."""
    rng = np.random.default_rng(seed)
    people, each = 40, 4
    i, j = np.triu_indices(people, 1)
    effect = rng.normal(size=(*shape, people)) * rng.uniform(0, 0.8, (*shape, 1))
    y = rng.binomial(each, stats.norm.cdf(effect[..., i] + effect[..., j] - rng.uniform(1.5, 3.2, (*shape, 1)))).astype(float)
    rows = np.zeros((*shape, people))
    for side in (i, j):
        np.add.at(rows, (..., side), y)
    comparisons = float(i.size * each)
    rate = y.sum(-1, keepdims=True) / comparisons
    same = ((y - rate * each) ** 2).sum(-1)
    shared = ((rows - rate * (people - 1) * each) ** 2).sum(-1) - 2 * same
    full = np.full(shape, comparisons)
    pairs, load = np.full(shape, float(i.size * each**2)), np.full(shape, people * ((people - 1.0) * each) ** 2)
    found = dependence(y.sum(-1), full, same, shared, pairs, load - 2 * pairs, people * (people - 1) / (people - 2) ** 2)
    return found, y


@given(st.integers(0, 1000))
def test_a_groups_own_design_effect_is_that_of_its_effective_errors(seed) -> None:
    found, y = random_groups(seed, (3,))
    people, each = 40, 4
    for k in range(3):
        table = np.zeros((people, people))
        table[np.triu_indices(people, 1)] = y[k]
        rows, errors = (table + table.T).sum(1), y[k].sum()
        if errors:
            moments = (float(y[k] @ y[k]), float(errors * each), float(y[k].size * each**2))
            dyadic = dyadic_variance(rows, np.full(people, (people - 1.0) * each), *moments)
            assert found.own[k] == pytest.approx(max(1.0, dyadic / binomial_variance(errors, y[k].size * each)))
        else:
            assert found.own[k] == 1


@given(st.integers(0, 1000), st.lists(st.booleans(), min_size=4, max_size=4))
def test_design_effects_are_at_least_one_their_own_and_those_carried_to_them(seed, chosen) -> None:
    found, _ = random_groups(seed, (4,))
    sources = np.array(chosen)
    effects = design_effects(found, sources)
    known = found.errors / found.own >= 10
    parts = [found.own, np.ones(4), carried(found, sources), carried(found, sources & ~known)]
    parts += [carried(found, np.arange(4) == k) for k in range(4) if sources[k] and known[k]]
    assert effects == pytest.approx(np.max(parts, axis=0))


def test_thresholds_at_once_are_thresholds_one_by_one() -> None:
    found, _ = random_groups(7, (5, 3))
    at_once = design_effects(found)
    for k in range(5):
        assert design_effects(Dependence(*(column[k] for column in found))) == pytest.approx(at_once[k])


def test_a_group_without_errors_has_the_design_effect_of_its_like() -> None:
    found, _ = random_groups(3, (2,))
    assert found.errors[0] > 30
    empty = Dependence(*(np.where(np.arange(2) == 1, value, column) for column, value in zip(
        found, (0.0, 1.0, 0.0, 0.0, found.pair_load, 0.0, 0.0, found.shared_load), strict=True
    )))  # fmt: skip
    effects = design_effects(empty)
    assert effects[1] > 1
    assert effects[1] == pytest.approx(carried(empty, np.array([True, False]))[1])
