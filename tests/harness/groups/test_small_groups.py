"""Nothing that follows from what is published is about fewer than ten people, and nobody else is touched."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparity.datasets.schema.dataset import Attribute
from faceparity.harness.evaluation.preflight import groupings_of
from faceparity.harness.groups.groupings import Cells, SampleGrouping, is_withheld_within, make_cells, subjects_per_group
from faceparity.harness.groups.small_groups import WITHHELD_BELOW, leaving_samples, small_remainder

I32 = NDArray[np.int32]
LEAST = 10


class Protected:
    """What is published of labels, one list of codes for each attribute, and who left."""

    def __init__(self, *codes: Sequence[int], subjects: Sequence[int] | None = None) -> None:
        self.codes = np.asarray(codes, np.int32)
        self.subjects = np.arange(self.codes.shape[1], dtype=np.int32) if subjects is None else np.asarray(subjects, np.int32)
        self.gone = leaving_samples(self._cells(np.ones(self.subjects.size, bool)), self.subjects)
        self.cells, self.kept = self._cells(~self.gone), self.subjects[~self.gone]
        self.groupings = groupings_of(self.cells, self.kept, protect=True) if self.kept.size else []
        self.plain = groupings_of(self.cells, self.kept, protect=False) if self.kept.size else []

    def _cells(self, chosen: NDArray[np.bool_]) -> Cells:
        values = tuple(f"v{v}" for v in range(int(self.codes.max()) + 1))
        return make_cells([Attribute(f"a{i}", values, row[chosen]) for i, row in enumerate(self.codes)], int(chosen.sum()))

    @property
    def left(self) -> int:
        return int(np.unique(self.subjects[self.gone]).size)

    def published(self) -> NDArray[np.float64]:
        """The total and every group, as cells."""
        return np.array([np.ones(self.cells.n), *((g.of_cell == k).astype(float) for g in self.groupings for k in range(g.n))])

    def people(self) -> list[set[int]]:
        return [set(self.kept[self.cells.of_sample == cell].tolist()) for cell in range(self.cells.n)]

    def leaks(self) -> list[tuple[int, ...]]:
        """Every 0/1 combination of cells that follows from what is published and has 1 to 9 people, by trying all 2^cells."""
        rows, people = self.published(), self.people()
        masks = np.array(list(product((0.0, 1.0), repeat=self.cells.n)))
        into = np.linalg.pinv(rows) @ rows  # projects on what can be derived
        derivable = np.abs(masks @ into - masks).max(axis=1) < 1e-6
        chosen = [tuple(np.flatnonzero(mask).tolist()) for mask in masks[derivable]]
        return [cells for cells in chosen if 0 < len(set().union(*(people[cell] for cell in cells))) < LEAST]

    def supports(self) -> list[tuple[int, ...]]:
        """Every set of cells of 1 to 9 people outside which some combination, with any coefficients, is zero: by ranks."""
        rows, people = self.published(), self.people()
        rank, found = np.linalg.matrix_rank(rows), []
        for size in range(1, self.cells.n + 1):
            for cells in combinations(range(self.cells.n), size):
                if len(set().union(*(people[cell] for cell in cells))) < LEAST:
                    rest = np.delete(rows, cells, axis=1)
                    if (np.linalg.matrix_rank(rest) if rest.size else 0) < rank:
                        found.append(cells)
        return found


def table(rows: list[list[int]]) -> Protected:
    """rows[g][e] people of gender g and ethnicity e."""
    people = [(g, e) for g, row in enumerate(rows) for e, n in enumerate(row) for _ in range(n)]
    return Protected(*zip(*people, strict=True))


def holds_large_groups(case: Protected) -> None:
    """Every single attribute's group, and every other of 30 people, is there by its name with all who did not leave."""
    for shown, plain in zip(case.groupings, case.plain, strict=True):
        sizes = dict(zip(plain.names, subjects_per_group(plain, case.cells, case.kept), strict=True))
        assert set(shown.names) <= set(plain.names)
        assert dict(zip(shown.names, subjects_per_group(shown, case.cells, case.kept), strict=True)) == {
            name: sizes[name] for name in shown.names
        }
        missing = set(plain.names) - set(shown.names)
        assert not missing or len(plain.attributes) > 1
        assert all(sizes[name] < WITHHELD_BELOW for name in missing)
        assert all(size >= LEAST for size in subjects_per_group(shown, case.cells, case.kept))


def test_three_people_leave_and_two_large_groups_stay() -> None:
    case = Protected([0] * 300 + [1] * 280 + [2] * 3)
    assert case.left == 3
    assert case.gone.tolist() == [False] * 580 + [True] * 3
    assert case.groupings[0].names == ("v0", "v1")
    assert subjects_per_group(case.groupings[0], case.cells, case.kept).tolist() == [300, 280]


def test_who_leaves_for_one_attribute_may_make_a_group_of_another_small() -> None:
    """3 of value 2; of the other attribute's value 1 there are 11, two of them among the 3: 9 are left, who leave too."""
    case = Protected([0] * 100 + [1] * 100 + [2] * 3, [0] * 191 + [1] * 9 + [0] + [1] * 2)
    assert case.left == 3 + 9
    assert [grouping.names for grouping in case.groupings[:2]] == [("v0", "v1"), ("v0",)]


def test_the_few_of_two_attributes_are_counted_once() -> None:
    case = Protected([0] * 100 + [1] * 100 + [2] * 4, [0] * 95 + [1] * 5 + [0] * 100 + [1] * 2 + [0] * 2)
    assert case.left == 4 + 5, "two people are few by both"


def test_a_few_without_a_label_are_few() -> None:
    """The total less the groups would be these four people; of two attributes, women less the women of all ethnicities."""
    assert Protected([0] * 50 + [1] * 50 + [-1] * 4).left == 4
    assert Protected([0] * 50 + [1] * 50 + [-1] * 10).left == 0
    assert Protected([0] * 63 + [1] * 100, [0] * 30 + [1] * 30 + [-1] * 3 + [0] * 40 + [1] * 40 + [-1] * 20).left == 3


def test_a_small_intersection_is_withheld_with_others_under_30() -> None:
    """5 in a row of 60 and 20, a column of 25: only with three others of their square can it not be had by subtraction."""
    case = table([[60, 20, 5], [60, 20, 25]])
    assert case.left == 0
    assert case.groupings[-1].names == ("v0 × v0", "v1 × v0")
    assert [is_withheld_within(case.groupings[0], case.groupings[-1], g) for g in range(2)] == [True, True]
    assert [is_withheld_within(case.groupings[1], case.groupings[-1], g) for g in range(3)] == [False, True, True]


def test_where_the_others_are_large_the_few_leave() -> None:
    """Women minus the women of the two others would be five people, and both others have 30."""
    case = table([[60, 35, 5], [60, 40, 30]])
    assert case.left == 5
    assert case.groupings[-1].names == ("v0 × v0", "v0 × v1", "v1 × v0", "v1 × v1", "v1 × v2")


def test_no_more_is_withheld_than_has_to_be() -> None:
    case = table([[60, 60, 60, 12], [60, 20, 5, 12], [60, 20, 25, 12]])
    assert case.left == 0
    assert "v0 × v3" in case.groupings[-1].names
    assert len(case.groupings[-1].names) == 12 - 4


def test_nothing_small_changes_nothing() -> None:
    case = table([[60, 35, 12], [60, 40, 30]])
    assert not case.gone.any()
    for shown, plain in zip(case.groupings, case.plain, strict=True):
        assert shown.names == plain.names
        assert shown.withheld.size == 0


def test_fewer_than_ten_people_in_all_leave_all() -> None:
    assert Protected([0] * 9).gone.all()
    assert Protected([0, 1] * 9 + [2] * 9).gone.all()
    assert not Protected([0] * 10).gone.any()


def test_people_leave_with_all_their_samples() -> None:
    """An attribute of the sample: 3 people have one image each in a small group, and another elsewhere."""
    case = Protected([0] * 40 + [1] * 3, subjects=[*range(40), 0, 1, 2])
    assert case.left == 3
    assert case.gone.sum() == 6


def test_a_difference_of_two_small_cells_is_about_them_alone() -> None:
    """Row less column of a square of withheld cells is 1 person less another: no 0/1 combination, and yet about two people."""
    case = table([[40, 1, 12], [40, 12, 1], [40, 40, 40]])
    assert case.leaks() == []
    assert case.supports() == []


@settings(max_examples=120, deadline=None)
@given(st.lists(st.lists(st.integers(0, 35), min_size=3, max_size=3), min_size=2, max_size=3))
def test_tables_of_two_attributes(rows: list[list[int]]) -> None:
    if not any(map(any, rows)):
        return
    case = table(rows)
    if case.kept.size:
        assert case.leaks() == []
        assert case.supports() == []
        holds_large_groups(case)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 18), min_size=12, max_size=12),
    st.permutations([(g, e, t) for g in (-1, 0, 1) for e in (-1, 0) for t in (0, 1)]),
)
def test_tables_of_three_attributes_some_unlabelled(sizes: list[int], cells: list[tuple[int, int, int]]) -> None:
    people = [cell for cell, size in zip(cells, sizes, strict=True) for _ in range(size)]
    if not people:
        return
    case = Protected(*zip(*people, strict=True))
    if case.kept.size:
        assert case.leaks() == []
        assert case.supports() == []
        holds_large_groups(case)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(-1, 2), st.integers(0, 2)), min_size=20, max_size=120))
def test_people_in_several_groups(samples: list[tuple[int, int, int]]) -> None:
    """Labels of samples: one person's images lie in several cells."""
    subjects, *codes = zip(*samples, strict=True)
    case = Protected(*codes, subjects=subjects)
    if case.kept.size:
        assert case.leaks() == []
        assert case.supports() == []
        holds_large_groups(case)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 2)), min_size=10, max_size=150), st.randoms(use_true_random=False))
def test_who_leaves_does_not_depend_on_the_order(people: list[tuple[int, int]], random) -> None:
    order = list(range(len(people)))
    random.shuffle(order)
    codes = np.asarray(people).T
    assert Protected(*codes).gone[order].tolist() == Protected(*codes[:, order]).gone.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_many_cells_end(seed: int) -> None:
    """200 groups, most of them small."""
    rng = np.random.default_rng(seed)
    people = rng.choice(200, 1500, p=rng.dirichlet(np.full(200, 0.3)))
    case = Protected((people // 10).tolist(), (people % 10).tolist())
    holds_large_groups(case)
    assert small_remainder(case.groupings, case.cells, case.kept) is None
    rows = case.published()
    into = np.linalg.pinv(rows) @ rows
    for cell, who in enumerate(case.people()):
        if len(who) < LEAST:
            assert np.abs(into[cell] - np.eye(case.cells.n)[cell]).max() > 1e-6


def test_the_search_finds_what_trying_all_finds() -> None:
    """On what is not protected: the fewest people of any combination, as by ranks over all sets of cells."""
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(60):
        sizes = rng.integers(0, 14, (2, 4))
        people = [(g, e) for g in range(2) for e in range(4) for _ in range(sizes[g, e])]
        case = Protected(*zip(*people, strict=True))
        if not case.kept.size:
            continue
        case.groupings = [g.without([int(rng.integers(g.n))]) if g.n > 1 else g for g in case.plain]
        expected = {len(set().union(*(case.people()[cell] for cell in cells))) for cells in case.supports()}
        remainder = small_remainder(case.groupings, case.cells, case.kept)
        got = None if remainder is None else len(set().union(*(case.people()[cell] for cell in np.flatnonzero(remainder))))
        assert got == min(expected, default=None)
        found += got is not None
    assert found > 5


def test_a_withheld_group_is_in_no_group() -> None:
    grouping = SampleGrouping(("a",), ("x", "y", "z"), (("x",), ("y",), ("z",)), np.array([0, 1, 2, 1], np.int32))
    without = grouping.without([1])
    assert without.names == ("x", "z")
    assert without.of_cell.tolist() == [0, -1, 1, -1]
    assert without.withheld.tolist() == [1, 3]
