"""Bounds on few errors, and variances for comparisons, by what all groups at one threshold show together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from faceparity.harness.uncertainty import intervals
from faceparity.harness.uncertainty.design_effects import carried, dependence, design_effects
from faceparity.harness.uncertainty.few_errors import never_below_fewer_errors, upper_bound
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.verdict_rules import BOUND_BELOW, OWN_VARIANCE_FROM, SHOWN_FROM


def with_design_effects(estimates: Sequence[Estimate]) -> list[Estimate]:
    """Return estimates of like groups with design effects and bounds.

    One error rate of several groups at one threshold; groups of 30 subjects or more are evidence for all. With fewer errors in no fewer
    comparisons no bound is higher.
    """
    chosen = [index for index, estimate in enumerate(estimates) if estimate.sums is not None and estimate.rate is not None]
    if not chosen:
        return list(estimates)
    known = [estimates[index] for index in chosen]
    errors, comparisons = (np.asarray(column, float) for column in zip(*((x.errors, x.comparisons) for x in known), strict=True))
    sums = np.asarray([x.sums for x in known], float).T
    same_pair, shared_subject, pair_comparisons, shared_comparisons, correction = sums
    found = dependence(errors, comparisons, same_pair, shared_subject, pair_comparisons, shared_comparisons, correction)
    sources = np.asarray([_smaller_side(estimate) >= SHOWN_FROM for estimate in known])
    effects, common = design_effects(found, sources), carried(found, sources)
    seen = bool(errors[sources].any())
    bounds = upper_bound(errors[:, None], comparisons[:, None], effects[:, None])
    at_nine = upper_bound(np.full((errors.size, 1), BOUND_BELOW - 1.0), comparisons[:, None], effects[:, None])
    out = list(estimates)
    for index, effect, of_all, bound, least in zip(chosen, effects, common, bounds, at_nine, strict=True):
        one = estimates[index]
        out[index] = replace(
            one, design_effect=float(effect) if seen or one.errors else None, common_effect=float(of_all),
            few_error_bound=float(bound), least_upper=float(least), by_like_groups=_variance_by_like_groups(one, float(effect)),
            per_error=(1 / one.comparisons, 1 / one.comparisons),
        )  # fmt: skip
    return never_below(out)


def _variance_by_like_groups(estimate: Estimate, effect: float) -> float:
    """Return the least variance of tests; 0 where the group's own is precise enough."""
    return effect * estimate.independent_variance if (estimate.effective_errors or 0.0) < OWN_VARIANCE_FROM else 0.0


def never_below(estimates: Sequence[Estimate]) -> list[Estimate]:
    """Return estimates of like groups with their running maximum.

    No bound is below that of a group with no more errors, each of which weighs no more.
    """
    chosen = [index for index, estimate in enumerate(estimates) if estimate.few_error_bound is not None]
    out = list(estimates)
    if len(chosen) > 1:
        known = [estimates[index] for index in chosen]
        least, most = zip(*(estimate.per_error for estimate in known), strict=True)
        errors = [estimate.errors for estimate in known]
        raised = never_below_fewer_errors([x.few_error_bound or 0.0 for x in known], errors, least, most)
        for index, bound in zip(chosen, raised, strict=True):
            if bound > (out[index].few_error_bound or 0.0):
                out[index] = replace(out[index], few_error_bound=float(bound))
    return out


def _smaller_side(estimate: Estimate) -> int:
    return min(estimate.subjects, estimate.subjects if estimate.subjects_b is None else estimate.subjects_b)


def bounds_of_mean(cells: Sequence[Estimate]) -> dict[str, Any]:
    """Return design effect and bounds of a mean over cells.

    The bound of nine errors: of those seen, all in proportion.
    """
    effects = [cell.design_effect for cell in cells if cell.design_effect is not None]
    errors = np.asarray([cell.errors for cell in cells], float)
    comparisons = np.asarray([cell.comparisons for cell in cells], float)
    each = np.asarray([effect_of(cell) for cell in cells])
    nine = errors * min(1.0, (BOUND_BELOW - 1) / max(1.0, errors.sum()))
    return {
        "design_effect": max(effects) if effects else None,
        "few_error_bound": float(upper_bound(errors, comparisons, each)),
        "least_upper": float(upper_bound(nine, comparisons, each)),
        "by_like_groups": sum(cell.test_variance for cell in cells) / len(cells) ** 2,
        "per_error": (1 / (len(cells) * float(comparisons.max())), 1 / (len(cells) * float(comparisons.min()))),
    }


def effect_of(estimate: Estimate) -> float:
    """Return the design effect by like groups, else its own."""
    if estimate.design_effect is not None:
        return estimate.design_effect
    if not estimate.rate or estimate.rate >= 1:
        return 1.0
    return max(1.0, estimate.plain_variance / estimate.independent_variance)


def few_error_bound(estimate: Estimate) -> float:
    """Return the upper end of a rate with under 10 errors.

    By like groups where these were seen, else by its own design effect and not below Wilson's. For figures that are no counts over
    comparisons, such as a mean over all watchlists: rate × comparisons stands for the errors.
    """
    if estimate.few_error_bound is not None:
        return estimate.few_error_bound
    errors = (estimate.rate or 0.0) * estimate.comparisons
    bound = float(upper_bound([errors], [estimate.comparisons], [effect_of(estimate)]))
    if not estimate.rate or estimate.rate >= 1 or estimate.variance <= 0:
        return bound
    return max(bound, intervals.wilson_from_variance(estimate.rate, estimate.variance, estimate.df)[1])
