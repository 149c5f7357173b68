"""Verification on a published list of pairs with folds, as LFW's "view 2" lays it down.

Each fold is judged at the threshold that is best on all the others; the result is the mean of the folds' shares of right
decisions. A comparison is a match if and only if score ≥ threshold.

Source: Huang, Ramesh, Berg and Learned-Miller (2007), Labeled Faces in the Wild, UMass Amherst 07-49: mean over ten folds, and its
standard error s/√10, s with nine degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Flags = NDArray[np.bool_]

RULE = "best share of right decisions; of several, the highest; always an observed score"
"""How a threshold is chosen. The highest of equals: the fewest false matches."""


class Choice(NamedTuple):
    """A threshold and the share of right decisions at it, on the pairs that it was chosen on."""

    threshold: float
    accuracy: float


class FoldSpread(NamedTuple):
    """Over folds: mean, standard error of the mean (sd/√n), sample standard deviation (n - 1). None where undefined."""

    mean: float | None
    standard_error: float | None
    standard_deviation: float | None


@dataclass(frozen=True)
class Folds:
    """What came of each fold. K folds, n pairs.

    thresholds: of each fold; None where there is nothing to choose it on. right: bool[n], whether the decision on each pair was
    right, False where it failed. correct, compared: int64[K], of the pairs whose comparison was made. failed_mated,
    failed_non_mated: int64[K].
    """

    thresholds: tuple[float | None, ...]
    right: Flags
    correct: NDArray[np.int64]
    compared: NDArray[np.int64]
    failed_mated: NDArray[np.int64]
    failed_non_mated: NDArray[np.int64]

    @property
    def accuracy(self) -> list[float | None]:
        """Share of right decisions of each fold, failed comparisons left out; None where none was made or has a threshold."""
        rows = zip(self.thresholds, self.correct.tolist(), self.compared.tolist(), strict=True)
        return [right / n if n and threshold is not None else None for threshold, right, n in rows]

    @property
    def accuracy_including_failures(self) -> list[float | None]:
        """Likewise with each failed comparison as a non-match: right if the pair is non-mated, wrong if it is mated."""
        right = self.correct + self.failed_non_mated
        n = self.compared + self.failed_mated + self.failed_non_mated
        rows = zip(self.thresholds, right.tolist(), n.tolist(), strict=True)
        return [correct / total if total and threshold is not None else None for threshold, correct, total in rows]


def best_threshold(scores: Scores, mated: Flags) -> Choice | None:
    """The observed score at which the share of right decisions is highest; of several, the highest score.

    scores: float32[n]; mated: bool[n]. None without mated or without non-mated pairs: any threshold would do.
    """
    if not mated.any() or mated.all():
        return None
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(mated[order])
    right = hits + (~mated).sum() - (np.arange(1, ranked.size + 1) - hits)
    last_of_tie = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    best = last_of_tie[np.argmax(right[last_of_tie])]
    return Choice(float(str(ranked[best])), float(right[best] / ranked.size))


def k_fold(scores: Scores, mated: Flags, fold: NDArray[np.int32], n_folds: int, failed: Flags) -> Folds:
    """Each fold at the threshold that is best on the other folds. All arrays [n]; scores of failed comparisons are not read.

    A failed comparison counts as a non-match whatever the threshold, so it does not move the choice.
    """
    thresholds = [_chosen(scores, mated, (fold != k) & ~failed) for k in range(n_folds)]
    return _judge(scores, mated, fold, failed, thresholds)


def at_threshold(scores: Scores, mated: Flags, failed: Flags, threshold: float) -> Folds:
    """All pairs as one fold, at a threshold chosen elsewhere."""
    return _judge(scores, mated, np.zeros(scores.size, np.int32), failed, [threshold])


def _chosen(scores: Scores, mated: Flags, train: Flags) -> float | None:
    choice = best_threshold(scores[train], mated[train])
    return None if choice is None else choice.threshold


def _judge(scores: Scores, mated: Flags, fold: NDArray[np.int32], failed: Flags, thresholds: Sequence[float | None]) -> Folds:
    n = len(thresholds)
    each = np.array([np.inf if t is None else t for t in thresholds], np.float32)[fold]
    with np.errstate(invalid="ignore"):  # of failed comparisons, which may be nan
        right = ~failed & ((scores >= each) == mated)

    def count(which: Flags) -> NDArray[np.int64]:
        return np.bincount(fold[which], minlength=n)

    return Folds(tuple(thresholds), right, count(right), count(~failed), count(failed & mated), count(failed & ~mated))


def spread(values: Sequence[float | None]) -> FoldSpread:
    """Mean, standard error and sample standard deviation over the folds. All None if a fold has no value; the last two of one."""
    known = [v for v in values if v is not None]
    if not known or len(known) < len(values):
        return FoldSpread(None, None, None)
    if len(known) == 1:
        return FoldSpread(known[0], None, None)
    sd = float(np.std(known, ddof=1))
    return FoldSpread(float(np.mean(known)), sd / len(known) ** 0.5, sd)
