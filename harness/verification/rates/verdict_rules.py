"""The one rule by which a difference is called, and its numbers, each once.

A difference is *called* higher or lower if the side with the higher rate has 30 effective errors or more and the other 8 or more,
and if its p-value, adjusted by Holm over its whole family, is below 0.05. Else it is inconclusive, or "none" where it could not be
tested at all. Where a second reading of the same comparisons exists (without those that look like one person under two names), a
call stands only if both readings make it.

Everything that says "higher" or "lower" comes through here: contrasts of groups, of models and of conditions, scenarios, claims,
rankings of models, exclusions, and the reports.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Literal, Protocol, Self, TypeVar

from faceparity.harness.uncertainty.contrasts import benjamini_hochberg, holm

Verdict = Literal["higher", "lower", "inconclusive", "none"]
"""Of the first side against the second. "none": not tested, for a reason that stands beside it."""

Barrier = Literal["reference_undefined", "group_undefined", "too_few_subjects", "other"]
"""Why a ratio is not tested at all. "other": a rate of 1, whose logarithm has no interval."""

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
"""Effective errors that the other side needs."""
EFFECTIVE_DISCORDANT = 10
"""Effective comparisons on which two models must differ."""
CONTAMINATED_FROM = 0.05
"""Share of a pool's false matches that look like one person under two names, above which both readings are needed."""
REFUSED_FROM = 0.5
"""The same share, above which a target is refused."""


def enough_errors(ratio: float, group: float, reference: float) -> bool:
    """Tell whether both sides of a ratio have errors enough for a call.

    ratio: the group's rate over the reference's; above 1 the group is the higher side, at 1 and below the reference.
    group, reference: their effective errors. On the limit is enough.
    """
    higher, lower = (group, reference) if ratio > 1 else (reference, group)
    return higher >= EFFECTIVE_IN_HIGHER and lower >= EFFECTIVE_IN_LOWER


def adjust(p_values: Sequence[float | None]) -> list[float]:
    """Adjust a family's p-values by Holm, in their order.

    None counts as 1: a test that only its errors kept from a p-value stays in the family, so that errors do not make it smaller.
    """
    return holm([1.0 if p is None else p for p in p_values])


def explore(p_values: Sequence[float | None]) -> list[float]:
    """Adjust a family's p-values by Benjamini and Hochberg, in their order; None counts as 1. No verdict rests on these."""
    return benjamini_hochberg([1.0 if p is None else p for p in p_values])


def is_significant(p_adjusted: float | None) -> bool:
    """Tell whether an adjusted p-value is below `ALPHA`; none is not, and neither is one on it."""
    return p_adjusted is not None and p_adjusted < ALPHA


def call(difference: float, p_adjusted: float | None, enough: bool) -> Verdict:
    """Return the verdict on a difference that was tested.

    difference: first side minus second, or anything of that sign; 0 is never called.
    enough: whether the sides have errors enough (`enough_errors`, or what a paired design asks instead).
    """
    if not (enough and is_significant(p_adjusted)) or not difference:
        return "inconclusive"
    return "higher" if difference > 0 else "lower"


class HasRate(Protocol):
    """A rate of some people."""

    @property
    def rate(self) -> float | None:
        """None: undefined."""

    @property
    def subjects(self) -> int:
        """How many people it is of."""


def barrier(group: HasRate, reference: HasRate) -> Barrier | None:
    """Return what keeps the ratio of two rates from being tested at all; None if nothing does."""
    sides: tuple[tuple[HasRate, Barrier], ...] = ((reference, "reference_undefined"), (group, "group_undefined"))
    for side, undefined in sides:
        if side.rate is None:
            return undefined
        if side.subjects < SHOWN_FROM:
            return "too_few_subjects"
    return "other" if max(group.rate or 0.0, reference.rate or 0.0) >= 1 else None


class HasVerdict(Protocol):
    """A record of one comparison with its verdict."""

    @property
    def p(self) -> float | None:
        """None: only its errors kept it from a p-value."""

    @property
    def verdict(self) -> Verdict:
        """What was said of it."""

    def model_copy(self, *, update: dict[str, Any]) -> Self:
        """Return it with other values."""


C = TypeVar("C", bound=HasVerdict)


def settle(
    family: Sequence[C], difference: Callable[[C], float | None], held_back: Callable[[C], str | None], exploring: bool = False
) -> list[C]:
    """Adjust the p-values of a family and give the verdicts.

    family: of which those with the verdict "none" are no part. difference: first side minus second; None leaves the record as it is,
    though it counts in the family. held_back: the reason why it is not called whatever its p-value. exploring: with `p_bh` too.
    """
    members = [c for c in family if c.verdict != "none"]
    p_values = [c.p for c in members]
    adjusted, explored = iter(adjust(p_values)), iter(explore(p_values))
    out = []
    for c in family:
        if c.verdict == "none":
            out.append(c)
            continue
        p_holm, p_bh, d = next(adjusted), next(explored), difference(c)
        if d is None:
            out.append(c)
            continue
        reason = held_back(c)
        found: dict[str, Any] = {"p_holm": p_holm, "verdict": call(d, p_holm, reason is None), "reason": reason}
        out.append(c.model_copy(update=found | ({"p_bh": p_bh} if exploring else {})))
    return out


def confirm(verdict: Verdict, second_reading: Verdict | None) -> Verdict:
    """Withdraw a call that the second reading does not make too; None: the second reading has no such difference."""
    return verdict if verdict not in ("higher", "lower") or verdict == second_reading else "inconclusive"


def confirm_all(first: Sequence[C], second: Sequence[C], key: Callable[[C], Hashable]) -> list[C]:
    """Withdraw every call of a reading that the second does not make too, with the reason "contaminated".

    key: what tells that two records are of one comparison.
    """
    others = {key(c): c.verdict for c in second}
    out = []
    for c in first:
        verdict = confirm(c.verdict, others.get(key(c)))
        out.append(c if verdict == c.verdict else c.model_copy(update={"verdict": verdict, "reason": "contaminated"}))
    return out
