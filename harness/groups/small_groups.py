"""Protection of small groups: nothing that follows from what is published is about fewer than ten people.

Every published figure is a sum over a group, so a reader has every linear combination of the groups' indicators over the cells, the
total among them. A combination that is zero outside a few cells is about the people of these cells alone: if they are fewer than
`SMALL_CELL`, it is a *remainder*, as women minus the women of every published ethnicity may be. Nothing is merged. Where a single
attribute's group is small, its people leave the run. Small groups of intersections are withheld, with others under
`WITHHELD_BELOW` where a remainder would be left (complementary suppression, as in official statistics); where that does not help,
the people of the remainder leave too. People without a label are a group like any other here, as the total gives them away.

This covers the group × group matrix: were a combination of its sums about comparisons of a few people, the part of it that belongs
to any one cell on the other side would be a remainder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.groups.groupings import SMALL_CELL, Cells, SampleGrouping, make_groupings, subjects_per_group

WITHHELD_BELOW = 30
"""Groups of intersections with fewer subjects may be withheld; rates are not shown for them anyway."""

_MOST_STEPS = 20_000
"""Steps of a search for remainders; one that is not finished by then counts as having found one."""

Flags = NDArray[np.bool_]
People = frozenset[int]


def leaving_samples(
    cells: Cells,
    subjects: NDArray[np.int32],
    sets: Sequence[Sequence[str]] | None = None,
    smallest: int = SMALL_CELL,
) -> Flags:
    """Return which samples are of people who leave, bool[n_samples].

    subjects: int32[n_samples]. sets: the attributes of each grouping that will be published; None: those of a run. Without these
    people no published sum, and no combination of them, is about fewer than `smallest` subjects once `withhold_small_groups` has
    been applied. People leave with all their samples. What is left is the largest set of people without a small group of a single
    attribute, less the people of remainders, the fewest first.
    """
    gone = np.zeros(subjects.size, bool)
    while not gone.all():
        kept = replace(cells, of_sample=np.where(gone, -1, cells.of_sample).astype(np.int32))
        groupings = make_groupings(kept, sets)
        few = _in_small_values(groupings, kept, subjects, smallest)
        if not few.any():
            few = _in_remainder(groupings, kept, subjects, smallest)
        if not few.any():
            break
        gone |= np.isin(subjects, subjects[few])
    return gone


def withhold_small_groups(
    groupings: Sequence[SampleGrouping], cells: Cells, subjects: NDArray[np.int32], smallest: int = SMALL_CELL
) -> list[SampleGrouping]:
    """Withhold small groups of intersections, and others that would give them away.

    subjects: int32[n_samples], without the people who leave. Of the groups under `WITHHELD_BELOW` only those are withheld that
    have to be: of the groupings with most attributes first, the smallest first. Groups of single attributes always stay.
    """
    ranked = _may_be_withheld(groupings, cells, subjects)
    small = [(i, g) for people, i, g in ranked if people < smallest]
    others = [(i, g) for people, i, g in ranked if people >= smallest]

    def is_safe(chosen: Sequence[tuple[int, int]]) -> bool:
        return small_remainder(_without(groupings, [*small, *chosen]), cells, subjects, smallest) is None

    more = others[: _fewest(len(others), lambda count: is_safe(others[:count]))]
    for pair in more[::-1]:
        fewer = [other for other in more if other != pair]
        more = fewer if is_safe(fewer) else more
    return _without(groupings, [*small, *more])


def small_remainder(
    groupings: Sequence[SampleGrouping], cells: Cells, subjects: NDArray[np.int32], smallest: int = SMALL_CELL
) -> Flags | None:
    """Find cells of too few subjects to which a derivable sum belongs.

    Together they have fewer than `smallest` subjects, and some combination of the published sums is zero in all other cells. None
    if there are none. Returns bool[n_cells], of the fewest subjects possible.
    """
    cell, person = _distinct(cells.of_sample, subjects)
    sizes = np.bincount(cell, minlength=cells.n)
    small = np.flatnonzero((sizes > 0) & (sizes < smallest))
    if not small.size:
        return None
    order = small[np.argsort(-sizes[small], kind="stable")]
    people = [frozenset(person[cell == one].tolist()) for one in order]
    occupied = np.flatnonzero(sizes)
    rows = _indicators(groupings, cells.n)
    basis = _combinations_within(rows[:, order], rows[:, np.setdiff1d(occupied, order)])
    found = _support_of_few(basis, people, smallest)
    return None if found is None else np.isin(np.arange(cells.n), order[found])


def _in_small_values(groupings: Sequence[SampleGrouping], cells: Cells, subjects: NDArray[np.int32], smallest: int) -> Flags:
    """Return the samples in small groups of single attributes.

    Those without a label are a group; so is everybody.
    """
    few = np.zeros(subjects.size, bool)
    whole = SampleGrouping((), ("",), ((),), np.zeros(cells.n, np.int32))
    for grouping in [whole, *(grouping for grouping in groupings if len(grouping.attributes) == 1)]:
        group = np.where(cells.of_sample < 0, -1, grouping.of(cells.of_sample) + 1)  # 0: without a label
        people = np.bincount(_distinct(group, subjects)[0], minlength=grouping.n + 1)
        few |= np.append(people < smallest, False)[group]
    return few


def _distinct(number: NDArray[np.integer], subjects: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct pairs of number and subject, without number -1."""
    size, inside = int(subjects.max(initial=0)) + 1, number >= 0
    keys = np.unique(number[inside].astype(np.int64) * size + subjects[inside])
    return keys // size, keys % size


def _in_remainder(groupings: Sequence[SampleGrouping], cells: Cells, subjects: NDArray[np.int32], smallest: int) -> Flags:
    """Return the samples in a remainder that no withholding hides."""
    hidden = [(i, g) for _, i, g in _may_be_withheld(groupings, cells, subjects)]
    remainder = small_remainder(_without(groupings, hidden), cells, subjects, smallest)
    found = np.zeros(cells.n, bool) if remainder is None else remainder
    return np.append(found, False)[cells.of_sample]


def _may_be_withheld(
    groupings: Sequence[SampleGrouping], cells: Cells, subjects: NDArray[np.int32]
) -> list[tuple[int, int, int]]:
    """Return the groups that may be withheld, in the order in which they are.

    As (subjects, position of the grouping, position of the group).
    """
    found = [
        (-len(grouping.attributes), int(people), i, g)
        for i, grouping in enumerate(groupings)
        if len(grouping.attributes) > 1
        for g, people in enumerate(subjects_per_group(grouping, cells, subjects))
        if 0 < people < WITHHELD_BELOW
    ]
    return [(people, i, g) for _, people, i, g in sorted(found)]


def _without(groupings: Sequence[SampleGrouping], hidden: Sequence[tuple[int, int]]) -> list[SampleGrouping]:
    """Return the groupings without some groups, (grouping, group) each."""
    return [grouping.without([g for j, g in hidden if j == i]) for i, grouping in enumerate(groupings)]


def _fewest(most: int, suffices: Callable[[int], bool]) -> int:
    """Return the smallest count that suffices, else `most`.

    A larger count than one that suffices does too.
    """
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle + 1, high)
    return low


def _indicators(groupings: Sequence[SampleGrouping], n_cells: int) -> NDArray[np.float64]:
    """Return which cells each published sum is over.

    float64[n_published, n_cells]; the first is the total.
    """
    rows = [np.ones((1, n_cells))]
    rows += [(grouping.of_cell == np.arange(grouping.n)[:, None]).astype(np.float64) for grouping in groupings]
    return np.concatenate(rows)


def _combinations_within(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a basis of the combinations of rows that are zero outside.

    inside, outside: the same rows over two sets of columns. Returns float64[rank, columns inside], in reduced echelon form.
    """
    left, singular, _ = (
        np.linalg.svd(outside, full_matrices=True) if outside.shape[1] else (np.eye(len(outside)), np.empty(0), None)
    )
    rank = int((singular > 1e-9 * max(1.0, singular.max(initial=0.0))).sum())
    return _reduced(left[:, rank:].T @ inside)


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


def _support_of_few(basis: NDArray[np.float64], people: Sequence[People], smallest: int) -> list[int] | None:
    """Return the columns where a combination of the rows is not zero.

    One whose columns have fewer than `smallest` people together, the fewest possible; None if there is none. people: of each column,
    those with most first. Where the search is too long the last column that the rows reach is returned.
    """
    budget = [_MOST_STEPS]
    try:
        if _search(basis, list(range(len(people))), frozenset(), people, smallest - 1, budget) is None:
            return None
        for most in range(1, smallest):
            found = _search(basis, list(range(len(people))), frozenset(), people, most, budget)
            if found is not None:
                return found
    except _TooLongError:
        pass
    return [int(np.flatnonzero(np.abs(basis).max(axis=0) > 1e-9)[-1])]


class _TooLongError(Exception):
    """A search took more steps than it may."""


def _search(
    basis: NDArray[np.float64], undecided: list[int], chosen: People, people: Sequence[People], most: int, budget: list[int]
) -> list[int] | None:
    """Search for a combination of at most `most` people.

    Column after column it is either allowed, which adds its people to those chosen, or made zero, which takes a row from the basis.
    Raises _TooLongError past the budget of steps.
    """
    budget[0] -= 1
    if budget[0] < 0:
        raise _TooLongError
    reached = np.abs(basis).max(axis=0, initial=0.0) > 1e-9
    undecided = [column for column in undecided if reached[column]]
    if not len(basis) or not undecided:
        return [int(column) for column in np.flatnonzero(np.abs(basis[0]) > 1e-9)] if len(basis) else None
    column, rest = undecided[0], undecided[1:]
    joined = chosen | people[column]
    if len(joined) <= most:
        found = _search(basis, rest, joined, people, most, budget)
        if found is not None:
            return found
    return _search(_zero_at(basis, column), rest, chosen, people, most, budget)


def _zero_at(basis: NDArray[np.float64], column: int) -> NDArray[np.float64]:
    """Return a basis of the combinations that are zero in a column."""
    pivot = int(np.abs(basis[:, column]).argmax())
    others = np.delete(basis, pivot, axis=0)
    out = others - np.outer(others[:, column] / basis[pivot, column], basis[pivot])
    out[np.abs(out) < 1e-9] = 0.0
    return np.asarray(out, np.float64)
