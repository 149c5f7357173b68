"""Calibration: what a score says about the chance that two images show one person, and its worth to a group.

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
    """Log-likelihood-ratio cost of a group in bits, under two calibrations.

    common: under one calibration for all groups. own: under the group's own calibration, the lowest cost of any.
    """

    common: float
    own: float

    @property
    def miscalibration(self) -> float:
        """Return the cost of sharing one calibration, at least 0.

        In bits: what the group loses because a score means the same for every group.
        """
        return max(0.0, self.common - self.own)


def log_likelihood_ratios(mated: ArrayLike, non_mated: ArrayLike) -> Array:
    """Return the calibrated log-likelihood ratio of every bin.

    ln(P(bin | mated) / P(bin | non-mated)), which never falls from a bin to the next: the isotonic (pool adjacent violators) fit to
    the share of mated weight.

    mated, non_mated: weights per bin, [n] each, each kind with a positive sum; only their shares count. Returns [n]: -∞ or ∞ where a
    pooled block has comparisons of one kind only, nan in empty bins.

    Examples:
        >>> log_likelihood_ratios([0, 1, 3], [3, 1, 0]).tolist()
        [-inf, 0.0, inf]
    """
    from sklearn.isotonic import isotonic_regression

    shares = [np.asarray(weights, np.float64) / np.sum(weights) for weights in (mated, non_mated)]
    weight = shares[0] + shares[1]
    occupied = weight > 0
    of_mated, of_non_mated = (share[occupied] for share in shares)
    posterior = isotonic_regression(of_mated / weight[occupied], sample_weight=weight[occupied], y_min=0.0, y_max=1.0)
    # The ratio comes from each block's own weights, not from logit(posterior), which loses digits beside 0 and 1.
    block_starts = np.flatnonzero(np.diff(posterior, prepend=-1.0))
    with np.errstate(divide="ignore"):
        ratios = np.log(np.add.reduceat(of_mated, block_starts)) - np.log(np.add.reduceat(of_non_mated, block_starts))
    # Two blocks of one ratio can differ by a rounding error, downwards too.
    ratios = np.maximum.accumulate(ratios)
    out = np.full(occupied.size, np.nan)
    out[occupied] = np.repeat(ratios, np.diff(block_starts, append=posterior.size))
    return out


def cllr(ratios: Array, mated: ArrayLike, non_mated: ArrayLike) -> float:
    """Return the log-likelihood-ratio cost of a group's comparisons.

    1 / (2 ln 2) · (mean over mated of ln(1 + e^-l) + mean over non-mated of ln(1 + e^l)). ratios: l of each bin, [n], natural
    logarithms; mated, non_mated: counts per bin, [n] each, each kind with a positive sum. Infinite only if l is infinite in a bin
    that has a comparison of the kind which that rules out.

    Examples:
        A ratio of 1 (logarithm 0) in every bin says nothing, which costs one bit:

        >>> round(cllr(np.array([0.0, 0.0]), [1, 1], [1, 1]), 6)
        1.0
    """
    kinds = ((np.asarray(mated, np.float64), -ratios), (np.asarray(non_mated, np.float64), ratios))
    total = 0.0
    for counts, exponent in kinds:
        occupied = counts > 0
        total += float(counts[occupied] @ np.logaddexp(0.0, exponent[occupied]) / counts.sum())
    return total / (2 * float(np.log(2)))


def group_cllr(mated: ArrayLike, non_mated: ArrayLike) -> list[Cllr]:
    """Return each group's cost under shared and own calibration.

    mated, non_mated: counts, [groups, n], every group with comparisons of both kinds. In the common calibration each group weighs
    the same, and so do both kinds of each. Both costs are finite: a bin that the common fit rules out for a kind has no comparison
    of that kind in any group.

    Examples:
        Scores separate the first group perfectly and say nothing about the second; shared ratios of 1/3 and 3 cost the first
        log2(4/3) bits and the second the mean of log2(4) and log2(4/3):

        >>> costs = group_cllr([[0, 1], [1, 1]], [[1, 0], [1, 1]])
        >>> [(round(cost.common, 3), round(cost.own, 3)) for cost in costs]
        [(0.415, 0.0), (1.208, 1.0)]
    """
    of_groups = list(zip(np.atleast_2d(mated), np.atleast_2d(non_mated), strict=True))
    common = log_likelihood_ratios(
        sum(of_mated / of_mated.sum() for of_mated, _ in of_groups),
        sum(of_non_mated / of_non_mated.sum() for _, of_non_mated in of_groups),
    )
    return [
        Cllr(cllr(common, of_mated, of_non_mated), cllr(log_likelihood_ratios(of_mated, of_non_mated), of_mated, of_non_mated))
        for of_mated, of_non_mated in of_groups
    ]
