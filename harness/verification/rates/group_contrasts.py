"""Each group against the reference group: ratio, interval, Holm-adjusted p, verdict past the gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.uncertainty import contrasts as stats
from faceparity.harness.uncertainty.power import Precision, needed_subjects
from faceparity.harness.verification.rates import verdict_rules
from faceparity.harness.verification.rates.estimates import Estimate
from faceparity.harness.verification.rates.verdict_rules import (
    EFFECTIVE_IN_HIGHER,
    EFFECTIVE_IN_LOWER,
    SHOWN_FROM,
    barrier,
    confirm_all,
    enough_errors,
)
from faceparity.harness.verification.threshold.threshold_bootstrap import Reestimated


@dataclass(frozen=True)
class Measured:
    """One error rate of every group, in the design by which groups are compared."""

    measure: Literal["fmr", "fnmr"]
    design: results.Design
    estimates: list[Estimate]


def make_contrasts(
    measured: Measured,
    grouping: SampleGrouping,
    finest: SampleGrouping,
    reference: str | None,
    reestimated: Reestimated | None,
    measures: int = 1,
) -> list[results.Contrast]:
    """One contrast for every other group. p_holm and verdicts come later, over the whole family (`settle`).

    measures: how many error rates are compared; with the groups it makes the family, for what could have been detected.
    """
    if reference is None:
        return []
    base = measured.estimates[grouping.names.index(reference)]
    family = max(1, measures * (sum(not m for m in grouping.merged) - 1))
    out = []
    for g, name in enumerate(grouping.names):
        if name == reference or grouping.merged[g]:
            continue
        contrast = compare(measured, name, reference, measured.estimates[g], base, family)
        if contrast.ratio is not None and reestimated is not None:
            again = reestimated.ratio_interval(measured.measure, grouping, finest, g, grouping.names.index(reference))
            contrast = contrast.model_copy(update={"interval_reestimated": again})
        out.append(contrast)
    return out


def compare(
    measured: Measured, group: str, reference: str, a: Estimate, b: Estimate, family: int | None = None
) -> results.Contrast:
    """Group a against reference b: verdict "none" where they can't be compared, else "inconclusive" until `settle` has seen them all.

    family: of how many contrasts it is one; None: leave out what could have been detected, and what it would take.
    """
    none = results.Contrast(
        measure=measured.measure, design=measured.design, group=group, reference=reference, ratio=None, verdict="none"
    )
    if (why := barrier(a, b)) is not None:
        own = {"reference_undefined": b.reason, "group_undefined": a.reason}.get(why)
        return none.model_copy(update={"reason": own or why})
    plan: dict[str, object] = {"verdict": "inconclusive"}
    if family is not None:
        plan |= _planning(measured, a, b, family)
    if not a.errors or not b.errors:
        return none.model_copy(update={"reason": "zero_errors", **plan})
    found = ratio_of(a, b)
    if found is None:
        return none.model_copy(update={"reason": "too_few_errors", **plan})
    return none.model_copy(update={"ratio": found.ratio, "interval": found.interval, "df": found.df, "p": found.p, **plan})


def _planning(measured: Measured, a: Estimate, b: Estimate, family: int) -> dict[str, object]:
    """What these data could have detected, and how many subjects it would take."""
    return {
        "detectable_ratio": detectable(a, b, family),
        "needed_subjects": _needed(measured.measure, a, b, family),
        "needed_subjects_for_double": _needed(measured.measure, a, b, family, 2.0),
    }


def detectable(a: Estimate, b: Estimate, family: int) -> float | None:
    """The ratio above 1 that would have been called, with the same gates and Holm's first step, at the reference's rate.

    A group without errors is taken to have the reference's design effect. None if the reference has too few errors for any.
    """
    if not b.rate or b.effective_n is None or a.effective_n is None or (b.effective_errors or 0.0) < EFFECTIVE_IN_LOWER:
        return None
    n = a.effective_n if a.errors else a.comparisons * min(1.0, b.effective_n / b.comparisons)
    df = min(a.df, b.df)
    found = stats.detectable_ratio(b.rate, n, b.effective_n, tests=family, df=df, least=EFFECTIVE_IN_HIGHER)
    return found if found is not None and found * b.rate < 1 else None


def _needed(measure: Literal["fmr", "fnmr"], a: Estimate, b: Estimate, family: int, ratio: float | None = None) -> int | None:
    """Subjects in each group with which the ratio seen, or one given, would be called; see `record.Contrast.needed_subjects`.

    A group without errors is taken to be like the reference. None where the reference has no errors.
    """
    reference = _precision(measure, b)
    group = _precision(measure, a) or (reference if ratio is not None else None)
    if reference is None or group is None or (ratio is not None and ratio * reference.rate >= 1):
        return None
    return needed_subjects(
        group if ratio is None else group.at_rate(ratio * reference.rate),
        reference,
        tests=family,
        least_higher=EFFECTIVE_IN_HIGHER,
        least_lower=EFFECTIVE_IN_LOWER,
        smallest=SHOWN_FROM,
    )


def _precision(measure: Literal["fmr", "fnmr"], e: Estimate) -> Precision | None:
    if not e.rate or e.rate >= 1:
        return None
    if measure == "fnmr":
        chance = min(e.independent_variance, e.variance)
        return Precision(e.rate, e.subjects, (e.variance - chance) / e.rate**2, chance / e.rate**2, 0.0, 0.0, e.df)
    shared, pair, plain = (v / e.rate**2 for v in (e.shared_variance, e.variance, e.plain_variance))
    return Precision(e.rate, e.subjects, shared, 0.0, max(0.0, pair - shared), max(0.0, plain - shared), e.df)


def ratio_of(a: Estimate, b: Estimate) -> stats.LogRatio | None:
    """Rate a over rate b; the joint jackknife where they share subjects. None where a rate, or a rate without one subject, is 0."""
    if not a.rate or not b.rate:
        return None
    if not np.intersect1d(a.ids, b.ids).size:
        return stats.log_ratio(a.rate, a.variance, a.df, b.rate, b.variance, b.df)
    ids = np.union1d(a.ids, b.ids)
    logs = np.zeros(ids.size)
    for estimate, sign in ((a, 1), (b, -1)):
        rate = np.full(ids.size, estimate.rate, float)
        rate[np.searchsorted(ids, estimate.ids)] = estimate.without
        with np.errstate(divide="ignore", invalid="ignore"):  # a rate that is zero without one subject: not finite, so no ratio
            logs += sign * np.log(rate)
    least = sum(e.independent_variance / e.rate**2 for e in (a, b) if e.rate)
    return stats.joint_jackknife_log_ratio(logs, float(np.log(a.rate / b.rate)), min(a.df, b.df), least)


def settle(point: results.OperatingPoint) -> results.OperatingPoint:
    """Adjust the p-values over all contrasts of the point, then give the verdicts."""
    effective = {
        (measure, r.design, r.group): r.effective_errors or 0.0
        for measure, rates in (("fmr", point.fmr), ("fnmr", point.fnmr))
        for r in rates
    }

    def held_back(c: results.Contrast) -> str | None:
        own, base = (effective.get((c.measure, c.design, g), 0.0) for g in (c.group, c.reference))
        return None if enough_errors(c.ratio or 1.0, own, base) else "too_few_errors"

    settled = verdict_rules.settle(point.contrasts, lambda c: None if c.ratio is None else c.ratio - 1, held_back, exploring=True)
    return point.model_copy(update={"contrasts": settled})


def agree(first: results.OperatingPoint, second: results.OperatingPoint) -> results.OperatingPoint:
    """Return `first` with every verdict withdrawn that the second reading does not share."""
    return first.model_copy(update={"contrasts": confirm_all(first.contrasts, second.contrasts, lambda c: (c.measure, c.group))})
