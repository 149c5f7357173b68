"""How far apart mated and non-mated scores lie: DET, EER, d′. They describe scores; none of them is an operating point.

A comparison is a match if and only if score ≥ threshold: FMR falls and FNMR rises with the threshold, both in steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Det(NamedTuple):
    """FMR and FNMR at rising thresholds, float64[n] each; all nan where there were no such comparisons."""

    thresholds: Array
    fmr: Array
    fnmr: Array


class Eer(NamedTuple):
    """The equal error rate lies in [low, high]; `value` is the middle. threshold: where the two rates come closest."""

    value: float
    low: float
    high: float
    threshold: float


def det(mated: NDArray[np.floating], non_mated: NDArray[np.floating]) -> Det:
    """Return the DET at every observed score, exact.

    Thresholds rise; a score at the threshold is a match. There is no point above the highest score (FMR 0, FNMR 1). A rate without
    comparisons is nan throughout.

    Examples:
        >>> curve = det(mated=np.array([0.4, 0.9]), non_mated=np.array([0.1, 0.4]))
        >>> curve.thresholds.tolist(), curve.fmr.tolist(), curve.fnmr.tolist()
        ([0.1, 0.4, 0.9], [1.0, 0.5, 0.0], [0.0, 0.0, 0.5])
    """
    thresholds = np.unique(np.concatenate([mated, non_mated]).astype(np.float64))
    non_below, below = (
        np.searchsorted(np.sort(scores.astype(np.float64)), thresholds, side="left") for scores in (non_mated, mated)
    )
    with np.errstate(invalid="ignore"):
        return Det(thresholds, (non_mated.size - non_below) / np.float64(non_mated.size), below / np.float64(mated.size))


def det_of_histogram(edges: NDArray[np.floating], mated: NDArray[np.integer], non_mated: NDArray[np.integer]) -> Det:
    """Return the DET at the lower edge of every bin.

    It is exact there: bin i is [edges[i], edges[i + 1]). edges: [n + 1], rising; mated, non_mated: counts, [n] each. A rate without
    comparisons is nan throughout.

    Examples:
        >>> curve = det_of_histogram(np.array([0.0, 0.5, 1.0]), mated=np.array([1, 3]), non_mated=np.array([3, 1]))
        >>> curve.thresholds.tolist(), curve.fmr.tolist(), curve.fnmr.tolist()
        ([0.0, 0.5], [1.0, 0.25], [0.0, 0.25])
    """
    with np.errstate(invalid="ignore"):
        above = np.cumsum(non_mated[::-1].astype(np.float64))[::-1] / np.float64(non_mated.sum())
        below = np.concatenate([[0.0], np.cumsum(mated)[:-1]]) / np.float64(mated.sum())
    return Det(np.asarray(edges[:-1], np.float64), above, below)


def probit(rates: Array) -> Array:
    """Return Φ⁻¹ of rates, the axes of a DET plot.

    Normal scores give a straight line. -∞ at 0, ∞ at 1.

    Examples:
        >>> probit(np.array([0.0, 0.5, 1.0])).tolist()
        [-inf, 0.0, inf]
    """
    from scipy.special import ndtri

    return np.asarray(ndtri(rates), np.float64)


def eer(curve: Det) -> Eer | None:
    """Return the rate at which FMR and FNMR are equal.

    Both are steps, so they seldom meet: at any threshold the crossing lies between the two rates, and of all thresholds that
    leaves [low, high]. On a curve at every score it is as narrow as the data allow; on a histogram the bins widen it. None without
    comparisons of both kinds.

    Examples:
        FMR and FNMR are 1 and 0 at the lower threshold, and 0.25 and 0.125 at the higher:

        >>> eer(Det(np.array([0.0, 0.5]), fmr=np.array([1.0, 0.25]), fnmr=np.array([0.0, 0.125])))
        Eer(value=0.1875, low=0.125, high=0.25, threshold=0.5)
    """
    known = ~(np.isnan(curve.fmr) | np.isnan(curve.fnmr))
    if not known.any():
        return None
    fmr, fnmr, thresholds = curve.fmr[known], curve.fnmr[known], curve.thresholds[known]
    low, high = float(np.minimum(fmr, fnmr).max()), float(np.maximum(fmr, fnmr).min())
    return Eer((low + high) / 2, low, high, float(thresholds[np.abs(fmr - fnmr).argmin()]))


def d_prime(mated_mean: float, mated_sd: float, non_mated_mean: float, non_mated_sd: float) -> float | None:
    """Return d′, the distance between mated and non-mated scores.

    (μ_mated - μ_non-mated) / √((σ_mated² + σ_non-mated²)/2). None if neither kind of score varies.

    Examples:
        >>> round(d_prime(0.8, 0.1, 0.2, 0.1), 6)
        6.0
    """
    spread = float(np.sqrt((mated_sd**2 + non_mated_sd**2) / 2))
    return (mated_mean - non_mated_mean) / spread if spread > 0 else None


def moments(scores: NDArray[np.floating], counts: NDArray[np.integer] | None = None) -> tuple[float, float] | None:
    """Return mean and population standard deviation of scores.

    Each score counts `counts` times, [n]; once if it is None. None without any score.

    Examples:
        >>> moments(np.array([1.0, 3.0]))
        (2.0, 1.0)
        >>> moments(np.array([0.0, 5.0]), np.array([4, 1]))
        (1.0, 2.0)
    """
    total = scores.size if counts is None else int(counts.sum())
    if not total:
        return None
    values = scores.astype(np.float64)
    weights = np.ones(values.size) if counts is None else counts.astype(np.float64)
    mean = float(values @ weights) / total
    return mean, float(np.sqrt(((values - mean) ** 2) @ weights / total))
