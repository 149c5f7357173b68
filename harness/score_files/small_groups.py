"""People of small groups, who leave a score file and its file of failures alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.comparisons.few_mated import of_few_people
from faceparity.harness.groups.groupings import Cells, SampleGrouping
from faceparity.harness.groups.small_groups import leaving_samples
from faceparity.harness.score_files.columns import I32
from faceparity.harness.score_files.table import ScoreTable


@dataclass(frozen=True)
class LabelledPeople:
    """The people of one table with their cells.

    people: their ids. subjects: int32[n], of each sample the place in `people`.
    """

    people: Sequence[str]
    subjects: I32
    cells: Cells

    def are(self, ids: frozenset[str]) -> NDArray[np.bool_]:
        """Return which samples are of these people, bool[n]."""
        return np.array([person in ids for person in self.people], bool)[self.subjects]


def leaving_people(tables: Sequence[LabelledPeople]) -> frozenset[str]:
    """Return the ids of those who leave all tables.

    A group is small that has too few people in one of them; who leaves one leaves the others too.
    """
    gone: frozenset[str] = frozenset()
    while True:
        more: set[str] = set()
        for table in tables:
            kept = ~table.are(gone)
            subjects = table.subjects[kept]
            few = leaving_samples(replace(table.cells, of_sample=table.cells.of_sample[kept]), subjects)
            more |= {table.people[subject] for subject in np.unique(subjects[few])}
        if not more:
            return gone
        gone |= more


def scores_of(table: ScoreTable, kept: NDArray[np.bool_]) -> ScoreTable:
    """Return a score table with only some of its samples.

    kept: bool[samples]. Comparisons with another sample are dropped.
    """
    if kept.all():
        return table
    number = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    rows = kept[table.a] & kept[table.b]
    chosen = np.flatnonzero(kept)
    return replace(
        table,
        subjects=table.subjects[chosen],
        attributes=tuple(attribute.of_samples(chosen) for attribute in table.attributes),
        a=number[table.a[rows]],
        b=number[table.b[rows]],
        score=table.score[rows],
    )


def without_few_mated(table: ScoreTable, cells: Cells, groupings: Sequence[SampleGrouping]) -> ScoreTable:
    """Return a score table without mated comparisons of too few people.

    They are counted among the rows left out.
    """
    mated = np.flatnonzero(table.subjects[table.a] == table.subjects[table.b])
    few = mated[of_few_people(table.a[mated], table.b[mated], table.subjects, cells, groupings)]
    if not few.size:
        return table
    kept = np.ones(table.a.size, bool)
    kept[few] = False
    left_out = {**table.left_out, "few_people": int(few.size)}
    return replace(table, a=table.a[kept], b=table.b[kept], score=table.score[kept], left_out=left_out)
