"""Suppression of small groups: neither a published group nor a difference between published groups is tiny.

Each published grouping gives sums over its groups, so a reader has every linear combination of the groups' indicators over the
cells, the total among them. Merging the small groups of each grouping by itself is not enough: women minus the women of every
published ethnicity are the women of the merged ones. Where such a remainder has fewer than `SMALL_CELL` subjects, further groups
are merged (complementary suppression, as in official statistics) until none is left. The same holds for the group × group
matrix: its sums are products of those combinations.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.groups.groupings import SMALL_CELL, Cells, SampleGrouping, subjects_per_group

_ALL_COMBINATIONS = 12
"""Number of independent remainders up to which every sum of them is checked; of more, only sums of up to three."""

_TRIED = 40
"""Groups tried at most for one whose merging hides a remainder; if none does, the smallest is merged."""


def hide_small_groups(
    groupings: Sequence[SampleGrouping], cells: Cells, subjects: NDArray[np.int32], smallest: int = SMALL_CELL
) -> list[SampleGrouping]:
    """Apply primary and complementary suppression to small groups.

    Nothing in the groupings returned, nor between them, is about fewer than `smallest` subjects.
    subjects: int32[n_samples]. In each grouping, groups of too few subjects become one, `other (n groups)`, the last; if that
    stays too small the next smallest joins it. Then more groups join where a remainder would still be too small: of the
    groupings with most attributes first, the smallest group that helps. People who lack a label are not such a remainder by
    themselves: nothing is said of them.
    """
    found = [merge(grouping, _groups_to_merge(grouping, cells, subjects, smallest)) for grouping in groupings]
    people = _subjects_of_cells(cells, subjects)
    while True:
        remainder = small_remainder(found, cells, people, smallest)
        joined = None if remainder is None else _join_one_more(found, remainder, cells, subjects)
        if joined is None:
            return found
        found = joined


def small_remainder(
    groupings: Sequence[SampleGrouping], cells: Cells, people: Sequence[NDArray[np.int32]], smallest: int = SMALL_CELL
) -> NDArray[np.bool_] | None:
    """Find cells of too few subjects with a derivable sum.

    Together they have fewer than `smallest` subjects, and their sum follows from the published groups. None if there are none.
    people: the subjects in each cell. Returns bool[n_cells], the fewest cells found first.
    """
    small = np.flatnonzero([0 < len(subjects) < smallest for subjects in people])
    if not small.size:
        return None
    labelled = np.all(cells.codes >= 0, axis=1)
    for mask in _zero_one_sums(_combinations_within(_indicators(groupings, cells.n), small)):
        chosen = small[mask]
        if labelled[chosen].any() and len(np.unique(np.concatenate([people[cell] for cell in chosen]))) < smallest:
            out = np.zeros(cells.n, bool)
            out[chosen] = True
            return out
    return None


def merge(grouping: SampleGrouping, gone: Sequence[int]) -> SampleGrouping:
    """Merge some groups of a grouping into one.

    The groups `gone` become `other (n groups)`, the last. Merging none returns the grouping unchanged.
    """
    if not gone:
        return grouping
    hidden = set(gone)
    kept = [g for g in range(grouping.n) if g not in hidden]
    renumber = np.full(grouping.n + 1, -1, np.int32)
    renumber[kept] = np.arange(len(kept))
    renumber[sorted(hidden)] = len(kept)
    stands_for = sum(max(1, grouping.merged[g]) for g in hidden)
    other = f"other ({stands_for} group{'s' if stands_for > 1 else ''})"
    return SampleGrouping(
        grouping.attributes,
        (*(grouping.names[g] for g in kept), other),
        (*(grouping.values[g] for g in kept), ("other",) * len(grouping.attributes)),
        renumber[grouping.of_cell],
        (*(grouping.merged[g] for g in kept), stands_for),
    )


def _groups_to_merge(grouping: SampleGrouping, cells: Cells, subjects: NDArray[np.int32], smallest: int) -> list[int]:
    """Return the groups of too few subjects.

    With as many of the next smallest as it takes to hide them.
    """
    sizes = subjects_per_group(grouping, cells, subjects)
    order, joined = np.argsort(sizes, kind="stable"), int((sizes < smallest).sum())
    while 0 < joined < grouping.n and sizes[order[:joined]].sum() < smallest:
        joined += 1
    return [int(group) for group in order[:joined]]


def _subjects_of_cells(cells: Cells, subjects: NDArray[np.int32]) -> list[NDArray[np.int32]]:
    return [np.unique(subjects[cells.of_sample == cell]) for cell in range(cells.n)]


def _indicators(groupings: Sequence[SampleGrouping], n_cells: int) -> NDArray[np.float64]:
    """Return which cells each published sum is over.

    float64[n_published, n_cells]; the first is the total.
    """
    rows = [np.ones((1, n_cells))]
    rows += [(grouping.of_cell == np.arange(grouping.n)[:, None]).astype(np.float64) for grouping in groupings]
    return np.concatenate(rows)


def _combinations_within(published: NDArray[np.float64], inside: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return a basis of the combinations within some cells.

    All linear combinations of the rows that are zero outside the columns `inside`, in reduced echelon form over these columns.
    """
    outside = np.ones(published.shape[1], bool)
    outside[inside] = False
    rest = published[:, outside]
    left, singular, _ = np.linalg.svd(rest, full_matrices=True) if rest.shape[1] else (np.eye(len(published)), np.empty(0), None)
    rank = int((singular > 1e-9 * max(1.0, singular.max(initial=0.0))).sum())
    return _reduced(left[:, rank:].T @ published[:, inside])


def _reduced(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the reduced row echelon form, without rows of zeros."""
    rows, done = rows.copy(), 0
    for column in range(rows.shape[1]):
        if done == len(rows):
            break
        pivot = done + int(np.abs(rows[done:, column]).argmax())
        if abs(rows[pivot, column]) < 1e-9:
            continue
        rows[[done, pivot]] = rows[[pivot, done]]
        rows[done] /= rows[done, column]
        others = np.arange(len(rows)) != done
        rows[others] -= np.outer(rows[others, column], rows[done])
        done += 1
    return rows[:done]


def _zero_one_sums(basis: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
    """Return sums of basis rows with only 0 and 1.

    As masks, fewest cells first. In reduced form such a combination takes each row either once or not at all: its entry at that
    row's pivot says which.
    """
    most = len(basis) if len(basis) <= _ALL_COMBINATIONS else 3
    found = []
    for size in range(1, most + 1):
        for chosen in combinations(range(len(basis)), size):
            total = basis[list(chosen)].sum(axis=0)
            mask = np.abs(total - 1) < 1e-6
            if mask.any() and (np.abs(total[~mask]) < 1e-6).all():
                found.append(mask)
    return sorted(found, key=lambda mask: int(mask.sum()))


def _join_one_more(
    found: list[SampleGrouping], remainder: NDArray[np.bool_], cells: Cells, subjects: NDArray[np.int32]
) -> list[SampleGrouping] | None:
    """Merge one more group to hide a remainder.

    In a grouping with as many attributes as possible, so that single attributes stay whole: the smallest group that hides the
    remainder, or the smallest there is if no single one does. None if there is nothing left to merge because so few people have
    labels.
    """
    candidates = sorted(
        (-len(grouping.attributes), int(size), i, k)
        for i, grouping in enumerate(found)
        if grouping.n > 1
        for k, size in enumerate(subjects_per_group(grouping, cells, subjects))
        if not grouping.merged[k]
    )
    ways = [_merge_with_another(found, i, k, cells, subjects) for of, _, i, k in candidates[:_TRIED] if of == candidates[0][0]]
    hidden = (way for way in ways if _is_independent(_indicators(way, cells.n), remainder))
    return next(hidden, ways[0] if ways else None)


def _merge_with_another(
    found: list[SampleGrouping], i: int, k: int, cells: Cells, subjects: NDArray[np.int32]
) -> list[SampleGrouping]:
    """Merge group k of grouping i with another.

    Into its `other`, or without one together with its smallest other group, as one group alone hides nothing.
    """
    partners = [g for g in range(found[i].n) if found[i].merged[g]]
    if not partners:
        sizes = subjects_per_group(found[i], cells, subjects).astype(np.float64)
        sizes[k] = np.inf
        partners = [int(sizes.argmin())]
    return [merge(g, [k, *partners]) if j == i else g for j, g in enumerate(found)]


def _is_independent(rows: NDArray[np.float64], remainder: NDArray[np.bool_]) -> bool:
    """Return whether the remainder is no combination of the rows."""
    wanted = remainder.astype(np.float64)
    solution = np.linalg.lstsq(rows.T, wanted, rcond=None)[0]
    return bool(np.abs(rows.T @ solution - wanted).max() > 1e-6)
