"""Which of a record's numbers come first, and which verdicts stand."""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness.results import Contrast, Evaluation, Grouping, OperatingPoint, Rate
from faceparity.harness.verification.rates.verdict_rules import Verdict, confirm


def finest(evaluation: Evaluation) -> Grouping:
    """Return the grouping by most attributes.

    Raises ValueError if there is no grouping.
    """
    return max(evaluation.groupings, key=lambda grouping: len(grouping.attributes))


def headline(grouping: Grouping) -> int | None:
    """Return the position of the headline operating point.

    The first with a threshold, in the order of the run's options, before those at which every verdict is withheld; None if all
    were refused.
    """
    points = [(point.withheld is not None, i) for i, point in enumerate(grouping.operating_points) if point.threshold is not None]
    return min(points)[1] if points else None


def primary(rates: Sequence[Rate]) -> list[Rate]:
    """Return one rate per group.

    Within the group or matched; as sampled only for groups without a shown matched rate.
    """
    out: dict[str, Rate] = {}
    for rate in rates:
        old, shown = out.get(rate.group), rate.status != "suppressed"
        if old is None or (shown and (rate.design != "as_sampled" or old.status == "suppressed")):
            out[rate.group] = rate
    return list(out.values())


def contrast_of(point: OperatingPoint, measure: str, group: str) -> Contrast | None:
    """Return the contrast of a group with the reference.

    None if there is none.
    """
    return next((contrast for contrast in point.contrasts if contrast.measure == measure and contrast.group == group), None)


def verdict(point: OperatingPoint, measure: str, group: str) -> Verdict:
    """Return the verdict on a group against the reference.

    One of "higher", "lower", "inconclusive" and "none". At a contaminated point higher and lower stand only if the reading without
    probable repeats of one person says the same.
    """
    contrast = contrast_of(point, measure, group)
    if contrast is None:
        return "none"
    if point.status != "contaminated":
        return contrast.verdict
    second = contrast_of(point.without_likely_same_person, measure, group) if point.without_likely_same_person else None
    return confirm(contrast.verdict, second.verdict if second is not None else None)
