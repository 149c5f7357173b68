"""The sparse vertex bootstrap against one that visits every pair of samples; the same for any number of threads."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceparity.harness.uncertainty.bootstrap import (
    ColumnComparisons,
    MatedScores,
    Replicates,
    SortedErrors,
    bootstrap_at_target,
    draw_weights,
    ratio_interval,
)

REPLICATES = 12


class World(NamedTuple):
    """Everybody with everybody: subjects and groups of samples, scores of all their comparisons, pairs that were left out."""

    subjects: np.ndarray
    group: np.ndarray
    strata: np.ndarray
    score: np.ndarray
    left_out: set[tuple[int, int]]
    pool_weights: np.ndarray


def make_world(seed: int, people: int, groups: int, levels: int, left_out: int) -> World:
    """`levels` different scores make ties; a person may be in two groups, or in none; some never drawn."""
    rng = np.random.default_rng(seed)
    images = rng.integers(1, 4, people)
    subjects = np.repeat(np.arange(people), images)
    person = rng.integers(-1, groups, people)
    group = np.where(rng.random(subjects.size) < 0.1, rng.integers(-1, groups, subjects.size), person[subjects])
    score = (rng.integers(0, levels, (subjects.size,) * 2) / levels).astype(np.float32)
    score = np.minimum(score, score.T)
    pairs = [(i, j) for i, j in combinations(range(subjects.size), 2) if subjects[i] != subjects[j]]
    gone = {pairs[k] for k in rng.choice(len(pairs), min(left_out, len(pairs)), replace=False)} if pairs else set()
    weights = rng.random(groups) + 0.1
    return World(subjects, group, np.where(person < 0, -1, person), score, gone, weights / weights.sum())


def compared(world: World, listed: bool) -> ColumnComparisons:
    """The comparisons within each group; as products of samples less those left out, or one by one."""
    groups, pairs = world.pool_weights.size, [
        (i, j)
        for i, j in combinations(range(world.subjects.size), 2)
        if world.group[i] == world.group[j] >= 0 and world.subjects[i] != world.subjects[j]
    ]  # fmt: skip
    chosen = [p for p in pairs if (p not in world.left_out) == listed]
    a, b = (np.asarray([world.subjects[p[k]] for p in chosen], np.int32) for k in (0, 1))
    column = np.asarray([world.group[i] for i, _ in chosen], np.int32)
    table = np.zeros((world.strata.size, groups), np.int64)
    if not listed:
        known = world.group >= 0
        np.add.at(table, (world.subjects[known], world.group[known]), 1)
    times = np.full(len(chosen), 1 if listed else -1, np.int32)
    return ColumnComparisons.all_pairs(table)._replace(a=a, b=b, pair_column=column, times=times)


def sparse(world: World, target: float, kept: int | None, listed: bool = False, workers: int = 1) -> Replicates:
    errors, mated = [], []
    for i, j in combinations(range(world.subjects.size), 2):
        group = world.group[i] if world.group[i] == world.group[j] else -1
        if world.subjects[i] == world.subjects[j]:
            mated.append((world.subjects[i], world.score[i, j], group))
        elif (i, j) not in world.left_out and group >= 0:
            errors.append((world.subjects[i], world.subjects[j], world.score[i, j], group, group))
    errors.sort(key=lambda e: -e[2])
    mated.sort(key=lambda m: m[1])
    kinds = (np.int32, np.int32, np.float32, np.int32, np.int32)
    columns = (np.asarray([e[k] for e in errors[:kept]], kind) for k, kind in enumerate(kinds))
    own = (np.asarray([m[k] for m in mated], kind) for k, kind in enumerate((np.int32, np.float32, np.int32)))
    made = compared(world, listed)
    return bootstrap_at_target(
        SortedErrors(*columns), MatedScores(*own), world.strata.astype(np.int32), made, world.pool_weights, made, target,
        complete=kept is None or kept >= len(errors), replicates=REPLICATES, seed=7, workers=workers,
    )  # fmt: skip


def dense(world: World, target: float) -> Replicates:
    """Every pair of samples in every replicate; the threshold by trying every score."""
    groups = world.pool_weights.size
    out = Replicates(*(np.zeros((REPLICATES, groups)) for _ in range(4)), np.full(REPLICATES, np.nan))
    first, second = np.triu_indices(world.subjects.size, 1)
    inside = (world.group[first] == world.group[second]) & (world.group[first] >= 0)
    made = inside & np.asarray([(i, j) not in world.left_out for i, j in zip(first, second, strict=True)], bool)
    same = world.subjects[first] == world.subjects[second]
    score, group = world.score[first, second], world.group[first]
    for k in range(REPLICATES):
        w = draw_weights(world.strata.astype(np.int32), 7, k).astype(int)
        weight = np.where(same, w[world.subjects[first]], w[world.subjects[first]] * w[world.subjects[second]])
        other, own = made & ~same, inside & same

        def by_group(chosen: np.ndarray, weight: np.ndarray = weight) -> np.ndarray:
            return np.bincount(group[chosen], weights=weight[chosen], minlength=groups)

        out.comparisons[k], out.mated[k] = by_group(other), by_group(own)
        for threshold in np.unique(score[other]):
            wrong = by_group(other & (score >= threshold))
            rate = (world.pool_weights * np.divide(wrong, out.comparisons[k], where=wrong > 0, out=np.zeros(groups))).sum()
            if rate <= target * (1 + 1e-12):
                out.threshold[k], out.errors[k] = threshold, wrong
                break
        if np.isfinite(out.threshold[k]):
            out.mated_errors[k] = by_group(own & (score < out.threshold[k]))
    return out


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    people=st.integers(2, 14),
    groups=st.integers(1, 4),
    levels=st.sampled_from([1, 3, 10, 1000]),
    left_out=st.integers(0, 5),
    target=st.sampled_from([0.02, 0.1, 0.25, 0.5, 0.9]),
    listed=st.booleans(),
)
def test_every_replicate_is_that_of_the_dense_bootstrap(seed, people, groups, levels, left_out, target, listed) -> None:
    world = make_world(seed, people, groups, levels, left_out)
    found, wanted = sparse(world, target, None, listed), dense(world, target)
    for name in ("comparisons", "mated", "threshold", "mated_errors"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    np.testing.assert_array_equal(found.errors[np.isfinite(found.threshold)], wanted.errors[np.isfinite(found.threshold)])


def test_a_ledger_of_the_highest_scores_gives_the_same_where_it_reaches() -> None:
    world = make_world(3, 40, 2, 1000, 4)
    whole, some = sparse(world, 0.05, None), sparse(world, 0.05, 30)
    reached = np.isfinite(some.threshold)
    assert 0 < reached.sum() < REPLICATES
    for field in whole._fields:
        np.testing.assert_array_equal(getattr(some, field)[reached], getattr(whole, field)[reached], err_msg=field)


@pytest.mark.parametrize("workers", [2, 5])
def test_the_same_for_any_number_of_threads(workers) -> None:
    world = make_world(1, 30, 3, 50, 3)
    for one, many in zip(sparse(world, 0.1, None), sparse(world, 0.1, None, workers=workers), strict=True):
        assert one.tobytes() == many.tobytes()


def test_draws() -> None:
    """As many from every stratum as it has, none from outside; different in every replicate, the same again; multinomial."""
    strata = np.asarray([2, 0, -1, 0, 2, 2, 0, 1] * 50, np.int32)
    drawn = np.stack([draw_weights(strata, 5, k) for k in range(400)]).astype(int)
    for stratum in (0, 1, 2):
        assert (drawn[:, strata == stratum].sum(axis=1) == (strata == stratum).sum()).all()
    assert (drawn[:, strata < 0] == 0).all()
    assert np.unique(drawn, axis=0).shape[0] == 400
    np.testing.assert_array_equal(drawn[17], draw_weights(strata, 5, 17))
    assert not np.array_equal(drawn[17], draw_weights(strata, 6, 17))
    inside = drawn[:, strata == 0]
    assert inside.mean() == 1
    assert inside.var() == pytest.approx(1 - 1 / inside.shape[1], rel=0.02)
    assert np.abs(inside.mean(axis=0) - 1).max() < 5 / 20


def test_a_target_is_not_passed_by_rounding() -> None:
    """A tenth of three thousand comparisons, added up in tenths: a running sum would be off by more than the slack."""
    n, target = 2, 0.1
    total = 300_000
    zero = np.zeros(total, np.int32)
    errors = SortedErrors(zero, zero + 1, np.linspace(1, 0, total).astype(np.float32), zero, zero)
    none = MatedScores(np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.int32))
    one = np.asarray([0], np.int32)
    made = ColumnComparisons(1, one[:0], one[:0], one[:0], one, one + 1, one, one + total)
    strata = np.arange(n, dtype=np.int32)
    found = bootstrap_at_target(errors, none, strata, made, np.ones(1), made, target, replicates=2, seed=0)
    assert found.errors.tolist() == [[30_000.0], [30_000.0]]


def test_ratio_interval_says_nothing_of_draws_that_are_mostly_undefined() -> None:
    ones = np.ones(100)
    assert ratio_interval(ones, ones / 2) == (2.0, 2.0)
    assert ratio_interval(np.where(np.arange(100) < 15, np.nan, 1.0), ones) is None
    assert ratio_interval(np.where(np.arange(100) < 5, 0.0, 1.0), ones) is None
