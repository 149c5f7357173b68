"""Mated comparisons of too few people: a large group may have few with two images, whose figures would be theirs alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.comparisons.tally import I32
from faceparity.harness.groups.groupings import SMALL_CELL, Cells, SampleGrouping
from faceparity.harness.groups.small_groups import small_remainder


def of_few_people(
    first: I32, second: I32, subjects: I32, cells: Cells, groupings: Sequence[SampleGrouping], smallest: int = SMALL_CELL
) -> NDArray[np.bool_]:
    """Return which mated comparisons are of too few people, bool[m].

    first, second: int32[m], the two samples of each. subjects: int32[n_samples]. Without these no sum over the mated comparisons of
    published groups, and no combination of such sums, is about fewer than `smallest` subjects. Large groups keep all else.
    """
    low, high = (pick(cells.of_sample[first], cells.of_sample[second]) for pick in (np.minimum, np.maximum))
    kinds, of_pair = np.unique(low.astype(np.int64) * cells.n + high, return_inverse=True)
    kind: I32 = of_pair.reshape(-1).astype(np.int32)
    of_kinds = Cells((), (), kind, np.empty((kinds.size, 0), np.int32))
    inside = [_of_kinds(grouping, kinds // cells.n, kinds % cells.n) for grouping in groupings]
    gone = np.zeros(kind.size, bool)
    while True:
        kept = replace(of_kinds, of_sample=np.where(gone, -1, kind).astype(np.int32))
        remainder = small_remainder(inside, kept, subjects[first], smallest)
        if remainder is None:
            return gone
        gone |= np.append(remainder, False)[kept.of_sample]


def _of_kinds(grouping: SampleGrouping, low: NDArray[np.int64], high: NDArray[np.int64]) -> SampleGrouping:
    """Return a grouping of kinds of comparisons, by the cells of both samples.

    A comparison is in a group if both samples are.
    """
    group_a, group_b = grouping.of_cell[low], grouping.of_cell[high]
    return replace(grouping, of_cell=np.where(group_a == group_b, group_a, -1).astype(np.int32))
