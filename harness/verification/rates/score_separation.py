"""EER, d′, calibration and the moments of each group's scores, from the tally: descriptions, not operating points."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.comparisons.tally import I64, Scores
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.metrics.calibration import group_cllr
from faceparity.harness.metrics.separation import Det, Eer, d_prime, det_of_histogram, eer, moments
from faceparity.harness.verification.rates.verdict_rules import BOUND_BELOW, SHOWN_FROM


def make_separation(evidence: Evidence, grouping: SampleGrouping) -> list[results.Separation]:
    """Return the separation of scores in each group.

    Figures of mated scores need 30 subjects with mated comparisons, as FNMR does, those of non-mated ones 30 with non-mated
    comparisons, an EER also ten errors of both kinds; what is left out has a reason.
    """
    tally = evidence.tally
    group = grouping.of(evidence.cells.of_sample)
    owners = [np.where(group[pairs.a] == group[pairs.b], group[pairs.a], -1) for pairs in (tally.mated_pairs, tally.ledger)]
    found, counted = [], {}
    for index, name in enumerate(grouping.names):
        inside = np.flatnonzero(grouping.of_cell == index)
        square = np.ix_(inside, inside)
        mated, non_mated = (table[square].sum(axis=(0, 1)) for table in (tally.mated, tally.non_mated))
        of_mated = tally.mated_pairs.where(owners[0] == index)
        people = np.unique(evidence.subjects[group == index]).size, np.unique(evidence.subjects[of_mated.a]).size
        shown = people[0] >= SHOWN_FROM, people[1] >= SHOWN_FROM
        figures: dict[str, object] = {}
        if shown[0]:
            figures |= _non_mated(tally.grid.edges, non_mated)
        if shown[1]:
            figures |= _mated(of_mated.score)
        if all(shown):
            counted[name] = mated, non_mated
            ledger = tally.ledger.score[owners[1] == index]
            figures |= _both(
                crossing(tally.grid.edges, mated, non_mated, of_mated.score, ledger, tally.floor), figures, mated, non_mated
            )
        else:
            figures["reason"] = _no_mated(evidence, inside) if shown[0] and not people[1] else "too_few_subjects"
        counts = {"group": name, "mated": int(mated.sum()), "non_mated": int(non_mated.sum())}
        found.append(counts | figures)
    costs = _costs(counted)
    return [results.Separation.model_validate(costs.get(one["group"], {}) | one) for one in found]


def _no_mated(evidence: Evidence, inside: NDArray[np.int64]) -> results.Reason:
    """Return why a group has no mated score. inside: its cells."""
    attempted = evidence.attempted_mated
    return "all_failed" if attempted is not None and attempted[np.ix_(inside, inside)].any() else "no_mated_pairs"


def _costs(counted: Mapping[str, tuple[I64, I64]]) -> dict[object, dict[str, object]]:
    """Return the calibration costs of every group.

    counted: name → (mated, non-mated) counts per bin. A group alone has only its own calibration.
    """
    known = {name: kinds for name, kinds in counted.items() if all(kind.any() for kind in kinds)}
    if not known:
        return {}
    costs = group_cllr(*zip(*known.values(), strict=True))
    if len(known) == 1:
        return {name: {"min_cllr": costs[0].own, "reason": "one_group"} for name in known}
    return {
        name: {"cllr": cost.common, "min_cllr": cost.own, "miscalibration": cost.miscalibration}
        for name, cost in zip(known, costs, strict=True)
    }


def _mated(scores: Scores) -> dict[str, object]:
    mean, sd = moments(scores) or (None, None)
    return {"mated_mean": mean, "mated_sd": sd}


def _non_mated(edges: Scores, counts: I64) -> dict[str, object]:
    mean, sd = moments((edges[:-1].astype(np.float64) + edges[1:]) / 2, counts) or (None, None)
    return {"non_mated_mean": mean, "non_mated_sd": sd, "bin_width": float(np.diff(edges.astype(np.float64)).max())}


def _both(found: Eer | None, means: dict[str, object], mated: I64, non_mated: I64) -> dict[str, object]:
    """Return d′, and the EER where errors are enough.

    The EER must rest on ten errors of each kind.
    """
    values = [
        value for name in ("mated_mean", "mated_sd", "non_mated_mean", "non_mated_sd") if isinstance(value := means[name], float)
    ]
    apart = d_prime(*values) if len(values) == 4 else None
    if found is None:
        return {"d_prime": apart, "reason": "zero_comparisons"}
    if found.high * min(int(mated.sum()), int(non_mated.sum())) < BOUND_BELOW:
        return {"d_prime": apart, "reason": "too_few_errors" if found.high else "zero_errors"}
    return {"d_prime": apart, "eer": found.value, "eer_within": (found.low, found.high), "eer_threshold": found.threshold}


def crossing(edges: Scores, mated: I64, non_mated: I64, mated_scores: Scores, ledger: Scores, floor: float) -> Eer | None:
    """Return the EER of one group.

    On the histogram's edges, and within the bin of the crossing at every score, if the ledger has them all. None without comparisons
    of both kinds.

    mated, non_mated: counts per bin. mated_scores, ledger: every mated score, and every non-mated one at or above `floor`.
    """
    curve = det_of_histogram(edges, mated, non_mated)
    if not mated.sum() or not non_mated.sum():
        return None
    at = int(np.flatnonzero(curve.fmr >= curve.fnmr)[-1])
    low, high = edges[at], (edges[at + 1] if at + 1 < edges.size - 1 else edges.dtype.type(np.inf))
    if low < edges.dtype.type(floor):
        return eer(curve)
    inner = np.unique(np.concatenate([scores[(scores >= low) & (scores < high)] for scores in (mated_scores, ledger)]))
    fmr = (ledger.size - np.searchsorted(np.sort(ledger), inner)) / non_mated.sum()
    fnmr = np.searchsorted(np.sort(mated_scores), inner) / mated.sum()
    return eer(Det(*(np.concatenate(columns) for columns in zip(curve, (inner.astype(np.float64), fmr, fnmr), strict=True))))
