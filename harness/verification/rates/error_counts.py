"""Errors at one threshold, by group and subject: the counts that a variance is computed from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.comparisons.evidence import Evidence, sum_over_groups
from faceparity.harness.comparisons.tally import I32, Pairs, Scores
from faceparity.harness.groups.groupings import SampleGrouping

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class CellErrors:
    """Non-mated comparisons of one group, or between two, at one threshold.

    ids: int32, the subjects of the (first) group that were compared. rows, row_comparisons: float64, their errors and
    comparisons. ids_b, columns, column_comparisons: likewise of the second group, None within one group.
    pair_squares, pair_products, comparison_squares: Σ Y_ij², Σ Y_ij M_ij, Σ M_ij².
    attempted: comparisons if no extraction had failed, None if unknown. complete: nearly all pairs of the group were compared.
    """

    ids: I32
    errors: int
    comparisons: int
    rows: F64
    row_comparisons: F64
    columns: F64 | None
    column_comparisons: F64 | None
    pair_squares: float
    pair_products: float
    comparison_squares: float
    attempted: int | None
    ids_b: I32 | None = None
    complete: bool = False

    @property
    def subjects(self) -> int:
        """Return the number of compared subjects of the (first) group."""
        return int(self.ids.size)

    @property
    def subjects_b(self) -> int | None:
        """Return the number of compared subjects of the second group.

        None within one group.
        """
        return None if self.column_comparisons is None else int(self.column_comparisons.size)


class ErrorsByGroup:
    """All cells of one grouping at one threshold."""

    def __init__(self, evidence: Evidence, grouping: SampleGrouping, threshold: float) -> None:
        tally = evidence.tally
        self._evidence, self._grouping = evidence, grouping
        self._group = grouping.of(evidence.cells.of_sample)
        one_hot = np.eye(grouping.n + 1, dtype=np.int64)[grouping.of_cell][:, : grouping.n]
        self._comparisons = tally.comparisons @ one_hot
        self._dense: NDArray[np.int64] | None = None
        self._pairs: dict[tuple[int, int], tuple[I32, I32]] = {}
        exact = tally.grid.exact
        if exact(threshold) < exact(tally.floor):
            self._dense = tally.dense_errors[_dense_index(tally.dense_thresholds, threshold)] @ one_hot
        else:
            self._pairs = self._sort(tally.ledger.where(tally.ledger.score >= exact(threshold)))
        attempted = evidence.attempted_non_mated
        self._attempted = None if attempted is None else sum_over_groups(attempted, grouping.of_cell, grouping.n)

    def _sort(self, errors: Pairs) -> dict[tuple[int, int], tuple[I32, I32]]:
        """Sort errors by pair of groups g ≤ h.

        As subjects of g and of h.
        """
        ga, gb = self._group[errors.a], self._group[errors.b]
        known = (ga >= 0) & (gb >= 0)
        first, second, ga, gb = errors.a[known], errors.b[known], ga[known], gb[known]
        swap = ga > gb
        first, second = np.where(swap, second, first), np.where(swap, first, second)
        low, high = np.minimum(ga, gb).astype(np.int64), np.maximum(ga, gb)
        key = low * self._grouping.n + high
        order = np.argsort(key, kind="stable")
        keys, starts = np.unique(key[order], return_index=True)
        subjects = self._evidence.subjects
        parts = zip(keys, np.split(order, starts[1:]), strict=True) if keys.size else ()
        return {divmod(int(code), self._grouping.n): (subjects[first[part]], subjects[second[part]]) for code, part in parts}

    def within(self, g: int) -> CellErrors:
        """Return the comparisons inside group g."""
        mine = self._group == g
        ids, total = self._by_subject(mine, self._comparisons[:, g])
        comparisons = int(total.sum()) // 2
        complete = self._evidence.pairs.complete(self._group, g)
        if self._dense is not None:
            rows = self._rows(mine, ids, self._dense[:, g])
            dense = self._dense_cell(g, g, ids, rows, total, None, None, int(rows.sum()) // 2, comparisons)
            return replace(dense, complete=complete)
        first, second = self._pairs.get((g, g), (np.empty(0, np.int32),) * 2)
        rows = np.bincount(np.concatenate([first, second]), minlength=self._n_subjects)[ids].astype(np.float64)
        return CellErrors(
            ids,
            first.size,
            comparisons,
            rows,
            total,
            None,
            None,
            *self._moments(g, g, np.minimum(first, second), np.maximum(first, second)),
            self._attempted_between(g, g),
            complete=complete,
        )

    def cross(self, g: int, h: int) -> CellErrors:
        """Return the comparisons between groups g < h."""
        ids, total = self._by_subject(self._group == g, self._comparisons[:, h])
        ids_b, total_b = self._by_subject(self._group == h, self._comparisons[:, g])
        comparisons = int(total.sum())
        if self._dense is not None:
            rows = self._rows(self._group == g, ids, self._dense[:, h])
            columns = self._rows(self._group == h, ids_b, self._dense[:, g])
            return replace(self._dense_cell(g, h, ids, rows, total, columns, total_b, int(rows.sum()), comparisons), ids_b=ids_b)
        first, second = self._pairs.get((g, h), (np.empty(0, np.int32),) * 2)
        rows = np.bincount(first, minlength=self._n_subjects)[ids].astype(np.float64)
        columns = np.bincount(second, minlength=self._n_subjects)[ids_b].astype(np.float64)
        return CellErrors(
            ids,
            first.size,
            comparisons,
            rows,
            total,
            columns,
            total_b,
            *self._moments(g, h, first, second),
            self._attempted_between(g, h),
            ids_b,
        )

    @property
    def _n_subjects(self) -> int:
        return int(self._evidence.subjects.max(initial=-1)) + 1

    def _attempted_between(self, g: int, h: int) -> int | None:
        return None if self._attempted is None else int(self._attempted[g, h])

    def _by_subject(self, mine: NDArray[np.bool_], per_sample: NDArray[np.int64]) -> tuple[I32, F64]:
        """Return subjects with any comparison, and the number of each."""
        total = np.bincount(self._evidence.subjects[mine], weights=per_sample[mine], minlength=self._n_subjects)
        ids = np.flatnonzero(total).astype(np.int32)
        return ids, total[ids].astype(np.float64)

    def _rows(self, mine: NDArray[np.bool_], ids: I32, per_sample: NDArray[np.int64]) -> F64:
        total = np.bincount(self._evidence.subjects[mine], weights=per_sample[mine], minlength=self._n_subjects)
        return total[ids].astype(np.float64)

    def _moments(self, g: int, h: int, first: I32, second: I32) -> tuple[float, float, float]:
        """Return Σ Y_ij², Σ Y_ij M_ij and Σ M_ij².

        first, second: the subjects of each error.
        """
        squares = self._evidence.pairs.square_sum(self._group, g, h)
        if not first.size:
            return 0.0, 0.0, squares
        key, errors = np.unique(first.astype(np.int64) * self._n_subjects + second, return_counts=True)
        comparisons = self._evidence.pairs.of_pairs(
            self._group, g, h, (key // self._n_subjects).astype(np.int32), (key % self._n_subjects).astype(np.int32)
        )
        return float((errors.astype(np.float64) ** 2).sum()), float(errors @ comparisons), squares

    def _dense_cell(
        self,
        g: int,
        h: int,
        ids: I32,
        rows: F64,
        total: F64,
        columns: F64 | None,
        total_b: F64 | None,
        errors: int,
        comparisons: int,
    ) -> CellErrors:
        """Return the comparisons of a cell below the ledger's floor.

        There errors are not kept pair by pair: Σ Y_ij² ≥ Σ Y_ij and Σ Y_ij M_ij ≤ Y max M_ij give an upper bound of the variance, exact
        with one sample a subject.
        """
        largest = np.bincount(self._evidence.subjects[(self._group == g) | (self._group == h)]).max(initial=1)
        squares = self._evidence.pairs.square_sum(self._group, g, h)
        return CellErrors(
            ids,
            errors,
            comparisons,
            rows,
            total,
            columns,
            total_b,
            float(errors),
            float(errors) * float(largest) ** 2,
            squares,
            self._attempted_between(g, h),
        )


def _dense_index(thresholds: Scores, threshold: float) -> int:
    """Return the position of a threshold among the dense ones.

    Raises KeyError if the tally was not asked for it.
    """
    found = np.flatnonzero(thresholds == np.asarray(threshold, thresholds.dtype))
    if not found.size:
        raise KeyError(f"threshold {threshold} lies below the ledger's floor and was not counted")
    return int(found[0])
