"""Differences between conditions under which the same units (heads, people) were recorded: jackknife by unit, sign test, gates.

All comparisons of a unit are left out together, so that what its many comparisons share is in the interval, and what it shares
between the conditions cancels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from .contrasts import LogRatio, joint_jackknife_log_ratio
from .intervals import quantile_t
from .variance import jackknife_variance, without_each_subject

Array = NDArray[np.float64]


class Mean(NamedTuple):
    """A mean over comparisons, or over several such means. value; without: float64[units], the same without each unit."""

    value: float
    without: Array


class Difference(NamedTuple):
    """A difference of two means with its 95 % interval, degrees of freedom and two-sided p."""

    value: float
    interval: tuple[float, float]
    df: float
    p: float


def mean_of_pairs(sums: Array, counts: Array) -> Mean:
    """Return the mean over comparisons between units.

    sums, counts: float64[units], each comparison counting for both its units. Sums may be counts of errors; the mean is then their
    rate. There must be a comparison.

    Examples:
        Units A, B and C with scores of 0.6 (A and B), 0.3 (A and C) and 0.3 (B and C):

        >>> mean = mean_of_pairs(np.array([0.9, 0.9, 0.6]), np.array([2.0, 2.0, 2.0]))
        >>> round(mean.value, 6), mean.without.round(6).tolist()
        (0.4, [0.3, 0.3, 0.6])
    """
    total, comparisons = float(sums.sum()) / 2, float(counts.sum()) / 2
    return Mean(total / comparisons, without_each_subject(total, comparisons, sums, counts))


def mean_of_units(sums: Array, counts: Array) -> Mean:
    """Return the mean over comparisons of single units.

    Each comparison belongs to one unit; sums, counts: float64[units]. There must be a comparison.

    Examples:
        >>> mean = mean_of_units(np.array([1.0, 3.0]), np.array([2.0, 2.0]))
        >>> mean.value, mean.without.tolist()
        (1.0, [1.5, 0.5])
    """
    total, comparisons = float(sums.sum()), float(counts.sum())
    return Mean(total / comparisons, without_each_subject(total, comparisons, sums, counts))


def average(means: list[Mean]) -> Mean:
    """Return the equally weighted average of means.

    All over the same units in the same order.

    Examples:
        >>> mean = average([Mean(1.0, np.array([0.0, 2.0])), Mean(3.0, np.array([2.0, 4.0]))])
        >>> mean.value, mean.without.tolist()
        (2.0, [1.0, 3.0])
    """
    value = float(np.mean([mean.value for mean in means]))
    return Mean(value, np.mean([mean.without for mean in means], axis=0))


def difference(here: Mean, reference: Mean) -> Difference:
    """Return here - reference with interval and p.

    Both over the same units in the same order: delete-one-unit jackknife, Student's t on units - 1.

    Where no unit changes the difference (variance zero) the interval is a point, and p is 1 for no difference and 0 for any other:
    callers must decide whether anything may be said of it.

    Examples:
        A difference of 0.1 with a standard error of 0.1; half of Student's t with one degree of freedom lies beyond ±1:

        >>> found = difference(Mean(0.2, np.array([0.1, 0.3])), Mean(0.1, np.array([0.1, 0.1])))
        >>> round(found.value, 6), found.df, round(found.p, 6)
        (0.1, 1, 0.5)
    """
    value = here.value - reference.value
    df = here.without.size - 1
    error = float(np.sqrt(jackknife_variance(here.without - reference.without)))
    if error == 0:
        return Difference(value, (value, value), df, 1.0 if value == 0 else 0.0)
    half = quantile_t(df) * error
    return Difference(value, (value - half, value + half), df, float(2 * stdtr(df, -abs(value) / error)))


def ratio(here: Mean, reference: Mean) -> LogRatio | None:
    """Return here / reference, jackknifed on the log scale.

    None unless both are above zero whichever unit is left out, and with a variance of zero.

    Examples:
        The log ratio is ln 2 with a standard error of ln 2; p as in `difference`:

        >>> found = ratio(Mean(0.2, np.array([0.1, 0.4])), Mean(0.1, np.array([0.1, 0.1])))
        >>> round(found.ratio, 6), round(found.p, 6)
        (2.0, 0.5)
    """
    if not (here.value > 0 and reference.value > 0 and (here.without > 0).all() and (reference.without > 0).all()):
        return None
    log = float(np.log(here.value) - np.log(reference.value))
    return joint_jackknife_log_ratio(np.log(here.without) - np.log(reference.without), log, here.without.size - 1)


def variance_of(mean: Mean, comparisons: int) -> float:
    """Return the variance of a rate, max(binomial, jackknife).

    Examples:
        >>> round(variance_of(Mean(0.5, np.array([0.5, 0.5])), comparisons=25), 6)
        0.01
        >>> round(variance_of(Mean(0.5, np.array([0.3, 0.7])), comparisons=25), 6)
        0.04
    """
    return max(mean.value * (1 - mean.value) / comparisons, jackknife_variance(mean.without))


def effective_errors(mean: Mean, comparisons: int) -> float:
    """Return errors over the design effect, p²(1 - p)/V.

    0 for a rate of 0, and the comparisons for a rate of 1.

    Examples:
        A jackknife variance of four times the binomial leaves a quarter of 12.5 errors:

        >>> round(effective_errors(Mean(0.5, np.array([0.3, 0.7])), comparisons=25), 6)
        3.125
    """
    if not 0 < mean.value < 1:
        return mean.value * comparisons
    return mean.value**2 * (1 - mean.value) / variance_of(mean, comparisons)


def sign_test(differences: Array) -> float:
    """Return the exact two-sided p of a sign test.

    Of a unit's difference being as likely above as below zero; differences: float64[units], those of zero are left out.

    Examples:
        Three of three above, 2 / 2³:

        >>> round(sign_test(np.array([1.0, 2.0, 0.5, 0.0])), 6)
        0.25
    """
    from scipy import stats  # takes as long to import as everything else

    above, below = int((differences > 0).sum()), int((differences < 0).sum())
    return float(stats.binomtest(above, above + below).pvalue) if above + below else 1.0
