"""Error rates of plain arrays of comparison scores. A comparison is a match if and only if score ≥ threshold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]

ROUNDING = 1e-12
"""Relative slack when a sum of rates is compared with a target: 3 × 0.1 is not above 0.3."""


def fmr(non_mated: Scores, threshold: float) -> float | None:
    """Return the false match rate.

    The share of non-mated scores ≥ threshold: a score at the threshold is a match. None without comparisons.

    Examples:
        >>> fmr(np.array([0.1, 0.2, 0.3, 0.4]), 0.3)
        0.5
    """
    return float((non_mated >= threshold).mean()) if non_mated.size else None


def fnmr(mated: Scores, threshold: float) -> float | None:
    """Return the false non-match rate.

    The share of mated scores < threshold: a score at the threshold is a match. None without comparisons.

    Examples:
        >>> fnmr(np.array([0.3, 0.6, 0.7, 0.9]), 0.6)
        0.25
    """
    return float((mated < threshold).mean()) if mated.size else None


def generalised(fmr: float, fnmr: float, fte: float, fta: float) -> dict[str, float]:
    """Return FAR, FRR, GFAR and GFRR of a single attempt.

    All rates within [0, 1]. Failures of reference (FTE) and probe (FTA) are taken as independent (ISO/IEC 19795-1).

    Examples:
        >>> {name: round(rate, 6) for name, rate in generalised(fmr=0.01, fnmr=0.1, fte=0.2, fta=0.5).items()}
        {'FAR': 0.005, 'FRR': 0.55, 'GFAR': 0.004, 'GFRR': 0.64}
    """
    return {
        "FAR": fmr * (1 - fta),
        "FRR": fta + fnmr * (1 - fta),
        "GFAR": (1 - fte) * (1 - fta) * fmr,
        "GFRR": fte + (1 - fte) * fta + (1 - fte) * (1 - fta) * fnmr,
    }


class WithFailures(NamedTuple):
    """A rate without failed comparisons and with them, as shares of those made and of those attempted; None without any."""

    excluding: float | None
    including: float | None


def false_matches_with_failures(false_matches: int, compared: int, failed: int) -> WithFailures:
    """Return the FMR, and the FAR with failed comparisons.

    Comparisons that failed because a sample gave no template count as non-matches (score -∞), so none of them is an error.

    Examples:
        >>> false_matches_with_failures(2, compared=80, failed=20)
        WithFailures(excluding=0.025, including=0.02)
    """
    return _with_failures(false_matches, false_matches, compared, failed)


def false_non_matches_with_failures(false_non_matches: int, compared: int, failed: int) -> WithFailures:
    """Return the FNMR, and the FRR with failed comparisons.

    Comparisons that failed because a sample gave no template count as non-matches (score -∞), so each of them is an error.

    Examples:
        >>> false_non_matches_with_failures(4, compared=80, failed=20)
        WithFailures(excluding=0.05, including=0.24)
    """
    return _with_failures(false_non_matches, false_non_matches + failed, compared, failed)


def _with_failures(errors: int, errors_of_all: int, compared: int, failed: int) -> WithFailures:
    attempted = compared + failed
    return WithFailures(errors / compared if compared else None, errors_of_all / attempted if attempted else None)


def failure_rate(failed: int, attempted: int) -> float | None:
    """Return the share of failed attempts: FTX, FTA or FTE.

    Attempts are images; for FTE, subjects. None without attempts.

    Examples:
        >>> failure_rate(3, 60)
        0.05
    """
    return failed / attempted if attempted else None


def threshold_at_target(scores: Scores, weights: NDArray[np.floating], target: float) -> tuple[float, float] | None:
    """Return the threshold for a target FMR, and its FMR.

    The smallest observed non-mated score at which the weighted FMR is at most `target` (with a relative slack of `ROUNDING`).

    scores: the highest non-mated scores, in any order: all those at or above some floor. weights: what one error with that
    score adds to the FMR (1/comparisons, or a pool's weight over its comparisons). Ties count together; nothing is
    interpolated. None if even the highest score alone exceeds the target, and without scores.

    Examples:
        The two scores of 0.8 count together, which would give an FMR of 0.75:

        >>> threshold_at_target(np.array([0.9, 0.8, 0.8, 0.5]), np.full(4, 0.25), target=0.5)
        (0.9, 0.25)
    """
    if not scores.size:
        return None
    order = np.argsort(-scores.astype(np.float64), kind="stable")
    ranked, rate = scores[order], np.cumsum(weights[order], dtype=np.float64)
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    reachable = np.flatnonzero(last_of_tie & (rate <= target * (1 + ROUNDING)))
    if not reachable.size:
        return None
    best = reachable[-1]
    return float(str(ranked[best])), float(rate[best])
