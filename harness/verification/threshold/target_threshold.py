"""The threshold at a target FMR of the pool, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.comparisons.pair_counts import DealtPairs
from faceparity.harness.metrics.rates import threshold_at_target
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.verdict_rules import LEAST_OF_TARGET
from faceparity.harness.verification.threshold.pool_errors import needed_comparisons, pool_estimate
from faceparity.harness.verification.threshold.threshold_pool import (
    LEAST_EXPECTED_ERRORS,
    NONE_MADE,
    SMALLEST_POOL_GROUP,
    ThresholdPool,
)


@dataclass(frozen=True)
class FoundThreshold:
    """A threshold at a target, or why there is none.

    reason: beside a threshold, why no verdict rests on it. expected, effective: false matches in the pool: at the target, and those
    found as independent ones would tell as much. tried: the threshold that was refused because these are too few.
    """

    threshold: float | None
    achieved: float | None
    reason: results.Reason | None = None
    detail: str = ""
    needs: int | None = None
    expected: float = 0.0
    effective: float | None = None
    tried: float | None = None


def _effective_comparisons(pool: ThresholdPool, evidence: Evidence, comparisons: NDArray[np.int64]) -> float:
    """Return the effective number of pool comparisons.

    1 / Σ (weight² / comparisons) over the pool's groups: the number that would give the pool's FMR the same precision if spread over
    the groups by their weights. All comparisons, unless they are a sample. 0 where a group that belongs to the pool has none in the
    sample.
    """
    if not isinstance(evidence.pairs, DealtPairs):
        return float(comparisons.sum())
    if any(group.reason == NONE_MADE and group.subjects >= SMALLEST_POOL_GROUP for group in pool.left_out):
        return 0.0
    return float(1 / (pool.weights**2 / comparisons).sum())


def _too_few(pool: ThresholdPool, evidence: Evidence, comparisons: NDArray[np.int64], target: float) -> FoundThreshold | None:
    """Return why a target is refused for too few comparisons.

    None if it is not. On a sample ten effective errors are required too: 30 people have 435 comparisons of a complete set, of a sample
    a handful, of which a single error may be more of the pool's FMR than the target.
    """
    total, effective = int(comparisons.sum()), _effective_comparisons(pool, evidence, comparisons)
    if total * target < LEAST_EXPECTED_ERRORS:
        needs: int | None = int(np.ceil(LEAST_EXPECTED_ERRORS / target))
        detail = f"{total:,} comparisons in the pool would give {total * target:.2g} expected false matches; {needs:,} are needed"
    elif effective * target < LEAST_EXPECTED_ERRORS:
        needs = int(np.ceil(total * LEAST_EXPECTED_ERRORS / (effective * target))) if effective else None
        detail = (
            f"the sample has so few comparisons in the smallest groups of the pool that all {total:,} tell as much of its rate as "
            f"{effective:,.0f} evenly spread, with {effective * target:.2g} expected false matches, not {LEAST_EXPECTED_ERRORS}: ask for a "
            "larger share with --comparisons, or --pool all"
        )
    else:
        return None
    return FoundThreshold(None, None, "too_few_comparisons_for_target", detail, needs)


def _too_few_effective(estimate: Estimate) -> FoundThreshold | None:
    """Return why a target is refused for errors that tell too little.

    None if it is not.
    """
    effective = estimate.effective_errors
    if effective is None or effective >= LEAST_OF_TARGET:
        return None
    detail = (
        f"the pool's {estimate.errors:,} false matches tell as much as {effective:.1f} independent ones (effective errors), and "
        f"{LEAST_OF_TARGET} are needed"
    )
    return FoundThreshold(None, None, "too_few_effective_errors", detail, needed_comparisons(estimate))


def find_threshold(
    pool: ThresholdPool, evidence: Evidence, target: float, *, asked: bool = False, effective: bool = True
) -> FoundThreshold:
    """Return the threshold for a target FMR of the pool.

    The smallest observed score at which the pool's FMR is at most `target`. With fewer than 10 expected or effective errors it is
    refused, or if it was asked for by name, given with the reason why no verdict rests on it. effective: False where the threshold's
    own uncertainty is in what is said of it, so that expected errors are enough.
    """
    comparisons = pool.comparisons(evidence)
    if not pool.weights.size or (comparisons == 0).any():
        return FoundThreshold(
            None, None, "no_pool", "no group of the pool has a non-mated comparison: --pool all, or fewer attributes with --by"
        )
    few = _too_few(pool, evidence, comparisons, target)
    if few is not None and not asked:
        return few
    found = _smallest_score(pool, evidence, comparisons, target)
    if found.threshold is None:
        return few or found
    estimate = pool_estimate(pool, evidence, found.threshold) if effective else None
    if estimate is not None:
        few = few or _too_few_effective(estimate)
        found = replace(found, effective=estimate.effective_errors)
    found = replace(found, expected=float(comparisons.sum()) * target)
    if few is None:
        return found
    found = replace(found, reason=few.reason, detail=few.detail, needs=few.needs)
    if asked:
        return found
    how = f"{few.detail}; --target-fmr {target:g} gives the figures without verdicts"
    return replace(found, threshold=None, achieved=None, detail=how, tried=found.threshold)


def _smallest_score(pool: ThresholdPool, evidence: Evidence, comparisons: NDArray[np.int64], target: float) -> FoundThreshold:
    """Return the smallest score that meets a target, if any does."""
    stratum, scores = pool.errors_above(evidence, -np.inf)
    found = threshold_at_target(scores, (pool.weights / comparisons)[stratum], target)
    if found is None:
        detail = (
            "the highest score alone is shared by more comparisons than the target allows"
            if scores.size
            else "the ledger is empty"
        )
        return FoundThreshold(None, None, "target_out_of_reach", detail)
    if len(scores) < int(comparisons.sum()) and float((pool.weights / comparisons)[stratum].sum()) < target:
        # The smallest score that meets the target lies below the ledger: its lowest entry is not it.
        kept = f"only the {len(evidence.tally.ledger):,} highest scores were kept, and the target lies below them: ask for a smaller one"
        return FoundThreshold(None, None, "target_out_of_reach", kept)
    return FoundThreshold(found[0], found[1])
