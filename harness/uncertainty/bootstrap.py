"""Stratified vertex bootstrap over subjects, with the threshold found anew in each replicate (Snijders & Borgatti 1999).

A replicate draws, in every stratum, as many subjects as there are, with replacement; a comparison of subjects i and j counts
w_i w_j times, never a subject with itself. Only erroneous comparisons are visited, so the cost is replicates × errors.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

I32 = NDArray[np.int32]
F64 = NDArray[np.float64]


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


class Replicates(NamedTuple):
    """float64[replicates, cells] each: weighted errors and comparisons, of FMR and FNMR; threshold: nan where out of reach."""

    errors: F64
    comparisons: F64
    mated_errors: F64
    mated: F64
    threshold: F64


def draw_weights(strata: I32, rng: np.random.Generator) -> F64:
    """How often each subject is drawn: float64[subjects], summing to the size of each stratum within it. Strata < 0: weight 0."""
    weights = np.zeros(strata.size)
    for stratum in np.unique(strata[strata >= 0]):
        members = np.flatnonzero(strata == stratum)
        weights[members] = np.bincount(rng.integers(0, members.size, members.size), minlength=members.size)
    return weights


def pair_weight(weights: F64, samples: F64) -> F64:
    """Σ_{i<j} w_i n_i w_j n_j for each column of samples, float64[subjects, columns] → float64[columns]."""
    weighted = weights[:, None] * samples
    return np.asarray((weighted.sum(axis=0) ** 2 - (weighted**2).sum(axis=0)) / 2, np.float64)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _walk(
    a: I32,
    b: I32,
    score: NDArray[np.float32],
    stratum: I32,
    cell: I32,
    w: F64,
    per_error: F64,
    target: float,
    whole: bool,
    errors: F64,
) -> float:
    """Go down the scores until the pool's FMR would pass the target; fills `errors` per cell, returns the threshold or nan.

    whole: there are no comparisons below the last; else a target that is not passed by then is out of reach.
    """
    pending = np.zeros(errors.size)
    rate = 0.0
    threshold = np.nan
    for k in range(a.size):
        weight = w[a[k]] * w[b[k]]
        if stratum[k] >= 0:
            rate += weight * per_error[stratum[k]]
        if cell[k] >= 0:
            pending[cell[k]] += weight
        if rate > target * (1 + 1e-12):
            return threshold
        if k + 1 == a.size or score[k + 1] != score[k]:
            threshold = score[k]
            for c in range(errors.size):
                errors[c] += pending[c]
                pending[c] = 0.0
    return threshold if whole else np.nan


def bootstrap_at_target(
    errors: SortedErrors,
    mated: MatedScores,
    strata: I32,
    samples_by_pool_stratum: F64,
    pool_weights: F64,
    samples_by_cell: F64,
    target: float,
    *,
    whole: bool = True,
    replicates: int,
    seed: int,
) -> Replicates:
    """Rates of every cell at the threshold that each replicate would have chosen.

    strata: int32[subjects], within which subjects are drawn. samples_by_pool_stratum, samples_by_cell: float64[subjects, ·],
    samples of each subject that are compared there. pool_weights: float64[pool strata]. whole: `errors` are all comparisons there
    are, not only the highest.
    """
    rng = np.random.default_rng(seed)
    n_cells = samples_by_cell.shape[1]
    a, b, c, d = (np.zeros((replicates, n_cells)) for _ in range(4))
    out = Replicates(a, b, c, d, np.full(replicates, np.nan))
    in_cell = mated.cell >= 0
    for k in range(replicates):
        w = draw_weights(strata, rng)
        pool_comparisons = pair_weight(w, samples_by_pool_stratum)
        per_error = np.where(pool_comparisons > 0, pool_weights / np.where(pool_comparisons > 0, pool_comparisons, 1), 0.0)
        out.comparisons[k] = pair_weight(w, samples_by_cell)
        out.threshold[k] = _walk(*errors, w, per_error, target, whole, out.errors[k])
        below = mated.score < np.float32(out.threshold[k])
        for table, keep in ((out.mated_errors, in_cell & below), (out.mated, in_cell)):
            table[k] = np.bincount(mated.cell[keep], weights=w[mated.subject[keep]], minlength=n_cells)
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
