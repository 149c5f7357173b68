"""Few errors: one upper bound of a rate, and a test of two rates that stays valid where the lower one has few errors or none.

Both take errors and comparisons divided by a design effect (`design_effects`) for independent counts. Checked by
`python -m tests.benchmarks.few_errors`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincinv, gammaincinv

from faceparity.harness.uncertainty.intervals import LEVEL

Array = NDArray[np.float64]


def upper_bound(errors: ArrayLike, comparisons: ArrayLike, design_effect: ArrayLike, level: float = LEVEL) -> Array:
    """Return the upper end of a rate's two-sided interval.

    Exact Poisson over the effective comparisons: gammaincinv(Y/D + 1, (1 + level)/2) D/M, at most 1. Of a mean over cells, on the
    last axis, by the gamma approximation of Fay and Feuer (1997), which is the same for one cell: the sum of w Y/D with weights
    w = D/(k M), shape (Σ + max w)²/(Σ w² Y/D + max w²). It never falls as errors rise. Shape: that of the arguments but for the
    last axis.

    Examples:
        >>> [round(float(upper_bound([y], [1e6], [d]) * 1e6), 3) for y, d in ((0, 1), (1, 1), (9, 3))]
        [3.689, 5.572, 26.302]

        A mean over two cells without errors: any error might be in the smaller, of weight 1/2.

        >>> round(float(upper_bound([0, 0], [1e3, 1e6], [1, 1]) * 1e3), 3)
        1.844
    """
    counted, made, effect = np.broadcast_arrays(*(np.asarray(value, float) for value in (errors, comparisons, design_effect)))
    weight, effective = effect / (made.shape[-1] * made), counted / effect
    largest = weight.max(-1)
    mean = (weight * effective).sum(-1) + largest
    variance = (weight * weight * effective).sum(-1) + largest * largest
    return np.asarray(np.minimum(1.0, gammaincinv(mean * mean / variance, 0.5 + level / 2) * variance / mean), float)


def never_below_fewer_errors(bounds: ArrayLike, errors: ArrayLike, least: ArrayLike, most: ArrayLike) -> Array:
    """Raise bounds to those of like groups with fewer errors.

    So that no group looks worse for having fewer errors in no fewer comparisons. bounds, errors: float64[groups]; least, most: by
    how much one error raises a group's rate, at least and at most, 1/M where the rate is errors over comparisons.

    Examples:
        The first has fewer errors than the second in as many comparisons, the third fewer comparisons:

        >>> never_below_fewer_errors([0.5, 0.4, 0.6], [0, 1, 0], [0.1, 0.1, 0.2], [0.1, 0.1, 0.2]).tolist()
        [0.5, 0.5, 0.6]
    """
    bound, counted, low, high = (np.asarray(value, float) for value in (bounds, errors, least, most))
    below = (counted[:, None] <= counted[None, :]) & (high[:, None] <= low[None, :] * (1 + 1e-12))
    return np.asarray(np.where(below, bound[:, None], bound[None, :]).max(0), float)


class FewErrorTest(NamedTuple):
    """A two-sided p-value, and what the higher rate is at least, over the lower: the lower end of a 95 % interval."""

    p: Array
    at_least: Array


def few_error_test(
    higher_errors: ArrayLike,
    higher_comparisons: ArrayLike,
    higher_effect: ArrayLike,
    lower_errors: ArrayLike,
    lower_comparisons: ArrayLike,
    lower_effect: ArrayLike,
    level: float = LEVEL,
) -> FewErrorTest:
    """Test whether a rate is above one with few errors.

    Given y_A + y_B effective errors, those of A are binomial with n_A/(n_A + n_B) if the rates are equal (y = Y/D, n = M/D): p =
    2 betainc(y_A, y_B + 1, n_A/(n_A + n_B)), and with π = betaincinv(y_A, y_B + 1, (1 - level)/2) the ratio is at least
    π/(1 - π) n_B/n_A (Rao and Scott 1992). Errors of A > 0.

    Examples:
        >>> found = few_error_test([120, 40], [79200, 4950], [3, 1], [0, 2], [79200, 4950], [5, 2])
        >>> [f"{p:.3g}" for p in found.p], [round(float(ratio), 2) for ratio in found.at_least]
        (['1.37e-08', '2.59e-06'], [6.21, 3.39])
    """
    values = (higher_errors, higher_comparisons, higher_effect, lower_errors, lower_comparisons, lower_effect)
    y_a, n_a, d_a, y_b, n_b, d_b = (np.asarray(value, float) for value in values)
    y_a, n_a, y_b, n_b = y_a / d_a, n_a / d_a, y_b / d_b, n_b / d_b
    p_value = np.minimum(1.0, 2 * betainc(y_a, y_b + 1, n_a / (n_a + n_b)))
    share = betaincinv(y_a, y_b + 1, (1 - level) / 2)
    return FewErrorTest(np.asarray(p_value, float), np.asarray(share / (1 - share) * n_b / n_a, float))
