"""Each group against the reference group: ratio, interval, Holm-adjusted p, and the verdict past the gates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.uncertainty.contrasts import LogRatio
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.group_contrasts import ratio_of
from faceparity.harness.verification.rates.verdict_rules import barrier, settle, side_without_errors, too_few

Measure = Literal["fpir", "fnir"]
T = TypeVar("T", bound=results.ScenarioRatio)


def contrasts(
    grouping: SampleGrouping, reference: str | None, measured: Mapping[Measure, Sequence[Estimate]]
) -> list[results.ScenarioContrast]:
    """Compare every group with the reference, for each measure.

    measured: for each measure the estimates of all groups; a measure without estimates has no contrasts, and there are none
    without a reference. p values are adjusted over all contrasts.
    """
    ratios: list[results.ScenarioContrast] = []
    for measure, estimates in measured.items():
        if reference is None or not estimates:
            continue
        base = grouping.names.index(reference)
        for g, name in enumerate(grouping.names):
            if g != base:
                found = compare(estimates[g], estimates[base], reference)
                ratios.append(results.ScenarioContrast(measure=measure, group=name, **found.model_dump()))
    return settle_verdicts(ratios)


def compare(
    tested: Estimate, base: Estimate, reference: str, ratio: Callable[[Estimate, Estimate], LogRatio | None] = ratio_of
) -> results.ScenarioRatio:
    """Compare a tested group with the reference, without adjustment.

    base: the reference's estimate. The reason says what keeps the result from a verdict. ratio: how the two are compared.
    """
    none = results.ScenarioRatio(reference=reference, ratio=None, verdict="none")
    if (why := barrier(tested, base)) is not None:
        undefined = {"reference_undefined": base.reason, "group_undefined": tested.reason}.get(why)
        return none.model_copy(update={"reason": undefined or why})
    if not tested.rate or not base.rate:
        reason = side_without_errors(tested.rate, base.rate)
        return none.model_copy(update={"verdict": "inconclusive", "reason": reason})
    found = ratio(tested, base)
    if found is None:
        return none.model_copy(update={"verdict": "inconclusive", "reason": "too_few_errors"})
    missing = too_few(found.ratio, tested.effective_errors or 0.0, base.effective_errors or 0.0)
    fields = {"ratio": found.ratio, "interval": found.interval, "p": found.p, "verdict": "inconclusive"}
    return none.model_copy(update={**fields, "reason": missing})


def settle_verdicts(ratios: Sequence[T]) -> list[T]:
    """Adjust p by Holm's method and settle the verdicts.

    Ratios whose comparison was impossible stay out of the family.
    """
    return settle(ratios, lambda ratio: None if ratio.ratio is None else ratio.ratio - 1, lambda ratio: ratio.reason)
