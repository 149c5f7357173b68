"""Error rates with a separate threshold for each group: the method of the study behind one claim, and no way to run a system.

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
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.threshold.target_threshold import FoundThreshold, find_threshold
from faceparity.harness.verification.threshold.threshold_bootstrap import reestimate
from faceparity.harness.verification.threshold.threshold_pool import LEAST_EXPECTED_ERRORS, ThresholdPool

UNDEFINED = 0.1
"""Share of replicates without a rate, or without a ratio, above which there is none."""
METHOD = "Wilson-t, max(clustered by subject, bootstrap over subjects with the threshold found anew)"


@dataclass(frozen=True)
class AtOwnThreshold:
    """FNMR of one group at the threshold that gives its own non-mated comparisons the target FMR.

    estimate: its variance includes that of the threshold; its reason where there is none. replicates: float64[·], nan where undefined;
    replicate k of every group draws the same subjects.
    """

    found: FoundThreshold
    estimate: Estimate
    replicates: NDArray[np.float64]


def pool_of_group(evidence: Evidence, grouping: SampleGrouping, g: int, finest: SampleGrouping | None = None) -> ThresholdPool:
    """Return the non-mated comparisons of one group as a pool.

    As sampled, or those inside each of its cells of a finer grouping, equally weighted. g: the group's position.
    """
    strata = [np.flatnonzero(grouping.of_cell == g)]
    if finest is not None:
        strata = [np.flatnonzero((finest.of_cell == cell) & (grouping.of_cell == g)) for cell in cells_of(grouping, finest, g)]
    stratum = np.full((evidence.cells.n,) * 2, -1, np.int32)
    for index, cells in enumerate(strata):
        stratum[np.ix_(cells, cells)] = index
    name = grouping.names[g]
    size = int(subjects_per_group(grouping, evidence.cells, evidence.subjects)[g])
    weights = np.full(len(strata), 1 / max(1, len(strata)))
    return ThresholdPool(name, grouping.attributes, stratum, weights, (name,) * len(strata), (size,) * len(strata), (), ())


def threshold_of_group(pool: ThresholdPool, evidence: Evidence, target: float, *, effective: bool = True) -> FoundThreshold:
    """Return the threshold for a target FMR of one group.

    At which its own comparisons reach the target, or why there is none. effective: see `find_threshold`.
    """
    found = find_threshold(pool, evidence, target, effective=effective)
    comparisons = int(pool.comparisons(evidence).sum())
    if found.reason != "too_few_comparisons_for_target" or comparisons * target >= LEAST_EXPECTED_ERRORS:
        return found
    detail = (
        f"{comparisons:,} comparisons inside {pool.name} would give {comparisons * target:.2g} expected false matches; "
        f"{found.needs:,} are needed"
    )
    return replace(found, detail=detail)


def at_own_threshold(evidence: Evidence, grouping: SampleGrouping, g: int, target: float, seed: int) -> AtOwnThreshold:
    """Return the FNMR of one group at its own threshold.

    Mated comparisons as sampled. Refused below 10 expected false matches among its own comparisons. g: the group's position.
    """
    none = np.empty(0)
    pool = pool_of_group(evidence, grouping, g)
    found = threshold_of_group(pool, evidence, target, effective=False)  # what it tells too little of is in the replicates
    if found.threshold is None:
        return AtOwnThreshold(found, Estimate(0, None, 0, 0, None, reason=found.reason or "no_pool"), none)
    estimate = mated_by_group(evidence, grouping, found.threshold)[g]
    again = reestimate(evidence, grouping, pool, target, seed) if estimate.rate else None
    if again is None:
        reason = estimate.reason if estimate.rate is None else None if not estimate.rate else "too_long_to_resample"
        return AtOwnThreshold(found, replace(estimate, reason=reason), none)
    of_groups = again.replicates
    with np.errstate(divide="ignore", invalid="ignore"):
        replicates = np.where(of_groups.mated[:, g] > 0, of_groups.mated_errors[:, g] / of_groups.mated[:, g], np.nan)
    replicates[np.isnan(of_groups.threshold)] = np.nan
    if np.isnan(replicates).mean() > UNDEFINED:
        return AtOwnThreshold(found, replace(estimate, rate=None, reason="target_out_of_reach"), none)
    variance = max(estimate.variance, float(np.nanvar(replicates, ddof=1)))
    # The bound of like groups takes the threshold as given; without it, it is no lower than Wilson's with the larger variance.
    widened = replace(estimate, variance=variance, method=METHOD, few_error_bound=None)
    return AtOwnThreshold(found, widened, replicates)


def ratio_at_own_thresholds(first: AtOwnThreshold, second: AtOwnThreshold) -> stats.LogRatio | None:
    """Return the first rate over the second.

    Each at its own threshold: log-ratio with Satterthwaite's t.

    Its variance is the larger of the sum of both groups' and that of the replicates' log-ratios, which includes shared subjects.
    It errs on the side of caution, as the bootstrap of comparisons does where people differ little: simulated with equal rates (100
    and 60 people in each group, FMR 0.1 % and 0.5 %) it rejects at 5 % in 0 to 0.5 % of trials, intervals being 1.4 times as wide.
    None where a rate is 0, or in more than a tenth of the replicates.
    """
    numerator, denominator = first.estimate, second.estimate
    if not numerator.rate or not denominator.rate or not first.replicates.size or not second.replicates.size:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.divide(*same_draws(first.replicates, second.replicates)))
    defined = np.isfinite(logs)
    if 1 - defined.mean() > UNDEFINED:
        return None
    terms = [(estimate.variance / estimate.rate**2, estimate.df) for estimate in (numerator, denominator) if estimate.rate]
    v = max(sum(v for v, _ in terms), float(logs[defined].var(ddof=1)))
    return stats.from_log(float(np.log(numerator.rate / denominator.rate)), float(np.sqrt(v)), stats.satterthwaite(terms))
