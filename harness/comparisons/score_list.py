"""Comparisons listed in a score file: the same tally as of templates, with denominators counted row by row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.numba_cache import njit
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.comparisons.pair_counts import COMPLETE_FROM, F64
from faceparity.harness.comparisons.tally import F32, I32, I64, Pairs, ScoreBins, Scores, Tally, empty
from faceparity.harness.groups.groupings import Cells, shares_subjects


@dataclass(frozen=True)
class ScoreRows:
    """Comparisons as listed. a, b: samples; score: similarity, nan where the comparison failed; subjects: per sample."""

    subjects: I32
    a: I32
    b: I32
    score: Scores


@dataclass(frozen=True)
class ListedComparisons:
    """Listed non-mated comparisons, exactly these: M_ij is counted from the list.

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
    _complete: dict[bytes, NDArray[np.bool_]] = field(default_factory=dict)

    @staticmethod
    def of(rows: ScoreRows, cells: Cells) -> ListedComparisons:
        """Count the non-mated comparisons that did not fail."""
        people = int(rows.subjects.max(initial=-1)) + 1
        subject_in_cell = rows.subjects.astype(np.int64) * cells.n + cells.of_sample
        units, sample, unit = np.unique(subject_in_cell, return_index=True, return_inverse=True)
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
        """Return M_ij of subject pairs, as `PairCounts`."""
        counts = np.zeros(a.size)
        entries = (self.low, self.high, self.count, self.starts, self.subject)
        _look_up(*entries, group_of_sample[self.sample], g, h, np.asarray(a, np.int32), np.asarray(b, np.int32), counts)
        return counts

    def square_sum(self, group_of_sample: I32, g: int, h: int) -> float:
        """Return Σ M_ij², as `PairCounts`.

        Computed for all pairs of groups of a grouping at its first call.
        """
        group = group_of_sample[self.sample].astype(np.int32)
        known = blake2b(group.tobytes()).digest()
        if known not in self._squares:
            n_groups = int(group.max(initial=-1)) + 1
            self._squares[known] = np.zeros((n_groups, n_groups), np.int64)
            _square_sums(self.low, self.high, self.count, self.subject, group, self._squares[known])
        table = self._squares[known]
        return float(table[min(g, h), max(g, h)]) if max(g, h) < table.shape[0] else 0.0

    def complete(self, group_of_sample: I32, g: int) -> bool:
        """Return whether nearly all pairs of group g are listed.

        Of subjects with any comparison in it. Counted for all groups of a grouping at its first call.
        """
        known = blake2b(group_of_sample.tobytes()).digest()
        if known not in self._complete:
            low, high, group, _ = self.inside(group_of_sample)
            n_groups, n_subjects = int(group.max(initial=-1)) + 1, self.starts.size
            compared = np.zeros(n_groups * n_subjects, bool)
            for side in (low, high):
                compared[group.astype(np.int64) * n_subjects + side] = True
            people = compared.reshape(n_groups, n_subjects).sum(axis=1)
            self._complete[known] = np.bincount(group, minlength=n_groups) >= COMPLETE_FROM * people * (people - 1) / 2
        table = self._complete[known]
        return bool(table[g]) if g < table.size else False

    def n_inside(self, group_of_sample: I32) -> int:
        """Return the number of entries that `inside` gives."""
        return int(_count_inside(self.low, self.high, group_of_sample[self.sample].astype(np.int32)))

    def inside(self, group_of_sample: I32) -> tuple[I32, I32, I32, I32]:
        """Return the comparisons within groups, four int32 arrays.

        Lower and higher subject, group, and how many.
        """
        group = group_of_sample[self.sample].astype(np.int32)
        out = np.empty((4, _count_inside(self.low, self.high, group)), np.int32)
        _fill_inside(self.low, self.high, self.count, self.subject, group, out)
        return out[0], out[1], out[2], out[3]


@njit()
def _count_inside(low: I32, high: I32, group: I32) -> int:
    """Count the entries whose two units are in one group."""
    found = 0
    for entry in range(low.size):
        if group[low[entry]] == group[high[entry]] and group[low[entry]] >= 0:
            found += 1
    return found


@njit()
def _fill_inside(low: I32, high: I32, count: I32, subject: I32, group: I32, out: I32) -> None:
    """Write subjects, group and count of entries within a group."""
    found = 0
    for entry in range(low.size):
        if group[low[entry]] == group[high[entry]] and group[low[entry]] >= 0:
            out[0, found], out[1, found] = subject[low[entry]], subject[high[entry]]
            out[2, found], out[3, found] = group[low[entry]], count[entry]
            found += 1


@njit()
def _pair_keys(sample_a: I32, sample_b: I32, score: Scores, subjects: I32, ordinal: I32, people: int, width: int) -> I64:
    """Return one number for each non-mated row's subjects and cells.

    Rows without a score are left out; the lower subject comes first.
    """
    found = 0
    for row in range(sample_a.size):
        if subjects[sample_a[row]] != subjects[sample_b[row]] and not np.isnan(score[row]):
            found += 1
    keys = np.empty(found, np.int64)
    found = 0
    for row in range(sample_a.size):
        first, second = sample_a[row], sample_b[row]
        if subjects[first] == subjects[second] or np.isnan(score[row]):
            continue
        if subjects[first] > subjects[second]:
            first, second = second, first
        pair = np.int64(subjects[first]) * people + subjects[second]
        keys[found] = (pair * width + ordinal[first]) * width + ordinal[second]
        found += 1
    return keys


@njit()
def _entries(keys: I64, people: int, width: int, first: I64) -> tuple[I32, I32, I32]:
    """Return the units and count of each distinct key.

    keys: rising.
    """
    found = 0
    for i in range(keys.size):
        if i == 0 or keys[i] != keys[i - 1]:
            found += 1
    low, high, count = np.empty(found, np.int32), np.empty(found, np.int32), np.zeros(found, np.int32)
    found = -1
    for i in range(keys.size):
        if i == 0 or keys[i] != keys[i - 1]:
            found += 1
            pair = keys[i] // (width * width)
            low[found] = first[pair // people] + keys[i] // width % width
            high[found] = first[pair % people] + keys[i] % width
        count[found] += 1
    return low, high, count


@njit()
def _look_up(
    low: I32,
    high: I32,
    count: I32,
    starts: I64,
    subject: I32,
    group: I32,
    g: int,
    h: int,
    subject_a: I32,
    subject_b: I32,
    out: F64,
) -> None:
    """Count how often each two subjects were compared, into `out`.

    Subject of a, as one of group g, with that of b, as one of group h.
    """
    for pair in range(subject_a.size):
        first_subject, second_subject, first_group, second_group = subject_a[pair], subject_b[pair], g, h
        if first_subject > second_subject:
            first_subject, second_subject, first_group, second_group = second_subject, first_subject, h, g
        start, stop = starts[first_subject], starts[first_subject + 1]
        while start < stop:
            middle = (start + stop) // 2
            if subject[high[middle]] < second_subject:
                start = middle + 1
            else:
                stop = middle
        while start < starts[first_subject + 1] and subject[high[start]] == second_subject:
            if group[low[start]] == first_group and group[high[start]] == second_group:
                out[pair] += count[start]
            start += 1


@njit()
def _square_sums(low: I32, high: I32, count: I32, subject: I32, group: I32, table: I64) -> None:
    """Add Σ M_ij² of every pair of groups to `table`.

    At [lower, higher]; subject i in the one and j in the other group, and j and i, are two terms.
    """
    start = 0
    while start < low.size:
        end = start + 1
        while end < low.size and subject[low[end]] == subject[low[start]] and subject[high[end]] == subject[high[start]]:
            end += 1
        for entry in range(start, end):
            group_a, group_b = group[low[entry]], group[high[entry]]
            made = np.int64(0)
            for other in range(start, end):
                if group[low[other]] == group_a and group[high[other]] == group_b:
                    if other < entry:
                        made = np.int64(0)
                        break
                    made += count[other]
            if group_a >= 0 and group_b >= 0:
                table[min(group_a, group_b), max(group_a, group_b)] += made * made
        start = end


def tally_of_list(rows: ScoreRows, cells: Cells, grid: ScoreBins) -> tuple[Tally, I64, I64]:
    """Tally listed comparisons without a ledger, and count attempts.

    Returns the tally and the non-mated and mated comparisons attempted, int64[K, K] at [lower cell, higher cell].
    cells.of_sample: per sample. A comparison is mated if its samples are of one subject.
    """
    tally = empty(grid, float("inf"), rows.subjects.size, cells.n, np.empty(0, grid.edges.dtype))
    tried = np.zeros((2, cells.n, cells.n), np.int64)
    cell = np.ascontiguousarray(cells.of_sample, np.int32)
    _tally(
        rows.a, rows.b, rows.score, rows.subjects, cell, grid.edges, tally.non_mated, tally.mated, tally.comparisons,
        tried[0], tried[1],
    )  # fmt: skip
    return tally, tried[0], tried[1]


@njit()
def _tally(
    sample_a: I32, sample_b: I32, score: Scores, subjects: I32, cell: I32, edges: Scores, non_mated: I64, mated: I64, comparisons: I64,
    tried_non_mated: I64, tried_mated: I64,
) -> None:  # fmt: skip
    """Count each row by cells and bin, and as attempted."""
    last = edges.size - 2
    for row in range(sample_a.size):
        first, second = sample_a[row], sample_b[row]
        low, high = min(cell[first], cell[second]), max(cell[first], cell[second])
        same = subjects[first] == subjects[second]
        if same:
            tried_mated[low, high] += 1
        else:
            tried_non_mated[low, high] += 1
        if np.isnan(score[row]):
            continue
        bin_ = min(max(np.searchsorted(edges, score[row], side="right") - 1, 0), last)
        if same:
            mated[low, high, bin_] += 1
        else:
            non_mated[low, high, bin_] += 1
            comparisons[first, cell[second]] += 1
            comparisons[second, cell[first]] += 1


@njit()
def _select(sample_a: I32, sample_b: I32, score: Scores, subjects: I32, mated: bool, floor: float) -> I64:
    """Return the rows of one kind from the floor up."""
    found = 0
    for row in range(sample_a.size):
        if (subjects[sample_a[row]] == subjects[sample_b[row]]) == mated and score[row] >= floor:
            found += 1
    rows = np.empty(found, np.int64)
    found = 0
    for row in range(sample_a.size):
        if (subjects[sample_a[row]] == subjects[sample_b[row]]) == mated and score[row] >= floor:
            rows[found] = row
            found += 1
    return rows


def evidence_of_rows(
    rows: ScoreRows, cells: Cells, counted: tuple[Tally, I64, I64], floor: float, *, failures_supplied: bool
) -> Evidence:
    """Return the evidence of listed comparisons.

    counted: what `tally_of_list` returned. The ledger holds all non-mated comparisons at or above the floor.
    """

    def pairs(mated: bool, least: float) -> Pairs:
        chosen = _select(rows.a, rows.b, rows.score, rows.subjects, mated, least)
        chosen = chosen[
            np.argsort(rows.score[chosen])
        ]  # Two rows of one pair: by score, so that their order in the file does not matter.
        return Pairs.of(rows.a[chosen], rows.b[chosen], rows.score[chosen])

    tally, tried_non_mated, tried_mated = counted
    least = float(tally.grid.exact(floor))
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
    """Return the evidence of listed comparisons, all in the ledger.

    All non-mated ones, that is. subjects, cells.of_sample: per sample. a, b: samples of each row; mated if of one subject. score:
    where not failed. failed: rows whose comparison could not be made; they count as attempted.
    """
    rows = ScoreRows(subjects, a, b, np.where(failed, np.float32(np.nan), score).astype(np.float32))
    counted = tally_of_list(rows, cells, grid)
    return evidence_of_rows(rows, cells, counted, float("-inf"), failures_supplied=failures_supplied)
