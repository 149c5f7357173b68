"""From templates to evidence: the score at which the ledger begins, and a second pass where that proves wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.harness.comparisons.evidence import Evidence, evidence_of_all_pairs
from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.comparisons.similarity import Kind
from faceparity.harness.comparisons.subsampling import Deal
from faceparity.harness.comparisons.tally import ScoreBins, Tally
from faceparity.harness.comparisons.tiles import tally_pairs
from faceparity.harness.execution.backend import Backend
from faceparity.harness.groups.groupings import Cells
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool

BINS = 1000
PILOT = 3000
"""Templates in the pilot that finds the floor: every n / PILOT-th in cell order, so the same ones on every machine."""
MARGIN = 4.0
"""The pool's FMR at the floor, over the largest target."""
LEDGER_CAP = 20_000_000
DEEPEN_CAP = 5_000_000
"""A published or fixed threshold below the floor lowers it, unless the ledger would then hold more than this."""


@dataclass(frozen=True)
class TallyPlan:
    """The scores and thresholds that a tally must cover. thresholds: published and fixed ones, as similarities."""

    kind: Kind
    low: float
    high: float
    targets: tuple[float, ...]
    thresholds: tuple[float, ...]
    same_person: float | None
    workers: int
    backend: Backend | None = None
    """Where the comparisons are made; None: by threads of this process."""


@dataclass(frozen=True)
class CollectedEvidence:
    """The evidence, how many passes it took, and why more than one."""

    evidence: Evidence
    passes: int
    note: str = ""


def tally_all_pairs(
    samples: Samples,
    cells: Cells,
    subjects: NDArray[np.int32],
    has_template: NDArray[np.bool_],
    pool: ThresholdPool,
    plan: TallyPlan,
    progress: Callable[[int], None] | None = None,
    dealt: Deal | None = None,
) -> CollectedEvidence:
    """Compare every pair once, or a sample of the pairs.

    With a ledger deep enough for the targets. samples: of the templates; cells, subjects, has_template, dealt: of all samples of the
    data set. dealt: the sample of comparisons to make; None for all. Raises UserError if more comparisons have the very highest scores
    than a ledger holds.
    """
    grid = ScoreBins.uniform(plan.low, plan.high, BINS, plan.thresholds)
    floor = _first_floor(samples, pool, plan, grid, 1.0 if dealt is None else dealt.share)
    if dealt is not None:
        samples = replace(samples, dealt=dealt.only(has_template))
    tally = _pass(samples, plan, grid, floor, progress)
    passes, note = 1, ""
    better_floor = choose_floor(tally, pool, plan, 1.0)
    if better_floor < floor and _pool_fmr_at(tally, pool, floor) < _least_fmr_at_floor(plan) / 2:
        tally, passes, note = _pass(samples, plan, grid, better_floor, progress), 2, "the pilot set the ledger's floor too high"
    elif _n_in_ledger(tally) > LEDGER_CAP and better_floor > floor:
        tally, passes, note = _pass(samples, plan, grid, better_floor, progress), 2, "the ledger was over its cap"
    if _n_in_ledger(tally) > LEDGER_CAP:
        raise UserError(
            f"{_n_in_ledger(tally):,} comparisons of different people score {tally.floor:g} or more, and no more than {LEDGER_CAP:,} can "
            "be kept: nearly all scores are alike, so look at the templates (are the images faces?) or compare fewer samples"
        )
    return CollectedEvidence(evidence_of_all_pairs(tally, cells, subjects, has_template, dealt), passes, note)


def _first_floor(samples: Samples, pool: ThresholdPool, plan: TallyPlan, grid: ScoreBins, share: float) -> float:
    """Return the ledger's floor by a pilot.

    The pilot is freed when this returns: with many cells it is as large as a tally.
    """
    pilot, scale = _pilot(samples, plan, grid)
    return choose_floor(pilot, pool, plan, scale * share)


def _pass(samples: Samples, plan: TallyPlan, grid: ScoreBins, floor: float, progress: Callable[[int], None] | None) -> Tally:
    dense = [threshold for threshold in plan.thresholds if np.float32(threshold) < np.float32(floor)]
    return tally_pairs(
        samples, plan.kind, grid, floor, dense=dense, workers=plan.workers, cap=LEDGER_CAP, progress=progress,
        worker=plan.backend.tally if plan.backend else None,
    )  # fmt: skip


def _n_in_ledger(tally: Tally) -> int:
    """Count the comparisons at or above the ledger's floor.

    The ledger holds them, unless it was given up.
    """
    return int(tally.non_mated[:, :, np.searchsorted(tally.grid.edges, tally.grid.exact(tally.floor)) :].sum())


def _pilot(samples: Samples, plan: TallyPlan, grid: ScoreBins) -> tuple[Tally, float]:
    """Tally a fixed part of the samples, without a ledger.

    Returns also how many comparisons one of its stands for.
    """
    if samples.n <= PILOT:
        chosen = np.arange(samples.n)
    else:
        by_cell = np.argsort(samples.cells, kind="stable")
        chosen = np.sort(by_cell[np.linspace(0, samples.n - 1, PILOT).astype(int)])
    part = Samples(
        samples.templates[chosen], samples.subjects[chosen], samples.cells[chosen], samples.images[chosen], samples.n_cells,
        np.empty((0, 2), np.int32),
    )  # fmt: skip
    tally = tally_pairs(part, plan.kind, grid, float(grid.edges[-1]), workers=plan.workers)
    return tally, (samples.n / max(1, len(chosen))) ** 2


def _least_fmr_at_floor(plan: TallyPlan) -> float:
    return MARGIN * max(plan.targets, default=0.0)


def _pool_fmr(tally: Tally, pool: ThresholdPool) -> NDArray[np.float64]:
    """Return the pool's FMR at each edge of the grid.

    float64[edges], over the strata that have comparisons.
    """
    inside = pool.stratum >= 0
    by_stratum = np.zeros((pool.weights.size, tally.grid.n), np.int64)
    np.add.at(by_stratum, pool.stratum[inside], tally.non_mated[inside])
    by_edge = np.cumsum(by_stratum[:, ::-1], axis=1)[:, ::-1].T
    comparisons = by_edge[0]
    known = comparisons > 0
    if not known.any():
        return np.zeros(tally.grid.n)
    weights = pool.weights[known] / pool.weights[known].sum()
    return np.asarray((by_edge[:, known] / comparisons[known]) @ weights, np.float64)


def _pool_fmr_at(tally: Tally, pool: ThresholdPool, floor: float) -> float:
    edge = int(np.searchsorted(tally.grid.edges, tally.grid.exact(floor)))
    return float(_pool_fmr(tally, pool)[min(edge, tally.grid.n - 1)])


def choose_floor(tally: Tally, pool: ThresholdPool, plan: TallyPlan, scale: float) -> float:
    """Return the score at which the ledger begins.

    The highest edge at which the pool's FMR is at least four times the largest target; lower for published and fixed thresholds where
    the ledger stays small; higher where it would pass its cap. scale: comparisons that one of the tally's stands for.
    """
    edges = tally.grid.edges[:-1]
    above = np.cumsum(tally.non_mated.sum(axis=(0, 1))[::-1])[::-1] * scale
    deep = np.flatnonzero(_pool_fmr(tally, pool) >= _least_fmr_at_floor(plan))
    at = int(deep[-1]) if deep.size and plan.targets else (0 if plan.targets else edges.size - 1)
    wanted: Sequence[float] = [*plan.thresholds, *([] if plan.same_person is None else [plan.same_person])]
    for threshold in wanted:
        below = int(np.searchsorted(tally.grid.edges, tally.grid.exact(threshold), side="right")) - 1
        if below < at and above[max(0, below)] <= DEEPEN_CAP:
            at = max(0, below)
    while at < edges.size - 1 and above[at] > LEDGER_CAP:
        at += 1
    return float(edges[at])
