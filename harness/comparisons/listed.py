"""Comparisons that came in a list (a score file), not from templates: the same tally, with denominators counted row by row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .cells import Cells, shares_subjects
from .evidence import F64, Evidence
from .tally import F32, I32, I64, Grid, Pairs, empty


@dataclass(frozen=True)
class Listed:
    """Exactly these non-mated comparisons were made: M_ij counted from the list. a, b: samples; subjects: per sample."""

    subjects: I32
    a: I32
    b: I32
    _found: dict[bytes, tuple[I64, I64, I64]] = field(default_factory=dict)

    def of_pairs(self, group_of_sample: I32, g: int, h: int, a: I32, b: I32) -> F64:
        """See PairCounts."""
        _, pair, counts = self._cell(group_of_sample, g, h)
        wanted = self._key(a, b, g == h)
        place = np.clip(np.searchsorted(pair, wanted), 0, max(0, pair.size - 1))
        return np.where(pair[place] == wanted, counts[place], 0).astype(np.float64) if pair.size else np.zeros(a.size)

    def square_sum(self, group_of_sample: I32, g: int, h: int) -> float:
        """See PairCounts."""
        return float((self._cell(group_of_sample, g, h)[2].astype(np.float64) ** 2).sum())

    @property
    def _n(self) -> int:
        return int(self.subjects.max(initial=-1)) + 1

    def _key(self, a: I32, b: I32, unordered: bool) -> I64:
        if unordered:
            a, b = np.minimum(a, b), np.maximum(a, b)
        return a.astype(np.int64) * self._n + b

    def _cell(self, group: I32, g: int, h: int) -> tuple[I64, I64, I64]:
        """Cell, pair key and count of the comparisons between g and h, by rising pair key."""
        cells, pairs, counts = self._all(group)
        n_groups = int(group.max(initial=-1)) + 1
        first, last = np.searchsorted(cells, [g * n_groups + h, g * n_groups + h + 1])
        return cells[first:last], pairs[first:last], counts[first:last]

    def _all(self, group: I32) -> tuple[I64, I64, I64]:
        """Of every pair of groups at once; kept, because each grouping asks many times."""
        known = group.tobytes()
        if known not in self._found:
            n_groups = int(group.max(initial=-1)) + 1
            ga, gb = group[self.a], group[self.b]
            inside = (ga >= 0) & (gb >= 0)
            ga, gb, a, b = ga[inside], gb[inside], self.subjects[self.a[inside]], self.subjects[self.b[inside]]
            swap = (ga > gb) | ((ga == gb) & (a > b))
            cell = np.minimum(ga, gb).astype(np.int64) * n_groups + np.maximum(ga, gb)
            pair = np.where(swap, b, a).astype(np.int64) * self._n + np.where(swap, a, b)
            order = np.lexsort((pair, cell))
            cell, pair = cell[order], pair[order]
            new = (
                np.flatnonzero(np.append(True, (cell[1:] != cell[:-1]) | (pair[1:] != pair[:-1])))
                if cell.size
                else np.empty(0, int)
            )
            self._found.clear()
            self._found[known] = (cell[new], pair[new], np.diff(np.append(new, cell.size)))
        return self._found[known]


def evidence_of_list(
    subjects: I32, cells: Cells, a: I32, b: I32, score: F32, failed: NDArray[np.bool_], grid: Grid, failures_supplied: bool
) -> Evidence:
    """The evidence of listed comparisons.

    subjects, cells.of_sample: per sample. a, b: samples of each row; mated if of one subject. score: where not failed.
    failed: rows whose comparison could not be made; they count as attempted. Every non-mated comparison goes into the ledger.
    """
    mated = subjects[a] == subjects[b]
    made = ~failed
    k, n = cells.n, subjects.size
    tally = empty(grid, float("-inf"), n, k, np.empty(0, np.float32))
    own, other = made & mated, made & ~mated
    ledger = Pairs.of(a[other], b[other], score[other])
    comparisons = np.bincount(a[other].astype(np.int64) * k + cells.of_sample[b[other]], minlength=n * k)
    comparisons += np.bincount(b[other].astype(np.int64) * k + cells.of_sample[a[other]], minlength=n * k)
    tally = replace(
        tally,
        non_mated=_histogram(cells, a[other], b[other], score[other], grid),
        mated=_histogram(cells, a[own], b[own], score[own], grid),
        comparisons=comparisons.reshape(n, k),
        ledger=ledger,
        mated_pairs=Pairs.of(a[own], b[own], score[own]),
    )
    return Evidence(
        tally,
        cells,
        subjects,
        Listed(subjects, a[other], b[other]),
        _by_cells(cells, a[~mated], b[~mated]) if failures_supplied else None,
        _by_cells(cells, a[mated], b[mated]) if failures_supplied else None,
        shared_subjects=shares_subjects(subjects, cells.of_sample),
    )


def _by_cells(cells: Cells, a: I32, b: I32) -> I64:
    """int64[K, K] at [lower cell, higher cell]: how many rows."""
    ca, cb = cells.of_sample[a].astype(np.int64), cells.of_sample[b].astype(np.int64)
    flat = np.bincount(np.minimum(ca, cb) * cells.n + np.maximum(ca, cb), minlength=cells.n**2)
    return flat.reshape(cells.n, cells.n)


def _histogram(cells: Cells, a: I32, b: I32, score: F32, grid: Grid) -> I64:
    """int64[K, K, bins]."""
    ca, cb = cells.of_sample[a].astype(np.int64), cells.of_sample[b].astype(np.int64)
    flat = (np.minimum(ca, cb) * cells.n + np.maximum(ca, cb)) * grid.n + grid.bin(score)
    return np.bincount(flat, minlength=cells.n**2 * grid.n).reshape(cells.n, cells.n, grid.n)
