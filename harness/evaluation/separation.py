"""EER, d′ and the moments of each group's scores, from the tally: descriptions, not operating points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import record
from ..comparisons.cells import Grouping
from ..comparisons.evidence import Evidence
from ..comparisons.tally import F32, I64
from ..metrics.separation import Det, Eer, d_prime, det_of_histogram, eer, moments
from .rates import SHOWN_FROM


def make_separation(evidence: Evidence, grouping: Grouping, subjects: NDArray[np.int64]) -> list[record.Separation]:
    """One for each group; without figures, with a reason, under 30 subjects. subjects: int64[groups]."""
    tally = evidence.tally
    group = np.append(grouping.of_cell, -1)[evidence.cells.of_sample]
    scores = []
    for pairs in (tally.mated_pairs, tally.ledger):
        ga, gb = group[pairs.a], group[pairs.b]
        scores.append((np.where(ga == gb, ga, -1), pairs.score))
    out = []
    for g, name in enumerate(grouping.names):
        inside = np.flatnonzero(grouping.of_cell == g)
        square = np.ix_(inside, inside)
        mated, non_mated = (t[square].sum(axis=(0, 1)) for t in (tally.mated, tally.non_mated))
        counted = record.Separation(group=name, mated=int(mated.sum()), non_mated=int(non_mated.sum()))
        if subjects[g] < SHOWN_FROM:
            out.append(counted.model_copy(update={"reason": "too_few_subjects"}))
            continue
        of_mated, of_ledger = (score[owner == g] for owner, score in scores)
        found = crossing(tally.grid.edges, mated, non_mated, of_mated, of_ledger, tally.floor)
        out.append(counted.model_copy(update=_figures(tally.grid.edges, non_mated, of_mated, found)))
    return out


def _figures(edges: F32, non_mated: I64, mated: F32, found: Eer | None) -> dict[str, object]:
    middle = (edges[:-1].astype(np.float64) + edges[1:]) / 2
    m, n = moments(mated), moments(middle, non_mated)
    figures: dict[str, object] = {}
    if m is not None:
        figures |= {"mated_mean": m[0], "mated_sd": m[1]}
    if n is not None:
        width = float(np.diff(edges.astype(np.float64)).max())
        figures |= {"non_mated_mean": n[0], "non_mated_sd": n[1], "bin_width": width}
    if found is not None:
        figures |= {"eer": found.value, "eer_within": (found.low, found.high), "eer_threshold": found.threshold}
    if m is not None and n is not None:
        return figures | {"d_prime": d_prime(*m, *n)}
    return figures | {"reason": "zero_comparisons" if n is None else "no_mated_pairs"}


def crossing(edges: F32, mated: I64, non_mated: I64, mated_scores: F32, ledger: F32, floor: float) -> Eer | None:
    """The EER of one group: on the histogram's edges, and within the bin of the crossing at every score, if the ledger has them all.

    mated, non_mated: counts per bin. mated_scores, ledger: every mated score, and every non-mated one at or above `floor`.
    """
    curve = det_of_histogram(edges, mated, non_mated)
    if not mated.sum() or not non_mated.sum():
        return None
    at = int(np.flatnonzero(curve.fmr >= curve.fnmr)[-1])
    low, high = edges[at], (edges[at + 1] if at + 1 < edges.size - 1 else np.float32(np.inf))
    if low < np.float32(floor):
        return eer(curve)
    inner = np.unique(np.concatenate([s[(s >= low) & (s < high)] for s in (mated_scores, ledger)]))
    fmr = (ledger.size - np.searchsorted(np.sort(ledger), inner)) / non_mated.sum()
    fnmr = np.searchsorted(np.sort(mated_scores), inner) / mated.sum()
    return eer(Det(*(np.concatenate(c) for c in zip(curve, (inner.astype(np.float64), fmr, fnmr), strict=True))))
