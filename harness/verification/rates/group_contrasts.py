"""Each group against the reference group: ratio, interval, Holm-adjusted p, and the verdict if the gates allow one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from faceparity.harness import results
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.uncertainty import contrasts as stats
from faceparity.harness.uncertainty.power import Precision, needed_subjects
from faceparity.harness.verification.rates import few_error_contrasts, verdict_rules
from faceparity.harness.verification.rates.estimate import Estimate
from faceparity.harness.verification.rates.verdict_rules import (
    EFFECTIVE_IN_HIGHER,
    EFFECTIVE_IN_LOWER,
    SHOWN_FROM,
    barrier,
    confirm_all,
    side_without_errors,
    too_few,
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
    if few_error_contrasts.applies(measured.design, estimate, base):
        p_value, few = few_error_contrasts.few_error_p(estimate, base)
        return none.model_copy(update={"test": "few_errors", "few_errors": few, "p": p_value, **plan})
    if not estimate.errors or not base.errors:
        testable = (estimate.errors or base.errors) and few_error_contrasts.may_apply(measured.design, estimate, base)
        reason = "too_few_errors_in_higher" if testable else side_without_errors(estimate.errors, base.errors)
        return none.model_copy(update={"reason": reason, **plan})
    found = ratio_of(estimate, base)
    if found is None:
        return none.model_copy(update={"reason": "too_few_errors", **plan})
    test = "joint_jackknife" if np.intersect1d(estimate.ids, base.ids).size else "log_ratio"
    figures = {"test": test, "ratio": found.ratio, "interval": found.interval, "df": found.df, "p": found.p}
    return none.model_copy(update={**figures, **plan})


def _planning(measured: Measured, estimate: Estimate, base: Estimate, family: int) -> dict[str, object]:
    """Return what these data could have detected, and subjects needed."""
    return {
        "detectable_ratio": detectable(estimate, base, family, measured.design),
        "needed_subjects": _needed(measured.measure, estimate, base, family),
        "needed_subjects_for_double": _needed(measured.measure, estimate, base, family, 2.0),
    }


def detectable(estimate: Estimate, base: Estimate, family: int, design: results.Design) -> float | None:
    """Return the ratio above 1 that would have been called.

    With the same gates, test and Holm's first step, at the reference's rate. A group without errors is taken to have the reference's
    design effect. None if the reference has too few errors for any.
    """
    if not base.rate or base.effective_n is None or estimate.effective_n is None:
        return None
    if (base.effective_errors or 0.0) < EFFECTIVE_IN_LOWER:
        if not few_error_contrasts.may_apply(design, estimate, base):
            return None
        return few_error_contrasts.detectable_ratio(estimate, base, family)
    of_group, of_base = (_tested_n(side) for side in (estimate, base))
    effective = of_group if estimate.errors else estimate.comparisons * min(1.0, of_base / base.comparisons)
    df = min(estimate.df, base.df)
    found = stats.detectable_ratio(base.rate, effective, of_base, tests=family, df=df, least=EFFECTIVE_IN_HIGHER)
    return found if found is not None and found * base.rate < 1 else None


def _tested_n(estimate: Estimate) -> float:
    """Return effective comparisons with the variance of the tests."""
    if not estimate.rate or estimate.rate >= 1 or estimate.test_variance <= 0:
        return float(estimate.comparisons)
    return estimate.rate * (1 - estimate.rate) / estimate.test_variance


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

    With the design effects of like groups; by the joint jackknife where they share subjects. None where a rate is 0, or, with shared
    subjects, a rate without one of them.
    """
    if not first.rate or not second.rate:
        return None
    if not np.intersect1d(first.ids, second.ids).size:
        return stats.log_ratio(first.rate, first.test_variance, first.df, second.rate, second.test_variance, second.df)
    ids = np.union1d(first.ids, second.ids)
    logs = np.zeros(ids.size)
    for estimate, sign in ((first, 1), (second, -1)):
        rate = np.full(ids.size, estimate.rate, float)
        rate[np.searchsorted(ids, estimate.ids)] = estimate.without
        with np.errstate(divide="ignore", invalid="ignore"):  # a rate that is zero without one subject: not finite, so no ratio
            logs += sign * np.log(rate)
    least = sum(side.independent_variance / side.rate**2 for side in (first, second) if side.rate)
    return stats.joint_jackknife_log_ratio(logs, float(np.log(first.rate / second.rate)), min(first.df, second.df), least)


def is_higher(contrast: results.Contrast, estimate: Estimate, base: Estimate) -> bool:
    """Return whether the group's rate is above the reference's."""
    if contrast.ratio is not None:
        return contrast.ratio > 1
    return (estimate.rate or 0.0) > (base.rate or 0.0)


def lacking(contrast: results.Contrast, estimate: Estimate, base: Estimate) -> results.Reason | None:
    """Return what keeps a tested contrast from a call at any p-value.

    None if nothing does. The test for few errors has its gates behind it.
    """
    if contrast.few_errors is not None:
        return None
    return too_few(contrast.ratio or 1.0, estimate.effective_errors or 0.0, base.effective_errors or 0.0)


def settle(point: results.OperatingPoint) -> results.OperatingPoint:
    """Adjust p-values over the point's contrasts, then give verdicts."""
    rates = {
        (measure, rate.design, rate.group): rate
        for measure, listed in (("fmr", point.fmr), ("fnmr", point.fnmr))
        for rate in listed
    }

    def sides(contrast: results.Contrast) -> list[results.Rate | None]:
        return [rates.get((contrast.measure, contrast.design, name)) for name in (contrast.group, contrast.reference)]

    def held_back(contrast: results.Contrast) -> results.Reason | None:
        of_group, of_reference = (0.0 if rate is None else rate.effective_errors or 0.0 for rate in sides(contrast))
        return None if contrast.few_errors is not None else too_few(contrast.ratio or 1.0, of_group, of_reference)

    def difference(contrast: results.Contrast) -> float | None:
        if contrast.few_errors is None:
            return None if contrast.ratio is None else contrast.ratio - 1
        of_group, of_reference = (0.0 if rate is None else rate.rate or 0.0 for rate in sides(contrast))
        return of_group - of_reference

    def counts(contrast: results.Contrast) -> dict[str, tuple[int, int]]:
        found = [(0, 1) if rate is None else (rate.errors or 0, rate.comparisons) for rate in sides(contrast)]
        return dict(zip(("higher", "lower") if contrast.verdict == "higher" else ("lower", "higher"), found, strict=True))

    settled = verdict_rules.settle(point.contrasts, difference, held_back, exploring=True)
    return point.model_copy(update={"contrasts": few_error_contrasts.with_flips(settled, counts)})


def agree(first: results.OperatingPoint, second: results.OperatingPoint) -> results.OperatingPoint:
    """Revoke verdicts that the second reading does not share.

    Returns `first` with its other verdicts.
    """
    return first.model_copy(
        update={"contrasts": confirm_all(first.contrasts, second.contrasts, lambda contrast: (contrast.measure, contrast.group))}
    )
