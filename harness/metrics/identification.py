"""Error rates of open-set identification (1:N): a probe is searched in a gallery that may or may not hold its subject.

`search` reduces a block of comparison scores (searches × gallery) to the outcome of each search; `join_searches` joins blocks, so a
gallery of any size needs no more memory than a block. A candidate is a gallery entry with a score ≥ threshold. Scores are
similarities; nan is a comparison that was not made, because the probe or the gallery entry has no template. In every `WithFailures`
failed searches are left out of one reading, and in the other they return nothing: no false positive, and no mate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .rates import WithFailures, threshold_at_target

Scores = NDArray[np.floating]
People = NDArray[np.integer]
Flags = NDArray[np.bool_]
LEAST_EXPECTED_ERRORS = 10


class SearchRanks(NamedTuple):
    """The outcome of each of n searches.

    mated: bool[n], its subject is in the gallery. failed: bool[n], of a mated search neither the mate nor any other gallery entry
    of the subject was compared; of a non-mated search, no entry was. top: [n], the highest score of a non-mate, -inf for none.
    mate: [n], the score of the subject's best gallery entry, -inf for none. rank: int64[n], the mate's place in the list of
    candidates, 1 + the non-mates with a score at least as high (a tie counts against the mate); 0 for none.
    """

    mated: Flags
    failed: Flags
    top: Scores
    mate: Scores
    rank: NDArray[np.int64]


def search(score: Scores, probes: People, gallery: People) -> SearchRanks:
    """Return the outcome of each search of a block.

    score: float[n, g], nan where not compared. probes: int[n], gallery: int[g], the subject of each.

    Examples:
        Subject 1 is in the gallery, subject 3 is not:

        >>> searches = search(np.array([[0.9, 0.4], [0.3, 0.6]]), probes=np.array([1, 3]), gallery=np.array([1, 2]))
        >>> searches.mated.tolist(), searches.mate.tolist(), searches.rank.tolist(), searches.top.tolist()
        ([True, False], [0.9, -inf], [1, 0], [0.4, 0.6])
    """
    same_subject = probes[:, None] == gallery[None, :]
    compared = ~np.isnan(score)
    lowest = score.dtype.type(-np.inf)
    others = np.where(compared & ~same_subject, score, lowest)
    mated, found = same_subject.any(axis=1), (same_subject & compared).any(axis=1)
    mate = np.where(same_subject & compared, score, lowest).max(axis=1, initial=lowest)
    rank = 1 + ((score >= mate[:, None]) & compared & ~same_subject).sum(axis=1, dtype=np.int64)
    failed = np.where(mated, ~found, ~compared.any(axis=1))
    return SearchRanks(mated, failed, others.max(axis=1, initial=lowest), mate, np.where(found, rank, 0))


def join_searches(blocks: Sequence[SearchRanks]) -> SearchRanks:
    """Return the searches of several blocks, in their order.

    There must be a block.

    Examples:
        >>> searches = search(np.array([[0.9, 0.4], [0.3, 0.6]]), probes=np.array([1, 3]), gallery=np.array([1, 2]))
        >>> join_searches([searches, searches]).rank.tolist()
        [1, 0, 1, 0]
    """
    return SearchRanks(*(np.concatenate(column) for column in zip(*blocks, strict=True)))


def false_positives(searches: SearchRanks, threshold: float) -> Flags:
    """Return which searches are false positives, bool[n].

    Non-mated searches, failed ones apart, with a candidate: a score ≥ threshold.

    Examples:
        >>> searches = search(np.array([[0.9, 0.4], [0.3, 0.6]]), probes=np.array([1, 3]), gallery=np.array([1, 2]))
        >>> false_positives(searches, 0.6).tolist()
        [False, True]
    """
    return ~searches.mated & ~searches.failed & (searches.top >= _like(searches.top, threshold))


def misses(searches: SearchRanks, threshold: float = -math.inf, rank: int | None = None) -> Flags:
    """Return which searches miss their mate, bool[n].

    Mated searches, failed ones apart, whose mate scores below the threshold, or lies beyond `rank` (None: any rank).

    Examples:
        >>> searches = search(np.array([[0.9, 0.4], [0.3, 0.6]]), probes=np.array([1, 3]), gallery=np.array([1, 2]))
        >>> misses(searches, threshold=0.9).tolist(), misses(searches, threshold=0.95).tolist()
        ([False, False], [True, False])
    """
    missed = searches.mate < _like(searches.mate, threshold)
    if rank is not None:
        missed = missed | (searches.rank > rank)
    return searches.mated & ~searches.failed & missed


def fpir(searches: SearchRanks, threshold: float) -> WithFailures:
    """Return FPIR(N, T): non-mated searches with a candidate, a share.

    None without such searches.

    Examples:
        The gallery holds subject 1; of the searches of subjects 2 to 5 one returns a candidate and one failed:

        >>> searches = search(np.array([[0.7], [0.3], [np.nan], [0.1]]), probes=np.array([2, 3, 4, 5]), gallery=np.array([1]))
        >>> rate = fpir(searches, threshold=0.5)
        >>> round(rate.excluding, 3), rate.including
        (0.333, 0.25)
    """
    errors, succeeded, attempted = _counts(searches, ~searches.mated, false_positives(searches, threshold))
    return WithFailures(errors / succeeded if succeeded else None, errors / attempted if attempted else None)


def fnir(searches: SearchRanks, threshold: float = -math.inf, rank: int | None = None) -> WithFailures:
    """Return FNIR(N, R, T): mated searches that miss, a share.

    A search misses if its mate scores below the threshold or lies beyond rank R (None: any rank). None without mated searches.

    Examples:
        Subject 1 is searched twice; the second time its mate was not compared:

        >>> searches = search(np.array([[0.9, 0.4], [np.nan, 0.6]]), probes=np.array([1, 1]), gallery=np.array([1, 2]))
        >>> fnir(searches, threshold=0.5)
        WithFailures(excluding=0.0, including=0.5)
    """
    errors, succeeded, attempted = _counts(searches, searches.mated, misses(searches, threshold, rank))
    return WithFailures(
        errors / succeeded if succeeded else None, (errors + attempted - succeeded) / attempted if attempted else None
    )


def hit_rates(searches: SearchRanks, ranks: Sequence[int]) -> list[WithFailures]:
    """Return the cumulative match characteristic at some ranks.

    The share of mated searches whose mate is among the first `rank`, at any score.

    Examples:
        The mate of the first search has rank 1, that of the second rank 2:

        >>> searches = search(np.array([[0.9, 0.4], [0.5, 0.6]]), probes=np.array([1, 1]), gallery=np.array([1, 2]))
        >>> [rate.excluding for rate in hit_rates(searches, [1, 2])]
        [0.5, 1.0]
    """
    missed = [fnir(searches, rank=rank) for rank in ranks]
    return [WithFailures(*(None if rate is None else 1 - rate for rate in rates)) for rates in missed]


def candidates(score: Scores, probes: People, gallery: People, thresholds: Sequence[float]) -> NDArray[np.int64]:
    """Count non-mates of each search at or above each threshold.

    Returns int64[n, thresholds]. Other arguments as of `search`.

    Examples:
        >>> candidates(np.array([[0.9, 0.4], [0.3, 0.6]]), np.array([1, 3]), np.array([1, 2]), thresholds=[0.3, 0.5]).tolist()
        [[1, 0], [2, 1]]
    """
    others = np.where(probes[:, None] == gallery[None, :], score.dtype.type(np.nan), score)
    found = [(others >= _like(score, threshold)).sum(axis=1, dtype=np.int64) for threshold in thresholds]
    return np.stack(found, axis=1) if found else np.empty((score.shape[0], 0), np.int64)


def selectivity(searches: SearchRanks, found: NDArray[np.integer]) -> WithFailures:
    """Return SEL(N, T), the mean candidates of a non-mated search.

    May exceed 1; None without such searches. found: int[n], candidates of each search at T.

    Examples:
        >>> searches = search(np.array([[0.9, 0.4], [0.3, 0.6]]), probes=np.array([1, 3]), gallery=np.array([1, 2]))
        >>> selectivity(searches, found=np.array([1, 2]))
        WithFailures(excluding=2.0, including=2.0)
    """
    total, succeeded, attempted = _counts(searches, ~searches.mated, found)
    return WithFailures(total / succeeded if succeeded else None, total / attempted if attempted else None)


class TargetThreshold(NamedTuple):
    """A threshold and the FPIR achieved there, or why there is none.

    Without a threshold `reason` says why; needs: the non-mated searches with which there would be one, where there are too few.
    """

    threshold: float | None
    achieved: float | None
    reason: Literal["too_few_comparisons_for_target", "target_out_of_reach"] | None = None
    needs: int | None = None


def threshold_at_fpir(searches: SearchRanks, target: float, least: int = LEAST_EXPECTED_ERRORS) -> TargetThreshold:
    """Return the threshold for a target FPIR, failures left out.

    The smallest observed top non-mate score of a non-mated search at which FPIR is at most `target`, 0 < target < 1. Ties count
    together; nothing is interpolated. Refused where fewer than `least` errors are expected.

    Examples:
        >>> searches = search(np.array([[0.1], [0.2], [0.3], [0.4]]), probes=np.array([2, 3, 4, 5]), gallery=np.array([1]))
        >>> threshold_at_fpir(searches, target=0.25, least=1)
        TargetThreshold(threshold=0.4, achieved=0.25, reason=None, needs=None)
        >>> threshold_at_fpir(searches, target=0.25).needs
        40
    """
    top = searches.top[~searches.mated & ~searches.failed]
    if top.size * target < least:
        return TargetThreshold(None, None, "too_few_comparisons_for_target", math.ceil(least / target))
    found = threshold_at_target(top, np.full(top.size, 1 / top.size), target)
    if found is None or not math.isfinite(found[0]):
        return TargetThreshold(None, None, "target_out_of_reach")
    return TargetThreshold(found[0], float((top >= _like(top, found[0])).mean()))


def _counts(searches: SearchRanks, which: Flags, errors: NDArray[np.generic]) -> tuple[int, int, int]:
    """Count errors, searches that succeeded and searches attempted.

    All among `which`; errors only of searches that succeeded.
    """
    succeeded = which & ~searches.failed
    return int(np.asarray(errors)[succeeded].sum()), int(succeeded.sum()), int(which.sum())


def _like(scores: Scores, threshold: float) -> np.floating:
    """Return the threshold in the precision of the scores.

    So one typed as it was printed equals the score that it was taken from.
    """
    rounded: np.floating = scores.dtype.type(threshold)
    return rounded
