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
from faceparity.harness.uncertainty.model_differences import PairedCell, mated_cell, non_mated_cell

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class ModelEvidence:
    """One model's evidence, and its threshold as a similarity.

    samples: int64, one number per sample of the evidence, the same for the same sample of the data set (`Templates.samples`).
    """

    name: str
    evidence: Evidence
    samples: I64
    threshold: float


class NonMatedComparisons(Protocol):
    """Which non-mated comparisons both models made.

    group: int32, the group of each sample. g: the group that is asked about. first, second: int32, the subjects of each
    pair. keys: of pairs of samples.
    """

    total: int

    def holds(self, keys: I64) -> NDArray[np.bool_]:
        """Return which of these pairs of samples were compared."""
        ...

    def by_subject(self, group: I32, g: int) -> F64:
        """Return M_i, each subject's comparisons within a group."""
        ...

    def of_pairs(self, group: I32, g: int, first: I32, second: I32) -> F64:
        """Return M_ij, the comparisons of subjects within a group."""
        ...

    def square_sum(self, group: I32, g: int) -> float:
        """Return the sum of M_ij² within a group."""
        ...


class AllPairsCompared:
    """Every pair of samples of different subjects, but for those that either model left out."""

    def __init__(self, subjects: I32, left_out: I64) -> None:
        samples = subjects.size
        low, high = (left_out // samples).astype(np.int32), (left_out % samples).astype(np.int32)
        self._subjects, self._left_out, self._low, self._high = subjects, left_out, low, high
        self._pairs = AllPairs(subjects, Pairs(low, high, np.zeros(low.size, np.float32)))
        size = np.bincount(subjects).astype(np.int64)
        self.total = int((samples * samples - (size**2).sum()) // 2) - int(left_out.size)

    def holds(self, keys: I64) -> NDArray[np.bool_]:
        """Return which of these pairs neither model left out."""
        return ~np.isin(keys, self._left_out)

    def by_subject(self, group: I32, g: int) -> F64:
        """Return M_i: all pairs, less those left out."""
        people = int(self._subjects.max(initial=-1)) + 1
        size = np.bincount(self._subjects[group == g], minlength=people)
        inside = (group[self._low] == g) & (group[self._high] == g)
        missing = [np.bincount(self._subjects[side[inside]], minlength=people) for side in (self._low, self._high)]
        return np.asarray(size * (size.sum() - size) - missing[0] - missing[1], np.float64)

    def of_pairs(self, group: I32, g: int, first: I32, second: I32) -> F64:
        """Return M_ij, the comparisons of subjects within a group."""
        return self._pairs.of_pairs(group, g, g, first, second)

    def square_sum(self, group: I32, g: int) -> float:
        """Return the sum of M_ij² within a group."""
        return self._pairs.square_sum(group, g, g)


class ListedPairsCompared:
    """Exactly the listed pairs of samples."""

    def __init__(self, subjects: I32, rows: I64) -> None:
        samples = subjects.size
        self._subjects, self._rows = subjects, rows
        self._a, self._b = rows // samples, rows % samples
        self._people = int(subjects.max(initial=-1)) + 1
        self.total = int(rows.size)

    def holds(self, keys: I64) -> NDArray[np.bool_]:
        """Return which of these pairs are in the list."""
        return np.isin(keys, self._rows)

    def _inside(self, group: I32, g: int) -> tuple[I32, I32]:
        """Return the subjects of the listed pairs within a group."""
        inside = (group[self._a] == g) & (group[self._b] == g)
        return self._subjects[self._a[inside]], self._subjects[self._b[inside]]

    def by_subject(self, group: I32, g: int) -> F64:
        """Return M_i, how often each subject is in the list."""
        first, second = self._inside(group, g)
        return np.bincount(np.concatenate([first, second]), minlength=self._people).astype(np.float64)

    def of_pairs(self, group: I32, g: int, first: I32, second: I32) -> F64:
        """Return M_ij, the listed comparisons of subjects within a group."""
        keys, counts = np.unique(_key(*self._inside(group, g), self._people), return_counts=True)
        return counts[np.searchsorted(keys, _key(first, second, self._people))].astype(np.float64)

    def square_sum(self, group: I32, g: int) -> float:
        """Return the sum of M_ij² within a group."""
        _, counts = np.unique(_key(*self._inside(group, g), self._people), return_counts=True)
        return float((counts.astype(np.float64) ** 2).sum())


class SamePairList:
    """One list of comparisons that both models made, counted by pairs of subjects.

    Which pairs of samples they were is not kept below the ledger.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.total = evidence.tally.n_non_mated

    def holds(self, keys: I64) -> NDArray[np.bool_]:
        """Return True for every pair: both models compared all."""
        return np.ones(keys.size, bool)

    def by_subject(self, group: I32, g: int) -> F64:
        """Return M_i, from the tally by sample and cell."""
        evidence, in_group = self._evidence, group == g
        inside = np.unique(evidence.cells.of_sample[in_group])
        comparisons = evidence.tally.comparisons[in_group][:, inside].sum(axis=1)
        return np.bincount(
            evidence.subjects[in_group], comparisons.astype(np.float64), int(evidence.subjects.max(initial=-1)) + 1
        ).astype(np.float64)

    def of_pairs(self, group: I32, g: int, first: I32, second: I32) -> F64:
        """Return M_ij, the comparisons of subjects within a group."""
        return self._evidence.pairs.of_pairs(group, g, g, first, second)

    def square_sum(self, group: I32, g: int) -> float:
        """Return the sum of M_ij² within a group."""
        return self._evidence.pairs.square_sum(group, g, g)


def _is_same_list(first: ModelEvidence, second: ModelEvidence) -> bool:
    """Return whether two score files hold the same comparisons.

    Only counts by pairs of subjects are known, so the answer is as good as these.
    """
    one, two = first.evidence, second.evidence
    if not (
        isinstance(one.pairs, ListedComparisons)
        and isinstance(two.pairs, ListedComparisons)
        and np.array_equal(first.samples, second.samples)
    ):
        return False
    columns = [(pairs.low, pairs.high, pairs.count, pairs.subject) for pairs in (one.pairs, two.pairs)]
    same = [np.array_equal(left, right) for left, right in zip(*columns, strict=True)]
    return (
        all(same) and np.array_equal(one.subjects, two.subjects) and np.array_equal(one.tally.comparisons, two.tally.comparisons)
    )


def _key(first: NDArray[np.integer], second: NDArray[np.integer], count: int) -> I64:
    """Return one number for each unordered pair.

    first, second: numbers below `count`.
    """
    return np.asarray(np.minimum(first, second).astype(np.int64) * count + np.maximum(first, second), np.int64)


class CommonComparisons:
    """The comparisons that two models both made, and what each got wrong.

    subjects, cells: int32 per common sample; n: how many these are. non_mated: which non-mated comparisons both made.
    wrong: of each model the keys of its false matches among them; None where a threshold lies below its ledger (then `reached` is
    False). mated: keys of the mated comparisons of both. mated_wrong: of each model the keys of its false non-matches.
    Raises UserError where the two were not run on one data set with one grouping.
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
        self._place = [_places(side.samples, keys) for side in sides]
        self.non_mated = self._made(sides)
        self.reached = all(np.float32(side.threshold) >= np.float32(side.evidence.tally.floor) for side in sides)
        self.wrong = [self._wrong(k, side) for k, side in enumerate(sides)] if self.reached else None
        pairs = [self._common(k, side.evidence.tally.mated_pairs) for k, side in enumerate(sides)]
        self.mated = np.intersect1d(pairs[0][0], pairs[1][0])
        self.mated_wrong = [
            np.intersect1d(key[score < np.float32(side.threshold)], self.mated)
            for (key, score), side in zip(pairs, sides, strict=True)
        ]

    def _common(self, side: int, pairs: Pairs) -> tuple[I64, NDArray[np.float32]]:
        """Return keys and scores of pairs of common samples.

        They are in the order of their keys. side: 0 or 1, whose pairs they are.
        """
        first, second = self._place[side][pairs.a], self._place[side][pairs.b]
        both = (first >= 0) & (second >= 0)
        key = _key(first[both], second[both], self.n)
        order = np.argsort(key, kind="stable")
        return key[order], pairs.score[both][order]

    def _made(self, sides: Sequence[ModelEvidence]) -> NonMatedComparisons:
        all_pairs = [isinstance(side.evidence.pairs, AllPairs) for side in sides]
        if all(all_pairs):
            left_out = [self._common(k, side.evidence.tally.left_out_non_mated)[0] for k, side in enumerate(sides)]
            return AllPairsCompared(self.subjects, np.union1d(left_out[0], left_out[1]))
        if any(all_pairs):
            raise UserError(f"{sides[0].name} and {sides[1].name}: one compared all pairs, the other a list of them")
        if all(len(side.evidence.tally.ledger) == side.evidence.tally.n_non_mated for side in sides):
            one, two = (self._common(k, side.evidence.tally.ledger)[0] for k, side in enumerate(sides))
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
        """Return each common sample's group: int32, -1 for none."""
        return grouping.of(self.cells)

    def non_mated_by_group(self, grouping: SampleGrouping) -> list[PairedCell | None]:
        """Return each group's paired cell of FMR.

        None where nothing was compared, or a threshold lies below its ledger.
        """
        if self.wrong is None:
            return [None] * grouping.n
        group = self.groups(grouping)
        wrong = [self._inside(keys, group) for keys in self.wrong]
        return [self._non_mated(group, g, [keys[at == g] for keys, at in wrong]) for g in range(grouping.n)]

    def _inside(self, keys: I64, group: I32) -> tuple[I64, I32]:
        """Return the pairs within a group, and each one's group."""
        first, second = group[keys // self.n], group[keys % self.n]
        inside = (first == second) & (first >= 0)
        return keys[inside], first[inside]

    def _non_mated(self, group: I32, g: int, wrong: list[I64]) -> PairedCell | None:
        comparisons = self.non_mated.by_subject(group, g)
        ids = np.flatnonzero(comparisons).astype(np.int32)
        if not ids.size:
            return None
        people = comparisons.size
        by_pair = [_key(self.subjects[keys // self.n], self.subjects[keys % self.n], people) for keys in wrong]
        either = np.unique(np.concatenate(by_pair))
        counts = np.stack(
            [np.bincount(np.searchsorted(either, pair_keys), minlength=either.size) for pair_keys in by_pair], axis=1
        )
        first, second = (either // people).astype(np.int32), (either % people).astype(np.int32)
        compared = self.non_mated.of_pairs(group, g, first, second) if either.size else np.empty(0)
        return non_mated_cell(
            ids, comparisons[ids], np.searchsorted(ids, first), np.searchsorted(ids, second), compared, counts.astype(np.float64),
            int(np.intersect1d(wrong[0], wrong[1]).size), self.non_mated.square_sum(group, g),
        )  # fmt: skip

    def mated_by_group(self, grouping: SampleGrouping) -> list[PairedCell | None]:
        """Return each group's paired cell of FNMR.

        None without mated comparisons.
        """
        group = self.groups(grouping)
        compared, at = self._inside(self.mated, group)
        wrong = [self._inside(keys, group) for keys in self.mated_wrong]
        cells: list[PairedCell | None] = []
        for g in range(grouping.n):
            ids, trials = np.unique(self.subjects[compared[at == g] // self.n], return_counts=True)
            own_wrong = [keys[of == g] for keys, of in wrong]
            by = [np.bincount(np.searchsorted(ids, self.subjects[keys // self.n]), minlength=ids.size) for keys in own_wrong]
            both = int(np.intersect1d(own_wrong[0], own_wrong[1]).size)
            counts = np.stack(by, axis=1).astype(np.float64)
            cells.append(mated_cell(ids.astype(np.int32), trials.astype(np.float64), counts, both) if ids.size else None)
        return cells


def _places(samples: I64, keys: I64) -> I64:
    """Return each sample's place among the common ones.

    int64; -1 for a sample that is none of them.
    """
    place = np.clip(np.searchsorted(keys, samples), 0, max(0, keys.size - 1))
    return np.where(keys[place] == samples, place, -1) if keys.size else np.full(samples.size, -1, np.int64)


def _check(first: ModelEvidence, second: ModelEvidence) -> None:
    """Raise UserError unless both runs divide people alike."""
    one, two = first.evidence.cells, second.evidence.cells
    if one.attributes != two.attributes or one.values != two.values or not np.array_equal(one.codes, two.codes):
        raise UserError(f"{first.name} and {second.name} were grouped by other attributes or values: run both with the same --by")


def _check_subjects(first: I32, second: I32) -> None:
    """Raise UserError unless the same samples have the same subjects."""
    pairs = np.unique(np.stack([first, second], axis=1), axis=0)
    if not pairs.shape[0] == np.unique(first).size == np.unique(second).size:
        raise UserError("the two runs do not agree on which samples are of one subject: compare runs on one data set")
