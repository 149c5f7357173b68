"""Each group against the reference group: ratio, interval, Holm-adjusted p, and the verdict past the gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from .. import record
from ..comparisons.cells import Grouping
from ..evaluation.contrasts import ratio_of
from ..evaluation.rates import Estimate
from ..verification.rates.verdict_rules import SHOWN_FROM, adjust, call, enough_errors

Measure = Literal["fpir", "fnir"]
T = TypeVar("T", bound=record.ScenarioRatio)


def contrasts(
    grouping: Grouping, reference: str | None, measured: Mapping[Measure, Sequence[Estimate]]
) -> list[record.ScenarioContrast]:
    """Every group against the reference, for each measure that has estimates (one for each group)."""
    out: list[record.ScenarioContrast] = []
    enough: list[bool] = []
    for measure, estimates in measured.items():
        if reference is None or not estimates:
            continue
        base = grouping.names.index(reference)
        for g, name in enumerate(grouping.names):
            if g != base and not grouping.merged[g]:
                found, able = compare(estimates[g], estimates[base], reference)
                out.append(record.ScenarioContrast(measure=measure, group=name, **found.model_dump()))
                enough.append(able)
    return settled(out, enough)


def compare(a: Estimate, b: Estimate, reference: str) -> tuple[record.ScenarioRatio, bool]:
    """Group a against reference b, and whether there are errors enough for a verdict."""
    none = record.ScenarioRatio(reference=reference, ratio=None, verdict="none")
    for estimate, reason in ((b, "reference_undefined"), (a, "group_undefined")):
        if estimate.rate is None:
            return none.model_copy(update={"reason": reason}), False
        if estimate.subjects < SHOWN_FROM:
            return none.model_copy(update={"reason": "too_few_subjects"}), False
    if (a.rate or 0) >= 1 or (b.rate or 0) >= 1:
        return none.model_copy(update={"reason": "other"}), False
    if not a.errors or not b.errors:
        return none.model_copy(update={"verdict": "inconclusive", "reason": "zero_errors"}), False
    found = ratio_of(a, b)
    if found is None:
        return none.model_copy(update={"verdict": "inconclusive", "reason": "too_few_errors"}), False
    able = enough_errors(found.ratio, a.effective_errors or 0.0, b.effective_errors or 0.0)
    fields = {"ratio": found.ratio, "interval": found.interval, "p": found.p, "verdict": "inconclusive"}
    return none.model_copy(update={**fields, "reason": None if able else "too_few_errors"}), able


def settled(ratios: Sequence[T], enough: Sequence[bool]) -> list[T]:
    """With Holm's p over all that were not impossible, and verdicts."""
    family = [k for k, r in enumerate(ratios) if r.verdict != "none"]
    adjusted = dict(zip(family, adjust([ratios[k].p for k in family]), strict=True))
    out = []
    for k, r in enumerate(ratios):
        if k not in adjusted or r.ratio is None:
            out.append(r)
            continue
        verdict = call(r.ratio - 1, adjusted[k], enough[k])
        out.append(r.model_copy(update={"p_holm": adjusted[k], "verdict": verdict}))
    return out
