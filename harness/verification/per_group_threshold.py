"""Error rates with a threshold of each group's own: how the study behind one claim measured, and no way to run a system.

At its own threshold every group has the same FMR, so a difference in false matches can't be seen; only FNMR is left to compare.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.groups.groupings import SampleGrouping, cells_of, subjects_per_group
from faceparity.harness.uncertainty import contrasts as stats
from faceparity.harness.uncertainty.bootstrap import same_draws
from faceparity.harness.verification.one_threshold import mated_by_group
from faceparity.harness.verification.rates.estimates import Estimate
from faceparity.harness.verification.threshold.threshold_bootstrap import reestimate
from faceparity.harness.verification.threshold.threshold_pool import (
    LEAST_EXPECTED_ERRORS,
    FoundThreshold,
    ThresholdPool,
    find_threshold,
)

UNDEFINED = 0.1
"""Share of replicates without a rate, or without a ratio, above which there is none."""
METHOD = "Wilson-t, max(clustered by subject, bootstrap over subjects with the threshold found anew)"


@dataclass(frozen=True)
class AtOwnThreshold:
    """FNMR of one group at the threshold that gives its own non-mated comparisons the target FMR.

    estimate: variance with the threshold found anew; its reason where there is none. replicates: float64[·], nan where undefined;
    replicate k of every group draws the same subjects.
    """

    found: FoundThreshold
    estimate: Estimate
    replicates: NDArray[np.float64]


def pool_of_group(evidence: Evidence, grouping: SampleGrouping, g: int, finest: SampleGrouping | None = None) -> ThresholdPool:
    """The non-mated comparisons of one group: as sampled, or those inside each of its cells of a finer grouping, equally weighted."""
    strata = [np.flatnonzero(grouping.of_cell == g)]
    if finest is not None:
        strata = [np.flatnonzero((finest.of_cell == c) & (grouping.of_cell == g)) for c in cells_of(grouping, finest, g)]
    stratum = np.full((evidence.cells.n,) * 2, -1, np.int32)
    for index, cells in enumerate(strata):
        stratum[np.ix_(cells, cells)] = index
    name = grouping.names[g]
    size = int(subjects_per_group(grouping, evidence.cells, evidence.subjects)[g])
    weights = np.full(len(strata), 1 / max(1, len(strata)))
    return ThresholdPool(name, grouping.attributes, stratum, weights, (name,) * len(strata), (size,) * len(strata), (), ())


def threshold_of_group(pool: ThresholdPool, evidence: Evidence, target: float) -> FoundThreshold:
    """The threshold at which one group's own comparisons reach the target, or why there is none."""
    found = find_threshold(pool, evidence, target)
    made = int(pool.comparisons(evidence).sum())
    if found.needs is None or made * target >= LEAST_EXPECTED_ERRORS:
        return found
    told = f"{made:,} comparisons inside {pool.name} would give {made * target:.2g} expected false matches; {found.needs:,} are needed"
    return replace(found, detail=told)


def at_own_threshold(evidence: Evidence, grouping: SampleGrouping, g: int, target: float, seed: int) -> AtOwnThreshold:
    """FNMR of one group, mated comparisons as sampled. Refused below 10 expected false matches among its own comparisons."""
    nothing = np.empty(0)
    pool = pool_of_group(evidence, grouping, g)
    found = threshold_of_group(pool, evidence, target)
    if found.threshold is None:
        return AtOwnThreshold(found, Estimate(0, None, 0, 0, None, reason=found.reason or "no_pool"), nothing)
    estimate = mated_by_group(evidence, grouping, found.threshold)[g]
    again = reestimate(evidence, grouping, pool, target, seed) if estimate.rate else None
    if again is None:
        reason = estimate.reason if estimate.rate is None else None if not estimate.rate else "other"
        return AtOwnThreshold(found, replace(estimate, reason=reason), nothing)
    r = again.replicates
    with np.errstate(divide="ignore", invalid="ignore"):
        replicates = np.where(r.mated[:, g] > 0, r.mated_errors[:, g] / r.mated[:, g], np.nan)
    replicates[np.isnan(r.threshold)] = np.nan
    if np.isnan(replicates).mean() > UNDEFINED:
        return AtOwnThreshold(found, replace(estimate, rate=None, reason="target_out_of_reach"), nothing)
    v = max(estimate.variance, float(np.nanvar(replicates, ddof=1)))
    return AtOwnThreshold(found, replace(estimate, variance=v, method=METHOD), replicates)


def ratio_at_own_thresholds(a: AtOwnThreshold, b: AtOwnThreshold) -> stats.LogRatio | None:
    """Rate a over rate b, each at its own threshold: log-ratio with Satterthwaite's t.

    Its variance is the larger of the sum of both groups' and that of the replicates' log-ratios, which knows of shared subjects.
    It errs on the side of caution, as the bootstrap of comparisons does where people differ little: simulated with equal rates (100
    and 60 people in each group, FMR 0.1 % and 0.5 %) it rejects at 5 % in 0 to 0.5 % of trials, intervals being 1.4 times as wide.
    None where a rate is 0, or in more than a tenth of the replicates.
    """
    x, y = a.estimate, b.estimate
    if not x.rate or not y.rate or not a.replicates.size or not b.replicates.size:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.divide(*same_draws(a.replicates, b.replicates)))
    defined = np.isfinite(logs)
    if 1 - defined.mean() > UNDEFINED:
        return None
    terms = [(e.variance / e.rate**2, e.df) for e in (x, y) if e.rate]
    v = max(sum(v for v, _ in terms), float(logs[defined].var(ddof=1)))
    return stats.from_log(float(np.log(x.rate / y.rate)), float(np.sqrt(v)), stats.satterthwaite(terms))
