"""The bootstrap at a target threshold, run once per data set and model and read by every grouping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.comparisons.pair_counts import AllPairs
from faceparity.harness.comparisons.score_list import ListedComparisons
from faceparity.harness.groups.groupings import SampleGrouping, cells_of
from faceparity.harness.uncertainty.bootstrap import (
    ColumnComparisons,
    MatedScores,
    Replicates,
    SortedErrors,
    bootstrap_at_target,
    ratio_interval,
)
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool

I32 = NDArray[np.int32]

REPLICATES = 1000
FEWEST = 200
MOST_WORK = 1_000_000_000
"""Replicates × (subjects, errors and listed pairs) above which replicates are cut, and if `FEWEST` were too many, left out."""


@dataclass(frozen=True)
class Reestimated:
    """Replicated rates of every group of the finest grouping."""

    replicates: Replicates

    def ratio_interval(
        self, measure: Literal["fmr", "fnmr"], grouping: SampleGrouping, finest: SampleGrouping, group: int, reference: int
    ) -> results.Interval | None:
        """Return the 95 % percentile interval of two groups' ratio.

        Of their mean rates over their finest cells.
        """
        replicates = self.replicates
        errors, total = (
            (replicates.errors, replicates.comparisons) if measure == "fmr" else (replicates.mated_errors, replicates.mated)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = np.where(total > 0, errors / total, np.nan)
        rates[np.isnan(replicates.threshold)] = np.nan
        means = []
        for index in (group, reference):
            means.append(rates[:, cells_of(grouping, finest, index)].mean(axis=1))
        return ratio_interval(means[0], means[1])


def _compared(evidence: Evidence, column: I32, columns: int) -> ColumnComparisons | None:
    """Return the comparisons between samples of one column.

    column: int32[samples], -1 for none. None if it is not known which comparisons these are.
    """
    none = np.empty(0, np.int32)
    if isinstance(evidence.pairs, ListedComparisons):
        return ColumnComparisons(columns, none, none, none, *evidence.pairs.inside(column))
    if not isinstance(evidence.pairs, AllPairs):
        return None
    known = np.flatnonzero(column >= 0)
    keys, samples = np.unique(evidence.subjects[known].astype(np.int64) * columns + column[known], return_counts=True)
    out = evidence.pairs.left_out
    inside = np.flatnonzero((column[out.a] == column[out.b]) & (column[out.a] >= 0))
    return ColumnComparisons(
        columns, (keys // max(1, columns)).astype(np.int32), (keys % max(1, columns)).astype(np.int32), samples.astype(np.int32),
        evidence.subjects[out.a[inside]], evidence.subjects[out.b[inside]], column[out.a[inside]], np.full(inside.size, -1, np.int32),
    )  # fmt: skip


def reestimate(
    evidence: Evidence, finest: SampleGrouping, pool: ThresholdPool, target: float, seed: int, workers: int = 1
) -> Reestimated | None:
    """Resample subjects and return the rates at one target.

    None where it would take too long (millions of listed pairs).
    """
    cells = evidence.cells.of_sample
    group = finest.of(cells)
    in_pool = np.diag(pool.stratum)[cells].astype(np.int32)
    columns = ((in_pool, pool.weights.size), (group, finest.n))
    work = int(evidence.subjects.max(initial=-1)) + 1 + len(evidence.tally.ledger)
    if isinstance(evidence.pairs, ListedComparisons):
        work += sum(evidence.pairs.n_inside(column) for column, _ in columns)
    replicates = min(REPLICATES, MOST_WORK // max(1, work))
    compared = [_compared(evidence, column, size) for column, size in columns] if replicates >= FEWEST else [None]
    if not finest.n or compared[0] is None or compared[1] is None:
        return None
    strata = np.full(int(evidence.subjects.max(initial=-1)) + 1, -1, np.int32)
    strata[evidence.subjects[::-1]] = cells[::-1]
    errors, mated = _errors(evidence, group, pool), _mated(evidence, group)
    complete = len(evidence.tally.ledger) == evidence.tally.n_non_mated
    return Reestimated(
        bootstrap_at_target(
            errors, mated, strata, compared[0], pool.weights, compared[1], target,
            complete=complete, replicates=replicates, seed=seed, workers=workers,
        )
    )  # fmt: skip


def _errors(evidence: Evidence, group: I32, pool: ThresholdPool) -> SortedErrors:
    """Return the errors that matter, highest score first.

    The ledger's comparisons within a stratum of the pool or a group.
    """
    ledger, cells = evidence.tally.ledger, evidence.cells.of_sample
    stratum = pool.stratum[cells[ledger.a], cells[ledger.b]].astype(np.int32)
    same = np.where(group[ledger.a] == group[ledger.b], group[ledger.a], -1).astype(np.int32)
    relevant = np.flatnonzero((stratum >= 0) | (same >= 0))
    order = relevant[np.argsort(-ledger.score[relevant], kind="stable")]
    return SortedErrors(
        evidence.subjects[ledger.a[order]], evidence.subjects[ledger.b[order]], ledger.score[order], stratum[order], same[order]
    )


def _mated(evidence: Evidence, group: I32) -> MatedScores:
    """Return the mated comparisons, lowest score first."""
    pairs = evidence.tally.mated_pairs
    order = np.argsort(pairs.score, kind="stable")
    first, second = pairs.a[order], pairs.b[order]
    return MatedScores(
        evidence.subjects[first], pairs.score[order], np.where(group[first] == group[second], group[first], -1).astype(np.int32)
    )
