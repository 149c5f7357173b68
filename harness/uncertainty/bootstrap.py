"""Stratified vertex bootstrap over subjects; each replicate finds its own threshold (Snijders & Borgatti 1999).

A replicate draws, in every stratum, as many subjects as there are, with replacement; a comparison of subjects i and j counts
w_i w_j times, never a subject with itself. Only erroneous comparisons are visited, highest score first, until the replicate's
threshold is found: the cost is replicates × (subjects + errors), independent of the number of comparisons.

Replicate k of a seed always draws the same subjects, so any number of workers gives the same answer bit for bit.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.numba_cache import njit

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
Scores = NDArray[np.floating[Any]]
"""float32 or float64."""

ROUNDING = 1e-12
"""Relative slack of a target, as in `metrics.rates.threshold_at_target`."""
BLOCK = 512
"""Errors between two looks at the rate."""
CHUNK = 8
"""Replicates that a worker computes at a time."""


class SortedErrors(NamedTuple):
    """Candidate errors, highest score first.

    a, b: subjects; stratum: of the pool, -1 for none; cell: within which group, or -1.
    """

    a: I32
    b: I32
    score: Scores
    stratum: I32
    cell: I32


class MatedScores(NamedTuple):
    """Mated comparisons, lowest score first: subject, cell (-1: none) and score."""

    subject: I32
    score: Scores
    cell: I32


class ColumnComparisons(NamedTuple):
    """Non-mated comparisons in each column (a stratum of the pool, or a group).

    subject, column, samples: int32[·], the number of samples of that subject in the column, each compared with every sample of
    every other subject there. a, b, pair_column, times: int32[·], the number of comparisons of subjects a and b on top of that;
    negative for those that were left out.
    """

    columns: int
    subject: I32
    column: I32
    samples: I32
    a: I32
    b: I32
    pair_column: I32
    times: I32

    @staticmethod
    def all_pairs(samples: NDArray[np.number]) -> ColumnComparisons:
        """Return all pairs of different subjects' samples in a column.

        samples: number of samples, [subjects, columns].
        """
        subject, column = np.nonzero(samples)
        none = np.empty(0, np.int32)
        counts = samples[subject, column].astype(np.int32)
        return ColumnComparisons(
            samples.shape[1], subject.astype(np.int32), column.astype(np.int32), counts, none, none, none, none
        )


class Replicates(NamedTuple):
    """Weighted errors and comparisons, of FMR and FNMR, float64[replicates, cells] each.

    threshold: float64[replicates], nan where out of reach.
    """

    errors: F64
    comparisons: F64
    mated_errors: F64
    mated: F64
    threshold: F64

    def first(self, count: int) -> Replicates:
        """Return the first replicates.

        All of them, where there are no more than `count`.
        """
        return Replicates(*(part[:count] for part in self))


def same_draws(first: F64, second: F64) -> tuple[F64, F64]:
    """Cut two replicated values to the draws that both have.

    Replicated under one seed, float64[replicates, …] each: replicate k of either draws the same subjects. How many there are differs
    where one of them took more work than the other.

    Examples:
        >>> first, second = same_draws(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0]))
        >>> first.tolist(), second.tolist()
        ([1.0, 2.0], [4.0, 5.0])
    """
    count = min(len(first), len(second))
    return first[:count], second[:count]


class _Strata(NamedTuple):
    """Subjects of each stratum: members[starts[s]:starts[s + 1]]."""

    members: I32
    starts: I64


def _strata(strata: I32) -> _Strata:
    order = np.argsort(strata, kind="stable").astype(np.int32)
    members = order[np.searchsorted(strata[order], 0) :]
    starts = np.append(np.flatnonzero(np.append(True, np.diff(strata[members]) != 0)), members.size) if members.size else [0]
    return _Strata(members, np.asarray(starts, np.int64))


def _uniform(count: int, seed: int, replicate: int) -> F64:
    """Draw float64[count] in [0, 1) for one replicate."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(replicate,))).random(count)


def draw_weights(strata: I32, seed: int, replicate: int) -> U8:
    """Count how often each subject is drawn in one replicate.

    uint8[subjects]; the weights of a stratum's subjects sum to their number. Subjects of a negative stratum have weight 0.

    Examples:
        Two subjects in one stratum, one alone in another, one in none:

        >>> weights = draw_weights(np.array([0, 0, 1, -1], np.int32), seed=1, replicate=0)
        >>> int(weights[:2].sum()), weights[2:].tolist()
        (2, [1, 0])
    """
    of_strata = _strata(strata)
    weights = np.zeros(strata.size, np.uint8)
    _draw(_uniform(of_strata.members.size, seed, replicate), of_strata.members, of_strata.starts, weights)
    return weights


@njit(nogil=True)
def _draw(uniform: F64, members: I32, starts: I64, weights: U8) -> None:
    """Fill in how often each subject is drawn.

    A count above 255 has a chance below 1/256!, so a byte will do: the cache then holds a hundred thousand subjects.
    """
    weights[:] = 0
    for stratum in range(starts.size - 1):
        first = starts[stratum]
        size = starts[stratum + 1] - first
        for index in range(first, first + size):
            weights[members[first + np.int64(uniform[index] * size)]] += 1


@njit(nogil=True)
def _count(subject: I32, column: I32, samples: I32, a: I32, b: I32, pair_column: I32, times: I32, weights: U8, out: F64) -> None:
    """Count the comparisons of each column.

    Σ_{i<j} w_i n_i w_j n_j, and Σ w_a w_b times. In integers, so that the order can't matter.
    """
    columns = out.size
    total, squares, extra = np.zeros(columns, np.int64), np.zeros(columns, np.int64), np.zeros(columns, np.int64)
    for index in range(subject.size):
        weighted = np.int64(weights[subject[index]]) * samples[index]
        total[column[index]] += weighted
        squares[column[index]] += weighted * weighted
    for index in range(a.size):
        extra[pair_column[index]] += np.int64(weights[a[index]]) * np.int64(weights[b[index]]) * times[index]
    for index in range(columns):
        out[index] = (total[index] * total[index] - squares[index]) // 2 + extra[index]


class _Kinds(NamedTuple):
    """Kind of each error, and of every kind the stratum of the pool and the cell, -1 for none."""

    of_error: NDArray[np.int16]
    stratum: I32
    cell: I32


def _kinds(errors: SortedErrors) -> _Kinds:
    cells = int(errors.cell.max(initial=-1)) + 2
    found, of_error = np.unique((errors.stratum + 1).astype(np.int64) * cells + errors.cell + 1, return_inverse=True)
    if found.size > np.iinfo(np.int16).max:
        raise ValueError(f"{found.size} kinds of errors are too many")
    return _Kinds(
        of_error.reshape(-1).astype(np.int16), (found // cells - 1).astype(np.int32), (found % cells - 1).astype(np.int32)
    )


@njit(nogil=True)
def _rate(count: I64, stratum: I32, per_error: F64) -> float:
    """Return the pool's FMR.

    From integers: what a running sum loses to rounding could pass or miss a target.
    """
    seen = np.zeros(per_error.size, np.int64)
    for kind in range(count.size):
        if stratum[kind] >= 0:
            seen[stratum[kind]] += count[kind]
    rate = 0.0
    for index in range(seen.size):
        rate += seen[index] * per_error[index]
    return rate


@njit(nogil=True)
def _walk(
    first: I32,
    second: I32,
    score: Scores,
    kind: NDArray[np.int16],
    stratum: I32,
    cell: I32,
    weights: U8,
    per_error: F64,
    target: float,
    complete: bool,
    errors: F64,
) -> float:
    """Find a replicate's threshold and its errors.

    Goes down the scores until the pool's FMR would pass the target; fills `errors` per cell, returns the threshold or nan.

    complete: there are no comparisons below the last; else a target that is not passed by then is out of reach. Blocks are
    counted without a look at the rate; the one in which the target is passed is taken back and gone through one by one.
    """
    limit = target * (1 + ROUNDING)
    count = np.zeros(stratum.size, np.int64)
    end = 0
    while end < first.size:
        stop = min(end + BLOCK, first.size)
        for index in range(end, stop):
            count[kind[index]] += np.int64(weights[first[index]]) * np.int64(weights[second[index]])
        if _rate(count, stratum, per_error) > limit:
            for index in range(end, stop):
                count[kind[index]] -= np.int64(weights[first[index]]) * np.int64(weights[second[index]])
            break
        end = stop
    passed = end < first.size
    if passed:
        while True:
            weight = np.int64(weights[first[end]]) * np.int64(weights[second[end]])
            count[kind[end]] += weight
            if weight > 0 and _rate(count, stratum, per_error) > limit:
                break
            end += 1
        tie = score[end]
        count[kind[end]] -= np.int64(weights[first[end]]) * np.int64(weights[second[end]])
        while end > 0 and score[end - 1] == tie:
            end -= 1
            count[kind[end]] -= np.int64(weights[first[end]]) * np.int64(weights[second[end]])
    for index in range(count.size):
        if cell[index] >= 0:
            errors[cell[index]] += count[index]
    return np.float64(score[end - 1]) if end > 0 and (complete or passed) else np.nan


@njit(nogil=True)
def _mated(
    subject: I32, score: Scores, cell: I32, trial_subject: I32, trial_cell: I32, trials: I32, weights: U8,
    threshold: float, errors: F64, total: F64,
) -> None:  # fmt: skip
    for index in range(trials.size):
        total[trial_cell[index]] += np.int64(weights[trial_subject[index]]) * trials[index]
    for index in range(score.size):
        if not score[index] < threshold:
            return
        if cell[index] >= 0:
            errors[cell[index]] += weights[subject[index]]


def _trials(mated: MatedScores, cells: int) -> tuple[I32, I32, I32]:
    """Return subject, cell and number of mated comparisons.

    Each subject and cell once.
    """
    inside = mated.cell >= 0
    key, count = np.unique(mated.subject[inside].astype(np.int64) * cells + mated.cell[inside], return_counts=True)
    return (key // max(1, cells)).astype(np.int32), (key % max(1, cells)).astype(np.int32), count.astype(np.int32)


def bootstrap_at_target(
    errors: SortedErrors,
    mated: MatedScores,
    strata: I32,
    pool: ColumnComparisons,
    pool_weights: F64,
    groups: ColumnComparisons,
    target: float,
    *,
    complete: bool = True,
    replicates: int,
    seed: int,
    workers: int = 1,
) -> Replicates:
    """Return every cell's rates at each replicate's own threshold.

    strata: int32[subjects], within which subjects are drawn, -1: never. pool, groups: the comparisons of each stratum of the pool
    and of each cell. pool_weights: float64[pool strata]. target: the pool's FMR, at most. complete: `errors` are all comparisons there
    are, not only the highest. The same for any number of workers (threads).

    Examples:
        Three subjects, each alone in its stratum, so that a replicate is the data themselves. Of three comparisons one may be an
        error: the threshold is 0.75, and both mated scores lie below it.

        >>> def integers(*values):
        ...     return np.array(values, np.int32)
        >>> scores = np.array([0.75, 0.5, 0.25], np.float32)
        >>> errors = SortedErrors(integers(0, 0, 1), integers(1, 2, 2), scores, integers(0, 0, 0), integers(0, 0, 0))
        >>> mated = MatedScores(integers(0, 1), np.array([0.25, 0.5], np.float32), integers(0, 0))
        >>> pairs = ColumnComparisons.all_pairs(np.ones((3, 1)))
        >>> one = bootstrap_at_target(errors, mated, integers(0, 1, 2), pairs, np.ones(1), pairs, 0.4, replicates=1, seed=1)
        >>> [part.ravel().tolist() for part in one]
        [[1.0], [3.0], [2.0], [2.0], [0.75]]
    """
    of_strata, kinds, trials = _strata(strata), _kinds(errors), _trials(mated, groups.columns)
    of_cells = [np.zeros((replicates, groups.columns)) for _ in range(4)]
    out = Replicates(of_cells[0], of_cells[1], of_cells[2], of_cells[3], np.full(replicates, np.nan))

    def run_chunk(first: int) -> None:
        weights, of_pool = np.zeros(strata.size, np.uint8), np.zeros(pool.columns)
        for replicate in range(first, min(first + CHUNK, replicates)):
            _draw(_uniform(of_strata.members.size, seed, replicate), of_strata.members, of_strata.starts, weights)
            _count(*pool[1:], weights, of_pool)
            per_error = np.where(of_pool > 0, pool_weights / np.where(of_pool > 0, of_pool, 1), 0.0)
            _count(*groups[1:], weights, out.comparisons[replicate])
            out.threshold[replicate] = _walk(*errors[:3], *kinds, weights, per_error, target, complete, out.errors[replicate])
            _mated(*mated, *trials, weights, out.threshold[replicate], out.mated_errors[replicate], out.mated[replicate])

    with ThreadPoolExecutor(max(1, workers)) as pool_of_threads:
        for _ in pool_of_threads.map(run_chunk, range(0, replicates, CHUNK)):
            pass
    return out


def ratio_interval(numerator: F64, denominator: F64, level: float = 0.95) -> tuple[float, float] | None:
    """Return the percentile interval of a ratio of replicated rates.

    numerator, denominator: float64[replicates]; 0/0 and nan are dropped from the draws. None where an end is 0 or infinite, or more
    than a tenth of the draws is undefined.

    Examples:
        The quartiles of 1, 2, 3 and 4, each an observed value:

        >>> ratio_interval(np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4), level=0.5)
        (1.0, 3.0)
    """
    defined = np.isfinite(numerator) & np.isfinite(denominator) & ((numerator > 0) | (denominator > 0))
    if defined.mean() < 0.9:
        return None
    with np.errstate(divide="ignore"):
        ratio = numerator[defined] / denominator[defined]
    low, high = np.quantile(ratio, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return (float(low), float(high)) if low > 0 and np.isfinite(high) else None
