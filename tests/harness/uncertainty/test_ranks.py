"""Rank intervals cover, and two extremes are compared without mistaking chance for a difference: by simulation and by loops."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from faceparity.harness.model_comparison.worst_groups import variances
from faceparity.harness.uncertainty.model_differences import Term, mated_cell, variance_of
from faceparity.harness.uncertainty.multiple_tests import holm
from faceparity.harness.uncertainty.ranks import compare_largest, interval_of_largest, rank_intervals
from faceparity.harness.verification.rates.verdict_rules import call

ROUNDS = 2000


def proven(values: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """[i, j]: i is lower than j, by Holm over all pairs of normal tests."""
    k = values.size
    pairs = list(combinations(range(k), 2))
    se = [np.sqrt(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]) for i, j in pairs]
    p = holm([2 * stats.norm.sf(abs(values[i] - values[j]) / s) for (i, j), s in zip(pairs, se, strict=True)])
    better = np.zeros((k, k), bool)
    for (i, j), v in zip(pairs, (call(values[i] - values[j], q, True) for (i, j), q in zip(pairs, p, strict=True)), strict=True):
        better[i, j], better[j, i] = v == "lower", v == "higher"
    return better


def covers(truth: np.ndarray, ranks: list[tuple[int, int]]) -> bool:
    """Every model's true rank, from the best to the worst that ties leave open, lies in its interval."""
    return all(
        lo <= 1 + (truth < t - 1e-12).sum() and truth.size - (truth > t + 1e-12).sum() <= hi
        for t, (lo, hi) in zip(truth, ranks, strict=True)
    )


@pytest.mark.parametrize("truth", [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0.3, 0.6, 3], [0, 0, 0, 5]])
def test_rank_intervals_cover_every_rank_at_once(truth: list[float]) -> None:
    """Values of one set of people vary together; ties are where a bootstrap of ranks goes wrong."""
    rng = np.random.default_rng(1)
    values = np.array(truth, float)
    covariance = 0.05 + 0.05 * np.eye(4)
    root = np.linalg.cholesky(covariance)
    held = [covers(values, rank_intervals(proven(values + root @ rng.normal(size=4), covariance))) for _ in range(ROUNDS)]
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / ROUNDS)


def test_a_bootstrap_of_ranks_would_not_cover() -> None:
    """Why ranks rest on tests: of four equal models the one that came out lowest is told apart far too often by resampling."""
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(400):
        values = rng.normal(size=4)
        drawn = values + rng.normal(size=(400, 4))
        ranks = drawn.argsort(axis=1).argsort(axis=1) + 1
        lo, hi = np.quantile(ranks, [0.025, 0.975], axis=0, method="inverted_cdf")
        wrong += not covers(np.zeros(4), list(zip(lo, hi, strict=True)))
    assert wrong / 400 > 0.1


def test_far_apart_ranks_are_single() -> None:
    covariance = 0.01 * np.eye(3)
    assert rank_intervals(proven(np.array([3.0, 1.0, 2.0]), covariance)) == [(3, 3), (1, 1), (2, 2)]


@given(st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_rank_intervals_are_intervals(k: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=k)
    ranks = rank_intervals(proven(values, 0.2 * np.eye(k)))
    for place, i in enumerate(values.argsort(), 1):  # the order seen is never ruled out
        assert 1 <= ranks[i][0] <= place <= ranks[i][1] <= k


def test_the_interval_of_the_largest_covers_and_its_lower_end_does_not_take_chance_for_an_extreme() -> None:
    rng = np.random.default_rng(3)
    se, df = np.full(14, 0.3), np.full(14, 200.0)
    for truth in (np.zeros(14), np.array([1.0] + [0.0] * 13), np.linspace(0, 1, 14)):
        ends = np.array([interval_of_largest(truth + se * rng.normal(size=14), se, df) for _ in range(ROUNDS)])
        assert np.mean(ends[:, 0] > truth.max()) <= 0.025 + 3 * np.sqrt(0.025 / ROUNDS)
        assert np.mean(ends[:, 1] < truth.max()) <= 0.025 + 3 * np.sqrt(0.025 / ROUNDS)


def test_one_value_has_its_own_interval() -> None:
    lo, hi = interval_of_largest(np.array([0.5]), np.array([0.1]), np.array([1e9]))
    assert (lo, hi) == pytest.approx((0.5 - 1.959964 * 0.1, 0.5 + 1.959964 * 0.1), abs=1e-6)


@pytest.mark.parametrize("equal", [True, False])
def test_two_largest_values_are_told_apart_no_more_often_than_promised(equal: bool) -> None:
    """Under equal maxima: all groups alike, or another group the highest in each."""
    rng = np.random.default_rng(4)
    a = np.zeros(6) if equal else np.array([1.0, 0, 0, 0, 0, 0])
    b = np.zeros(6) if equal else np.array([0, 0, 0, 0, 0, 1.0])
    se = np.full((6, 6), 0.3 * np.sqrt(2))
    df = np.full((6, 6), 1e6)
    p = []
    for _ in range(ROUNDS):
        x, y = a + 0.3 * rng.normal(size=6), b + 0.3 * rng.normal(size=6)
        p.append(compare_largest(x[:, None] - y[None, :], se, df))
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 / ROUNDS)


def test_two_largest_values_far_apart_are_told_apart_whichever_comes_first() -> None:
    difference = np.array([2.0, 0, 0])[:, None] - np.array([0.0, 0.1, 0])[None, :]
    se, df = np.full((3, 3), 0.2), np.full((3, 3), 1e6)
    assert compare_largest(difference, se, df) < 1e-6
    assert compare_largest(-difference.T, se, df) == compare_largest(difference, se, df)
    assert compare_largest(np.zeros((3, 3)), np.zeros((3, 3)), df) == 1.0


def test_p_of_two_largest_values_by_loops() -> None:
    rng = np.random.default_rng(5)
    d, se, df = rng.normal(size=(3, 4)), rng.uniform(0.2, 1, (3, 4)), rng.uniform(10, 50, (3, 4))
    up = min(max(stats.t.sf(d[g, h] / se[g, h], df[g, h]) for h in range(4)) for g in range(3)) * 3
    down = min(max(stats.t.cdf(d[g, h] / se[g, h], df[g, h]) for g in range(3)) for h in range(4)) * 4
    assert compare_largest(d, se, df) == pytest.approx(min(1, 2 * min(up, down)))


@pytest.mark.parametrize("shared", [True, False])
def test_variances_of_many_sums_are_those_of_each(shared: bool) -> None:
    rng = np.random.default_rng(6)
    cells = []
    for k in range(3):
        ids = (
            np.sort(rng.choice(60, 40, replace=False)).astype(np.int32)
            if shared
            else np.arange(40 * k, 40 * k + 40, dtype=np.int32)
        )
        wrong = rng.binomial(1, 0.3, (40, 2)).astype(float)
        cells.append(mated_cell(ids, np.full(40, 2.0), wrong, int((wrong.sum(axis=1) == 2).sum())))
    w = rng.normal(size=(7, 3, 2))
    v, df = variances(cells, w, shared)
    for n in range(7):
        one, free = variance_of([Term(c, x) for c, x in zip(cells, w[n], strict=True)], shared)
        assert v[n] == pytest.approx(one)
        assert df[n] == pytest.approx(free)
    assert [x.size for x in variances(cells, w[:0], shared)] == [0, 0]  # of a model in which no group has errors enough
