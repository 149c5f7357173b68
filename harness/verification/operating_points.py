"""All thresholds × all groupings of one set of comparisons: from evidence to the record's groupings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence, without_comparisons
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.verification.one_threshold import Point, PointContext, evaluate_point
from faceparity.harness.verification.rates.group_contrasts import agree
from faceparity.harness.verification.rates.verdict_rules import CONTAMINATED_FROM, EFFECTIVE_IN_LOWER, REFUSED_FROM
from faceparity.harness.verification.threshold.threshold_bootstrap import reestimate
from faceparity.harness.verification.threshold.threshold_pool import ThresholdPool, find_threshold


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
    """Score from which two samples of a set without subject labels are taken for one person; None where labels exist."""
    seed: int


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
    found = find_threshold(setting.pool, setting.evidence, target)
    if found.threshold is None:
        return [_refused(target, setting, found.reason, found.detail, found.needs)] * len(groupings)
    share = same_person_share(found.threshold, setting, plan)
    if share is not None and share > REFUSED_FROM:
        detail = f"{share:.0%} of the pool's errors at this target look like one person under two names"
        refused = _refused(target, setting, "mostly_same_person", detail, None)
        return [
            refused.model_copy(update={"same_person": _same_person(grouping, share, setting, plan, refused=True)})
            for grouping in groupings
        ]
    again = reestimate(setting.evidence, setting.finest, setting.pool, target, plan.seed)
    point = Point("target", target, found.threshold, found.achieved, again)
    return [_evaluate(point, grouping, setting, plan, share) for grouping in groupings]


def _at_fixed(
    fixed: Fixed, groupings: Sequence[SampleGrouping], setting: PointContext, plan: MeasurementPlan
) -> list[results.OperatingPoint]:
    achieved = setting.pool.fmr(setting.evidence, fixed.threshold)
    point = Point(fixed.origin, None, fixed.threshold, achieved, None)
    share = same_person_share(fixed.threshold, setting, plan)
    return [
        _evaluate(point, grouping, setting, plan, share).model_copy(update={"detail": fixed.detail}) for grouping in groupings
    ]


def _refused(
    target: float, setting: PointContext, reason: results.Reason | None, detail: str, needs: int | None
) -> results.OperatingPoint:
    return results.OperatingPoint(
        origin="target", target_fmr=target, threshold=None, native_threshold=None, achieved_fmr=None, status="refused",
        reason=reason, detail=detail, needs_comparisons=needs, pool=setting.pool.to_record(setting.evidence),
    )  # fmt: skip


def _evaluate(
    point: Point, grouping: SampleGrouping, setting: PointContext, plan: MeasurementPlan, share: float | None
) -> results.OperatingPoint:
    """Evaluate one grouping at one threshold.

    At a contaminated one with the second reading, and only verdicts that both share.

    Few of the pool's errors may be most of one group's, above all of one with a low rate, to which others are compared. So the
    second reading is made, and must agree, also where a single group's errors are contaminated.
    """
    first = evaluate_point(point, grouping, setting)
    if share is None:
        return first
    same = _same_person(grouping, share, setting, plan, refused=False, point=first)
    first = first.model_copy(update={"same_person": same})
    if not same.contaminated and max(same.share_by_group.values(), default=0.0) <= CONTAMINATED_FROM:
        return first
    second = _second_reading(point, grouping, setting, plan)
    both = agree(first, second).model_copy(update={"without_likely_same_person": second})
    return both.model_copy(update={"status": "contaminated", "reason": "contaminated"}) if same.contaminated else both


def _second_reading(
    point: Point, grouping: SampleGrouping, setting: PointContext, plan: MeasurementPlan
) -> results.OperatingPoint:
    """Evaluate without comparisons that look like one person.

    A target's threshold is set again on the others.
    """
    clean = without_same_person(setting, plan)
    if point.origin != "target" or point.target is None:
        return evaluate_point(replace(point, achieved=clean.pool.fmr(clean.evidence, point.threshold)), grouping, clean)
    found = find_threshold(clean.pool, clean.evidence, point.target)
    if found.threshold is None:
        return _refused(point.target, clean, found.reason, found.detail, found.needs)
    return evaluate_point(Point("target", point.target, found.threshold, found.achieved, None), grouping, clean)


def without_same_person(setting: PointContext, plan: MeasurementPlan) -> PointContext:
    """Return the context without comparisons that look like one person.

    Only for a set without subject labels.
    """
    assert plan.same_person is not None
    alike: NDArray[np.bool_] = setting.evidence.tally.ledger.score >= setting.evidence.tally.grid.exact(plan.same_person)
    return replace(setting, evidence=without_comparisons(setting.evidence, alike))


def same_person_share(threshold: float, setting: PointContext, plan: MeasurementPlan) -> float | None:
    """Return the share of errors that look like one person.

    Of the pool's errors. None where subjects are labelled; 0 where there is no error.
    """
    if plan.same_person is None:
        return None
    errors = int(setting.pool.error_counts(setting.evidence, threshold).sum())
    alike = int(setting.pool.error_counts(setting.evidence, max(threshold, plan.same_person)).sum())
    return alike / errors if errors else 0.0


def _same_person(
    grouping: SampleGrouping,
    share: float,
    setting: PointContext,
    plan: MeasurementPlan,
    *,
    refused: bool,
    point: results.OperatingPoint | None = None,
) -> results.SamePerson:
    assert plan.same_person is not None
    ledger, cells = setting.evidence.tally.ledger, setting.evidence.cells.of_sample
    exact = setting.evidence.tally.grid.exact
    alike = ledger.where(ledger.score >= exact(plan.same_person))
    group = grouping.of(cells)
    ga, gb = group[alike.a], group[alike.b]
    inside = (ga == gb) & (ga >= 0)
    counts = np.bincount(ga[inside], minlength=grouping.n)
    shares: dict[str, float] = {}
    if point is not None and point.threshold is not None:
        wrong = np.bincount(ga[inside & (alike.score >= exact(point.threshold))], minlength=grouping.n)
        errors = {rate.group: rate.errors or 0 for rate in point.fmr if rate.design != "matched"}
        shares = {
            group_name: float(wrong[index] / errors[group_name])
            for index, group_name in enumerate(grouping.names)
            if errors.get(group_name, 0) >= EFFECTIVE_IN_LOWER
        }
    return results.SamePerson(
        threshold=plan.same_person,
        native_threshold=plan.same_person * plan.sign,
        share_of_pool_errors=share,
        by_group={name: int(counts[index]) for index, name in enumerate(grouping.names)},
        share_by_group=shares,
        contaminated=share > CONTAMINATED_FROM,
        refused=refused,
    )
