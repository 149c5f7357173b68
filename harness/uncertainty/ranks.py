"""Which model is first, as far as the data show: rank intervals, and the comparison of two extremes.

Ranks come from tests of all pairs, not from a bootstrap of ranks: where two true values are alike, a bootstrapped rank interval
does not cover. With tests that hold together (Holm), "1 + those proven better … all but those proven worse" covers the rank of
every model at once with 95 % (Mogstad, Romano, Shaikh and Wilhelm, Inference for ranks, Review of Economic Studies 91, 2024,
doi:10.1093/restud/rdad006; with Holm: Bazylik and others, arXiv:2402.00192).

A model's worst group is an extreme: resampling always finds one. So nothing here resamples a maximum. An interval is derived from
intervals of every group, a test from tests of every two groups.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

F64 = NDArray[np.float64]


def rank_intervals(better: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the interval of each model's rank, 1 the best.

    better: bool[k, k], [i, j] if i is proven better than j, all tests holding together.

    Examples:
        The first is better than both others, between which nothing is proven:

        >>> rank_intervals(np.array([[False, True, True], [False, False, False], [False, False, False]]))
        [(1, 1), (2, 3), (2, 3)]
    """
    models = better.shape[0]
    return [(1 + int(better[:, model].sum()), models - int(better[model].sum())) for model in range(models)]


def interval_of_largest(logs: F64, se: F64, df: F64, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of the largest of several values.

    logs, se, df: float64[G], an estimate of each with standard error and Student's degrees of freedom.

    The lower end is the largest of their lower ends, each at its share of the error, so that the greatest of many equal values is
    not taken for a high one; the upper end is the largest upper end, which needs no share: it is above that of the true largest.

    Examples:
        With one degree of freedom an eighth of Student's t lies above 1 + √2, a quarter above 1:

        >>> low, high = interval_of_largest(np.array([2.0, 0.0]), np.ones(2), np.ones(2), level=0.5)
        >>> round(low, 4), round(high, 4)
        (-0.4142, 3.0)
    """
    tail = (1 - level) / 2
    low = logs + stdtrit(df, tail / logs.size) * se
    high = logs - stdtrit(df, tail) * se
    return float(low.max()), float(high.max())


def compare_largest(difference: F64, se: F64, df: F64) -> float:
    """Return the two-sided p of "max a = max b".

    From every difference a_g − b_h: float64[G, H] each, standard error and Student's degrees of freedom.

    That max a > max b is shown by a group g which is above every h (intersection-union: the largest p over h), for some g
    (union: times the number of g); and the other way round. It holds for any dependence between the differences.

    Examples:
        One group each; half of Student's t with one degree of freedom lies beyond ±1:

        >>> round(compare_largest(np.array([[1.0]]), np.array([[1.0]]), np.array([[1.0]])), 6)
        0.5
    """
    statistic = _ratio(difference, se)
    above = np.asarray(stdtr(df, -statistic), np.float64)
    below = np.asarray(stdtr(df, statistic), np.float64)
    a_higher = above.shape[0] * above.max(axis=1).min()
    b_higher = below.shape[1] * below.max(axis=0).min()
    return float(min(1.0, 2 * min(a_higher, b_higher)))


def _ratio(difference: F64, se: F64) -> F64:
    """Return difference / se; 0 where se is 0.

    There the two are the same throughout.
    """
    known = se > 0
    return np.where(known, difference / np.where(known, se, 1.0), 0.0)
