"""Each group against the reference group: ratio, interval, Holm-adjusted p, and the verdict if the gates allow one."""

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
    """Return one contrast for every other group.

    p_holm and verdicts come later, over the whole family (`settle`).

    measures: how many error rates are compared; times the groups it gives the family, for what could have been detected.
    """
    if reference is None:
        return []
    base = measured.estimates[grouping.names.index(reference)]
    family = max(1, measures * (grouping.n - 1))
    out = []
    for index, name in enumerate(grouping.names):
        if name == reference:
            continue
        contrast = compare(measured, name, reference, measured.estimates[index], base, family)
        if contrast.ratio is not None and reestimated is not None:
            again = reestimated.ratio_interval(measured.measure, grouping, finest, index, grouping.names.index(reference))
            contrast = contrast.model_copy(update={"interval_reestimated": again})
        out.append(contrast)
    return out


def compare(
    measured: Measured, group: str, reference: str, estimate: Estimate, base: Estimate, family: int | None = None
) -> results.Contrast:
    """Compare a group's estimate with the reference's.

    The verdict is "none" where they can't be compared, else "inconclusive" until `settle` has seen them all.

    family: of how many contrasts it is one; None: leave out what could have been detected, and the subjects needed.
    """
    none = results.Contrast(
        measure=measured.measure, design=measured.design, group=group, reference=reference, ratio=None, verdict="none"
    )
    if (why := barrier(estimate, base)) is not None:
        undefined = {"reference_undefined": base.reason, "group_undefined": estimate.reason}.get(why)
        return none.model_copy(update={"reason": undefined or why})
    plan: dict[str, object] = {"verdict": "inconclusive"}
    if family is not None:
        plan |= _planning(measured, estimate, base, family)
    if not estimate.errors or not base.errors:
        return none.model_copy(update={"reason": "zero_errors", **plan})
    found = ratio_of(estimate, base)
    if found is None:
        return none.model_copy(update={"reason": "too_few_errors", **plan})
    return none.model_copy(update={"ratio": found.ratio, "interval": found.interval, "df": found.df, "p": found.p, **plan})


def _planning(measured: Measured, estimate: Estimate, base: Estimate, family: int) -> dict[str, object]:
    """Return what these data could have detected, and subjects needed."""
    return {
        "detectable_ratio": detectable(estimate, base, family),
        "needed_subjects": _needed(measured.measure, estimate, base, family),
        "needed_subjects_for_double": _needed(measured.measure, estimate, base, family, 2.0),
    }


def detectable(estimate: Estimate, base: Estimate, family: int) -> float | None:
    """Return the ratio above 1 that would have been called.

    With the same gates and Holm's first step, at the reference's rate. A group without errors is taken to have the reference's design
    effect. None if the reference has too few errors for any.
    """
    if (
        not base.rate
        or base.effective_n is None
        or estimate.effective_n is None
        or (base.effective_errors or 0.0) < EFFECTIVE_IN_LOWER
    ):
        return None
    effective = estimate.effective_n if estimate.errors else estimate.comparisons * min(1.0, base.effective_n / base.comparisons)
    df = min(estimate.df, base.df)
    found = stats.detectable_ratio(base.rate, effective, base.effective_n, tests=family, df=df, least=EFFECTIVE_IN_HIGHER)
    return found if found is not None and found * base.rate < 1 else None


def _needed(
    measure: Literal["fmr", "fnmr"], estimate: Estimate, base: Estimate, family: int, ratio: float | None = None
) -> int | None:
    """Return the subjects in each group needed for a call.

    Of the ratio seen, or one given; see `record.Contrast.needed_subjects`. A group without errors is taken to be like the reference.
    None where the reference has no errors.
    """
    reference = _precision(measure, base)
    group = _precision(measure, estimate) or (reference if ratio is not None else None)
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


def _precision(measure: Literal["fmr", "fnmr"], estimate: Estimate) -> Precision | None:
    if not estimate.rate or estimate.rate >= 1:
        return None
    if measure == "fnmr":
        chance = min(estimate.independent_variance, estimate.variance)
        return Precision(
            estimate.rate,
            estimate.subjects,
            (estimate.variance - chance) / estimate.rate**2,
            chance / estimate.rate**2,
            0.0,
            0.0,
            estimate.df,
        )
    shared, pair, plain = (
        variance / estimate.rate**2 for variance in (estimate.shared_variance, estimate.variance, estimate.plain_variance)
    )
    return Precision(
        estimate.rate, estimate.subjects, shared, 0.0, max(0.0, pair - shared), max(0.0, plain - shared), estimate.df
    )


def ratio_of(first: Estimate, second: Estimate) -> stats.LogRatio | None:
    """Return the first rate over the second.

    By the joint jackknife where they share subjects. None where a rate is 0, or, with shared subjects, a rate without one of them.
    """
    if not first.rate or not second.rate:
        return None
    if not np.intersect1d(first.ids, second.ids).size:
        return stats.log_ratio(first.rate, first.variance, first.df, second.rate, second.variance, second.df)
    ids = np.union1d(first.ids, second.ids)
    logs = np.zeros(ids.size)
    for estimate, sign in ((first, 1), (second, -1)):
        rate = np.full(ids.size, estimate.rate, float)
        rate[np.searchsorted(ids, estimate.ids)] = estimate.without
        with np.errstate(divide="ignore", invalid="ignore"):  # a rate that is zero without one subject: not finite, so no ratio
            logs += sign * np.log(rate)
    least = sum(side.independent_variance / side.rate**2 for side in (first, second) if side.rate)
    return stats.joint_jackknife_log_ratio(logs, float(np.log(first.rate / second.rate)), min(first.df, second.df), least)


def settle(point: results.OperatingPoint) -> results.OperatingPoint:
    """Adjust p-values over the point's contrasts, then give verdicts."""
    effective = {
        (measure, rate.design, rate.group): rate.effective_errors or 0.0
        for measure, rates in (("fmr", point.fmr), ("fnmr", point.fnmr))
        for rate in rates
    }

    def held_back(contrast: results.Contrast) -> str | None:
        of_group, of_reference = (
            effective.get((contrast.measure, contrast.design, name), 0.0) for name in (contrast.group, contrast.reference)
        )
        return None if enough_errors(contrast.ratio or 1.0, of_group, of_reference) else "too_few_errors"

    settled = verdict_rules.settle(
        point.contrasts, lambda contrast: None if contrast.ratio is None else contrast.ratio - 1, held_back, exploring=True
    )
    return point.model_copy(update={"contrasts": settled})


def agree(first: results.OperatingPoint, second: results.OperatingPoint) -> results.OperatingPoint:
    """Revoke verdicts that the second reading does not share.

    Returns `first` with its other verdicts.
    """
    return first.model_copy(
        update={"contrasts": confirm_all(first.contrasts, second.contrasts, lambda contrast: (contrast.measure, contrast.group))}
    )
