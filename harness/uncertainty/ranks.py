"""Which model is first, as far as the data can tell: rank intervals, and the comparison of two extremes.

Ranks come from tests of all pairs, not from a bootstrap of ranks: where two true values are alike, a bootstrapped rank interval
does not cover. With tests that hold together (Holm), "1 + those proven better … all but those proven worse" covers the rank of
every model at once with 95 % (Mogstad, Romano, Shaikh and Wilhelm, Inference for ranks, Review of Economic Studies 91, 2024,
doi:10.1093/restud/rdad006; with Holm: Bazylik and others, arXiv:2402.00192).

A model's worst group is an extreme: resampling always finds one. So nothing here resamples a maximum. An interval comes of
intervals of every group, a test of tests of every two groups.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

F64 = NDArray[np.float64]


def rank_intervals(better: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Rank interval of each of k, 1 the best. better: bool[k, k], [i, j] if i is proven better than j, all tests holding together."""
    k = better.shape[0]
    return [(1 + int(better[:, i].sum()), k - int(better[i].sum())) for i in range(k)]


def interval_of_largest(logs: F64, se: F64, df: F64, level: float = 0.95) -> tuple[float, float]:
    """Interval of the largest of several values, from an estimate of each (float64[G], with standard error and Student's df).

    The lower end is the largest of their lower ends, each at its share of the error, so that the greatest of many equal values is
    not taken for a high one; the upper end is the largest upper end, which needs no share: it is above that of the true largest.
    """
    tail = (1 - level) / 2
    low = logs + stdtrit(df, tail / logs.size) * se
    high = logs - stdtrit(df, tail) * se
    return float(low.max()), float(high.max())


def compare_largest(difference: F64, se: F64, df: F64) -> float:
    """Two-sided p of "max a = max b", from every difference a_g − b_h: float64[G, H] each, standard error and Student's df.

    That max a > max b is shown by a group g which is above every h (intersection-union: the largest p over h), for some g
    (union: times the number of g); and the other way round. Whatever the differences have to do with each other.
    """
    z = _ratio(difference, se)
    above = np.asarray(stdtr(df, -z), np.float64)
    below = np.asarray(stdtr(df, z), np.float64)
    a_higher = above.shape[0] * above.max(axis=1).min()
    b_higher = below.shape[1] * below.max(axis=0).min()
    return float(min(1.0, 2 * min(a_higher, b_higher)))


def _ratio(difference: F64, se: F64) -> F64:
    """difference / se; 0 where the two are the same throughout."""
    known = se > 0
    return np.where(known, difference / np.where(known, se, 1.0), 0.0)
