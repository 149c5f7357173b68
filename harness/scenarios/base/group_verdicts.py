"""Each group against the reference group: ratio, interval, Holm-adjusted p, and the verdict past the gates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.uncertainty.contrasts import LogRatio
from faceparity.harness.verification.rates.estimates import Estimate
from faceparity.harness.verification.rates.group_contrasts import ratio_of
from faceparity.harness.verification.rates.verdict_rules import barrier, enough_errors, settle

Measure = Literal["fpir", "fnir"]
T = TypeVar("T", bound=results.ScenarioRatio)


def contrasts(
    grouping: SampleGrouping, reference: str | None, measured: Mapping[Measure, Sequence[Estimate]]
) -> list[results.ScenarioContrast]:
    """Every group against the reference, for each measure that has estimates (one for each group)."""
    out: list[results.ScenarioContrast] = []
    for measure, estimates in measured.items():
        if reference is None or not estimates:
            continue
        base = grouping.names.index(reference)
        for g, name in enumerate(grouping.names):
            if g != base and not grouping.merged[g]:
                found = compare(estimates[g], estimates[base], reference)
                out.append(results.ScenarioContrast(measure=measure, group=name, **found.model_dump()))
    return settled(out)


def compare(
    a: Estimate, b: Estimate, reference: str, ratio: Callable[[Estimate, Estimate], LogRatio | None] = ratio_of
) -> results.ScenarioRatio:
    """Group a against reference b, not yet adjusted; the reason says what keeps it from a verdict. ratio: how the two are compared."""
    none = results.ScenarioRatio(reference=reference, ratio=None, verdict="none")
    if (why := barrier(a, b)) is not None:
        return none.model_copy(update={"reason": why})
    if not a.rate or not b.rate:
        return none.model_copy(update={"verdict": "inconclusive", "reason": "zero_errors"})
    found = ratio(a, b)
    if found is None:
        return none.model_copy(update={"verdict": "inconclusive", "reason": "too_few_errors"})
    able = enough_errors(found.ratio, a.effective_errors or 0.0, b.effective_errors or 0.0)
    fields = {"ratio": found.ratio, "interval": found.interval, "p": found.p, "verdict": "inconclusive"}
    return none.model_copy(update={**fields, "reason": None if able else "too_few_errors"})


def settled(ratios: Sequence[T]) -> list[T]:
    """Settle Holm's p over all that were not impossible, and verdicts."""
    return settle(ratios, lambda r: None if r.ratio is None else r.ratio - 1, lambda r: r.reason)
