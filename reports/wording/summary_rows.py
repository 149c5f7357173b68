"""An evaluation in one small table: a row for each shown group of the finest grouping, a column for each operating point."""

from __future__ import annotations

from typing import NamedTuple

from faceparity.harness.results import Evaluation, OperatingPoint, Rate
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import finest, verdict

ARROWS = {"higher": " ▲", "lower": " ▼"}


class SummaryRow(NamedTuple):
    """One group: its failures to extract, and its FMR at each of the table's operating points (None where not given)."""

    group: str
    failures: Rate | None
    rates: list[Rate | None]


class Compact(NamedTuple):
    """A small table of one evaluation.

    points: those with a threshold. rows: groups with a shown rate at any of them. hidden: how many have none.
    """

    points: list[OperatingPoint]
    rows: list[SummaryRow]
    hidden: int


def compact(evaluation: Evaluation) -> Compact:
    """Return the table of one evaluation."""
    grouping = finest(evaluation)
    points = [point for point in grouping.operating_points if point.threshold is not None]
    by = next((entry for entry in evaluation.extraction.by_group if entry.attributes == grouping.attributes), None)
    failures = {rate.group: rate for rate in by.rates} if by else {}
    rows = []
    for group in grouping.groups:
        rates = [next((rate for rate in point.fmr if rate.group == group.group), None) for point in points]
        if any(rate is not None and rate.status != "suppressed" for rate in rates):
            rows.append(SummaryRow(group.group, failures.get(group.group), rates))
    return Compact(points, rows, len(grouping.groups) - len(rows))


def failures_text(rate: Rate | None) -> str:
    """Return FTX in a few characters.

    "27 %", or "0 of 70" where none failed; a dash where unknown.
    """
    if rate is None or rate.errors is None:
        return f.DASH
    return f.percent(rate.rate, 2) if rate.rate else f"{f.count(rate.errors)} of {f.count(rate.comparisons)}"


def rate_text(point: OperatingPoint, rate: Rate | None) -> str:
    """Return a rate with its interval and a mark.

    ▲ or ▼ where it is beyond doubt higher or lower than the reference's.
    """
    return f.DASH if rate is None else f.rate(rate) + ARROWS.get(verdict(point, "fmr", rate.group), "")


def reference_mark(evaluation: Evaluation, group: str) -> str:
    """Return " (reference)" for the reference group, else nothing."""
    return " (reference)" if group == finest(evaluation).reference else ""
