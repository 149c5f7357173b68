"""Comparisons that came in a list (a score file), not from templates: the same tally, with denominators counted row by row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.compiled import njit
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.comparisons.pair_counts import F64
from faceparity.harness.comparisons.tally import F32, I32, I64, Pairs, ScoreBins, Tally, empty
from faceparity.harness.groups.groupings import Cells, shares_subjects


@dataclass(frozen=True)
class ScoreRows:
    """Comparisons as listed. a, b: samples; score: similarity, nan where the comparison failed; subjects: per sample."""

    subjects: I32
    a: I32
    b: I32
    score: F32


@dataclass(frozen=True)
class ListedComparisons:
    """Exactly these non-mated comparisons were made: M_ij counted from the list.

    A unit is a subject in a cell, units are numbered by subject. low, high, count: int32[entries], the comparisons of two units,
    the lower subject's first, by rising subjects: each grouping takes one pass over them, and no further sorting.
    starts: int64[subjects + 1], where the entries of each lower subject begin. subject, sample: int32[units], whose the unit is,
    and one of its samples.
    """

    low: I32
    high: I32
    count: I32
    starts: I64
    subject: I32
    sample: I32
    _squares: dict[bytes, I64] = field(default_factory=dict)

    @staticmethod
    def of(rows: ScoreRows, cells: Cells) -> ListedComparisons:
        """Count the non-mated comparisons that did not fail."""
        people = int(rows.subjects.max(initial=-1)) + 1
        place = rows.subjects.astype(np.int64) * cells.n + cells.of_sample
        units, sample, unit = np.unique(place, return_index=True, return_inverse=True)
        subject = (units // cells.n).astype(np.int32)
        first = np.searchsorted(subject, np.arange(people + 1))
        ordinal = np.arange(units.size) - first[subject]
        width = int(ordinal.max(initial=0)) + 1
        if people**2 * width**2 >= 2**63:
            raise ValueError(f"{people} subjects in up to {width} groups each: their pairs cannot be numbered")
        keys = _pair_keys(rows.a, rows.b, rows.score, rows.subjects, ordinal[unit.reshape(-1)].astype(np.int32), people, width)
        keys.sort()
        low, high, count = _entries(keys, people, width, first)
        starts = np.searchsorted(subject[low], np.arange(people + 1))
        return ListedComparisons(low, high, count, starts, subject, sample.astype(np.int32))

    def of_pairs(self, group_of_sample: I32, g: int, h: int, a: I32, b: I32) -> F64:
        """See PairCounts."""
        out = np.zeros(a.size)
        entries = (self.low, self.high, self.count, self.starts, self.subject)
        _look_up(*entries, group_of_sample[self.sample], g, h, np.asarray(a, np.int32), np.asarray(b, np.int32), out)
        return out

    def square_sum(self, group_of_sample: I32, g: int, h: int) -> float:
        """See PairCounts."""
        group = group_of_sample[self.sample].astype(np.int32)
        known = blake2b(group.tobytes()).digest()
        if known not in self._squares:
            n = int(group.max(initial=-1)) + 1
            self._squares[known] = np.zeros((n, n), np.int64)
            _square_sums(self.low, self.high, self.count, self.subject, group, self._squares[known])
        table = self._squares[known]
        return float(table[min(g, h), max(g, h)]) if max(g, h) < table.shape[0] else 0.0

    def n_inside(self, group_of_sample: I32) -> int:
        """How many entries `inside` gives."""
        return int(_count_inside(self.low, self.high, group_of_sample[self.sample].astype(np.int32)))

    def inside(self, group_of_sample: I32) -> tuple[I32, I32, I32, I32]:
        """Comparisons within a group: lower and higher subject, group, and how many; all int32[·]."""
        group = group_of_sample[self.sample].astype(np.int32)
        out = np.empty((4, _count_inside(self.low, self.high, group)), np.int32)
        _fill_inside(self.low, self.high, self.count, self.subject, group, out)
        return out[0], out[1], out[2], out[3]


@njit()
def _count_inside(low: I32, high: I32, group: I32) -> int:
    n = 0
    for k in range(low.size):
        if group[low[k]] == group[high[k]] and group[low[k]] >= 0:
            n += 1
    return n


@njit()
def _fill_inside(low: I32, high: I32, count: I32, subject: I32, group: I32, out: I32) -> None:
    n = 0
    for k in range(low.size):
        if group[low[k]] == group[high[k]] and group[low[k]] >= 0:
            out[0, n], out[1, n] = subject[low[k]], subject[high[k]]
            out[2, n], out[3, n] = group[low[k]], count[k]
            n += 1


@njit()
def _pair_keys(a: I32, b: I32, score: F32, subjects: I32, ordinal: I32, people: int, width: int) -> I64:
    """One number for the subjects and cells of each row that counts; the lower subject first."""
    n = 0
    for k in range(a.size):
        if subjects[a[k]] != subjects[b[k]] and not np.isnan(score[k]):
            n += 1
    keys = np.empty(n, np.int64)
    n = 0
    for k in range(a.size):
        i, j = a[k], b[k]
        if subjects[i] == subjects[j] or np.isnan(score[k]):
            continue
        if subjects[i] > subjects[j]:
            i, j = j, i
        pair = np.int64(subjects[i]) * people + subjects[j]
        keys[n] = (pair * width + ordinal[i]) * width + ordinal[j]
        n += 1
    return keys


@njit()
def _entries(keys: I64, people: int, width: int, first: I64) -> tuple[I32, I32, I32]:
    """Units and count of each distinct key; keys rise."""
    n = 0
    for k in range(keys.size):
        if k == 0 or keys[k] != keys[k - 1]:
            n += 1
    low, high, count = np.empty(n, np.int32), np.empty(n, np.int32), np.zeros(n, np.int32)
    n = -1
    for k in range(keys.size):
        if k == 0 or keys[k] != keys[k - 1]:
            n += 1
            pair = keys[k] // (width * width)
            low[n] = first[pair // people] + keys[k] // width % width
            high[n] = first[pair % people] + keys[k] % width
        count[n] += 1
    return low, high, count


@njit()
def _look_up(
    low: I32, high: I32, count: I32, starts: I64, subject: I32, group: I32, g: int, h: int, a: I32, b: I32, out: F64
) -> None:
    """How often each subject of a was compared, as one of group g, with that of b, as one of group h."""
    for k in range(a.size):
        i, j, gi, gj = a[k], b[k], g, h
        if i > j:
            i, j, gi, gj = j, i, h, g
        first, last = starts[i], starts[i + 1]
        while first < last:
            middle = (first + last) // 2
            if subject[high[middle]] < j:
                first = middle + 1
            else:
                last = middle
        while first < starts[i + 1] and subject[high[first]] == j:
            if group[low[first]] == gi and group[high[first]] == gj:
                out[k] += count[first]
            first += 1


@njit()
def _square_sums(low: I32, high: I32, count: I32, subject: I32, group: I32, table: I64) -> None:
    """Σ M_ij² of every pair of groups at [lower, higher]; i in the one and j in the other group, and j and i, are two terms."""
    k = 0
    while k < low.size:
        end = k + 1
        while end < low.size and subject[low[end]] == subject[low[k]] and subject[high[end]] == subject[high[k]]:
            end += 1
        for e in range(k, end):
            g, h = group[low[e]], group[high[e]]
            made = np.int64(0)
            for other in range(k, end):
                if group[low[other]] == g and group[high[other]] == h:
                    if other < e:
                        made = np.int64(0)
                        break
                    made += count[other]
            if g >= 0 and h >= 0:
                table[min(g, h), max(g, h)] += made * made
        k = end


def tally_of_list(rows: ScoreRows, cells: Cells, grid: ScoreBins) -> tuple[Tally, I64, I64]:
    """The tally of listed comparisons but for its ledger, and how many non-mated and mated comparisons were attempted.

    cells.of_sample: per sample. A comparison is mated if its samples are of one subject. int64[K, K] at [lower cell, higher cell].
    """
    tally = empty(grid, float("inf"), rows.subjects.size, cells.n, np.empty(0, np.float32))
    tried = np.zeros((2, cells.n, cells.n), np.int64)
    cell = np.ascontiguousarray(cells.of_sample, np.int32)
    _tally(
        rows.a, rows.b, rows.score, rows.subjects, cell, grid.edges, tally.non_mated, tally.mated, tally.comparisons,
        tried[0], tried[1],
    )  # fmt: skip
    return tally, tried[0], tried[1]


@njit()
def _tally(
    a: I32, b: I32, score: F32, subjects: I32, cell: I32, edges: F32, non_mated: I64, mated: I64, comparisons: I64,
    tried_non_mated: I64, tried_mated: I64,
) -> None:  # fmt: skip
    last = edges.size - 2
    for k in range(a.size):
        i, j = a[k], b[k]
        low, high = min(cell[i], cell[j]), max(cell[i], cell[j])
        same = subjects[i] == subjects[j]
        if same:
            tried_mated[low, high] += 1
        else:
            tried_non_mated[low, high] += 1
        if np.isnan(score[k]):
            continue
        place = min(max(np.searchsorted(edges, score[k], side="right") - 1, 0), last)
        if same:
            mated[low, high, place] += 1
        else:
            non_mated[low, high, place] += 1
            comparisons[i, cell[j]] += 1
            comparisons[j, cell[i]] += 1


@njit()
def _select(a: I32, b: I32, score: F32, subjects: I32, mated: bool, floor: float) -> I64:
    """Rows of one kind whose score is at least the floor."""
    n = 0
    for k in range(a.size):
        if (subjects[a[k]] == subjects[b[k]]) == mated and score[k] >= floor:
            n += 1
    out = np.empty(n, np.int64)
    n = 0
    for k in range(a.size):
        if (subjects[a[k]] == subjects[b[k]]) == mated and score[k] >= floor:
            out[n] = k
            n += 1
    return out


def evidence_of_rows(
    rows: ScoreRows, cells: Cells, counted: tuple[Tally, I64, I64], floor: float, *, failures_supplied: bool
) -> Evidence:
    """The evidence of listed comparisons: what `tally_of_list` counted, with a ledger of all at or above the floor."""

    def pairs(mated: bool, least: float) -> Pairs:
        chosen = _select(rows.a, rows.b, rows.score, rows.subjects, mated, least)
        chosen = chosen[np.argsort(rows.score[chosen])]  # Two rows of one pair: by score, whatever their order in the file.
        return Pairs.of(rows.a[chosen], rows.b[chosen], rows.score[chosen])

    tally, tried_non_mated, tried_mated = counted
    least = float(np.float32(floor))
    return Evidence(
        replace(tally, floor=least, ledger=pairs(False, least), mated_pairs=pairs(True, float("-inf"))),
        cells,
        rows.subjects,
        ListedComparisons.of(rows, cells),
        tried_non_mated if failures_supplied else None,
        tried_mated if failures_supplied else None,
        shared_subjects=shares_subjects(rows.subjects, cells.of_sample),
    )


def evidence_of_list(
    subjects: I32, cells: Cells, a: I32, b: I32, score: F32, failed: NDArray[np.bool_], grid: ScoreBins, failures_supplied: bool
) -> Evidence:
    """The evidence of listed comparisons, every non-mated one of them in the ledger.

    subjects, cells.of_sample: per sample. a, b: samples of each row; mated if of one subject. score: where not failed.
    failed: rows whose comparison could not be made; they count as attempted.
    """
    rows = ScoreRows(subjects, a, b, np.where(failed, np.float32(np.nan), score).astype(np.float32))
    counted = tally_of_list(rows, cells, grid)
    return evidence_of_rows(rows, cells, counted, float("-inf"), failures_supplied=failures_supplied)
