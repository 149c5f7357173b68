"""Candidate lists: of each probe the most similar others, and what follows for galleries drawn from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.comparisons.similarity import Kind, exact_scores, prepare
from faceparity.harness.comparisons.top_k import top_k
from faceparity.harness.metrics.rates import threshold_at_target
from faceparity.harness.results import Reason
from faceparity.harness.scenarios.search import random_galleries
from faceparity.harness.scenarios.search.enrolment import Enrolled, SearchTemplates, mate_pairs, not_compared
from faceparity.harness.uncertainty import intervals, variance
from faceparity.harness.verification.rates.estimate import Estimate

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]
ENTRIES = 12_000_000
"""Candidates that all lists together may hold."""
UNLISTED = 0.01
"""The share of a rate that may be missing as lists are too short; a rate less sure than that is not given."""


@dataclass(frozen=True)
class CandidateLists:
    """The searches of n probes among g people of a gallery, in H strata.

    Only probes and people with a template are here; `probes.of` gives which of the attempted probes those are.

    place: int32[n, L], rows of the gallery by falling score, -1 past the end; score: float32[n, L]; stratum: int32[n, L]. others:
    int64[n, H], people that the probe is compared with, its own person not among them; drawn: int64[n, H], how many of them a
    gallery without its person has; mated_drawn: with its person. mated: bool[n]; mate: float32[n], the score of its person, -inf
    for none; above_mate: int64[n, H], others with a score at least as high. tried_mated: bool[attempted]. same_photo: as of
    `Enrolled`. left_out: pairs of probe and gallery row that were not compared.
    """

    probes: SearchTemplates
    gallery: SearchTemplates
    kind: Kind
    place: I32
    score: F32
    stratum: I32
    gallery_stratum: I32
    others: I64
    drawn: I64
    mated_drawn: I64
    mated: Flags
    mate: F32
    above_mate: I64
    tried_mated: Flags
    same_photo: Flags
    left_out: tuple[I64, I64]
    workers: int = 1

    @property
    def n(self) -> int:
        """Return the number of probes searched."""
        return int(self.probes.of.size)

    @property
    def subjects(self) -> I32:
        """Return the subject of each probe, int32[n]."""
        return self.probes.subjects[self.probes.of]

    def above(self, threshold: float) -> I64:
        """Count the others at or above a threshold, int64[n, H].

        Searches again where a list is too short to hold them all.
        """
        limit = np.float32(threshold)
        if self.place.shape[1] and (self.score[:, -1] >= limit).any():  # more than the lists hold
            found = top_k(
                self.probes.vectors, self.gallery.vectors, 0, self.kind, leave_out=self.left_out, thresholds=[threshold],
                strata=self.gallery_stratum, workers=self.workers,
            )  # fmt: skip
            return _as_wide(found.above[:, :, 0], self.others.shape[1])
        inside = self.score >= limit
        return np.stack([(inside & (self.stratum == h)).sum(axis=1) for h in range(self.others.shape[1])], axis=1)


def make_lists(
    enrolled: Enrolled,
    stratum: I32,
    quota: I64,
    kind: Kind,
    least: int = 10,
    also: tuple[I64, I64] | None = None,
    workers: int = 1,
) -> CandidateLists:
    """Make the candidate lists of all probes.

    stratum: int32[attempted gallery], -1 for those who are in no gallery. quota: int64[H], how many of each stratum a gallery has.
    least: candidates that a list must hold. also: further pairs (probe, gallery row, as in the lists) that are not compared.
    """
    gallery = enrolled.gallery.only(inside := (stratum >= 0) & (np.append(quota, 0)[stratum] > 0))
    home = stratum[inside][gallery.of]
    probes, size = enrolled.probes, np.bincount(home, minlength=quota.size)
    quota = np.minimum(quota, size)
    mates = mate_pairs(probes, gallery)
    pairs = [mates, not_compared(probes, gallery, enrolled.never), *([] if also is None else [also])]
    left_out = np.unique(np.concatenate([np.stack(pair, axis=1) for pair in pairs]), axis=0)
    mate, mate_home = _mates(enrolled, gallery, mates, home, kind)
    share = float((quota[quota > 0] / size[quota > 0]).min(initial=1 - 1e-9))
    length = min(
        max(least, random_galleries.depth(gallery.of.size, share)), max(least, ENTRIES // max(1, probes.of.size)), gallery.of.size
    )
    found = top_k(
        probes.vectors, gallery.vectors, length, kind, leave_out=(left_out[:, 0], left_out[:, 1]), strata=home,
        own=np.where(np.isfinite(mate), mate, np.float32(np.nan)), workers=workers,
    )  # fmt: skip
    gone = np.zeros((probes.of.size, quota.size), np.int64)
    np.add.at(gone, (left_out[:, 0], home[left_out[:, 1]]), 1)
    others = size[None, :] - gone
    with_mate = np.minimum(quota[None, :] - (mate_home[:, None] == np.arange(quota.size)), others)
    listed = np.append(home, np.int32(-1))[found.place]
    return CandidateLists(
        probes, gallery, kind, found.place.astype(np.int32), found.score, listed.astype(np.int32), home, others,
        np.minimum(quota[None, :], others), np.maximum(with_mate, 0), mate_home >= 0, mate,
        _as_wide(found.above_own, quota.size), np.isin(probes.subjects, gallery.subjects) & ~enrolled.same_photo,
        enrolled.same_photo, (left_out[:, 0], left_out[:, 1]), workers,
    )  # fmt: skip


def _mates(enrolled: Enrolled, gallery: SearchTemplates, pairs: tuple[I64, I64], home: I32, kind: Kind) -> tuple[F32, I64]:
    """Return each probe's mate score and the mate's stratum.

    float32[n], -inf for none, and int64[n], -1 for none. pairs: probe and gallery row of one person.
    """
    probes = enrolled.probes
    kept = ~enrolled.same_photo[probes.of][pairs[0]]
    probe, row = pairs[0][kept], pairs[1][kept]
    score, stratum = np.full(probes.of.size, -np.inf, np.float32), np.full(probes.of.size, -1, np.int64)
    if probe.size:
        both = np.concatenate([prepare(probes.vectors, kind), prepare(gallery.vectors, kind)])
        score[probe] = exact_scores(both, probe.astype(np.int32), (row + probes.of.size).astype(np.int32), kind)
        stratum[probe] = home[row]
    return score, stratum


def _as_wide(counts: I64, strata: int) -> I64:
    """Pad counts by stratum with zeros for empty strata."""
    return np.pad(counts, ((0, 0), (0, strata - counts.shape[1])))


@dataclass(frozen=True)
class SearchOutcome:
    """The expected outcome of each probe's search, and what it would be with one person fewer.

    value: float64[n], the chance of what is counted. below: float64[n, H], the chance with one other of stratum h fewer who is not
    in the probe's list; change: [n, L], what is added to that if it is the candidate of the list. counted: bool[n], the
    searches that the rate is over; attempted: bool[attempted probes], those and the ones that failed. failures_count: a failed
    search is an error where failures count.
    """

    value: F64
    below: F64
    change: F64
    counted: Flags
    attempted: Flags
    failures_count: bool


def outcome(
    lists: CandidateLists,
    above: I64,
    chance: random_galleries.Chance,
    above_list: Flags,
    *,
    mated: bool,
    certain: Flags | None = None,
) -> SearchOutcome:
    """Return the outcome of every search, as `chance` counts it.

    chance: of the event counted, given how many of `above`, int64[n, H], are drawn. above_list: bool[n, L], which candidates of
    the list those are. mated: over the people who are in the gallery. certain: bool[n], searches in which it happens regardless.
    """
    drawn = lists.mated_drawn if mated else lists.drawn
    value = chance(lists.others, above, drawn)
    below, hit = random_galleries.without_one(chance, lists.others, above, drawn)
    change = np.where(above_list, np.take_along_axis(hit - below, np.maximum(lists.stratum, 0), axis=1), 0.0)
    if certain is not None:
        value, below = np.where(certain, 1.0, value), np.where(certain[:, None], 1.0, below)
        change = np.where(certain[:, None], 0.0, change)
    counted = lists.mated if mated else np.ones(lists.n, bool)
    attempted = lists.tried_mated if mated else np.ones(lists.probes.tried, bool)
    return SearchOutcome(value, below, change, counted, attempted, mated)


@dataclass(frozen=True)
class SearchSums:
    """Totals over the searches of some people: their number, the errors to expect, and both without each person.

    ids: int32[S], everybody who was searched or could be in a gallery; errors_without, searches_without: float64[S].
    """

    searches: int
    errors: float
    ids: I32
    errors_without: F64
    searches_without: F64


def sums(lists: CandidateLists, result: SearchOutcome, members: Flags) -> SearchSums:
    """Sum the searches and expected errors of some members.

    members: bool[attempted probes].
    """
    mine = np.flatnonzero(result.counted & members[lists.probes.of])
    subjects, enrolled = lists.subjects, lists.gallery.subjects[lists.gallery.of]
    people = int(max(subjects.max(initial=-1), enrolled.max(initial=-1))) + 1
    home = np.full(people, -1, np.int64)
    home[enrolled] = lists.gallery_stratum
    errors = float(result.value[mine].sum())
    without = np.where(home >= 0, result.below[mine].sum(axis=0)[home], errors)
    at = home[subjects[mine]]
    without -= np.bincount(subjects[mine], np.where(at >= 0, result.below[mine, at], result.value[mine]), people)
    row, column = np.nonzero(result.change[mine])
    without += np.bincount(enrolled[lists.place[mine[row], column]], result.change[mine[row], column], people)
    searches = np.bincount(subjects[mine], minlength=people)
    ids = np.union1d(subjects[mine], enrolled).astype(np.int32)
    return SearchSums(mine.size, errors, ids, without[ids], (mine.size - searches[ids]).astype(np.float64))


def estimate(lists: CandidateLists, result: SearchOutcome, members: Flags) -> Estimate:
    """Estimate the rate over the members' searches.

    members: bool[attempted probes]. The variance is the larger of the one clustered by probe subject and the jackknife over
    everybody, searched or enrolled.
    """
    mine = np.flatnonzero(result.counted & members[lists.probes.of])
    tried = int((result.attempted & members).sum())
    if not mine.size:
        reason: Reason = "no_mated_pairs" if result.failures_count else "zero_comparisons"
        return Estimate(0, None, 0, 0, None, attempted=tried, reason=reason)
    total = sums(lists, result, members)
    people, at = np.unique(lists.subjects[mine], return_inverse=True)
    wrong = np.bincount(at.reshape(-1), result.value[mine], people.size).astype(np.float64)
    trials = np.bincount(at.reshape(-1), minlength=people.size).astype(np.float64)
    rate = min(1.0, max(0.0, total.errors / mine.size))
    left = total.searches_without
    without = np.where(left > 0, total.errors_without / np.where(left > 0, left, 1), rate)
    plain = variance.cluster_variance(wrong, trials)
    failed = tried - mine.size if result.failures_count else 0
    return Estimate(
        people.size, None, mine.size, _rounded_errors(total.errors), rate, max(plain, variance.jackknife_variance(without)), plain,
        max(1.0, people.size - 1), tried, (total.errors + failed) / tried if tried else None, float((wrong / trials).mean()),
        "Wilson-t, max(clustered, jackknife) by probe and gallery subjects", ids=total.ids, without=without,
        mean_over="draws",
    )  # fmt: skip


def _rounded_errors(expected: float) -> int:
    """Round expected errors to a whole number.

    0 only below 1e-9, where there can be none; at least 1 above it.
    """
    return 0 if expected < 1e-9 else max(1, round(expected))


def share_of(part: SearchSums, total: SearchSums, df: float) -> tuple[float | None, tuple[float, float] | None]:
    """Return a part's share of all expected errors, with interval.

    The interval is by the jackknife. None where there are no errors; no interval for a share of 0 or 1.
    """
    if total.errors < 1e-9:
        return None, None
    share = min(1.0, part.errors / total.errors)
    ids = np.union1d(part.ids, total.ids)
    of_part, of_total = np.full(ids.size, part.errors), np.full(ids.size, total.errors)
    of_part[np.searchsorted(ids, part.ids)] = part.errors_without
    of_total[np.searchsorted(ids, total.ids)] = total.errors_without
    if not (of_total > 0).all() or not 0 < share < 1:
        return share, None
    spread = variance.jackknife_variance(of_part / of_total)
    return share, intervals.wilson_from_variance(share, spread, df) if spread > 0 else None


def same_person_pairs(lists: CandidateLists, same_person: float) -> tuple[I64, I64]:
    """Return the likely same-person pairs in the lists.

    Probes and gallery rows whose score is at or above `same_person`, from which two people are taken for one.
    """
    row, column = np.nonzero(lists.score >= np.float32(same_person))
    return row.astype(np.int64), lists.place[row, column].astype(np.int64)


def unlisted(first: F64, lists: CandidateLists, thresholds: NDArray[np.float32]) -> F64:
    """Bound the FPIR that short lists may miss, float64[T].

    By how much FPIR over everybody, counted from the lists, may be too low at each threshold.
    first: float64[n, L], the chance of each candidate to be the first of a gallery without the probe's person.
    """
    missing = np.maximum(0.0, 1 - first.sum(axis=1)) * (lists.place[:, -1] >= 0)
    order = np.argsort(lists.score[:, -1], kind="stable")
    beyond = np.append(np.cumsum(missing[order][::-1])[::-1], 0.0)
    return np.asarray(beyond[np.searchsorted(lists.score[order, -1], thresholds)] / lists.n)


def threshold_at_fpir(
    first: F64, lists: CandidateLists, target: float, least: int
) -> tuple[float | None, float | None, Reason | None, int | None]:
    """Find the smallest listed score at which FPIR ≤ target.

    Returns the threshold and the FPIR achieved, or the reason why there is none and how many searches it takes. first: as of
    `unlisted`. There is none either where the lists are too short to be sure (`UNLISTED`).
    """
    if lists.n * target < least:
        return None, None, "too_few_comparisons_for_target", int(np.ceil(least / target))
    listed = lists.place >= 0
    found = threshold_at_target(lists.score[listed], first[listed] / lists.n, target)
    if found is None or unlisted(first, lists, np.array([found[0]], np.float32))[0] > UNLISTED * target:
        return None, None, "target_out_of_reach", None
    return *found, None, None


def groups_of(side: SearchTemplates, of_cell: I32) -> I32:
    """Return the group of each attempted template; -1 for none."""
    return np.append(of_cell, np.int32(-1))[side.cells]
