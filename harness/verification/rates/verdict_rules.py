"""The one rule by which a difference is called, and its numbers, each once.

A difference is *called* higher or lower if the side with the higher rate has 30 effective errors or more, and if its p-value,
adjusted by Holm over its whole family, is below 0.05. From 8 effective errors on the other side the test is of the logarithm of the
ratio. With fewer, or none, it is `uncertainty.few_errors`, between separate groups all of whose comparisons were made, each in one
cell; elsewhere nothing is called, as no test was checked there. Where a second reading of the same comparisons exists (without those
that look like one person under two names), a call stands only if both readings agree on it.

So there are three outcomes (`outcome`): called; not called, because of what stands in the way, which is the record's reason; and no
difference beyond chance. In records the last two are "inconclusive", with and without a reason, and "none" is not called either.

Everything that says "higher" or "lower" comes through here: contrasts of groups, of models and of conditions, scenarios, claims,
rankings of models, exclusions, and the reports.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Literal, Protocol, Self, TypeVar

from faceparity.harness.uncertainty.multiple_tests import benjamini_hochberg, holm

Verdict = Literal["higher", "lower", "inconclusive", "none"]
"""Of the first side against the second. "none": not tested, for a reason that stands beside it."""

Outcome = Literal["called", "not_called", "no_difference"]
"""What is said of a difference: it is called; something stands in the way; or it is not beyond chance."""

TooFew = Literal["too_few_errors_in_higher", "too_few_errors_in_lower"]
"""Which side has too few effective errors for a call."""

Barrier = Literal["reference_undefined", "group_undefined", "too_few_subjects", "every_comparison_wrong"]
"""Why a ratio is not tested at all. "every_comparison_wrong": a rate of 1, whose logarithm has no interval."""

SideWithoutErrors = Literal["zero_errors", "group_zero_errors", "reference_zero_errors"]
"""Which side of a ratio has no errors; the first: neither has any."""

ALPHA = 0.05
"""Adjusted p-values below it are called; the chance of any false call in a family is at most this."""
SHOWN_FROM = 30
"""Subjects from which a rate is shown; below, it is suppressed."""
INTERVAL_FROM = 50
"""Subjects from which a rate has an interval."""
BOUND_BELOW = 10
"""Errors under which only the upper end of an interval is given."""
EFFECTIVE_IN_HIGHER = 30
"""Effective errors that the side with the higher rate needs; of paired conditions, counted errors (see `paired_differences`)."""
EFFECTIVE_IN_LOWER = 8
"""Effective errors that the other side needs for a test on the log scale; with fewer, see `FEW_ERRORS_FACTOR`."""
OWN_VARIANCE_FROM = 30
"""Effective errors from which a rate is tested by its own variance alone; with fewer, at least by the design effect of like groups.

A variance from few errors is itself uncertain; from this many on, the spread of groups that are unlike would only hide differences
(simulated: family-wise error at most .05 within Monte-Carlo error, see `tests.benchmarks.few_errors`)."""
FEW_ERRORS_FACTOR = 3.0
"""By how much the design effect of a side with fewer effective errors than that is multiplied in the test for few errors.

Found by simulation (`python -m tests.benchmarks.few_errors`): with 1 or 2 equal rates are called too often."""
EFFECTIVE_DISCORDANT = 10
"""Effective comparisons on which two models must differ."""
CONTAMINATED_FROM = 0.05
"""Share of a pool's false matches that look like one person under two names, above which both readings are needed."""
REFUSED_FROM = 0.5
"""The same share, above which a target is refused."""
MATED_ABOVE_FROM = 0.55
"""Share of pairs of a mated and a non-mated comparison in which the mated one must score higher; 0.5 is chance."""
FNMR_LIMIT = 0.5
"""Share of the mated comparisons missed at a target, above which no verdict is given there."""
"""The same share, above which a target is refused; of people whose labels say who they are, verdicts are withheld instead."""
LEAST_OF_TARGET = 10
"""Errors, expected ones and effective ones, that a target needs in its pool: with fewer a default target is refused, and one
asked for has no verdicts."""
RESTS_ON_TOO_FEW = ("too_few_comparisons_for_target", "too_few_effective_errors")
"""The reasons of a threshold with fewer."""
CARRIES_FROM = 1 / 3
"""Share of a pool's errors above which the first screen says that one pair of people, or one group, carries it."""


def enough_errors(ratio: float, group: float, reference: float) -> bool:
    """Return whether both sides have errors enough for a call.

    Arguments as of `too_few`. On the limit is enough.
    """
    return too_few(ratio, group, reference) is None


def too_few(ratio: float, group: float, reference: float) -> TooFew | None:
    """Return which side has too few errors for a call on the log scale.

    None if neither. ratio: the group's rate over the reference's; above 1 the group is the higher side, at 1 and below the reference.
    group, reference: their effective errors. On the limit is enough.
    """
    higher, lower = (group, reference) if ratio > 1 else (reference, group)
    if higher < EFFECTIVE_IN_HIGHER:
        return "too_few_errors_in_higher"
    return "too_few_errors_in_lower" if lower < EFFECTIVE_IN_LOWER else None


def outcome(verdict: Verdict, reason: str | None) -> Outcome:
    """Return what is said of a difference.

    reason: the record's, why it was not called.
    """
    if verdict in ("higher", "lower"):
        return "called"
    return "no_difference" if verdict == "inconclusive" and reason is None else "not_called"


def adjust(p_values: Sequence[float | None]) -> list[float]:
    """Adjust a family's p-values by Holm, in their order.

    None counts as 1: a test that only its errors kept from a p-value stays in the family, so that errors do not make it smaller.
    """
    return holm([1.0 if p_value is None else p_value for p_value in p_values])


def explore(p_values: Sequence[float | None]) -> list[float]:
    """Adjust a family's p-values by Benjamini and Hochberg.

    In their order; None counts as 1. No verdict rests on these.
    """
    return benjamini_hochberg([1.0 if p_value is None else p_value for p_value in p_values])


def is_significant(p_adjusted: float | None) -> bool:
    """Return whether an adjusted p-value is below `ALPHA`.

    None is not, and neither is one equal to it.
    """
    return p_adjusted is not None and p_adjusted < ALPHA


def call(difference: float, p_adjusted: float | None, enough: bool) -> Verdict:
    """Return the verdict on a difference that was tested.

    difference: first side minus second, or anything of that sign; 0 is never called.
    enough: whether the sides have errors enough (`enough_errors`, or what a paired design requires instead).
    """
    if not (enough and is_significant(p_adjusted)) or not difference:
        return "inconclusive"
    return "higher" if difference > 0 else "lower"


class HasRate(Protocol):
    """A rate of some people."""

    @property
    def rate(self) -> float | None:
        """Return the rate; None if undefined."""

    @property
    def subjects(self) -> int:
        """Return the number of people that it is of."""


def barrier(group: HasRate, reference: HasRate) -> Barrier | None:
    """Return why the ratio of two rates is not tested.

    None if it can be tested.
    """
    sides: tuple[tuple[HasRate, Barrier], ...] = ((reference, "reference_undefined"), (group, "group_undefined"))
    for side, undefined in sides:
        if side.rate is None:
            return undefined
        if side.subjects < SHOWN_FROM:
            return "too_few_subjects"
    return "every_comparison_wrong" if max(group.rate or 0.0, reference.rate or 0.0) >= 1 else None


class HasVerdict(Protocol):
    """A record of one comparison with its verdict."""

    @property
    def p(self) -> float | None:
        """Return the p-value; None if too few errors prevented one."""

    @property
    def verdict(self) -> Verdict:
        """Return the verdict on the comparison."""

    @property
    def reason(self) -> str | None:
        """Return why there is no verdict; None if there is one, or for want of significance."""

    def model_copy(self, *, update: dict[str, Any]) -> Self:
        """Return the record with other values."""


C = TypeVar("C", bound=HasVerdict)


def settle(
    family: Sequence[C], difference: Callable[[C], float | None], held_back: Callable[[C], str | None], exploring: bool = False
) -> list[C]:
    """Adjust the p-values of a family and give the verdicts.

    family: those with the verdict "none" are no part of it. difference: first side minus second; None leaves the record unchanged,
    though it counts in the family. held_back: the reason why it is not called at any p-value. exploring: with `p_bh` too.
    """
    members = [record for record in family if record.verdict != "none"]
    p_values = [record.p for record in members]
    adjusted, explored = iter(adjust(p_values)), iter(explore(p_values))
    out = []
    for record in family:
        if record.verdict == "none":
            out.append(record)
            continue
        p_holm, p_bh, side_difference = next(adjusted), next(explored), difference(record)
        if side_difference is None:
            out.append(record)
            continue
        reason = held_back(record)
        found: dict[str, Any] = {"p_holm": p_holm, "verdict": call(side_difference, p_holm, reason is None), "reason": reason}
        out.append(record.model_copy(update=found | ({"p_bh": p_bh} if exploring else {})))
    return out


def confirm(verdict: Verdict, second_reading: Verdict | None) -> Verdict:
    """Revoke a call that the second reading does not share.

    Returns "inconclusive" then. second_reading None: it has no such difference.
    """
    return verdict if verdict not in ("higher", "lower") or verdict == second_reading else "inconclusive"


def confirm_all(first: Sequence[C], second: Sequence[C], key: Callable[[C], Hashable]) -> list[C]:
    """Revoke every call that the second reading does not share.

    The reason says whether it differs or is missing. key: equal for two records of one comparison.
    """
    others = {key(record): record.verdict for record in second}
    out = []
    for record in first:
        verdict = confirm(record.verdict, others.get(key(record)))
        reason = why_not_confirmed(others.get(key(record)))
        out.append(record if verdict == record.verdict else record.model_copy(update={"verdict": verdict, "reason": reason}))
    return out


def withhold(records: Sequence[C], reason: str | Callable[[C], str | None]) -> list[C]:
    """Revoke every verdict that there is a reason to withhold.

    With that reason, of significant and of other differences. What could not be tested at all keeps its own reason, if that says
    anything. reason: one for all, or of each record.
    """
    out = []
    for record in records:
        why = reason if isinstance(reason, str) else reason(record)
        if why is None or (record.verdict == "none" and record.reason not in (None, "other", "every_comparison_wrong")):
            out.append(record)
            continue
        verdict = "none" if record.verdict == "none" else "inconclusive"
        out.append(record.model_copy(update={"verdict": verdict, "reason": why}))
    return out


def target_is_refused(share: float, labelled: bool) -> bool:
    """Return whether likely repeats of one person forbid a target.

    share: of the pool's errors. labelled: where labels say who is who, they may as well be relatives or wrong labels, so that no
    target is refused for them.
    """
    return not labelled and share > REFUSED_FROM


def verdicts_are_withheld(share: float, labelled: bool) -> bool:
    """Return whether likely repeats of one person forbid verdicts.

    Of labelled people alone; without labels a verdict needs both readings. share: of the pool's errors.
    """
    return labelled and share > REFUSED_FROM


def needs_second_reading(share: float, labelled: bool) -> bool:
    """Return whether figures are given without likely repeats too.

    share: of the pool's or of a group's errors. Of labelled people wherever there is one; else from more than 5 %.
    """
    return share > (0.0 if labelled else CONTAMINATED_FROM)


def why_not_confirmed(second_reading: Verdict | None) -> Literal["readings_differ", "no_second_reading"]:
    """Return why the second reading does not confirm a call.

    second_reading: its verdict; None or "none": it has no such difference.
    """
    return "no_second_reading" if second_reading in (None, "none") else "readings_differ"


def side_without_errors(group: float | None, reference: float | None) -> SideWithoutErrors:
    """Return which side's missing errors leave a ratio undefined.

    group, reference: errors or rates, of which one is 0 or None.
    """
    if not group and not reference:
        return "zero_errors"
    return "reference_zero_errors" if group else "group_zero_errors"
