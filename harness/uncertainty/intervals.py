"""Intervals from a rate and its variance, and bounds where no error was seen. All of 95 % unless told otherwise."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, ndtri, stdtrit  # scipy.stats has the same, and takes a second to import

LEVEL = 0.95


def quantile_z(level: float = LEVEL) -> float:
    """Two-sided standard normal quantile."""
    return float(ndtri(0.5 + level / 2))


def quantile_t(df: float, level: float = LEVEL) -> float:
    """Two-sided quantile of Student's t."""
    return float(stdtrit(df, 0.5 + level / 2))


def wilson(p: float, n: float, z: float) -> tuple[float, float]:
    """Wilson score interval of a rate p from n (effective) trials with quantile z; within [0, 1]."""
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def clopper_pearson(errors: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Exact interval for independent trials."""
    tail = (1 - level) / 2
    low = 0.0 if errors == 0 else float(betaincinv(errors, trials - errors + 1, tail))
    high = 1.0 if errors == trials else float(betaincinv(errors + 1, trials - errors, 1 - tail))
    return low, high


def effective_n(p: float, variance: float) -> float:
    """p(1 - p)/V: how many independent comparisons would tell as much."""
    return p * (1 - p) / variance


def wilson_from_variance(p: float, variance: float, df: float) -> tuple[float, float]:
    """Wilson interval with the effective sample size and Student's t. 0 < p < 1, variance > 0."""
    return wilson(p, effective_n(p, variance), quantile_t(df))


def zero_error_bounds(comparisons: int, subjects: int) -> tuple[float, float]:
    """One-sided 95 % upper bounds at zero errors: 3/comparisons (if independent) and 3/⌊subjects/2⌋ (worst dependence), ≤ 1."""
    return min(1.0, 3 / comparisons), min(1.0, 3 / max(1, subjects // 2))
