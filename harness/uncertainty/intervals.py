"""Intervals from a rate and its variance, and bounds where no error was seen. The default level is 95 %."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, ndtri, stdtrit  # scipy.stats has the same, and takes a second to import

LEVEL = 0.95


def quantile_z(level: float = LEVEL) -> float:
    """Return the two-sided standard normal quantile.

    Examples:
        >>> round(quantile_z(0.95), 2)
        1.96
    """
    return float(ndtri(0.5 + level / 2))


def quantile_t(df: float, level: float = LEVEL) -> float:
    """Return the two-sided quantile of Student's t.

    Examples:
        Half of Student's t with one degree of freedom lies within ±1:

        >>> round(quantile_t(1, level=0.5), 6)
        1.0
    """
    return float(stdtrit(df, 0.5 + level / 2))


def wilson(rate: float, trials: float, quantile: float) -> tuple[float, float]:
    """Return the Wilson score interval of a rate.

    (p + z²/2n ± z √(p(1 - p)/n + z²/4n²)) / (1 + z²/n), within [0, 1]. rate: p; trials: n, also an effective number of them;
    quantile: z, normal or Student's.

    Examples:
        >>> [round(end, 6) for end in wilson(0.5, 3, 1.0)]
        [0.25, 0.75]
    """
    centre = (rate + quantile * quantile / (2 * trials)) / (1 + quantile * quantile / trials)
    half = (
        quantile
        / (1 + quantile * quantile / trials)
        * np.sqrt(rate * (1 - rate) / trials + quantile * quantile / (4 * trials * trials))
    )
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def clopper_pearson(errors: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the exact interval of a rate from independent trials.

    Examples:
        No error in one trial: at a rate of 0.975 that has a chance of 0.025.

        >>> [round(end, 6) for end in clopper_pearson(0, 1)]
        [0.0, 0.975]
    """
    tail = (1 - level) / 2
    low = 0.0 if errors == 0 else float(betaincinv(errors, trials - errors + 1, tail))
    high = 1.0 if errors == trials else float(betaincinv(errors + 1, trials - errors, 1 - tail))
    return low, high


def effective_n(rate: float, variance: float) -> float:
    """Return the number of independent comparisons with this variance.

    p(1 - p)/V.

    Examples:
        >>> round(effective_n(0.5, 0.01), 6)
        25.0
    """
    return rate * (1 - rate) / variance


def wilson_from_variance(rate: float, variance: float, df: float) -> tuple[float, float]:
    """Return the Wilson interval of a rate with a variance.

    With the effective sample size and Student's t. 0 < rate < 1, variance > 0.

    Examples:
        >>> wilson_from_variance(0.5, 0.01, df=10) == wilson(0.5, 25.0, quantile_t(10))
        True
    """
    return wilson(rate, effective_n(rate, variance), quantile_t(df))


def zero_error_bounds(comparisons: int, subjects: int) -> tuple[float, float]:
    """Return two upper bounds of a rate without errors.

    One-sided, 95 %, ≤ 1: 3/comparisons (if they are independent) and 3/⌊subjects/2⌋ (in the worst dependence).

    Examples:
        >>> zero_error_bounds(300, 20)
        (0.01, 0.3)
    """
    return min(1.0, 3 / comparisons), min(1.0, 3 / max(1, subjects // 2))
