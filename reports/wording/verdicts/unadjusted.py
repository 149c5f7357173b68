"""Ratios as sampled in words: where groups cannot be matched on the other attributes, and no verdict is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceparity.harness.results import Contrast, Evaluation, Grouping
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.headline import finest
from faceparity.reports.wording.verdicts.largest import DIGITS, factor, larger_over_smaller, sides

WHO = {"fmr": "two people labelled {} were falsely matched", "fnmr": "two images of one person labelled {} failed to match"}
OTHERS = {"fmr": "two labelled {}", "fnmr": "those of one labelled {}"}


def not_adjusted_for(evaluation: Evaluation, grouping: Grouping) -> str:
    """Return what ratios as sampled leave out: "not adjusted for ethnicity"."""
    others = [name for name in finest(evaluation).attributes if name not in grouping.attributes]
    return f"not adjusted for {grouping_name(others)}"


def unadjusted_sentences(evaluation: Evaluation, position: int, measure: str = "fmr") -> Iterator[str]:
    """Yield each grouping's largest ratio as sampled, a sentence each.

    At the operating point number `position`; larger over smaller.
    """
    for grouping in evaluation.groupings:
        contrasts = _of(grouping, position, measure)
        if contrasts:
            yield _sentence(evaluation, grouping, max(contrasts, key=factor), len(contrasts))


def _of(grouping: Grouping, position: int, measure: str) -> list[Contrast]:
    points = grouping.operating_points[position : position + 1]
    return [contrast for point in points for contrast in point.unadjusted if contrast.measure == measure and contrast.ratio]


def _sentence(evaluation: Evaluation, grouping: Grouping, contrast: Contrast, number: int) -> str:
    higher, lower = sides(contrast)
    span = f" (95 % interval {larger_over_smaller(contrast, contrast.interval)})" if contrast.interval else ""
    return (
        f"By {grouping_name(grouping)}, {not_adjusted_for(evaluation, grouping)}: {WHO[contrast.measure].format(f.shorten(higher, 80))} "
        f"{f.number(factor(contrast), DIGITS)} times{span} as often as {OTHERS[contrast.measure].format(f.shorten(lower, 80))}"
        f"{f', the largest of {number} such ratios' if number > 1 else ''}; no verdict is given on it."
    )


def unadjusted_rows(contrasts: Sequence[Contrast]) -> list[list[str]]:
    """Return rows of group, ratio and interval."""
    return [[contrast.group, f.ratio(contrast.ratio), f.ratio_interval(contrast.interval)] for contrast in contrasts]
