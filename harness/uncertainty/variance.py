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
    """Return the variance of a rate from independent comparisons.

    p(1 - p)/M. Meant for errors > 0: without errors it is 0.

    Examples:
        >>> round(binomial_variance(10, 100), 6)
        0.0009
    """
    rate = errors / comparisons
    return rate * (1 - rate) / comparisons


class DyadicSums(NamedTuple):
    """Sums over residuals d_ij = Y_ij - p M_ij. same_pair: S = Σ d_ij²; shared_subject: C = Σ r_i² - 2 S, which may be negative."""

    same_pair: float
    shared_subject: float


def dyadic_sums(
    by_subject: Array, comparisons_by_subject: Array, pair_squares: float, pair_products: float, comparison_squares: float
) -> DyadicSums:
    """Return the two sums behind a rate's dyadic variance.

    Arguments as of `dyadic_parts`. In a cell between two groups: the subjects of both, one after the other.

    Examples:
        >>> sums = dyadic_sums(np.array([4.0, 1.0, 1.0, 1.0, 1.0]), np.full(5, 4.0), 4, 4, 10)
        >>> round(sums.same_pair, 6), round(sums.shared_subject, 6)
        (2.4, 2.4)
    """
    errors, comparisons = by_subject.sum() / 2, comparisons_by_subject.sum() / 2
    rate = errors / comparisons
    # A sum of squares: negative only where bounds stand for the sums over pairs.
    same_pair = max(0.0, pair_squares - 2 * rate * pair_products + rate * rate * comparison_squares)
    residuals = by_subject - rate * comparisons_by_subject
    return DyadicSums(float(same_pair), float(residuals @ residuals - 2 * same_pair))


class DyadicParts(NamedTuple):
    """Variance of a rate by what comparisons share. pair: both subjects, S/M²; shared: one subject, max(C, 0)/M².

    With twice the subjects `pair` falls to a quarter, `shared` to a half.
    """

    pair: float
    shared: float


def dyadic_parts(
    by_subject: Array, comparisons_by_subject: Array, pair_squares: float, pair_products: float, comparison_squares: float
) -> DyadicParts:
    """Return the two parts of a rate's dyadic variance.

    S/M² and max(C, 0)/M² with S = Σ (Y_ij - p M_ij)² over pairs and C = Σ r_i² - 2 S, r_i = Y_i - p M_i; their sum is `dyadic_variance`.

    by_subject, comparisons_by_subject: Y_i and M_i, float64[subjects]; each comparison counts for both its subjects.
    pair_squares: Σ Y_ij², pair_products: Σ Y_ij M_ij, comparison_squares: Σ M_ij², over unordered pairs of subjects.

    Examples:
        Five subjects, each pair compared once, an error in each comparison of the first: S = C = 2.4, M = 10.

        >>> parts = dyadic_parts(np.array([4.0, 1.0, 1.0, 1.0, 1.0]), np.full(5, 4.0), 4, 4, 10)
        >>> round(parts.pair, 6), round(parts.shared, 6)
        (0.024, 0.024)
    """
    comparisons = comparisons_by_subject.sum() / 2
    same_pair, shared_subject = dyadic_sums(by_subject, comparisons_by_subject, pair_squares, pair_products, comparison_squares)
    return DyadicParts(float(same_pair / comparisons**2), float(max(shared_subject, 0.0) / comparisons**2))


def dyadic_variance(
    by_subject: Array, comparisons_by_subject: Array, pair_squares: float, pair_products: float, comparison_squares: float
) -> float:
    """Return the dyadic plug-in variance of a within-group rate.

    V_D = (S + max(C, 0))/M² (Aronow, Samii & Assenova 2015; Fogliato et al. 2024). Arguments as of `dyadic_parts`.

    Examples:
        >>> round(dyadic_variance(np.array([4.0, 1.0, 1.0, 1.0, 1.0]), np.full(5, 4.0), 4, 4, 10), 6)
        0.048
    """
    return sum(dyadic_parts(by_subject, comparisons_by_subject, pair_squares, pair_products, comparison_squares))


def jackknife_variance(leave_one_out: Array) -> float:
    """Return the delete-one-subject jackknife variance of a statistic.

    (G - 1)/G Σ (θ_(-i) - mean)² over subjects i. leave_one_out: θ_(-i), float64[G], the statistic without subject i. Infinite with one
    subject.

    Examples:
        >>> round(jackknife_variance(np.array([0.1, 0.3])), 6)
        0.01
    """
    subjects = leave_one_out.size
    return (
        float((subjects - 1) / subjects * ((leave_one_out - leave_one_out.mean()) ** 2).sum()) if subjects > 1 else float("inf")
    )


def without_each_subject(errors: float, comparisons: float, by_subject: Array, comparisons_by_subject: Array) -> Array:
    """Return the rate without each subject, float64[G].

    p_(-i) = (Y - Y_i)/(M - M_i); the rate of all where no comparison remains.

    Examples:
        1/5 and 2/8:

        >>> without_each_subject(2, 10, np.array([1.0, 0.0]), np.array([5.0, 2.0])).tolist()
        [0.2, 0.25]
    """
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
    """Return the two-way variance of a cross-group rate.

    V = (Σ r_i² + Σ r_j² - S)/M² with S and r as in `dyadic_parts`, never below the binomial variance.

    rows, columns: errors of each subject of the one and the other group; row_comparisons, column_comparisons: their comparisons.
    pair_squares, pair_products, comparison_squares as of `dyadic_parts`.

    Examples:
        Two subjects against five, an error in each comparison of the first: r is 2.5 and -2.5, S = 2.5, M = 10.

        >>> round(bipartite_variance(np.array([5.0, 0.0]), np.full(2, 5.0), np.ones(5), np.full(5, 2.0), 5, 5, 10), 6)
        0.1
    """
    errors, comparisons = rows.sum(), row_comparisons.sum()
    rate = errors / comparisons
    same_pair = max(0.0, pair_squares - 2 * rate * pair_products + rate * rate * comparison_squares)
    row_residuals, column_residuals = rows - rate * row_comparisons, columns - rate * column_comparisons
    return max(
        float((row_residuals @ row_residuals + column_residuals @ column_residuals - same_pair) / comparisons**2),
        binomial_variance(errors, comparisons),
    )


def cluster_variance(errors: Array, trials: Array) -> float:
    """Return the variance of a rate clustered by subject.

    n/(n-1) Σ (e_i - p m_i)²/(Σ m)² for a rate whose trials each belong to one subject, never below the binomial variance, which keeps
    equal rates of all subjects from giving a width of zero.

    errors, trials: e and m, float64[subjects].

    Examples:
        2 × (1² + 1²) / 4²:

        >>> round(cluster_variance(np.array([2.0, 0.0]), np.array([2.0, 2.0])), 6)
        0.25
    """
    subjects, total = trials.size, float(trials.sum())
    rate = float(errors.sum()) / total
    residual = errors - rate * trials
    robust = float(residual @ residual) / total**2 * (subjects / (subjects - 1) if subjects > 1 else 1.0)
    return max(robust, binomial_variance(float(errors.sum()), total))
