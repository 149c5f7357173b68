"""Contrasts in which the lower side has few errors or none: their test, when it applies, and from where on it would fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from faceparity.harness import results
from faceparity.harness.uncertainty.few_errors import few_error_test
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.like_groups import effect_of
from faceparity.harness.verification.rates.verdict_rules import (
    ALPHA,
    EFFECTIVE_IN_HIGHER,
    EFFECTIVE_IN_LOWER,
    FEW_ERRORS_FACTOR,
    adjust,
)

POWER_QUANTILE = 0.8416
"""Of the normal distribution, for 80 % power."""
LARGEST = 1000.0
"""The largest ratio looked for as detectable."""


class Sides(NamedTuple):
    """Two rates by size."""

    higher: Estimate
    lower: Estimate


def sides(group: Estimate, reference: Estimate) -> Sides:
    """Return two rates by size; of equal ones the reference is higher."""
    return Sides(group, reference) if (group.rate or 0.0) > (reference.rate or 0.0) else Sides(reference, group)


def applies(design: results.Design, group: Estimate, reference: Estimate) -> bool:
    """Return whether the test for few errors is the one to use.

    With 30 effective errors on the higher side and fewer than 8 on the lower, where it was checked (`may_apply`).
    """
    found = sides(group, reference)
    return (
        (found.higher.effective_errors or 0.0) >= EFFECTIVE_IN_HIGHER
        and (found.lower.effective_errors or 0.0) < EFFECTIVE_IN_LOWER
        and may_apply(design, group, reference)
    )


def may_apply(design: results.Design, group: Estimate, reference: Estimate) -> bool:
    """Return whether the test for few errors was checked for such groups.

    Groups that share nobody and nearly all of whose comparisons were made, each rate of one cell.
    """
    complete = design == "within" and group.complete and reference.complete
    return complete and not np.intersect1d(group.ids, reference.ids).size


def few_error_p(group: Estimate, reference: Estimate) -> tuple[float, results.FewErrors]:
    """Return p of the test for few errors, and what the ratio is at least.

    Without the gates.
    """
    higher, lower = sides(group, reference)
    of_higher, of_lower = max(_own(higher), higher.common_effect), FEW_ERRORS_FACTOR * effect_of(lower)
    found = few_error_test(higher.errors, higher.comparisons, of_higher, lower.errors, lower.comparisons, of_lower)
    record = results.FewErrors(at_least=float(found.at_least), higher_design_effect=of_higher, lower_design_effect=of_lower)
    return float(found.p), record


def _own(estimate: Estimate) -> float:
    """Return a rate's own design effect, at least 1."""
    independent = estimate.independent_variance
    return max(1.0, estimate.plain_variance / independent) if independent > 0 else 1.0


def detectable_ratio(group: Estimate, reference: Estimate, tests: int) -> float | None:
    """Return the ratio above 1 that would have been called.

    With 80 % power, of a reference with few errors at its rate, through the same gates and Holm's first step. None without an error of
    the reference, or where no ratio up to 1,000 would do.
    """
    if not reference.rate:
        return None
    effect = effect_of(group)
    ratios = np.geomspace(1.0, min(LARGEST, 1 / reference.rate), 2000)[1:-1]
    effective = ratios * reference.rate * group.comparisons / effect
    likely = np.maximum(effective - POWER_QUANTILE * np.sqrt(effective), 1e-9)
    lower = FEW_ERRORS_FACTOR * effect_of(reference)
    p_values = few_error_test(likely * effect, group.comparisons, effect, reference.errors, reference.comparisons, lower).p
    enough = np.flatnonzero((effective >= EFFECTIVE_IN_HIGHER) & (p_values < ALPHA / tests))
    return float(ratios[enough[0]]) if enough.size else None


def with_flips(
    contrasts: Sequence[results.Contrast], counts: Callable[[results.Contrast], Mapping[str, tuple[int, int]]]
) -> list[results.Contrast]:
    """Return contrasts with the design effect at which a call would flip.

    Of calls by the test for few errors, one changed at a time. counts: errors and comparisons of a contrast's "higher" and "lower".
    """
    family = [contrast for contrast in contrasts if contrast.verdict != "none"]
    out = []
    for contrast in contrasts:
        if contrast.few_errors is None or contrast.verdict not in ("higher", "lower"):
            out.append(contrast)
            continue
        rest = [other.p for other in family if other is not contrast]
        flips = flips_at(contrast.few_errors, rest, counts(contrast))
        out.append(contrast.model_copy(update={"few_errors": contrast.few_errors.model_copy(update={"flips_at": flips})}))
    return out


def flips_at(few: results.FewErrors, rest: Sequence[float | None], counts: Mapping[str, tuple[int, int]]) -> float:
    """Return the lower side's design effect from which Holm's p is not called.

    To 1e-6. rest: the other p-values of the family.
    """

    def is_called(effect: float) -> bool:
        p_value = few_error_test(*counts["higher"], few.higher_design_effect, *counts["lower"], effect).p
        return adjust([float(p_value), *rest])[0] < ALPHA

    low, high = few.lower_design_effect, 2 * few.lower_design_effect
    while is_called(high):
        low, high = high, 2 * high
    while high / low > 1 + 1e-6:
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if is_called(middle) else (low, middle)
    return high
