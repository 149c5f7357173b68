"""Histograms of scores by group, for drawing score distributions and DET curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM


def make_curves(evidence: Evidence, grouping: SampleGrouping, subjects: NDArray[np.int64]) -> list[results.Curve]:
    """One curve of within-group comparisons for each group of at least 30 subjects, cut to the bins that hold anything.

    subjects: int64[groups].
    """
    out = []
    for g, name in enumerate(grouping.names):
        if subjects[g] < SHOWN_FROM:
            continue
        inside = np.flatnonzero(grouping.of_cell == g)
        square = np.ix_(inside, inside)
        mated, non_mated = (t[square].sum(axis=(0, 1)) for t in (evidence.tally.mated, evidence.tally.non_mated))
        held = np.flatnonzero(mated + non_mated)
        if not held.size:
            continue
        first, last = int(held[0]), int(held[-1]) + 1
        edges = evidence.tally.grid.edges[first : last + 1]
        out.append(
            results.Curve(
                group=name,
                edges=[float(str(e)) for e in edges],
                mated=mated[first:last].tolist(),
                non_mated=non_mated[first:last].tolist(),
            )
        )
    return out
