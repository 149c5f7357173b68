"""Verification on a published list of pairs with folds, as LFW's "view 2" defines it.

Each fold is judged at the threshold that is best on all the others; the result is the mean over folds of the share of right
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
    """Threshold, decisions and counts of each of K folds with n pairs in all.

    thresholds: of each fold; None where there is nothing to choose it on. right: bool[n], whether the decision on each pair was
    right, False where it failed. correct, compared: int64[K], of the pairs whose comparison was made. failed_mated,
    failed_non_mated: int64[K], pairs whose comparison failed.
    """

    thresholds: tuple[float | None, ...]
    right: Flags
    correct: NDArray[np.int64]
    compared: NDArray[np.int64]
    failed_mated: NDArray[np.int64]
    failed_non_mated: NDArray[np.int64]

    @property
    def accuracy(self) -> list[float | None]:
        """Return each fold's share of right decisions, without failures.

        None for a fold without a comparison or without a threshold.
        """
        rows = zip(self.thresholds, self.correct.tolist(), self.compared.tolist(), strict=True)
        return [right / compared if compared and threshold is not None else None for threshold, right, compared in rows]

    @property
    def accuracy_including_failures(self) -> list[float | None]:
        """Return each fold's share of right decisions, with failures.

        A failed comparison counts as a non-match: right if the pair is non-mated, wrong if it is mated. None for a fold without a pair or
        without a threshold.
        """
        right = self.correct + self.failed_non_mated
        attempted = self.compared + self.failed_mated + self.failed_non_mated
        rows = zip(self.thresholds, right.tolist(), attempted.tolist(), strict=True)
        return [correct / total if total and threshold is not None else None for threshold, correct, total in rows]


def best_threshold(scores: Scores, mated: Flags) -> Choice | None:
    """Return the observed score with most right decisions.

    Of several such scores, the highest. scores: float32[n]; mated: bool[n]. None without mated or without non-mated pairs: any
    threshold would do.

    Examples:
        At 0.9 and at 0.6 three decisions of four are right:

        >>> best_threshold(np.array([0.9, 0.6, 0.7, 0.2], np.float32), np.array([True, True, False, False]))
        Choice(threshold=0.9, accuracy=0.75)
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
    """Judge each fold at the others' best threshold.

    All arrays [n]: fold numbers are in [0, n_folds), scores of failed comparisons are not read. A failed comparison counts as a
    non-match at any threshold, so it does not move the choice.

    Examples:
        Fold 0 is judged at 0.8, the best threshold of fold 1; fold 1 at 0.9, which misses its mated pair:

        >>> scores, mated = np.array([0.9, 0.2, 0.8, 0.3], np.float32), np.array([True, False, True, False])
        >>> folds = k_fold(scores, mated, np.array([0, 0, 1, 1], np.int32), n_folds=2, failed=np.zeros(4, bool))
        >>> folds.thresholds, folds.accuracy
        ((0.8, 0.9), [1.0, 0.5])
    """
    thresholds = [_chosen(scores, mated, (fold != index) & ~failed) for index in range(n_folds)]
    return _judge(scores, mated, fold, failed, thresholds)


def at_threshold(scores: Scores, mated: Flags, failed: Flags, threshold: float) -> Folds:
    """Judge all pairs as one fold at a given threshold.

    Arrays as of `k_fold`.

    Examples:
        The first comparison failed; counted as a non-match of a mated pair, it is wrong:

        >>> scores, mated = np.array([0.9, 0.2, 0.8, 0.3], np.float32), np.array([True, False, True, False])
        >>> folds = at_threshold(scores, mated, failed=np.array([True, False, False, False]), threshold=0.5)
        >>> folds.accuracy, folds.accuracy_including_failures
        ([1.0], [0.75])
    """
    return _judge(scores, mated, np.zeros(scores.size, np.int32), failed, [threshold])


def _chosen(scores: Scores, mated: Flags, train: Flags) -> float | None:
    choice = best_threshold(scores[train], mated[train])
    return None if choice is None else choice.threshold


def _judge(scores: Scores, mated: Flags, fold: NDArray[np.int32], failed: Flags, thresholds: Sequence[float | None]) -> Folds:
    n_folds = len(thresholds)
    threshold_of_pair = np.array([np.inf if threshold is None else threshold for threshold in thresholds], np.float32)[fold]
    with np.errstate(invalid="ignore"):  # of failed comparisons, which may be nan
        right = ~failed & ((scores >= threshold_of_pair) == mated)

    def count(which: Flags) -> NDArray[np.int64]:
        return np.bincount(fold[which], minlength=n_folds)

    return Folds(tuple(thresholds), right, count(right), count(~failed), count(failed & mated), count(failed & ~mated))


def spread(values: Sequence[float | None]) -> FoldSpread:
    """Return mean, standard error and sample standard deviation over folds.

    All are None if a fold has no value; the last two are None with one fold.

    Examples:
        >>> [round(value, 4) for value in spread([0.8, 1.0])]
        [0.9, 0.1, 0.1414]
    """
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return FoldSpread(None, None, None)
    if len(known) == 1:
        return FoldSpread(known[0], None, None)
    sd = float(np.std(known, ddof=1))
    return FoldSpread(float(np.mean(known)), sd / len(known) ** 0.5, sd)
