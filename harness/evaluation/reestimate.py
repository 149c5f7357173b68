"""The bootstrap at a target threshold, made once per data set and model and read by every grouping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .. import record
from ..comparisons.cells import Grouping, cells_of
from ..comparisons.evidence import AllPairs, Evidence
from ..uncertainty.bootstrap import MatedScores, Replicates, SortedErrors, bootstrap_at_target, ratio_interval
from .pool import Pool

REPLICATES = 500
MOST_WORK = 400_000_000
"""Replicates × errors above which replicates are cut (never under 200)."""


@dataclass(frozen=True)
class Reestimated:
    """Replicated rates of every group of the finest grouping."""

    replicates: Replicates

    def ratio_interval(
        self, measure: Literal["fmr", "fnmr"], grouping: Grouping, finest: Grouping, group: int, reference: int
    ) -> record.Interval | None:
        """95 % percentile interval of the ratio of two groups' mean rates over their finest cells."""
        r = self.replicates
        errors, total = (r.errors, r.comparisons) if measure == "fmr" else (r.mated_errors, r.mated)
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = np.where(total > 0, errors / total, np.nan)
        rates[np.isnan(r.threshold)] = np.nan
        means = []
        for g in (group, reference):
            means.append(rates[:, cells_of(grouping, finest, g)].mean(axis=1))
        return ratio_interval(means[0], means[1])


def _samples_by(evidence: Evidence, group: NDArray[np.int32], n: int) -> NDArray[np.float64]:
    """float64[subjects, n]: samples of each subject in each group; -1 is in none."""
    table = np.zeros((int(evidence.subjects.max()) + 1, n))
    known = group >= 0
    np.add.at(table, (evidence.subjects[known], group[known]), 1)
    return table


def reestimate(evidence: Evidence, finest: Grouping, pool: Pool, target: float, seed: int) -> Reestimated | None:
    """Bootstrap over subjects at one target; None where comparisons were not all pairs (a score file)."""
    if not isinstance(evidence.pairs, AllPairs) or not finest.n:
        return None
    cells, ledger = evidence.cells.of_sample, evidence.tally.ledger
    group = np.append(finest.of_cell, -1)[cells].astype(np.int32)
    stratum = pool.stratum[cells[ledger.a], cells[ledger.b]]
    same = np.where(group[ledger.a] == group[ledger.b], group[ledger.a], -1)
    relevant = np.flatnonzero((stratum >= 0) | (same >= 0))
    order = relevant[np.argsort(-ledger.score[relevant], kind="stable")]
    errors = SortedErrors(
        evidence.subjects[ledger.a[order]], evidence.subjects[ledger.b[order]], ledger.score[order],
        stratum[order].astype(np.int32), same[order].astype(np.int32),
    )  # fmt: skip
    pairs = evidence.tally.mated_pairs
    mated = MatedScores(
        evidence.subjects[pairs.a], pairs.score, np.where(group[pairs.a] == group[pairs.b], group[pairs.a], -1).astype(np.int32)
    )
    strata = np.full(int(evidence.subjects.max()) + 1, -1, np.int32)
    strata[evidence.subjects[::-1]] = cells[::-1]
    in_pool = np.diag(pool.stratum)[cells].astype(np.int32)
    replicates = int(np.clip(MOST_WORK // max(1, len(order)), 200, REPLICATES))
    return Reestimated(
        bootstrap_at_target(
            errors,
            mated,
            strata,
            _samples_by(evidence, in_pool, pool.weights.size),
            pool.weights,
            _samples_by(evidence, group, finest.n),
            target,
            whole=len(ledger) == evidence.tally.n_non_mated,
            replicates=replicates,
            seed=seed,
        )
    )
