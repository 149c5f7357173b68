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
    """Mean over comparisons between units; sums, counts: float64[units], each comparison counting for both its units.

    Also of sums that are counts of errors: their rate. There must be a comparison.
    """
    total, n = float(sums.sum()) / 2, float(counts.sum()) / 2
    return Mean(total / n, without_each_subject(total, n, sums, counts))


def mean_of_units(sums: Array, counts: Array) -> Mean:
    """Mean over comparisons each of which belongs to one unit; sums, counts: float64[units]. There must be a comparison."""
    total, n = float(sums.sum()), float(counts.sum())
    return Mean(total / n, without_each_subject(total, n, sums, counts))


def average(means: list[Mean]) -> Mean:
    """The equally weighted average of means over the same units."""
    value = float(np.mean([m.value for m in means]))
    return Mean(value, np.mean([m.without for m in means], axis=0))


def difference(here: Mean, reference: Mean) -> Difference:
    """here - reference, both over the same units in the same order: delete-one-unit jackknife, Student's t on units - 1.

    Where no unit makes a difference (variance zero) the interval is a point, and p is 1 for no difference and 0 for any other:
    whether anything may be said of it is the caller's business.
    """
    value = here.value - reference.value
    df = here.without.size - 1
    error = float(np.sqrt(jackknife_variance(here.without - reference.without)))
    if error == 0:
        return Difference(value, (value, value), df, 1.0 if value == 0 else 0.0)
    half = quantile_t(df) * error
    return Difference(value, (value - half, value + half), df, float(2 * stdtr(df, -abs(value) / error)))


def ratio(here: Mean, reference: Mean) -> LogRatio | None:
    """here / reference, jackknifed on the log scale. None unless both are above zero whichever unit is left out."""
    if not (here.value > 0 and reference.value > 0 and (here.without > 0).all() and (reference.without > 0).all()):
        return None
    log = float(np.log(here.value) - np.log(reference.value))
    return joint_jackknife_log_ratio(np.log(here.without) - np.log(reference.without), log, here.without.size - 1)


def variance_of(mean: Mean, comparisons: int) -> float:
    """max(binomial, jackknife) of a rate."""
    return max(mean.value * (1 - mean.value) / comparisons, jackknife_variance(mean.without))


def effective_errors(mean: Mean, comparisons: int) -> float:
    """Errors over the design effect, p²(1 - p)/V; 0 for a rate of 0, and the comparisons for a rate of 1."""
    if not 0 < mean.value < 1:
        return mean.value * comparisons
    return mean.value**2 * (1 - mean.value) / variance_of(mean, comparisons)


def sign_test(differences: Array) -> float:
    """Exact two-sided p that a unit's difference is as likely above as below zero; float64[units], zeros say nothing."""
    from scipy import stats  # takes as long to import as everything else

    above, below = int((differences > 0).sum()), int((differences < 0).sum())
    return float(stats.binomtest(above, above + below).pvalue) if above + below else 1.0
