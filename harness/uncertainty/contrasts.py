"""Comparison of two groups' rates: ratio, interval, p-value, multiplicity, and what the data could have detected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import stdtr, stdtrit

from .intervals import quantile_t


class LogRatio(NamedTuple):
    """A ratio with its 95 % interval, degrees of freedom and two-sided p."""

    ratio: float
    interval: tuple[float, float]
    df: float
    p: float


def satterthwaite(terms: Sequence[tuple[float, float]]) -> float:
    """Return the degrees of freedom of a sum of variances.

    Of independent ones; terms: (variance, its degrees of freedom).

    Examples:
        >>> round(satterthwaite([(1.0, 10), (1.0, 10)]), 6)
        20.0
    """
    total = sum(variance for variance, _ in terms)
    return total**2 / sum(variance * variance / df for variance, df in terms)


def log_ratio(p_a: float, v_a: float, df_a: float, p_b: float, v_b: float, df_b: float) -> LogRatio:
    """Return rate a over rate b with interval and p.

    The groups have no subject in common: Wald on the log scale with Satterthwaite's t. p_a, p_b: rates, both > 0; v_a, v_b: their
    variances; df_a, df_b: degrees of freedom.

    Examples:
        The relative variance of each rate is 0.01:

        >>> result = log_ratio(0.02, 4e-6, 10, 0.01, 1e-6, 10)
        >>> round(result.ratio, 6), round(result.df, 6)
        (2.0, 20.0)
    """
    terms = [(v_a / p_a**2, df_a), (v_b / p_b**2, df_b)]
    return from_log(np.log(p_a / p_b), float(np.sqrt(sum(variance for variance, _ in terms))), satterthwaite(terms))


def from_log(log: float, se: float, df: float) -> LogRatio:
    """Return the ratio of a given logarithm and standard error.

    With its 95 % interval and p from Student's t.

    Examples:
        Half of Student's t with one degree of freedom lies beyond ±1:

        >>> result = from_log(np.log(2), se=np.log(2), df=1)
        >>> round(result.ratio, 6), round(result.p, 6)
        (2.0, 0.5)
    """
    reach = quantile_t(df)
    p_value = float(2 * stdtr(df, -abs(log) / se))
    return LogRatio(float(np.exp(log)), (float(np.exp(log - reach * se)), float(np.exp(log + reach * se))), df, p_value)


def detectable_ratio(
    rate: float, n_group: float, n_reference: float, power: float = 0.8, *, tests: int = 1, df: float = np.inf, least: float = 0.0
) -> float | None:
    """Return the smallest ratio above 1 that would be found.

    To a reference of this rate, with the given power in a two-sided test at 5 %. Approximation on the log scale; None if not even
    a ratio of 1,000 would be found.

    n_group, n_reference: effective comparisons. tests: of how many it must be the first that Holm lets pass; df: of Student's t.
    least: effective errors that the group must reach to be called.

    Examples:
        The group would have 10 errors at the reference's rate, so a ratio of 3 gives it the least number:

        >>> round(detectable_ratio(0.01, 1_000, 1_000_000, least=30), 6)
        3.0
        >>> detectable_ratio(0.01, 1, 1) is None
        True
    """
    quantiles = -stdtrit(df, 0.025 / tests) - stdtrit(df, 1 - power)

    def shortfall(log: float) -> float:
        return float(log - quantiles * np.sqrt(1 / (n_reference * rate) + 1 / (n_group * rate * np.exp(log))))

    top = float(np.log(1000))
    if shortfall(top) <= 0 or n_group * rate * 1000 < least:
        return None
    return max(float(np.exp(optimize.brentq(shortfall, 1e-9, top))), least / (n_group * rate))


def joint_jackknife_log_ratio(log_without: NDArray[np.float64], log: float, df: float, least: float = 0.0) -> LogRatio | None:
    """Return the ratio of groups that share subjects, jackknifed.

    log_without: float64[subjects], the log ratio without each. None where one of these is undefined, and with a variance of 0.
    least: a lower limit of the variance, that of independent comparisons.

    Examples:
        The jackknife variance is (0.1² + 0.1²) / 2, the standard error 0.1; p as in `from_log`:

        >>> round(joint_jackknife_log_ratio(np.array([0.0, 0.2]), log=0.1, df=1).p, 6)
        0.5
    """
    if not np.isfinite(log_without).all():
        return None
    subjects = log_without.size
    variance = max(least, (subjects - 1) / subjects * float(((log_without - log_without.mean()) ** 2).sum()))
    return from_log(log, float(np.sqrt(variance)), df) if variance > 0 else None
