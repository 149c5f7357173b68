"""What a threshold rests on: how much the pool's errors tell, and who carries them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.groups.groupings import SampleGrouping, subjects_per_group
from faceparity.harness.verification.rates.error_counts import ErrorsByGroup
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.estimates import mean_of, non_mated
from faceparity.harness.verification.rates.verdict_rules import CARRIES_FROM, LEAST_OF_TARGET, SHOWN_FROM
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool

OVER_WEIGHT = 1.5
"""A group carries the pool only with so many times its weight: of two groups one has half of the errors, or more, anyway."""


class Carriers(NamedTuple):
    """Pairs of people with errors in the pool, the one with the largest share first.

    first, second: int32, their subjects, first < second. errors: int64, how many they have. share: float64, of the pool's errors as
    its weights count them.
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    errors: NDArray[np.int64]
    share: NDArray[np.float64]


def pool_estimate(pool: ThresholdPool, evidence: Evidence, threshold: float) -> Estimate:
    """Return the pool's FMR with its variance by subjects.

    At a threshold within the ledger. Every stratum needs a comparison.
    """
    names = tuple(str(index) for index in range(pool.weights.size))
    strata = SampleGrouping(pool.attributes, names, tuple((name,) for name in names), np.diag(pool.stratum))
    counted = ErrorsByGroup(evidence, strata, threshold)
    each = [non_mated(counted.within(index)) for index in range(strata.n)]
    return each[0] if len(each) == 1 else mean_of(each, evidence.shared_subjects)


def needed_comparisons(estimate: Estimate) -> int | None:
    """Return how many comparisons would give a target effective errors enough.

    Of people who depend on each other as these do: with twice the people the variance that pairs share falls to a half, the rest
    to a quarter, and comparisons rise to four times as many. None without a rate.
    """
    if not estimate.rate or estimate.effective_errors is None:
        return None
    wanted = estimate.rate**2 * (1 - estimate.rate) / LEAST_OF_TARGET
    shared = min(estimate.shared_variance, estimate.plain_variance)
    rest = estimate.plain_variance - shared
    people = (shared + math.sqrt(shared**2 + 4 * wanted * rest)) / (2 * wanted)
    return math.ceil(estimate.comparisons * people**2)


def carriers(pool: ThresholdPool, evidence: Evidence, threshold: float) -> Carriers:
    """Return the pairs of people whose comparisons are the pool's errors."""
    first, second, weight = _weighted_errors(pool, evidence, threshold)
    a, b = evidence.subjects[first].astype(np.int64), evidence.subjects[second]
    n_subjects = int(evidence.subjects.max(initial=0)) + 1
    keys, pair, errors = np.unique(np.minimum(a, b) * n_subjects + np.maximum(a, b), return_inverse=True, return_counts=True)
    share = np.bincount(pair, weights=weight, minlength=keys.size) / max(weight.sum(), np.finfo(float).tiny)
    order = np.lexsort((keys, -share))
    people = ((keys // n_subjects)[order].astype(np.int32), (keys % n_subjects)[order].astype(np.int32))
    return Carriers(*people, errors[order], share[order])


def carrying_group(pool: ThresholdPool, evidence: Evidence, finest: SampleGrouping, threshold: float) -> tuple[str, float] | None:
    """Return the group that carries the pool, with its share.

    The group of the finest grouping with the largest share of the pool's errors, both people in it, where that is more than a third
    and more than one and a half times its weight in the pool. None where there is none, or it is too small to be named.
    """
    if not finest.n:
        return None
    first, second, weight = _weighted_errors(pool, evidence, threshold)
    group = finest.of(evidence.cells.of_sample)
    inside = (group[first] == group[second]) & (group[first] >= 0)
    share = np.bincount(group[first[inside]], weights=weight[inside], minlength=finest.n) / max(
        weight.sum(), np.finfo(float).tiny
    )
    top = int(share.argmax())
    people = int(subjects_per_group(finest, evidence.cells, evidence.subjects)[top])
    named = people >= SHOWN_FROM
    carries = share[top] > max(CARRIES_FROM, OVER_WEIGHT * _weight_of_group(pool, evidence, finest, top))
    return (finest.names[top], float(share[top])) if named and carries else None


def to_record(
    pool: ThresholdPool, evidence: Evidence, finest: SampleGrouping, threshold: float, expected: float, effective: float | None
) -> results.PoolErrors:
    """Return what is published of the errors that set a threshold.

    Shares to the nearest tenth: with counts beside them finer ones could name a pair of people.
    """
    pairs, group = carriers(pool, evidence, threshold), carrying_group(pool, evidence, finest, threshold)
    largest = float(pairs.share[0]) if pairs.share.size else 0.0
    return results.PoolErrors(
        expected=expected,
        effective=effective,
        share_of_one_pair=_tenth(largest) if largest > CARRIES_FROM else None,
        group=None if group is None else group[0],
        share_of_group=None if group is None else _tenth(group[1]),
    )


def _tenth(share: float) -> float:
    return round(share * 10) / 10


def _weighted_errors(
    pool: ThresholdPool, evidence: Evidence, threshold: float
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Return the samples of each error of the pool, and what it adds to its FMR."""
    ledger, cells = evidence.tally.ledger, evidence.cells.of_sample
    stratum = pool.stratum[cells[ledger.a], cells[ledger.b]]
    wrong = (stratum >= 0) & (ledger.score >= evidence.tally.grid.exact(threshold))
    per_error = pool.weights / np.maximum(1, pool.comparisons(evidence))
    return ledger.a[wrong], ledger.b[wrong], per_error[stratum[wrong]]


def _weight_of_group(pool: ThresholdPool, evidence: Evidence, finest: SampleGrouping, group: int) -> float:
    """Return the weight in the pool of comparisons within a group."""
    cells = np.flatnonzero(finest.of_cell == group)
    table = evidence.tally.non_mated.sum(axis=2)[np.ix_(cells, cells)]
    stratum = pool.stratum[np.ix_(cells, cells)]
    known = (stratum >= 0) & (table > 0)
    per_comparison = pool.weights / np.maximum(1, pool.comparisons(evidence))
    return float((table[known] * per_comparison[stratum[known]]).sum())
