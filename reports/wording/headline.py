"""Which of a record's numbers are told first, and which verdicts stand."""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness.results import Contrast, Evaluation, Grouping, OperatingPoint, Rate
from faceparity.harness.verification.rates.verdict_rules import confirm


def finest(e: Evaluation) -> Grouping:
    """The grouping by most attributes. Raises ValueError if there is no grouping."""
    return max(e.groupings, key=lambda g: len(g.attributes))


def headline(g: Grouping) -> int | None:
    """Position of the operating point told first: the first with a threshold, in the order asked; None if all were refused."""
    return next((i for i, p in enumerate(g.operating_points) if p.threshold is not None), None)


def primary(rates: Sequence[Rate]) -> list[Rate]:
    """One rate per group: within the group or matched; as sampled only for groups without a shown matched rate."""
    out: dict[str, Rate] = {}
    for r in rates:
        old, shown = out.get(r.group), r.status != "suppressed"
        if old is None or (shown and (r.design != "as_sampled" or old.status == "suppressed")):
            out[r.group] = r
    return list(out.values())


def contrast_of(p: OperatingPoint, measure: str, group: str) -> Contrast | None:
    """The comparison of one group with the reference, if there is one."""
    return next((c for c in p.contrasts if c.measure == measure and c.group == group), None)


def verdict(p: OperatingPoint, measure: str, group: str) -> str:
    """What may be said of a group against the reference: "higher", "lower", "inconclusive" or "none".

    At a contaminated point higher and lower stand only if the reading without probable repeats of one person says the same.
    """
    c = contrast_of(p, measure, group)
    if c is None:
        return "none"
    if p.status != "contaminated":
        return c.verdict
    second = contrast_of(p.without_likely_same_person, measure, group) if p.without_likely_same_person else None
    return confirm(c.verdict, second.verdict if second is not None else None)
