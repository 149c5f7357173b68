"""Comparing two groups' rates: ratio, interval, p-value, multiplicity, and what the data could have told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import stdtr, stdtrit

from .intervals import quantile_t


class LogRatio(NamedTuple):
    """ratio, its 95 % interval, degrees of freedom, two-sided p."""

    ratio: float
    interval: tuple[float, float]
    df: float
    p: float


def satterthwaite(terms: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of independent variances; terms: (variance, its df)."""
    total = sum(v for v, _ in terms)
    return total**2 / sum(v * v / df for v, df in terms)


def log_ratio(p_a: float, v_a: float, df_a: float, p_b: float, v_b: float, df_b: float) -> LogRatio:
    """Rate a over rate b, of disjoint subjects: Wald on the log scale with Satterthwaite's t. Both rates > 0."""
    terms = [(v_a / p_a**2, df_a), (v_b / p_b**2, df_b)]
    return from_log(np.log(p_a / p_b), float(np.sqrt(sum(v for v, _ in terms))), satterthwaite(terms))


def from_log(log: float, se: float, df: float) -> LogRatio:
    """The ratio whose logarithm and standard error are given."""
    t = quantile_t(df)
    p = float(2 * stdtr(df, -abs(log) / se))
    return LogRatio(float(np.exp(log)), (float(np.exp(log - t * se)), float(np.exp(log + t * se))), df, p)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given."""
    values = np.asarray(p, float)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(steps, 1.0)
    return [float(v) for v in adjusted]


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's step-up adjusted p-values, in the order given: the share of false finds, not the chance of any."""
    values = np.asarray(p, float)
    order = np.argsort(values, kind="stable")[::-1]
    steps = np.minimum.accumulate(values[order] * (values.size / np.arange(values.size, 0, -1)))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(steps, 1.0)
    return [float(v) for v in adjusted]


def detectable_ratio(
    rate: float, n_group: float, n_reference: float, power: float = 0.8, *, tests: int = 1, df: float = np.inf, least: float = 0.0
) -> float | None:
    """The smallest ratio > 1 to a reference of this rate that would be found (two-sided 5 %) with the given power.

    n_group, n_reference: effective comparisons. tests: of how many it must be the first that Holm lets pass; df: of Student's t.
    least: effective errors that the group must reach to be called. Approximation on the log scale; None if not even 1,000 would
    be found.
    """
    z = -stdtrit(df, 0.025 / tests) - stdtrit(df, 1 - power)

    def shortfall(log: float) -> float:
        return float(log - z * np.sqrt(1 / (n_reference * rate) + 1 / (n_group * rate * np.exp(log))))

    top = float(np.log(1000))
    if shortfall(top) <= 0 or n_group * rate * 1000 < least:
        return None
    return max(float(np.exp(optimize.brentq(shortfall, 1e-9, top))), least / (n_group * rate))


def joint_jackknife_log_ratio(log_without: NDArray[np.float64], log: float, df: float, least: float = 0.0) -> LogRatio | None:
    """For groups that share subjects: `log_without` float64[subjects], the log ratio without each. None where one is undefined.

    least: what the variance is at the least, that of independent comparisons.
    """
    if not np.isfinite(log_without).all():
        return None
    n = log_without.size
    variance = max(least, (n - 1) / n * float(((log_without - log_without.mean()) ** 2).sum()))
    return from_log(log, float(np.sqrt(variance)), df) if variance > 0 else None
