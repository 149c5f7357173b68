"""Error rates of plain arrays of comparison scores. A comparison is a match if and only if score ≥ threshold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]

ROUNDING = 1e-12
"""Relative slack when a sum of rates is held against a target: 3 × 0.1 is not above 0.3."""


def fmr(non_mated: Scores, threshold: float) -> float | None:
    """False match rate: share of non-mated scores ≥ threshold. None without comparisons."""
    return float((non_mated >= threshold).mean()) if non_mated.size else None


def fnmr(mated: Scores, threshold: float) -> float | None:
    """False non-match rate: share of mated scores < threshold. None without comparisons."""
    return float((mated < threshold).mean()) if mated.size else None


def generalised(fmr: float, fnmr: float, fte: float, fta: float) -> dict[str, float]:
    """FAR, FRR, GFAR, GFRR of a single attempt, failures of reference and probe independent (ISO/IEC 19795-1)."""
    return {
        "FAR": fmr * (1 - fta),
        "FRR": fta + fnmr * (1 - fta),
        "GFAR": (1 - fte) * (1 - fta) * fmr,
        "GFRR": fte + (1 - fte) * fta + (1 - fte) * (1 - fta) * fnmr,
    }


class WithFailures(NamedTuple):
    """A rate over the comparisons made, and over all that were attempted. None without any."""

    excluding: float | None
    including: float | None


def false_matches_with_failures(false_matches: int, compared: int, failed: int) -> WithFailures:
    """FMR, and FAR: comparisons that failed because a sample gave no template count as non-matches (score -∞), so as no error."""
    return _with_failures(false_matches, false_matches, compared, failed)


def false_non_matches_with_failures(false_non_matches: int, compared: int, failed: int) -> WithFailures:
    """FNMR, and FRR: comparisons that failed because a sample gave no template count as non-matches, so each is an error."""
    return _with_failures(false_non_matches, false_non_matches + failed, compared, failed)


def _with_failures(errors: int, errors_of_all: int, compared: int, failed: int) -> WithFailures:
    attempted = compared + failed
    return WithFailures(errors / compared if compared else None, errors_of_all / attempted if attempted else None)


def failure_rate(failed: int, attempted: int) -> float | None:
    """FTX, FTA or FTE: share of attempts (images; for FTE subjects) that failed. None without attempts."""
    return failed / attempted if attempted else None


def threshold_at_target(scores: Scores, weights: NDArray[np.floating], target: float) -> tuple[float, float] | None:
    """The smallest observed non-mated score at which the weighted FMR is at most `target`, and the FMR achieved there.

    scores: the highest non-mated scores, in any order: all those at or above some floor. weights: what one error with that
    score adds to the FMR (1/comparisons, or a pool's weight over its comparisons). Ties count together; nothing is
    interpolated. None if even the highest score alone exceeds the target.
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
