"""All thresholds × all groupings of one set of comparisons: from evidence to the record's groupings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.verification.one_threshold import Point, PointContext, evaluate_point
from faceparity.harness.verification.rates.verdict_rules import target_is_refused, withhold
from faceparity.harness.verification.same_person import (
    decide,
    is_read_twice,
    same_person_record,
    same_person_share,
    without_same_person,
)
from faceparity.harness.verification.threshold.pool_errors import to_record
from faceparity.harness.verification.threshold.target_threshold import FoundThreshold, find_threshold
from faceparity.harness.verification.threshold.threshold_bootstrap import reestimate
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool


@dataclass(frozen=True)
class Fixed:
    """A threshold not set on these data, as a similarity; `detail`: where it comes from. model: the only one it is for."""

    origin: Literal["published", "fixed"]
    threshold: float
    detail: str = ""
    model: str | None = None


@dataclass(frozen=True)
class MeasurementPlan:
    """Targets, thresholds and references of a measurement. Thresholds are similarities; sign turns them into the model's own unit."""

    targets: tuple[float, ...]
    fixed: tuple[Fixed, ...]
    references: tuple[str, ...]
    sign: int
    same_person: float | None
    """Score from which two samples look like one person; None where the model has none."""
    seed: int
    labelled: bool = True
    """Subject labels say who is who; else each sample stands for a subject."""
    targets_asked: bool = False
    """The targets were named: those that rest on too few errors are reported without verdicts, not refused."""


def measure(
    evidence: Evidence, groupings: Sequence[SampleGrouping], finest: SampleGrouping, pool: ThresholdPool, plan: MeasurementPlan
) -> list[list[results.OperatingPoint]]:
    """Return the operating points of each grouping.

    Targets in the order given, then published and fixed thresholds.
    """
    setting = PointContext(evidence, finest, pool, plan.references, plan.sign, plan.seed)
    by_point = [_at_target(target, groupings, setting, plan) for target in plan.targets]
    by_point += [_at_fixed(fixed, groupings, setting, plan) for fixed in plan.fixed]
    return [list(points) for points in zip(*by_point, strict=True)] if by_point else [[] for _ in groupings]


def _at_target(
    target: float, groupings: Sequence[SampleGrouping], setting: PointContext, plan: MeasurementPlan
) -> list[results.OperatingPoint]:
    found = find_threshold(setting.pool, setting.evidence, target, asked=plan.targets_asked)
    tried = found.tried if found.threshold is None else found.threshold
    carried = None if tried is None else _pool_errors(setting, found, tried)
    if tried is None or found.threshold is None:
        refused = _refused(target, setting, found).model_copy(update={"pool_errors": carried})
        return [_with_counts(refused, grouping, setting, plan, tried) for grouping in groupings]
    share = _share(tried, setting, plan)
    if share is not None and target_is_refused(share, plan.labelled):
        detail = f"{share:.0%} of the pool's errors at this target look like one person under two names"
        refused = _refused(target, setting, FoundThreshold(None, None, "mostly_same_person", detail))
        return [_with_counts(refused, grouping, setting, plan, tried) for grouping in groupings]
    again = reestimate(setting.evidence, setting.finest, setting.pool, target, plan.seed)
    point = Point("target", target, tried, found.achieved, again)
    return [
        _without_verdicts(_evaluate(point, grouping, setting, plan, share), found).model_copy(update={"pool_errors": carried})
        for grouping in groupings
    ]


def _pool_errors(setting: PointContext, found: FoundThreshold, threshold: float) -> results.PoolErrors:
    """Return what a target's threshold rests on, found or refused."""
    return to_record(setting.pool, setting.evidence, setting.finest, threshold, found.expected, found.effective)


def _without_verdicts(point: results.OperatingPoint, found: FoundThreshold) -> results.OperatingPoint:
    """Return a point without verdicts where its threshold rests on too little.

    With the reason; unchanged where there is none.
    """
    if found.reason is None:
        return point
    update = {"contrasts": withhold(point.contrasts, found.reason), "detail": found.detail, "needs_comparisons": found.needs}
    return point.model_copy(update=update if point.reason else {**update, "reason": found.reason})


def _with_counts(
    refused: results.OperatingPoint, grouping: SampleGrouping, setting: PointContext, plan: MeasurementPlan, tried: float | None
) -> results.OperatingPoint:
    """Return a refused point with the comparisons that look like one person.

    tried: the threshold that it would have had; None: the point as it is.
    """
    share = None if tried is None else _share(tried, setting, plan)
    if share is None or plan.same_person is None:
        return refused
    same = same_person_record(refused, grouping, setting, plan.same_person, share, plan.labelled)
    return refused.model_copy(update={"same_person": same})


def _share(threshold: float, setting: PointContext, plan: MeasurementPlan) -> float | None:
    """Return the share of the pool's errors that look like one person.

    None where the model has no score for that.
    """
    if plan.same_person is None:
        return None
    return same_person_share(setting.pool, setting.evidence, threshold, plan.same_person)


def _at_fixed(
    fixed: Fixed, groupings: Sequence[SampleGrouping], setting: PointContext, plan: MeasurementPlan
) -> list[results.OperatingPoint]:
    achieved = setting.pool.fmr(setting.evidence, fixed.threshold)
    point = Point(fixed.origin, None, fixed.threshold, achieved, None)
    share = _share(fixed.threshold, setting, plan)
    return [
        _evaluate(point, grouping, setting, plan, share).model_copy(update={"detail": fixed.detail}) for grouping in groupings
    ]


def _refused(target: float, setting: PointContext, found: FoundThreshold) -> results.OperatingPoint:
    return results.OperatingPoint(
        origin="target", target_fmr=target, threshold=None, native_threshold=None, achieved_fmr=None, status="refused",
        reason=found.reason, detail=found.detail, needs_comparisons=found.needs, pool=setting.pool.to_record(setting.evidence),
    )  # fmt: skip


def _evaluate(
    point: Point, grouping: SampleGrouping, setting: PointContext, plan: MeasurementPlan, share: float | None
) -> results.OperatingPoint:
    """Evaluate one grouping at one threshold.

    With the second reading where comparisons look like one person, and only the verdicts that stand then.
    """
    first = evaluate_point(point, grouping, setting)
    if share is None or plan.same_person is None:
        return first
    same = same_person_record(first, grouping, setting, plan.same_person, share, plan.labelled)
    first = first.model_copy(update={"same_person": same})
    if not is_read_twice(same, setting.evidence, point.threshold):
        return first
    return decide(first, _second_reading(point, grouping, without_same_person(setting, plan.same_person), plan))


def _second_reading(point: Point, grouping: SampleGrouping, clean: PointContext, plan: MeasurementPlan) -> results.OperatingPoint:
    """Evaluate without comparisons that look like one person.

    clean: the context without them. A target's threshold is set again on the others.
    """
    if point.origin != "target" or point.target is None:
        return evaluate_point(replace(point, achieved=clean.pool.fmr(clean.evidence, point.threshold)), grouping, clean)
    found = find_threshold(clean.pool, clean.evidence, point.target, asked=plan.targets_asked)
    if found.threshold is None:
        return _refused(point.target, clean, found)
    second = evaluate_point(Point("target", point.target, found.threshold, found.achieved, None), grouping, clean)
    return _without_verdicts(second, found)
