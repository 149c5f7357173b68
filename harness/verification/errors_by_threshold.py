"""Errors by group and subject along rising thresholds: what `cell_errors` gives at one, without starting anew at each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence, sum_over_groups
from faceparity.harness.comparisons.tally import F32, I32, I64
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.error_counts import CellErrors, ErrorsByGroup

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class _GroupErrors:
    """One group's non-mated comparisons. `cell`: without errors. At position k of the thresholds: errors, pair_squares (Σ Y_ij²)
    and pair_products (Σ Y_ij M_ij), float64[T]; subject: int64[·], places in cell.ids, of the errors that are none at
    k + 1, from starts[k] to starts[k + 1]."""

    cell: CellErrors
    errors: F64
    pair_squares: F64
    pair_products: F64
    subject: I64
    starts: I64


@dataclass(frozen=True)
class RateAtThreshold:
    """A group at one threshold. counted: errors are known by subject, so the estimate has a variance; else it is a bare rate."""

    estimate: estimates.Estimate
    counted: bool = True


@dataclass(frozen=True)
class NonMated:
    """The FMR of the groups `chosen` of a grouping at each of `thresholds` (float32[T], rising)."""

    evidence: Evidence
    grouping: SampleGrouping
    thresholds: F32
    chosen: tuple[int, ...]

    def falling(self) -> Iterator[list[RateAtThreshold]]:
        """The chosen groups' estimates at each threshold, from the highest to the lowest."""
        first = first_in_ledger(self.evidence, self.thresholds)
        groups = _groups(self.evidence, self.grouping, self.thresholds, self.chosen)
        rows = [np.zeros(g.cell.ids.size) for g in groups]
        for k in range(self.thresholds.size - 1, first - 1, -1):
            out = []
            for g, row in zip(groups, rows, strict=True):
                part = g.subject[g.starts[k] : g.starts[k + 1]]
                row += np.bincount(part, minlength=row.size)
                out.append(RateAtThreshold(estimates.non_mated(_cell_at(g, k, row))))
            yield out
        for k in range(first - 1, -1, -1):
            yield self._below_ledger(k, [g.cell for g in groups])

    def _below_ledger(self, k: int, cells: list[CellErrors]) -> list[RateAtThreshold]:
        """At a threshold that was asked for before the tally errors were counted by subject; at other edges there are histograms."""
        threshold, tally = self.thresholds[k], self.evidence.tally
        if (tally.dense_thresholds == threshold).any():
            asked = ErrorsByGroup(self.evidence, self.grouping, float(threshold))
            return [RateAtThreshold(estimates.non_mated(asked.within(g))) for g in self.chosen]
        edge = int(np.searchsorted(tally.grid.edges, threshold))
        out = []
        for g, cell in zip(self.chosen, cells, strict=True):
            inside = np.flatnonzero(self.grouping.of_cell == g)
            errors = int(tally.non_mated[np.ix_(inside, inside)][:, :, edge:].sum())
            n = cell.comparisons
            p = errors / n if n else None
            reason: results.Reason | None = None if n else "zero_comparisons"
            without = np.full(cell.ids.size, p, float)
            bare = estimates.Estimate(cell.subjects, None, n, errors, p, reason=reason, ids=cell.ids, without=without)
            out.append(RateAtThreshold(bare, counted=False))
        return out


def first_in_ledger(evidence: Evidence, thresholds: F32) -> int:
    """Position of the first threshold at or above the ledger's floor."""
    return int(np.searchsorted(thresholds, np.float32(evidence.tally.floor)))


def _cell_at(g: _GroupErrors, k: int, rows: F64) -> CellErrors:
    c = g.cell
    moments = (float(g.pair_squares[k]), float(g.pair_products[k]), c.comparison_squares)
    return CellErrors(c.ids, int(g.errors[k]), c.comparisons, rows, c.row_comparisons, None, None, *moments, c.attempted)


def _groups(evidence: Evidence, grouping: SampleGrouping, thresholds: F32, chosen: tuple[int, ...]) -> list[_GroupErrors]:
    """The ledger's entries of each chosen group, by position and subject."""
    ledger, group = evidence.tally.ledger, grouping.of(evidence.cells.of_sample)
    empty = ErrorsByGroup(evidence, grouping, np.inf)
    position = np.searchsorted(thresholds, ledger.score, side="right") - 1
    mine = np.where((group[ledger.a] == group[ledger.b]) & (position >= 0), group[ledger.a], -1)
    out = []
    for g in chosen:
        entry = np.flatnonzero(mine == g)
        out.append(
            _group(evidence, group, g, empty.within(g), ledger.a[entry], ledger.b[entry], position[entry], thresholds.size)
        )
    return out


def _group(evidence: Evidence, group: I32, g: int, cell: CellErrors, a: I32, b: I32, position: I64, size: int) -> _GroupErrors:
    """a, b: samples of the group's errors; position: the highest threshold at which each is one."""
    n = int(evidence.subjects.max(initial=-1)) + 1
    low, high = np.minimum(evidence.subjects[a], evidence.subjects[b]), np.maximum(evidence.subjects[a], evidence.subjects[b])
    # By pair of subjects, and of each pair the highest scores first: the order in which they become errors.
    packed = np.sort((low.astype(np.int64) * n + high) * size + (size - 1 - position))
    keys, starts, counts = np.unique(packed // size, return_index=True, return_counts=True)
    made = evidence.pairs.of_pairs(group, g, g, (keys // max(1, n)).astype(np.int32), (keys % max(1, n)).astype(np.int32))
    at = size - 1 - packed % size
    before = np.arange(packed.size) - np.repeat(starts, counts)  # errors of the pair when this one comes: (y + 1)² - y² = 2y + 1
    by_position = np.argsort(position, kind="stable")
    subject = np.searchsorted(cell.ids, np.stack([low, high], axis=1)[by_position]).ravel()
    return _GroupErrors(
        cell,
        _above(np.bincount(at, minlength=size).astype(np.float64)),
        _above(np.asarray(np.bincount(at, 2.0 * before + 1, size), np.float64)),
        _above(np.asarray(np.bincount(at, np.repeat(made, counts), size), np.float64)),
        subject,
        2 * np.searchsorted(position[by_position], np.arange(size + 1)),
    )


def _above(at: F64) -> F64:
    """Sums from each position upwards."""
    return np.cumsum(at[::-1])[::-1]


@dataclass
class Mated:
    """The FNMR of the groups `chosen` of a grouping at each of `thresholds` (float32[T], rising)."""

    evidence: Evidence
    grouping: SampleGrouping
    thresholds: F32
    chosen: tuple[int, ...]
    _tried: I64 | None = field(init=False)

    def __post_init__(self) -> None:
        tried = self.evidence.attempted_mated
        self._tried = None if tried is None else sum_over_groups(tried, self.grouping.of_cell, self.grouping.n)

    def falling(self) -> Iterator[list[RateAtThreshold]]:
        """The chosen groups' estimates at each threshold, from the highest to the lowest."""
        pairs, size = self.evidence.tally.mated_pairs, self.thresholds.size
        group = self.grouping.of(self.evidence.cells.of_sample)
        inside = np.where(group[pairs.a] == group[pairs.b], group[pairs.a], -1)
        first = np.searchsorted(self.thresholds, pairs.score, side="right")  # an error from the first threshold above its score
        state = []
        for g in self.chosen:
            mine = inside == g
            ids, place, made = np.unique(self.evidence.subjects[pairs.a[mine]], return_inverse=True, return_counts=True)
            order = np.argsort(first[mine], kind="stable")
            starts = np.searchsorted(first[mine][order], np.arange(size + 1))
            errors = np.bincount(place[order][: starts[size]], minlength=ids.size).astype(np.float64)
            state.append((g, ids.astype(np.int32), made.astype(np.float64), place[order], starts, errors))
        for k in range(size - 1, -1, -1):
            out = []
            for g, ids, trials, place, starts, wrong in state:
                wrong -= np.bincount(place[starts[k + 1] : starts[min(k + 2, size)]], minlength=wrong.size)
                tried = None if self._tried is None else int(self._tried[g, g])
                out.append(RateAtThreshold(estimates.mated(ids, wrong, trials, tried)))
            yield out
