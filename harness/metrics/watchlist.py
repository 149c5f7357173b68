"""What false match rates predict of a watchlist, if comparisons were independent, and shares of alerts.

FPIR of a person who is on no list of N images: 1 - (1 - FMR)^N; by group 1 - Π_h (1 - FMR_gh)^(N_h). With comparisons against one
probe alike, as they are, FPIR is lower (Jensen); the expected number of candidates, N × FMR, is not touched by that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def fpir_of_fmr(fmr: float, n: float) -> float:
    """1 - (1 - FMR)^N, exact for the smallest FMR. 0 ≤ fmr ≤ 1, n ≥ 0."""
    return predicted_fpir([fmr], [n])


def fmr_of_fpir(fpir: float, n: float) -> float:
    """The FMR that an FPIR against N images implies, 1 - (1 - FPIR)^(1/N). 0 ≤ fpir < 1, n > 0."""
    return -math.expm1(math.log1p(-fpir) / n)


def predicted_fpir(fmr: Sequence[float], listed: Sequence[float], frames: float = 1) -> float:
    """FPIR of one group: its FMR with each group of the list, and how many images of each are listed.

    frames: images searched of each person, taken as if each were a trial of its own. An FMR of 1 with anybody listed gives 1.
    """
    if any(f >= 1 and n > 0 for f, n in zip(fmr, listed, strict=True)):
        return 1.0
    return -math.expm1(frames * math.fsum(n * math.log1p(-f) for f, n in zip(fmr, listed, strict=True) if n > 0))


def expected_alerts(
    rate: Sequence[float] | NDArray[np.float64], shares: Sequence[float] | NDArray[np.float64], crowd: float
) -> NDArray[np.float64]:
    """float64[G]: alerts in a crowd of so many people, of whom `shares` are of each group, at each group's rate."""
    return crowd * np.asarray(shares, np.float64) * np.asarray(rate, np.float64)


def precision(true_alerts: float, false_alerts: float) -> float | None:
    """Share of alerts that are right; None without alerts."""
    total = true_alerts + false_alerts
    return true_alerts / total if total > 0 else None


def at_least(count: int, of: int, share: float) -> float:
    """How likely `count` or more of `of` are of a group, if each is so with this chance, independently."""
    from scipy import stats

    return float(stats.binom.sf(count - 1, of, share))
