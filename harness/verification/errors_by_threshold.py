"""Errors by group and subject at a series of thresholds: as `error_counts` at each, but in one pass over the errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence, sum_over_groups
from faceparity.harness.comparisons.tally import I32, I64, Scores
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.error_counts import CellErrors, ErrorsByGroup
from faceparity.harness.verification.rates.estimate import Estimate

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class _GroupErrors:
    """One group's non-mated comparisons at each position of the thresholds.

    cell: the comparisons, without errors. errors, pair_squares (Σ Y_ij²), pair_products (Σ Y_ij M_ij): float64[T], by position k.
    subject: int64[·], positions in cell.ids, from starts[k] to starts[k + 1] of the errors at k that are none at k + 1.
    """

    cell: CellErrors
    errors: F64
    pair_squares: F64
    pair_products: F64
    subject: I64
    starts: I64


@dataclass(frozen=True)
class RateAtThreshold:
    """A group at one threshold. counted: errors are known by subject, so the estimate has a variance; else it is a bare rate."""

    estimate: Estimate
    counted: bool = True


@dataclass(frozen=True)
class NonMated:
    """The FMR of the groups `chosen` of a grouping at each of `thresholds` ([T], rising, in the scores' precision)."""

    evidence: Evidence
    grouping: SampleGrouping
    thresholds: Scores
    chosen: tuple[int, ...]

    def descending(self) -> Iterator[list[RateAtThreshold]]:
        """Yield the chosen groups' estimates at each threshold.

        From the highest threshold to the lowest.
        """
        first = first_in_ledger(self.evidence, self.thresholds)
        groups = _groups(self.evidence, self.grouping, self.thresholds, self.chosen)
        rows = [np.zeros(group.cell.ids.size) for group in groups]
        for position in range(self.thresholds.size - 1, first - 1, -1):
            out = []
            for group, row in zip(groups, rows, strict=True):
                part = group.subject[group.starts[position] : group.starts[position + 1]]
                row += np.bincount(part, minlength=row.size)
                out.append(RateAtThreshold(estimates.non_mated(_cell_at(group, position, row))))
            yield out
        for position in range(first - 1, -1, -1):
            yield self._below_ledger(position, [group.cell for group in groups])

    def _below_ledger(self, position: int, cells: list[CellErrors]) -> list[RateAtThreshold]:
        """Return the groups' estimates below the ledger's floor.

        At a threshold that was requested before the tally errors were counted by subject; at other edges there are only histograms.
        """
        threshold, tally = self.thresholds[position], self.evidence.tally
        if (tally.dense_thresholds == threshold).any():
            counted = ErrorsByGroup(self.evidence, self.grouping, float(threshold))
            return [RateAtThreshold(estimates.non_mated(counted.within(group))) for group in self.chosen]
        edge = int(np.searchsorted(tally.grid.edges, threshold))
        out = []
        for group, cell in zip(self.chosen, cells, strict=True):
            inside = np.flatnonzero(self.grouping.of_cell == group)
            errors = int(tally.non_mated[np.ix_(inside, inside)][:, :, edge:].sum())
            comparisons = cell.comparisons
            rate = errors / comparisons if comparisons else None
            reason: results.Reason | None = None if comparisons else "zero_comparisons"
            without = np.full(cell.ids.size, rate, float)
            bare = Estimate(cell.subjects, None, comparisons, errors, rate, reason=reason, ids=cell.ids, without=without)
            out.append(RateAtThreshold(bare, counted=False))
        return out


def first_in_ledger(evidence: Evidence, thresholds: Scores) -> int:
    """Return the first position within the ledger.

    Of the first threshold at or above the ledger's floor.
    """
    return int(np.searchsorted(thresholds, evidence.tally.grid.exact(evidence.tally.floor)))


def _cell_at(group: _GroupErrors, position: int, rows: F64) -> CellErrors:
    cell = group.cell
    moments = (float(group.pair_squares[position]), float(group.pair_products[position]), cell.comparison_squares)
    return CellErrors(
        cell.ids, int(group.errors[position]), cell.comparisons, rows, cell.row_comparisons, None, None, *moments, cell.attempted,
        complete=cell.complete,
    )  # fmt: skip


def _groups(evidence: Evidence, grouping: SampleGrouping, thresholds: Scores, chosen: tuple[int, ...]) -> list[_GroupErrors]:
    """Return the ledger's entries of each chosen group.

    By position and subject.
    """
    ledger, group = evidence.tally.ledger, grouping.of(evidence.cells.of_sample)
    empty = ErrorsByGroup(evidence, grouping, np.inf)
    position = np.searchsorted(thresholds, ledger.score, side="right") - 1
    mine = np.where((group[ledger.a] == group[ledger.b]) & (position >= 0), group[ledger.a], -1)
    out = []
    for index in chosen:
        entry = np.flatnonzero(mine == index)
        out.append(
            _group(
                evidence, group, index, empty.within(index), ledger.a[entry], ledger.b[entry], position[entry], thresholds.size
            )
        )
    return out


def _group(
    evidence: Evidence, group: I32, index: int, cell: CellErrors, first: I32, second: I32, position: I64, size: int
) -> _GroupErrors:
    """Count one group's errors by position.

    first, second: samples of the group's errors; position: the highest threshold at which each is one.
    """
    n_subjects = int(evidence.subjects.max(initial=-1)) + 1
    low, high = (
        np.minimum(evidence.subjects[first], evidence.subjects[second]),
        np.maximum(evidence.subjects[first], evidence.subjects[second]),
    )
    # By pair of subjects, and of each pair the highest scores first: the order in which they become errors.
    packed = np.sort((low.astype(np.int64) * n_subjects + high) * size + (size - 1 - position))
    keys, starts, counts = np.unique(packed // size, return_index=True, return_counts=True)
    of_pair = evidence.pairs.of_pairs(
        group, index, index, (keys // max(1, n_subjects)).astype(np.int32), (keys % max(1, n_subjects)).astype(np.int32)
    )
    at = size - 1 - packed % size
    before = np.arange(packed.size) - np.repeat(starts, counts)  # errors of the pair when this one comes: (y + 1)² - y² = 2y + 1
    by_position = np.argsort(position, kind="stable")
    subject = np.searchsorted(cell.ids, np.stack([low, high], axis=1)[by_position]).ravel()
    return _GroupErrors(
        cell,
        _above(np.bincount(at, minlength=size).astype(np.float64)),
        _above(np.asarray(np.bincount(at, 2.0 * before + 1, size), np.float64)),
        _above(np.asarray(np.bincount(at, np.repeat(of_pair, counts), size), np.float64)),
        subject,
        2 * np.searchsorted(position[by_position], np.arange(size + 1)),
    )


def _above(at: F64) -> F64:
    """Return sums from each position upwards."""
    return np.cumsum(at[::-1])[::-1]


@dataclass
class Mated:
    """The FNMR of the groups `chosen` of a grouping at each of `thresholds` ([T], rising, in the scores' precision)."""

    evidence: Evidence
    grouping: SampleGrouping
    thresholds: Scores
    chosen: tuple[int, ...]
    _attempted: I64 | None = field(init=False)

    def __post_init__(self) -> None:
        attempted = self.evidence.attempted_mated
        self._attempted = None if attempted is None else sum_over_groups(attempted, self.grouping.of_cell, self.grouping.n)

    def descending(self) -> Iterator[list[RateAtThreshold]]:
        """Yield the chosen groups' estimates at each threshold.

        From the highest threshold to the lowest.
        """
        pairs, size = self.evidence.tally.mated_pairs, self.thresholds.size
        group = self.grouping.of(self.evidence.cells.of_sample)
        inside = np.where(group[pairs.a] == group[pairs.b], group[pairs.a], -1)
        first = np.searchsorted(self.thresholds, pairs.score, side="right")  # an error from the first threshold above its score
        state = []
        for index in self.chosen:
            mine = inside == index
            ids, place, trials_of_subject = np.unique(
                self.evidence.subjects[pairs.a[mine]], return_inverse=True, return_counts=True
            )
            order = np.argsort(first[mine], kind="stable")
            starts = np.searchsorted(first[mine][order], np.arange(size + 1))
            errors = np.bincount(place[order][: starts[size]], minlength=ids.size).astype(np.float64)
            state.append((index, ids.astype(np.int32), trials_of_subject.astype(np.float64), place[order], starts, errors))
        for position in range(size - 1, -1, -1):
            out = []
            for index, ids, trials, place, starts, wrong in state:
                wrong -= np.bincount(place[starts[position + 1] : starts[min(position + 2, size)]], minlength=wrong.size)
                attempted = None if self._attempted is None else int(self._attempted[index, index])
                out.append(RateAtThreshold(estimates.mated(ids, wrong, trials, attempted)))
            yield out
