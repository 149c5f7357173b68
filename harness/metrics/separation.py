"""How far mated and non-mated scores lie apart: DET, EER, d′. They describe scores; none of them is an operating point.

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
    """DET at every observed score, exact. Scores that nobody reached (FMR 0, FNMR 1) have no point."""
    thresholds = np.unique(np.concatenate([mated, non_mated]).astype(np.float64))
    non_below, below = (np.searchsorted(np.sort(s.astype(np.float64)), thresholds, side="left") for s in (non_mated, mated))
    with np.errstate(invalid="ignore"):
        return Det(thresholds, (non_mated.size - non_below) / np.float64(non_mated.size), below / np.float64(mated.size))


def det_of_histogram(edges: NDArray[np.floating], mated: NDArray[np.integer], non_mated: NDArray[np.integer]) -> Det:
    """DET at the lower edge of every bin, exact there: bin i is [edges[i], edges[i + 1]). edges: [n + 1]; counts: [n] each."""
    with np.errstate(invalid="ignore"):
        above = np.cumsum(non_mated[::-1].astype(np.float64))[::-1] / np.float64(non_mated.sum())
        below = np.concatenate([[0.0], np.cumsum(mated)[:-1]]) / np.float64(mated.sum())
    return Det(np.asarray(edges[:-1], np.float64), above, below)


def probit(rates: Array) -> Array:
    """Φ⁻¹ of rates, the axes of a DET plot: normal scores give a straight line. -∞ at 0, ∞ at 1."""
    from scipy.special import ndtri

    return np.asarray(ndtri(rates), np.float64)


def eer(curve: Det) -> Eer | None:
    """The rate at which FMR and FNMR are equal, as far as the curve tells. None without comparisons of both kinds.

    Both are steps, so they seldom meet: at any threshold the crossing lies between the two rates, and of all thresholds that
    leaves [low, high]. On a curve at every score it is as narrow as the data allow; on a histogram the bins widen it.
    """
    known = ~(np.isnan(curve.fmr) | np.isnan(curve.fnmr))
    if not known.any():
        return None
    fmr, fnmr, thresholds = curve.fmr[known], curve.fnmr[known], curve.thresholds[known]
    low, high = float(np.minimum(fmr, fnmr).max()), float(np.maximum(fmr, fnmr).min())
    return Eer((low + high) / 2, low, high, float(thresholds[np.abs(fmr - fnmr).argmin()]))


def d_prime(mated_mean: float, mated_sd: float, non_mated_mean: float, non_mated_sd: float) -> float | None:
    """(μ_mated - μ_non-mated) / √((σ_mated² + σ_non-mated²)/2). None if neither spreads."""
    spread = float(np.sqrt((mated_sd**2 + non_mated_sd**2) / 2))
    return (mated_mean - non_mated_mean) / spread if spread > 0 else None


def moments(scores: NDArray[np.floating], counts: NDArray[np.integer] | None = None) -> tuple[float, float] | None:
    """Mean and (population) standard deviation of scores, each `counts` times. None without any."""
    n = scores.size if counts is None else int(counts.sum())
    if not n:
        return None
    x = scores.astype(np.float64)
    w = np.ones(x.size) if counts is None else counts.astype(np.float64)
    mean = float(x @ w) / n
    return mean, float(np.sqrt(((x - mean) ** 2) @ w / n))
