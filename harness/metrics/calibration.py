"""Calibration: what a score says about the chance that two images show one person, and what that is worth to a group.

The log-likelihood-ratio cost (Cllr) is that of Brümmer and du Preez, "Application-independent evaluation of speaker detection",
Computer Speech & Language 20 (2006), in bits: 0 is perfect, 1 is worth no more than knowing no score, and above 1 it misleads.
Scores are counted in the bins of a histogram. To round scores to bins before the fit never lowers a group's own cost.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Cllr(NamedTuple):
    """A group's cost in bits, under the calibration of all groups and under its own, which is the least that any can cost."""

    common: float
    own: float

    @property
    def miscalibration(self) -> float:
        """Return what the group loses because scores mean the same for everybody, at least 0."""
        return max(0.0, self.common - self.own)


def log_likelihood_ratios(mated: ArrayLike, non_mated: ArrayLike) -> Array:
    """Calibrate scores: return ln(P(bin | mated) / P(bin | non-mated)) that rises with the bin.

    mated, non_mated: weights per bin, [n] each, each kind with a positive sum; only their shares count. The isotonic (pool adjacent
    violators) fit to the share of mated weight. Returns [n]: -∞ or ∞ where a pooled block has comparisons of one kind only, nan in
    empty bins.
    """
    from sklearn.isotonic import isotonic_regression

    shares = [np.asarray(w, np.float64) / np.sum(w) for w in (mated, non_mated)]
    weight = shares[0] + shares[1]
    there = weight > 0
    of_mated, of_non_mated = (share[there] for share in shares)
    posterior = isotonic_regression(of_mated / weight[there], sample_weight=weight[there], y_min=0.0, y_max=1.0)
    # The ratio comes from each block's own weights, not from logit(posterior), which loses digits beside 0 and 1.
    starts = np.flatnonzero(np.diff(posterior, prepend=-1.0))
    with np.errstate(divide="ignore"):
        ratios = np.log(np.add.reduceat(of_mated, starts)) - np.log(np.add.reduceat(of_non_mated, starts))
    # Two blocks of one ratio can differ by a rounding error, downwards too.
    ratios = np.maximum.accumulate(ratios)
    out = np.full(there.size, np.nan)
    out[there] = np.repeat(ratios, np.diff(starts, append=posterior.size))
    return out


def cllr(ratios: Array, mated: ArrayLike, non_mated: ArrayLike) -> float:
    """Return the log-likelihood-ratio cost of a group's comparisons.

    1 / (2 ln 2) · (mean over mated of ln(1 + e^-l) + mean over non-mated of ln(1 + e^l)). ratios: l of each bin, [n], natural
    logarithms; mated, non_mated: counts per bin, [n] each, each kind with a positive sum. Infinite only if l is infinite in a bin
    that has a comparison of the kind which that rules out.
    """
    kinds = ((np.asarray(mated, np.float64), -ratios), (np.asarray(non_mated, np.float64), ratios))
    total = 0.0
    for counts, exponent in kinds:
        there = counts > 0
        total += float(counts[there] @ np.logaddexp(0.0, exponent[there]) / counts.sum())
    return total / (2 * float(np.log(2)))


def group_cllr(mated: ArrayLike, non_mated: ArrayLike) -> list[Cllr]:
    """Return the cost of every group under one calibration for all of them, and under its own.

    mated, non_mated: counts, [groups, n], every group with comparisons of both kinds. In the common calibration each group weighs
    the same, and so do both kinds of each. Both costs are finite: a bin that the common fit rules out for a kind has no comparison
    of that kind in any group.
    """
    of_groups = [(m, n) for m, n in zip(np.atleast_2d(mated), np.atleast_2d(non_mated), strict=True)]
    common = log_likelihood_ratios(sum(m / m.sum() for m, _ in of_groups), sum(n / n.sum() for _, n in of_groups))
    return [Cllr(cllr(common, m, n), cllr(log_likelihood_ratios(m, n), m, n)) for m, n in of_groups]
