"""Variances of error rates when comparisons share subjects (SCIENCE: dyadic-robust, jackknife, cluster).

Notation of one cell: Y errors in M comparisons, p = Y/M; Y_i and M_i those that involve subject i; Y_ij and M_ij those of the
pair of subjects i, j. Each variance is of p, with the threshold taken as given.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def binomial_variance(errors: float, comparisons: float) -> float:
    """p(1 - p)/M: what it would be if comparisons were independent. Errors > 0 wanted; 0 gives 0."""
    p = errors / comparisons
    return p * (1 - p) / comparisons


class DyadicParts(NamedTuple):
    """Variance of a rate by what comparisons share. pair: both subjects, S/M²; shared: one subject, max(C, 0)/M².

    With twice the subjects `pair` falls to a quarter, `shared` to a half.
    """

    pair: float
    shared: float


def dyadic_parts(
    by_subject: Array, comparisons_by_subject: Array, pair_squares: float, pair_products: float, comparison_squares: float
) -> DyadicParts:
    """The two parts of the dyadic plug-in of a within-group rate; their sum is `dyadic_variance`.

    by_subject, comparisons_by_subject: Y_i and M_i, float64[subjects]; each comparison counts for both its subjects.
    pair_squares: Σ Y_ij², pair_products: Σ Y_ij M_ij, comparison_squares: Σ M_ij², over unordered pairs of subjects.
    """
    errors, m = by_subject.sum() / 2, comparisons_by_subject.sum() / 2
    p = errors / m
    # A sum of squares: negative only where bounds stand for the sums over pairs.
    s = max(0.0, pair_squares - 2 * p * pair_products + p * p * comparison_squares)
    r = by_subject - p * comparisons_by_subject
    c = float(r @ r) - 2 * s
    return DyadicParts(float(s / m**2), float(max(c, 0.0) / m**2))


def dyadic_variance(
    by_subject: Array, comparisons_by_subject: Array, pair_squares: float, pair_products: float, comparison_squares: float
) -> float:
    """Dyadic plug-in V_D = (S + max(C, 0))/M² of a within-group rate (Aronow, Samii & Assenova 2015; Fogliato et al. 2024).

    Arguments as of `dyadic_parts`.
    """
    return sum(dyadic_parts(by_subject, comparisons_by_subject, pair_squares, pair_products, comparison_squares))


def jackknife_variance(leave_one_out: Array) -> float:
    """(G - 1)/G Σ (θ_(-i) - mean)² over subjects i; `leave_one_out`: float64[G], the statistic without subject i."""
    g = leave_one_out.size
    return float((g - 1) / g * ((leave_one_out - leave_one_out.mean()) ** 2).sum()) if g > 1 else float("inf")


def without_each_subject(errors: float, comparisons: float, by_subject: Array, comparisons_by_subject: Array) -> Array:
    """float64[G]: the rate with subject i gone, p_(-i) = (Y - Y_i)/(M - M_i). Where nothing is left: the rate itself."""
    rest = comparisons - comparisons_by_subject
    safe = np.where(rest > 0, rest, 1.0)
    return np.where(rest > 0, (errors - by_subject) / safe, errors / comparisons)


def bipartite_variance(
    rows: Array,
    row_comparisons: Array,
    columns: Array,
    column_comparisons: Array,
    pair_squares: float,
    pair_products: float,
    comparison_squares: float,
) -> float:
    """Two-way variance of a cross-group rate, V = (Σ r_i² + Σ r_j² - S)/M², clamped below by the binomial.

    rows, columns: errors of each subject of the one and the other group.
    """
    errors, m = rows.sum(), row_comparisons.sum()
    p = errors / m
    s = max(0.0, pair_squares - 2 * p * pair_products + p * p * comparison_squares)
    r, c = rows - p * row_comparisons, columns - p * column_comparisons
    return max(float((r @ r + c @ c - s) / m**2), binomial_variance(errors, m))


def cluster_variance(errors: Array, trials: Array) -> float:
    """Of a rate whose trials each belong to one subject: n/(n-1) Σ (e_i - p m_i)²/(Σ m)², clamped below by the binomial.

    errors, trials: float64[subjects]. The clamp keeps equal rates of all subjects from giving a width of zero.
    """
    n, m = trials.size, float(trials.sum())
    p = float(errors.sum()) / m
    residual = errors - p * trials
    robust = float(residual @ residual) / m**2 * (n / (n - 1) if n > 1 else 1.0)
    return max(robust, binomial_variance(float(errors.sum()), m))
