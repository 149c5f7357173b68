"""No small group can be read off what is published, nor be had by taking published groups from each other."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparity.datasets.schema.dataset import Attribute
from faceparity.harness.evaluation.preflight import groupings_of
from faceparity.harness.groups.groupings import Cells, SampleGrouping, make_cells, subjects_per_group
from faceparity.harness.groups.small_groups import hide_small_groups


def people_of(table: list[list[int]]) -> tuple[Cells, NDArray[np.int32]]:
    """One sample for each person: table[g][e] people of gender g and ethnicity e."""
    gender = [g for g, row in enumerate(table) for n in row for _ in range(n)]
    ethnicity = [e for row in table for e, n in enumerate(row) for _ in range(n)]
    return cells_of_codes(gender, ethnicity)


def cells_of_codes(*codes: list[int]) -> tuple[Cells, NDArray[np.int32]]:
    made = [
        Attribute(name=f"a{i}", values=tuple(f"v{v}" for v in range(max(c) + 1)), codes=np.array(c, np.int32), of="subject")
        for i, c in enumerate(codes)
    ]
    return make_cells(made, len(codes[0])), np.arange(len(codes[0]), dtype=np.int32)


def published(groupings: list[SampleGrouping], cells: Cells) -> NDArray[np.float64]:
    return np.array([np.ones(cells.n), *((g.of_cell == k).astype(float) for g in groupings for k in range(g.n))])


def follows(rows: NDArray[np.float64], wanted: NDArray[np.float64]) -> bool:
    """By least squares: another way than the one under test."""
    return bool(np.abs(rows.T @ np.linalg.lstsq(rows.T, wanted, rcond=None)[0] - wanted).max() < 1e-6)


def leaks(groupings: list[SampleGrouping], cells: Cells) -> list[tuple[int, ...]]:
    """Every set of labelled cells of fewer than 10 people that follows from what is published, by trying them all."""
    rows = published(groupings, cells)
    sizes = np.bincount(cells.of_sample, minlength=cells.n)
    small = [c for c in range(cells.n) if sizes[c] < 10 and (cells.codes[c] >= 0).all()]
    sets = (s for n in range(1, len(small) + 1) for s in combinations(small, n) if sizes[list(s)].sum() < 10)
    return [s for s in sets if follows(rows, np.isin(np.arange(cells.n), s).astype(float))]


def test_a_total_gives_no_small_group_away() -> None:
    """Women minus the women of the two published ethnicities would be five people."""
    cells, subjects = people_of([[60, 35, 5], [60, 40, 30]])
    naive = groupings_of(cells, subjects, merge=False)
    assert leaks(naive, cells)
    shown = groupings_of(cells, subjects, merge=True)
    assert leaks(shown, cells) == []
    assert [g.names for g in shown[:2]] == [("v0", "v1"), ("v0", "v1", "v2")], "single attributes stay whole"
    assert shown[-1].names == ("v0 × v0", "v1 × v0", "other (4 groups)")


def test_nothing_small_changes_nothing() -> None:
    cells, subjects = people_of([[60, 35, 12], [60, 40, 30]])
    for shown, as_is in zip(groupings_of(cells, subjects, True), groupings_of(cells, subjects, False), strict=True):
        assert shown.names == as_is.names
        assert shown.merged == as_is.merged


def test_people_without_a_label_merge_nothing() -> None:
    """Three women of no known ethnicity are nobody's group."""
    cells, subjects = cells_of_codes([0] * 63 + [1] * 60, [0] * 30 + [1] * 30 + [-1] * 3 + [0] * 30 + [1] * 30)
    assert not any(any(g.merged) for g in groupings_of(cells, subjects, merge=True))


def test_few_people_in_all_are_one_group() -> None:
    cells, subjects = people_of([[2, 3], [1, 2]])
    assert [g.names for g in groupings_of(cells, subjects, merge=True)] == [
        ("other (2 groups)",),
        ("other (2 groups)",),
        ("other (4 groups)",),
    ]


@settings(max_examples=150)
@given(st.lists(st.lists(st.integers(0, 25), min_size=3, max_size=3), min_size=2, max_size=4))
def test_tables_of_two_attributes(table: list[list[int]]) -> None:
    if sum(map(sum, table)) < 10:
        return
    cells, subjects = people_of(table)
    shown = groupings_of(cells, subjects, merge=True)
    assert leaks(shown, cells) == []
    for g in shown:
        assert (subjects_per_group(g, cells, subjects) >= 10).all()
        assert sum(max(1, m) for m in g.merged) == len(
            {tuple(c[[cells.attributes.index(a) for a in g.attributes]]) for c in cells.codes}
        )


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(-1, 1), st.integers(0, 2), st.integers(0, 1)), min_size=30, max_size=150))
def test_tables_of_three_attributes_some_unlabelled(people: list[tuple[int, int, int]]) -> None:
    cells, subjects = cells_of_codes(*([p[i] for p in people] for i in range(3)))
    shown = groupings_of(cells, subjects, merge=True)
    if all((subjects_per_group(g, cells, subjects) >= 10).all() for g in shown):
        assert leaks(shown, cells) == [] or all(any(g.merged) and g.n == 1 for g in shown)


@pytest.mark.parametrize("seed", range(3))
def test_many_cells_end(seed: int) -> None:
    """200 groups, most of them small."""
    rng = np.random.default_rng(seed)
    people = rng.choice(200, 1500, p=rng.dirichlet(np.full(200, 0.3)))
    cells, subjects = cells_of_codes((people // 10).tolist(), (people % 10).tolist())
    shown = hide_small_groups(groupings_of(cells, subjects, merge=False), cells, subjects)
    assert all((subjects_per_group(g, cells, subjects) >= 10).all() for g in shown)
    rows = published(shown, cells)
    sizes = np.bincount(cells.of_sample, minlength=cells.n)
    for c in np.flatnonzero(sizes < 10):
        assert not follows(rows, (np.arange(cells.n) == c).astype(float))
