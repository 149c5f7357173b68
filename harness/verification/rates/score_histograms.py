"""Histograms of scores by group, for drawing score distributions and DET curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM


def make_curves(evidence: Evidence, grouping: SampleGrouping, subjects: NDArray[np.int64]) -> list[results.Curve]:
    """Return each group's histograms of within-group comparisons.

    Of groups of at least 30 subjects, cut to the bins that hold anything. subjects: int64[groups].
    """
    out = []
    for index, name in enumerate(grouping.names):
        if subjects[index] < SHOWN_FROM:
            continue
        inside = np.flatnonzero(grouping.of_cell == index)
        square = np.ix_(inside, inside)
        mated, non_mated = (table[square].sum(axis=(0, 1)) for table in (evidence.tally.mated, evidence.tally.non_mated))
        occupied = np.flatnonzero(mated + non_mated)
        if not occupied.size:
            continue
        first, last = int(occupied[0]), int(occupied[-1]) + 1
        edges = evidence.tally.grid.edges[first : last + 1]
        out.append(
            results.Curve(
                group=name,
                edges=[float(str(edge)) for edge in edges],
                mated=mated[first:last].tolist(),
                non_mated=non_mated[first:last].tolist(),
            )
        )
    return out
