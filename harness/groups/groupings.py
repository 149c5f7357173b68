"""Groups of samples: every combination of attribute values is a cell, and groupings are maps from cells to groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.schema.dataset import Attribute

JOINER = " × "
SMALL_CELL = 10
"""Nothing that is published is about fewer subjects, unless the set's labels are public (see `small_groups`)."""
MANY_ATTRIBUTES = 3
"""Up to this number of attributes all their combinations are groupings; beyond it each alone and all together."""


@dataclass(frozen=True)
class Cells:
    """The combinations of values that occur; a missing label is a value of its own (-1).

    of_sample: int32[n_samples], index of the sample's cell. codes: int32[n_cells, n_attributes], -1 where unlabelled.
    """

    attributes: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    of_sample: NDArray[np.int32]
    codes: NDArray[np.int32]

    @property
    def n(self) -> int:
        """Return the number of cells."""
        return int(self.codes.shape[0])


@dataclass(frozen=True)
class SampleGrouping:
    """One way of dividing the samples.

    names, values: of each group. of_cell: int32[n_cells], the group of each cell, -1 for none. withheld: int32[k], the cells of
    groups that are not published, as they or a difference would be about too few people.
    """

    attributes: tuple[str, ...]
    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    of_cell: NDArray[np.int32]
    withheld: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    @property
    def n(self) -> int:
        """Return the number of groups."""
        return len(self.names)

    def without(self, hidden: Sequence[int]) -> SampleGrouping:
        """Return the grouping with some of its groups withheld."""
        if not hidden:
            return self
        kept = [g for g in range(self.n) if g not in set(hidden)]
        renumber = np.full(self.n + 1, -1, np.int32)
        renumber[kept] = np.arange(len(kept))
        return SampleGrouping(
            self.attributes,
            tuple(self.names[g] for g in kept),
            tuple(self.values[g] for g in kept),
            renumber[self.of_cell],
            np.union1d(self.withheld, np.flatnonzero(np.isin(self.of_cell, hidden))).astype(np.int32),
        )

    def of(self, cells: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the group of each cell number, int32[n].

        -1 for none (and for cell -1).
        """
        return np.append(self.of_cell, np.int32(-1))[cells]


def make_cells(attributes: Sequence[Attribute], n_samples: int) -> Cells:
    """Divide a run's samples into cells by all attributes.

    Without attributes one cell holds everybody.
    """
    if not attributes:
        return Cells((), (), np.zeros(n_samples, np.int32), np.empty((1, 0), np.int32))
    table = np.stack([attribute.codes for attribute in attributes], axis=1).astype(np.int32)
    codes, of_sample = np.unique(table, axis=0, return_inverse=True)
    return Cells(
        tuple(one.name for one in attributes),
        tuple(one.values for one in attributes),
        of_sample.reshape(-1).astype(np.int32),
        codes.astype(np.int32),
    )


def make_grouping(cells: Cells, attributes: Sequence[str]) -> SampleGrouping:
    """Divide the cells into groups by some attributes.

    attributes: a subset of the cells', in the order given; a cell with one of them unlabelled is in no group.
    """
    columns = [cells.attributes.index(name) for name in attributes]
    codes = cells.codes[:, columns]
    labelled = (codes >= 0).all(axis=1)
    of_cell = np.full(cells.n, -1, np.int32)
    if not labelled.any():
        return SampleGrouping(tuple(attributes), (), (), of_cell)
    groups, inverse = np.unique(codes[labelled], axis=0, return_inverse=True)
    of_cell[labelled] = inverse.reshape(-1)
    values = tuple(tuple(cells.values[column][code] for column, code in zip(columns, row, strict=True)) for row in groups)
    return SampleGrouping(tuple(attributes), tuple(JOINER.join(labels) for labels in values), values, of_cell)


def make_groupings(cells: Cells, sets: Sequence[Sequence[str]] | None = None) -> list[SampleGrouping]:
    """Divide the cells into groups by each set of attributes.

    sets: None for each attribute alone, then their intersections, the finest last.
    """
    names = cells.attributes
    if sets is None:
        sizes = range(1, len(names) + 1) if len(names) <= MANY_ATTRIBUTES else (1, len(names))
        sets = [chosen for size in sizes for chosen in combinations(names, size)]
    return [make_grouping(cells, chosen) for chosen in sets]


def one_group(cells: Cells, name: str) -> SampleGrouping:
    """Return a grouping with everybody in one group.

    Labelled or not.
    """
    return SampleGrouping((), (name,), ((),), np.zeros(cells.n, np.int32))


def subjects_per_group(grouping: SampleGrouping, cells: Cells, subjects: NDArray[np.int32]) -> NDArray[np.int64]:
    """Count the different subjects of each group, int64[n_groups]."""
    group = grouping.of(cells.of_sample)
    known = group >= 0
    pairs = np.unique(np.stack([group[known], subjects[known]], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=grouping.n).astype(np.int64)


def cells_of(grouping: SampleGrouping, finest: SampleGrouping, g: int) -> list[int]:
    """Return the groups of the finest grouping inside group g."""
    return sorted({int(finest.of_cell[cell]) for cell in np.flatnonzero((grouping.of_cell == g) & (finest.of_cell >= 0))})


def is_withheld_within(grouping: SampleGrouping, finest: SampleGrouping, g: int) -> bool:
    """Return whether part of group g is withheld in the finest grouping."""
    return bool((grouping.of_cell[finest.withheld] == g).any())


def shares_subjects(subjects: NDArray[np.int32], of_sample: NDArray[np.int32]) -> bool:
    """Return whether some subject has samples in two cells.

    Groups may share subjects then. Both int32[n_samples].
    """
    first = np.full(int(subjects.max(initial=-1)) + 1, -1, np.int32)
    first[subjects] = of_sample
    return bool((first[subjects] != of_sample).any())
