"""Stratified vertex bootstrap over subjects, with the threshold found anew in each replicate (Snijders & Borgatti 1999).

A replicate draws, in every stratum, as many subjects as there are, with replacement; a comparison of subjects i and j counts
w_i w_j times, never a subject with itself. Only erroneous comparisons are visited, highest score first, until the replicate's
threshold is found: the cost is replicates × (subjects + errors), whatever the number of comparisons.

Replicate k of a seed always draws the same subjects, so any number of workers gives the same answer bit for bit.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.compiled import njit

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

ROUNDING = 1e-12
"""Relative slack of a target, as in `metrics.rates.threshold_at_target`."""
BLOCK = 512
"""Errors between two looks at the rate."""
CHUNK = 8
"""Replicates that a worker makes at a time."""


class SortedErrors(NamedTuple):
    """Candidate errors, highest score first. a, b: subjects; stratum: of the pool, -1 for none; cell: within which group, or -1."""

    a: I32
    b: I32
    score: NDArray[np.float32]
    stratum: I32
    cell: I32


class MatedScores(NamedTuple):
    """Mated comparisons, lowest score first: whose, in which cell (-1: none), and the score."""

    subject: I32
    score: NDArray[np.float32]
    cell: I32


class ColumnComparisons(NamedTuple):
    """Which non-mated comparisons there are in each column (a stratum of the pool, or a group).

    subject, column, samples: int32[·], so many samples of that subject are in the column, each compared with every sample of
    every other subject there. a, b, pair_column, times: int32[·], so many comparisons of subjects a and b on top of that;
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
        """From a table of samples [subjects, columns]: every pair of samples of different subjects in a column."""
        subject, column = np.nonzero(samples)
        none = np.empty(0, np.int32)
        held = samples[subject, column].astype(np.int32)
        return ColumnComparisons(
            samples.shape[1], subject.astype(np.int32), column.astype(np.int32), held, none, none, none, none
        )


class Replicates(NamedTuple):
    """float64[replicates, cells] each: weighted errors and comparisons, of FMR and FNMR; threshold: nan where out of reach."""

    errors: F64
    comparisons: F64
    mated_errors: F64
    mated: F64
    threshold: F64

    def first(self, n: int) -> Replicates:
        """Return the first `n` replicates; all of them, where there are no more."""
        return Replicates(*(part[:n] for part in self))


def same_draws(first: F64, second: F64) -> tuple[F64, F64]:
    """Cut two things replicated under one seed, float64[replicates, …] each, to the draws that both have.

    Replicate k of either draws the same subjects. How many there are differs where one of them took more work than the other.
    """
    n = min(len(first), len(second))
    return first[:n], second[:n]


class _Strata(NamedTuple):
    """Subjects of each stratum: members[starts[s]:starts[s + 1]]."""

    members: I32
    starts: I64


def _strata(strata: I32) -> _Strata:
    order = np.argsort(strata, kind="stable").astype(np.int32)
    members = order[np.searchsorted(strata[order], 0) :]
    starts = np.append(np.flatnonzero(np.append(True, np.diff(strata[members]) != 0)), members.size) if members.size else [0]
    return _Strata(members, np.asarray(starts, np.int64))


def _uniform(n: int, seed: int, replicate: int) -> F64:
    """float64[n] in [0, 1), of one replicate."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(replicate,))).random(n)


def draw_weights(strata: I32, seed: int, replicate: int) -> U8:
    """How often each subject is drawn: uint8[subjects], summing to the size of each stratum within it. Strata < 0: weight 0."""
    drawn = _strata(strata)
    weights = np.zeros(strata.size, np.uint8)
    _draw(_uniform(drawn.members.size, seed, replicate), drawn.members, drawn.starts, weights)
    return weights


@njit(nogil=True)
def _draw(uniform: F64, members: I32, starts: I64, weights: U8) -> None:
    """A count above 255 has a chance below 1/256!, so a byte will do: the cache then holds a hundred thousand subjects."""
    weights[:] = 0
    for s in range(starts.size - 1):
        first = starts[s]
        size = starts[s + 1] - first
        for k in range(first, first + size):
            weights[members[first + np.int64(uniform[k] * size)]] += 1


@njit(nogil=True)
def _count(subject: I32, column: I32, samples: I32, a: I32, b: I32, pair_column: I32, times: I32, w: U8, out: F64) -> None:
    """Σ_{i<j} w_i n_i w_j n_j of each column, and Σ w_a w_b times. In whole numbers, so that the order can't matter."""
    n = out.size
    total, squares, extra = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for k in range(subject.size):
        x = np.int64(w[subject[k]]) * samples[k]
        total[column[k]] += x
        squares[column[k]] += x * x
    for k in range(a.size):
        extra[pair_column[k]] += np.int64(w[a[k]]) * np.int64(w[b[k]]) * times[k]
    for c in range(n):
        out[c] = (total[c] * total[c] - squares[c]) // 2 + extra[c]


class _Kinds(NamedTuple):
    """Each error's kind, and of every kind the stratum of the pool and the cell, -1 for none."""

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
    """The pool's FMR. From whole numbers: what a running sum loses to rounding could pass or miss a target."""
    seen = np.zeros(per_error.size, np.int64)
    for c in range(count.size):
        if stratum[c] >= 0:
            seen[stratum[c]] += count[c]
    rate = 0.0
    for s in range(seen.size):
        rate += seen[s] * per_error[s]
    return rate


@njit(nogil=True)
def _walk(
    a: I32,
    b: I32,
    score: NDArray[np.float32],
    kind: NDArray[np.int16],
    stratum: I32,
    cell: I32,
    w: U8,
    per_error: F64,
    target: float,
    whole: bool,
    errors: F64,
) -> float:
    """Go down the scores until the pool's FMR would pass the target; fills `errors` per cell, returns the threshold or nan.

    whole: there are no comparisons below the last; else a target that is not passed by then is out of reach. Blocks are
    counted without a look at the rate; the one in which the target is passed is taken back and gone through one by one.
    """
    limit = target * (1 + ROUNDING)
    count = np.zeros(stratum.size, np.int64)
    end = 0
    while end < a.size:
        stop = min(end + BLOCK, a.size)
        for k in range(end, stop):
            count[kind[k]] += np.int64(w[a[k]]) * np.int64(w[b[k]])
        if _rate(count, stratum, per_error) > limit:
            for k in range(end, stop):
                count[kind[k]] -= np.int64(w[a[k]]) * np.int64(w[b[k]])
            break
        end = stop
    passed = end < a.size
    if passed:
        while True:
            weight = np.int64(w[a[end]]) * np.int64(w[b[end]])
            count[kind[end]] += weight
            if weight > 0 and _rate(count, stratum, per_error) > limit:
                break
            end += 1
        tie = score[end]
        count[kind[end]] -= np.int64(w[a[end]]) * np.int64(w[b[end]])
        while end > 0 and score[end - 1] == tie:
            end -= 1
            count[kind[end]] -= np.int64(w[a[end]]) * np.int64(w[b[end]])
    for c in range(count.size):
        if cell[c] >= 0:
            errors[cell[c]] += count[c]
    return np.float64(score[end - 1]) if end > 0 and (whole or passed) else np.nan


@njit(nogil=True)
def _mated(
    subject: I32, score: NDArray[np.float32], cell: I32, trial_subject: I32, trial_cell: I32, trials: I32, w: U8,
    threshold: float, errors: F64, total: F64,
) -> None:  # fmt: skip
    for k in range(trials.size):
        total[trial_cell[k]] += np.int64(w[trial_subject[k]]) * trials[k]
    for k in range(score.size):
        if not score[k] < threshold:
            return
        if cell[k] >= 0:
            errors[cell[k]] += w[subject[k]]


def _trials(mated: MatedScores, cells: int) -> tuple[I32, I32, I32]:
    """Subject, cell, and how many mated comparisons: each once."""
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
    whole: bool = True,
    replicates: int,
    seed: int,
    workers: int = 1,
) -> Replicates:
    """Rates of every cell at the threshold that each replicate would have chosen.

    strata: int32[subjects], within which subjects are drawn, -1: never. pool, groups: the comparisons of each stratum of the pool
    and of each cell. pool_weights: float64[pool strata]. whole: `errors` are all comparisons there are, not only the highest.
    The same for any number of workers (threads).
    """
    drawn, kinds, trials = _strata(strata), _kinds(errors), _trials(mated, groups.columns)
    of_cells = [np.zeros((replicates, groups.columns)) for _ in range(4)]
    out = Replicates(of_cells[0], of_cells[1], of_cells[2], of_cells[3], np.full(replicates, np.nan))

    def some(first: int) -> None:
        w, made = np.zeros(strata.size, np.uint8), np.zeros(pool.columns)
        for k in range(first, min(first + CHUNK, replicates)):
            _draw(_uniform(drawn.members.size, seed, k), drawn.members, drawn.starts, w)
            _count(*pool[1:], w, made)
            per_error = np.where(made > 0, pool_weights / np.where(made > 0, made, 1), 0.0)
            _count(*groups[1:], w, out.comparisons[k])
            out.threshold[k] = _walk(*errors[:3], *kinds, w, per_error, target, whole, out.errors[k])
            _mated(*mated, *trials, w, out.threshold[k], out.mated_errors[k], out.mated[k])

    with ThreadPoolExecutor(max(1, workers)) as pool_of_threads:
        for _ in pool_of_threads.map(some, range(0, replicates, CHUNK)):
            pass
    return out


def ratio_interval(numerator: F64, denominator: F64, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval of a ratio of replicated rates, float64[replicates] each; 0/0 and nan are dropped from the draws.

    None where an end is 0 or infinite, or more than a tenth of the draws is undefined.
    """
    defined = np.isfinite(numerator) & np.isfinite(denominator) & ((numerator > 0) | (denominator > 0))
    if defined.mean() < 0.9:
        return None
    with np.errstate(divide="ignore"):
        ratio = numerator[defined] / denominator[defined]
    low, high = np.quantile(ratio, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return (float(low), float(high)) if low > 0 and np.isfinite(high) else None
