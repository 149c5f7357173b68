"""The largest of several differences: larger rate over smaller, of how many it is the largest, and its interval as such."""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness.results import Contrast, Evaluation, Grouping, OperatingPoint
from faceparity.harness.uncertainty.few_errors import few_error_test
from faceparity.harness.uncertainty.multiple_tests import bonferroni_interval
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import finest, headline, verdict

DIGITS = 2
"""Significant figures of a headline's ratio."""


def called(point: OperatingPoint, measure: str) -> list[Contrast]:
    """Return the contrasts whose ratios passed the gates."""
    return [
        contrast
        for contrast in point.contrasts
        if contrast.measure == measure and factor(contrast) and verdict(point, measure, contrast.group) in ("higher", "lower")
    ]


def largest(point: OperatingPoint, measure: str) -> Contrast:
    """Return the called contrast with the largest factor.

    Raises ValueError if none is called.
    """
    return max(called(point, measure), key=factor)


def number_tested(point: OperatingPoint, measure: str) -> int:
    """Return among how many differences the largest was sought.

    Those that could be tested, called or not; of rates as sampled only where there are no others.
    """
    designs = [contrast.design for contrast in point.contrasts if contrast.measure == measure and contrast.verdict != "none"]
    return sum(design != "as_sampled" for design in designs) or len(designs)


def factor(contrast: Contrast) -> float:
    """Return the larger rate over the smaller.

    What it is at least, where only that is known; 0 without either.
    """
    if contrast.few_errors is not None:
        return contrast.few_errors.at_least
    return max(contrast.ratio, 1 / contrast.ratio) if contrast.ratio else 0.0


def sides(contrast: Contrast) -> tuple[str, str]:
    """Return the group with the larger rate, then the other.

    By the verdict, else by the ratio.
    """
    lower = contrast.verdict == "lower" or (contrast.verdict != "higher" and (contrast.ratio or 1.0) < 1)
    return (contrast.reference, contrast.group) if lower else (contrast.group, contrast.reference)


def times(contrast: Contrast) -> str:
    """Return how many times as often: "53 times", "at least 23 times"."""
    return f"{'at least ' if contrast.few_errors is not None else ''}{f.number(factor(contrast), DIGITS)} times as often"


def among(point: OperatingPoint, contrast: Contrast, of: int) -> str:
    """Return of how many differences it is the largest, with intervals.

    As a clause: ", the largest of 13 differences (interval for the largest of 13: 18 to 150; 95 % interval by itself: 23 to 123)".
    The first is at level 1 - 0.05/13, so that it holds though the difference was picked. Of one difference the 95 % interval alone;
    of one with few errors on the lower side the lower ends.
    """
    said = f", the largest of {f.count(of)} differences" if of > 1 else ""
    if contrast.few_errors is not None:
        by_itself = "lower end of a 95 % interval" + " by itself" * (of > 1)
        most = f"at least {f.number(_at_least(point, contrast, of), DIGITS)} as the largest of {f.count(of)}; " if of > 1 else ""
        return f"{said} ({most}{by_itself})"
    if contrast.interval is None:
        return said
    own = larger_over_smaller(contrast, contrast.interval)
    if of < 2:
        return f" (95 % interval {own})"
    both = larger_over_smaller(contrast, bonferroni_interval(contrast.interval, contrast.df, of))
    return f"{said} (interval for the largest of {f.count(of)}: {both}; 95 % interval by itself: {own})"


def _at_least(point: OperatingPoint, contrast: Contrast, of: int) -> float | None:
    """Return what the larger rate is at least, over the smaller, as the largest of several.

    From the counts of both rates, at level 1 - 0.05/of; None where the record lacks one of them.
    """
    rates = point.fmr if contrast.measure == "fmr" else point.fnmr
    found = {rate.group: rate for rate in rates if rate.design == contrast.design}
    higher, lower = (found.get(side) for side in sides(contrast))
    if contrast.few_errors is None or higher is None or lower is None or not higher.errors or lower.errors is None:
        return None
    effects = contrast.few_errors
    test = few_error_test(
        higher.errors, higher.comparisons, effects.higher_design_effect, lower.errors, lower.comparisons, effects.lower_design_effect,
        level=1 - 0.05 / of,
    )  # fmt: skip
    return float(test.at_least)


def larger_over_smaller(contrast: Contrast, interval: tuple[float, float]) -> str:
    """Return an interval of the larger rate over the smaller: "23 to 123"."""
    ends = interval if sides(contrast)[0] == contrast.group else tuple(1 / end if end else float("inf") for end in interval[::-1])
    low, high = (f.number(end, DIGITS) if end != float("inf") else "any number" for end in ends)
    return f"{low} to {high}"


def lead_of(evaluations: Sequence[Evaluation]) -> list[str]:
    """Return by which attributes the headlines of several results stand.

    Of results that can be grouped alike: the finest grouping, if a false match rate in any of them is called there; else the grouping
    in which most of them have a call, of several the one with the largest difference; without any the finest.
    """
    by_attributes: dict[tuple[str, ...], list[float]] = {}
    for evaluation in evaluations:
        position = headline(finest(evaluation))
        for grouping in evaluation.groupings:
            point = next(iter(grouping.operating_points[position:]), None) if position is not None else None
            if point is not None and called(point, "fmr"):
                by_attributes.setdefault(tuple(grouping.attributes), []).append(factor(largest(point, "fmr")))
    own = tuple(finest(evaluations[0]).attributes)
    if own in by_attributes or not by_attributes:
        return list(own)
    return list(max(by_attributes.items(), key=lambda found: (len(found[1]), max(found[1])))[0])


def common_leads(evaluations: Sequence[Evaluation]) -> list[list[str]]:
    """Return the attributes of each result's headline.

    The same for all models of one data set that were grouped alike, so that their headlines can be read side by side.
    """
    keys = [(evaluation.dataset.digest, tuple(finest(evaluation).attributes)) for evaluation in evaluations]
    found = {
        key: lead_of([one for one, other in zip(evaluations, keys, strict=True) if other == key]) for key in dict.fromkeys(keys)
    }
    return [found[key] for key in keys]


def sought(groupings: Sequence[tuple[Grouping, OperatingPoint]], lead: Grouping, is_finest: bool) -> int:
    """Return among how many differences of FMR a headline was sought.

    Those of its own grouping; where that is not the finest, in which none was called, those of all groupings.
    """
    return sum(number_tested(point, "fmr") for grouping, point in groupings if grouping is lead or not is_finest)
