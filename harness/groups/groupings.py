"""Groups of samples: every combination of attribute values is a cell, and groupings are maps from cells to groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.schema.dataset import Attribute

JOINER = " × "
SMALL_CELL = 10
"""Groups of fewer subjects are merged in what is published, unless the set's labels are public."""


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

    names, values: of each group. of_cell: int32[n_cells], the group of each cell, -1 for none. merged: per group, how many
    small groups it stands for (0: it is itself).
    """

    attributes: tuple[str, ...]
    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    of_cell: NDArray[np.int32]
    merged: tuple[int, ...]

    @property
    def n(self) -> int:
        """Return the number of groups."""
        return len(self.names)

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
        return SampleGrouping(tuple(attributes), (), (), of_cell, ())
    groups, inverse = np.unique(codes[labelled], axis=0, return_inverse=True)
    of_cell[labelled] = inverse.reshape(-1)
    values = tuple(tuple(cells.values[column][code] for column, code in zip(columns, row, strict=True)) for row in groups)
    return SampleGrouping(tuple(attributes), tuple(JOINER.join(labels) for labels in values), values, of_cell, (0,) * len(values))


def one_group(cells: Cells, name: str) -> SampleGrouping:
    """Return a grouping with everybody in one group.

    Labelled or not.
    """
    return SampleGrouping((), (name,), ((),), np.zeros(cells.n, np.int32), (0,))


def subjects_per_group(grouping: SampleGrouping, cells: Cells, subjects: NDArray[np.int32]) -> NDArray[np.int64]:
    """Count the different subjects of each group, int64[n_groups]."""
    group = grouping.of(cells.of_sample)
    known = group >= 0
    pairs = np.unique(np.stack([group[known], subjects[known]], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=grouping.n).astype(np.int64)


def cells_of(grouping: SampleGrouping, finest: SampleGrouping, g: int) -> list[int]:
    """Return the groups of the finest grouping inside group g."""
    return sorted({int(finest.of_cell[cell]) for cell in np.flatnonzero((grouping.of_cell == g) & (finest.of_cell >= 0))})


def shares_subjects(subjects: NDArray[np.int32], of_sample: NDArray[np.int32]) -> bool:
    """Return whether some subject has samples in two cells.

    Groups may share subjects then. Both int32[n_samples].
    """
    first = np.full(int(subjects.max(initial=-1)) + 1, -1, np.int32)
    first[subjects] = of_sample
    return bool((first[subjects] != of_sample).any())
