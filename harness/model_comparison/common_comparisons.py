"""The comparisons that two models both made on one data set, and which of them each got wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.comparisons.pair_counts import AllPairs
from faceparity.harness.comparisons.score_list import ListedComparisons
from faceparity.harness.comparisons.tally import I32, I64, Pairs
from faceparity.harness.groups.groupings import SampleGrouping, shares_subjects
from faceparity.harness.uncertainty.models import PairedCell, mated_cell, non_mated_cell

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class ModelEvidence:
    """One model's evidence. samples: int64, one number per sample of the evidence, the same for the same sample of the data set
    (`Templates.samples`). threshold: as a similarity."""

    name: str
    evidence: Evidence
    samples: I64
    threshold: float


class NonMatedComparisons(Protocol):
    """Which non-mated comparisons there are; group: int32 per sample."""

    total: int

    def holds(self, keys: I64) -> NDArray[np.bool_]:
        """Which of these pairs of samples were compared."""
        ...

    def by_subject(self, group: I32, g: int) -> F64:
        """M_i within a group, by subject number."""
        ...

    def of_pairs(self, group: I32, g: int, a: I32, b: I32) -> F64:
        """M_ij within a group."""
        ...

    def square_sum(self, group: I32, g: int) -> float:
        """Σ M_ij² within a group."""
        ...


class AllPairsCompared:
    """Every pair of samples of different subjects, but for those that either model left out."""

    def __init__(self, subjects: I32, left_out: I64) -> None:
        n = subjects.size
        low, high = (left_out // n).astype(np.int32), (left_out % n).astype(np.int32)
        self._subjects, self._left_out, self._low, self._high = subjects, left_out, low, high
        self._pairs = AllPairs(subjects, Pairs(low, high, np.zeros(low.size, np.float32)))
        size = np.bincount(subjects).astype(np.int64)
        self.total = int((n * n - (size**2).sum()) // 2) - int(left_out.size)

    def holds(self, keys: I64) -> NDArray[np.bool_]:
        """See Made."""
        return ~np.isin(keys, self._left_out)

    def by_subject(self, group: I32, g: int) -> F64:
        """See Made."""
        n = int(self._subjects.max(initial=-1)) + 1
        size = np.bincount(self._subjects[group == g], minlength=n)
        gone = (group[self._low] == g) & (group[self._high] == g)
        missing = [np.bincount(self._subjects[x[gone]], minlength=n) for x in (self._low, self._high)]
        return np.asarray(size * (size.sum() - size) - missing[0] - missing[1], np.float64)

    def of_pairs(self, group: I32, g: int, a: I32, b: I32) -> F64:
        """See Made."""
        return self._pairs.of_pairs(group, g, g, a, b)

    def square_sum(self, group: I32, g: int) -> float:
        """See Made."""
        return self._pairs.square_sum(group, g, g)


class ListedPairsCompared:
    """Exactly these pairs of samples."""

    def __init__(self, subjects: I32, rows: I64) -> None:
        n = subjects.size
        self._subjects, self._rows = subjects, rows
        self._a, self._b = rows // n, rows % n
        self._people = int(subjects.max(initial=-1)) + 1
        self.total = int(rows.size)

    def holds(self, keys: I64) -> NDArray[np.bool_]:
        """See Made."""
        return np.isin(keys, self._rows)

    def _inside(self, group: I32, g: int) -> tuple[I32, I32]:
        inside = (group[self._a] == g) & (group[self._b] == g)
        return self._subjects[self._a[inside]], self._subjects[self._b[inside]]

    def by_subject(self, group: I32, g: int) -> F64:
        """See Made."""
        a, b = self._inside(group, g)
        return np.bincount(np.concatenate([a, b]), minlength=self._people).astype(np.float64)

    def of_pairs(self, group: I32, g: int, a: I32, b: I32) -> F64:
        """See Made."""
        keys, counts = np.unique(_key(*self._inside(group, g), self._people), return_counts=True)
        return counts[np.searchsorted(keys, _key(a, b, self._people))].astype(np.float64)

    def square_sum(self, group: I32, g: int) -> float:
        """See Made."""
        _, counts = np.unique(_key(*self._inside(group, g), self._people), return_counts=True)
        return float((counts.astype(np.float64) ** 2).sum())


class SamePairList:
    """One list of comparisons that both models made, counted by pairs of subjects: which they were is not kept below the ledger."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.total = evidence.tally.n_non_mated

    def holds(self, keys: I64) -> NDArray[np.bool_]:
        """See Made."""
        return np.ones(keys.size, bool)

    def by_subject(self, group: I32, g: int) -> F64:
        """See Made."""
        e, mine = self._evidence, group == g
        inside = np.unique(e.cells.of_sample[mine])
        own = e.tally.comparisons[mine][:, inside].sum(axis=1)
        return np.bincount(e.subjects[mine], own.astype(np.float64), int(e.subjects.max(initial=-1)) + 1).astype(np.float64)

    def of_pairs(self, group: I32, g: int, a: I32, b: I32) -> F64:
        """See Made."""
        return self._evidence.pairs.of_pairs(group, g, g, a, b)

    def square_sum(self, group: I32, g: int) -> float:
        """See Made."""
        return self._evidence.pairs.square_sum(group, g, g)


def _is_same_list(first: ModelEvidence, second: ModelEvidence) -> bool:
    """Whether two score files hold the same comparisons, as far as counts by pairs of subjects tell."""
    a, b = first.evidence, second.evidence
    if not (
        isinstance(a.pairs, ListedComparisons)
        and isinstance(b.pairs, ListedComparisons)
        and np.array_equal(first.samples, second.samples)
    ):
        return False
    columns = [(p.low, p.high, p.count, p.subject) for p in (a.pairs, b.pairs)]
    same = [np.array_equal(x, y) for x, y in zip(*columns, strict=True)]
    return all(same) and np.array_equal(a.subjects, b.subjects) and np.array_equal(a.tally.comparisons, b.tally.comparisons)


def _key(a: NDArray[np.integer], b: NDArray[np.integer], n: int) -> I64:
    """One number for an unordered pair."""
    return np.asarray(np.minimum(a, b).astype(np.int64) * n + np.maximum(a, b), np.int64)


class CommonComparisons:
    """What two models both compared. Raises UserError where they were not run on one data set with one grouping.

    subjects, cells: int32 per common sample. made: non-mated comparisons. wrong, mated_wrong: keys of sample pairs, of each model.
    """

    def __init__(self, first: ModelEvidence, second: ModelEvidence) -> None:
        sides = (first, second)
        _check(first, second)
        keys, one, two = np.intersect1d(first.samples, second.samples, assume_unique=True, return_indices=True)
        self.n = int(keys.size)
        self.subjects: I32 = first.evidence.subjects[one]
        self.cells: I32 = first.evidence.cells.of_sample[one]
        _check_subjects(self.subjects, second.evidence.subjects[two])
        if not np.array_equal(self.cells, second.evidence.cells.of_sample[two]):
            raise UserError(
                f"{first.name} and {second.name} put the same samples into different groups: compare runs on one data set"
            )
        self.shared_subjects = shares_subjects(self.subjects, self.cells)
        self._place = [_places(s.samples, keys) for s in sides]
        self.non_mated = self._made(sides)
        self.reached = all(np.float32(s.threshold) >= np.float32(s.evidence.tally.floor) for s in sides)
        self.wrong = [self._wrong(k, s) for k, s in enumerate(sides)] if self.reached else None
        pairs = [self._common(k, s.evidence.tally.mated_pairs) for k, s in enumerate(sides)]
        self.mated = np.intersect1d(pairs[0][0], pairs[1][0])
        self.mated_wrong = [
            np.intersect1d(key[score < np.float32(s.threshold)], self.mated) for (key, score), s in zip(pairs, sides, strict=True)
        ]

    def _common(self, side: int, pairs: Pairs) -> tuple[I64, NDArray[np.float32]]:
        """Keys and scores of those pairs of which both samples are common, by rising key."""
        a, b = self._place[side][pairs.a], self._place[side][pairs.b]
        both = (a >= 0) & (b >= 0)
        key = _key(a[both], b[both], self.n)
        order = np.argsort(key, kind="stable")
        return key[order], pairs.score[both][order]

    def _made(self, sides: Sequence[ModelEvidence]) -> NonMatedComparisons:
        whole = [isinstance(s.evidence.pairs, AllPairs) for s in sides]
        if all(whole):
            left = [self._common(k, s.evidence.tally.left_out_non_mated)[0] for k, s in enumerate(sides)]
            return AllPairsCompared(self.subjects, np.union1d(left[0], left[1]))
        if any(whole):
            raise UserError(f"{sides[0].name} and {sides[1].name}: one compared all pairs, the other a list of them")
        if all(len(s.evidence.tally.ledger) == s.evidence.tally.n_non_mated for s in sides):
            one, two = (self._common(k, s.evidence.tally.ledger)[0] for k, s in enumerate(sides))
            return ListedPairsCompared(self.subjects, np.intersect1d(one, two))
        if not _is_same_list(sides[0], sides[1]):
            raise UserError(
                f"{sides[0].name} and {sides[1].name} hold different comparisons, and only the highest scores of each were kept: "
                "give both score files the same rows"
            )
        return SamePairList(sides[0].evidence)

    def _wrong(self, k: int, side: ModelEvidence) -> I64:
        ledger = side.evidence.tally.ledger
        key, _ = self._common(k, ledger.where(ledger.score >= np.float32(side.threshold)))
        return key[self.non_mated.holds(key)]

    def groups(self, grouping: SampleGrouping) -> I32:
        """int32: the group of each common sample, -1 for none."""
        return grouping.of(self.cells)

    def non_mated_by_group(self, grouping: SampleGrouping) -> list[PairedCell | None]:
        """FMR of each group; None where nothing was compared, or a threshold lies below its ledger."""
        if self.wrong is None:
            return [None] * grouping.n
        group = self.groups(grouping)
        wrong = [self._inside(keys, group) for keys in self.wrong]
        return [self._non_mated(group, g, [keys[at == g] for keys, at in wrong]) for g in range(grouping.n)]

    def _inside(self, keys: I64, group: I32) -> tuple[I64, I32]:
        """The pairs within a group, and which it is."""
        a, b = group[keys // self.n], group[keys % self.n]
        inside = (a == b) & (a >= 0)
        return keys[inside], a[inside]

    def _non_mated(self, group: I32, g: int, wrong: list[I64]) -> PairedCell | None:
        comparisons = self.non_mated.by_subject(group, g)
        ids = np.flatnonzero(comparisons).astype(np.int32)
        if not ids.size:
            return None
        people = comparisons.size
        by_pair = [_key(self.subjects[keys // self.n], self.subjects[keys % self.n], people) for keys in wrong]
        either = np.unique(np.concatenate(by_pair))
        counts = np.stack([np.bincount(np.searchsorted(either, k), minlength=either.size) for k in by_pair], axis=1)
        a, b = (either // people).astype(np.int32), (either % people).astype(np.int32)
        made = self.non_mated.of_pairs(group, g, a, b) if either.size else np.empty(0)
        return non_mated_cell(
            ids, comparisons[ids], np.searchsorted(ids, a), np.searchsorted(ids, b), made, counts.astype(np.float64),
            int(np.intersect1d(wrong[0], wrong[1]).size), self.non_mated.square_sum(group, g),
        )  # fmt: skip

    def mated_by_group(self, grouping: SampleGrouping) -> list[PairedCell | None]:
        """FNMR of each group; None without mated comparisons."""
        group = self.groups(grouping)
        made, at = self._inside(self.mated, group)
        wrong = [self._inside(keys, group) for keys in self.mated_wrong]
        out: list[PairedCell | None] = []
        for g in range(grouping.n):
            ids, trials = np.unique(self.subjects[made[at == g] // self.n], return_counts=True)
            own = [keys[of == g] for keys, of in wrong]
            by = [np.bincount(np.searchsorted(ids, self.subjects[keys // self.n]), minlength=ids.size) for keys in own]
            both = int(np.intersect1d(own[0], own[1]).size)
            counts = np.stack(by, axis=1).astype(np.float64)
            out.append(mated_cell(ids.astype(np.int32), trials.astype(np.float64), counts, both) if ids.size else None)
        return out


def _places(samples: I64, keys: I64) -> I64:
    """Of each sample its place among the common ones, -1 if it is none of them."""
    place = np.clip(np.searchsorted(keys, samples), 0, max(0, keys.size - 1))
    return np.where(keys[place] == samples, place, -1) if keys.size else np.full(samples.size, -1, np.int64)


def _check(first: ModelEvidence, second: ModelEvidence) -> None:
    """Raises UserError unless both runs divide people alike."""
    a, b = first.evidence.cells, second.evidence.cells
    if a.attributes != b.attributes or a.values != b.values or not np.array_equal(a.codes, b.codes):
        raise UserError(f"{first.name} and {second.name} were grouped by other attributes or values: run both with the same --by")


def _check_subjects(a: I32, b: I32) -> None:
    """Raises UserError unless the same samples are of the same subjects."""
    pairs = np.unique(np.stack([a, b], axis=1), axis=0)
    if not pairs.shape[0] == np.unique(a).size == np.unique(b).size:
        raise UserError("the two runs do not agree on which samples are of one subject: compare runs on one data set")
