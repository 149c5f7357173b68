"""Error rates of open-set identification (1:N): a probe is searched in a gallery that may or may not hold its subject.

From a block of comparison scores (searches × gallery) `search` takes what each search came to; blocks join with `joined`, so a
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
    """What each of n searches came to.

    mated: bool[n], its subject is in the gallery. failed: bool[n], of a mated search neither the mate nor any other gallery entry
    of the subject was compared; of a non-mated search, nobody was. top: [n], the highest score of a non-mate, -inf for none.
    mate: [n], the score of the subject's best gallery entry, -inf for none. rank: int64[n], the mate's place in the list of
    candidates, 1 + the non-mates with a score at least as high (a tie counts against the mate); 0 for none.
    """

    mated: Flags
    failed: Flags
    top: Scores
    mate: Scores
    rank: NDArray[np.int64]


def search(score: Scores, probes: People, gallery: People) -> SearchRanks:
    """The outcome of each row of a block of searches.

    score: float[n, g], nan where not compared. probes: int[n], gallery: int[g], whose each is.
    """
    own = probes[:, None] == gallery[None, :]
    made = ~np.isnan(score)
    low = score.dtype.type(-np.inf)
    others = np.where(made & ~own, score, low)
    mated, found = own.any(axis=1), (own & made).any(axis=1)
    mate = np.where(own & made, score, low).max(axis=1, initial=low)
    rank = 1 + ((score >= mate[:, None]) & made & ~own).sum(axis=1, dtype=np.int64)
    failed = np.where(mated, ~found, ~made.any(axis=1))
    return SearchRanks(mated, failed, others.max(axis=1, initial=low), mate, np.where(found, rank, 0))


def joined(blocks: Sequence[SearchRanks]) -> SearchRanks:
    """The searches of several blocks, in their order. At least one block."""
    return SearchRanks(*(np.concatenate(column) for column in zip(*blocks, strict=True)))


def false_positives(searches: SearchRanks, threshold: float) -> Flags:
    """bool[n]: non-mated searches with a candidate."""
    return ~searches.mated & ~searches.failed & (searches.top >= _like(searches.top, threshold))


def misses(searches: SearchRanks, threshold: float = -math.inf, rank: int | None = None) -> Flags:
    """bool[n]: mated searches, failed ones apart, whose mate scores below the threshold, or lies beyond `rank` (None: any rank)."""
    missed = searches.mate < _like(searches.mate, threshold)
    if rank is not None:
        missed = missed | (searches.rank > rank)
    return searches.mated & ~searches.failed & missed


def fpir(searches: SearchRanks, threshold: float) -> WithFailures:
    """FPIR(N, T): share of non-mated searches with at least one candidate. None without searches."""
    errors, made, attempted = _counts(searches, ~searches.mated, false_positives(searches, threshold))
    return WithFailures(errors / made if made else None, errors / attempted if attempted else None)


def fnir(searches: SearchRanks, threshold: float = -math.inf, rank: int | None = None) -> WithFailures:
    """FNIR(N, R, T): share of mated searches whose mate is below the threshold or beyond rank R (None: any). None without searches."""
    errors, made, attempted = _counts(searches, searches.mated, misses(searches, threshold, rank))
    return WithFailures(errors / made if made else None, (errors + attempted - made) / attempted if attempted else None)


def hit_rates(searches: SearchRanks, ranks: Sequence[int]) -> list[WithFailures]:
    """The cumulative match characteristic: share of mated searches whose mate is among the first `rank`, whatever its score."""
    missed = [fnir(searches, rank=rank) for rank in ranks]
    return [WithFailures(*(None if x is None else 1 - x for x in both)) for both in missed]


def candidates(score: Scores, probes: People, gallery: People, thresholds: Sequence[float]) -> NDArray[np.int64]:
    """int64[n, thresholds]: how many non-mates of each search are at or above each threshold. Other arguments as of `search`."""
    others = np.where(probes[:, None] == gallery[None, :], score.dtype.type(np.nan), score)
    found = [(others >= _like(score, t)).sum(axis=1, dtype=np.int64) for t in thresholds]
    return np.stack(found, axis=1) if found else np.empty((score.shape[0], 0), np.int64)


def selectivity(searches: SearchRanks, found: NDArray[np.integer]) -> WithFailures:
    """SEL(N, T): mean number of candidates of a non-mated search; may exceed 1. found: int[n], candidates of each search at T."""
    total, made, attempted = _counts(searches, ~searches.mated, found)
    return WithFailures(total / made if made else None, total / attempted if attempted else None)


class TargetThreshold(NamedTuple):
    """A threshold and the FPIR achieved there; or None, why, and with how many non-mated searches there would be one."""

    threshold: float | None
    achieved: float | None
    reason: Literal["too_few_comparisons_for_target", "target_out_of_reach"] | None = None
    needs: int | None = None


def threshold_at_fpir(searches: SearchRanks, target: float, least: int = LEAST_EXPECTED_ERRORS) -> TargetThreshold:
    """The smallest observed top non-mate score of a non-mated search at which FPIR, failures left out, is at most `target`.

    Ties count together; nothing is interpolated. Refused where fewer than `least` errors are expected. target: 0 < target < 1.
    """
    top = searches.top[~searches.mated & ~searches.failed]
    if top.size * target < least:
        return TargetThreshold(None, None, "too_few_comparisons_for_target", math.ceil(least / target))
    found = threshold_at_target(top, np.full(top.size, 1 / top.size), target)
    if found is None or not math.isfinite(found[0]):
        return TargetThreshold(None, None, "target_out_of_reach")
    return TargetThreshold(found[0], float((top >= _like(top, found[0])).mean()))


def _counts(searches: SearchRanks, which: Flags, errors: NDArray[np.generic]) -> tuple[int, int, int]:
    """Errors, searches made, and searches attempted, among `which`."""
    made = which & ~searches.failed
    return int(np.asarray(errors)[made].sum()), int(made.sum()), int(which.sum())


def _like(scores: Scores, threshold: float) -> np.floating:
    """The threshold in the scores' precision, so that one typed as it was printed equals the score it was taken from."""
    rounded: np.floating = scores.dtype.type(threshold)
    return rounded
