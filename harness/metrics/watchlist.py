"""What false match rates predict of a watchlist, if comparisons were independent, and shares of alerts.

FPIR of a person who is on no list of N images: 1 - (1 - FMR)^N; by group 1 - Π_h (1 - FMR_gh)^(N_h). As comparisons against one
probe resemble each other, the true FPIR is lower (Jensen); the expected number of candidates, N × FMR, does not depend on that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def fpir_of_fmr(fmr: float, listed: float) -> float:
    """Return the FPIR against N images that an FMR implies.

    1 - (1 - FMR)^N, exact for the smallest FMR. 0 ≤ fmr ≤ 1; listed: N, the images on the list, ≥ 0.

    Examples:
        >>> round(fpir_of_fmr(0.1, 2), 6)
        0.19
    """
    return predicted_fpir([fmr], [listed])


def fmr_of_fpir(fpir: float, listed: float) -> float:
    """Return the FMR that an FPIR against N images implies.

    1 - (1 - FPIR)^(1/N). 0 ≤ fpir < 1; listed: N, the images on the list, > 0.

    Examples:
        >>> round(fmr_of_fpir(0.19, 2), 6)
        0.1
    """
    return -math.expm1(math.log1p(-fpir) / listed)


def predicted_fpir(fmr: Sequence[float], listed: Sequence[float], frames: float = 1) -> float:
    """Return a group's FPIR against a list of several groups.

    1 - Π_h (1 - FMR_h)^(frames N_h). fmr: the group's FMR with each group h of the list; listed: N_h, how many images of each are on
    it. frames: images searched of each person, taken as if each were a trial of its own. An FMR of 1 with anybody listed gives 1.

    Examples:
        1 - 0.9² × 0.5:

        >>> round(predicted_fpir([0.1, 0.5], [2, 1]), 6)
        0.595
    """
    if any(rate >= 1 and images > 0 for rate, images in zip(fmr, listed, strict=True)):
        return 1.0
    return -math.expm1(
        frames * math.fsum(images * math.log1p(-rate) for rate, images in zip(fmr, listed, strict=True) if images > 0)
    )


def expected_alerts(
    rate: Sequence[float] | NDArray[np.float64], shares: Sequence[float] | NDArray[np.float64], crowd: float
) -> NDArray[np.float64]:
    """Return each group's expected alerts in a crowd, float64[G].

    rate: alerts per person of each group; shares: of the crowd that each group is; crowd: people in it.

    Examples:
        >>> expected_alerts([0.01, 0.03], [0.5, 0.5], crowd=1000).tolist()
        [5.0, 15.0]
    """
    return crowd * np.asarray(shares, np.float64) * np.asarray(rate, np.float64)


def precision(true_alerts: float, false_alerts: float) -> float | None:
    """Return the share of alerts that are right.

    None without alerts.

    Examples:
        >>> precision(true_alerts=1, false_alerts=3)
        0.25
    """
    total = true_alerts + false_alerts
    return true_alerts / total if total > 0 else None


def chance_of_at_least(count: int, of: int, share: float) -> float:
    """Return the chance of `count` or more group members.

    of: how many people there are; share: the chance that each is of the group, independently (binomial).

    Examples:
        >>> round(chance_of_at_least(1, of=2, share=0.5), 6)
        0.75
    """
    from scipy import stats

    return float(stats.binom.sf(count - 1, of, share))
