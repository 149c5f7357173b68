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
    """points: those with a threshold. rows: groups with a shown rate at any of them. hidden: how many have none."""

    points: list[OperatingPoint]
    rows: list[SummaryRow]
    hidden: int


def compact(e: Evaluation) -> Compact:
    """The table of one evaluation."""
    grouping = finest(e)
    points = [p for p in grouping.operating_points if p.threshold is not None]
    by = next((b for b in e.extraction.by_group if b.attributes == grouping.attributes), None)
    failures = {r.group: r for r in by.rates} if by else {}
    rows = []
    for group in grouping.groups:
        rates = [next((r for r in p.fmr if r.group == group.group), None) for p in points]
        if any(r is not None and r.status != "suppressed" for r in rates):
            rows.append(SummaryRow(group.group, failures.get(group.group), rates))
    return Compact(points, rows, len(grouping.groups) - len(rows))


def failures_text(r: Rate | None) -> str:
    """FTX in few characters: "27 %", or "0 of 70" where none failed; a dash where unknown."""
    if r is None or r.errors is None:
        return f.DASH
    return f.percent(r.rate, 2) if r.rate else f"{f.count(r.errors)} of {f.count(r.comparisons)}"


def rate_text(p: OperatingPoint, r: Rate | None) -> str:
    """A rate with its interval, and ▲ or ▼ where it is beyond doubt higher or lower than the reference's."""
    return f.DASH if r is None else f.rate(r, both_bounds=False) + ARROWS.get(verdict(p, "fmr", r.group), "")


def reference_mark(e: Evaluation, group: str) -> str:
    """ " (reference)" after the group that others are compared with."""
    return " (reference)" if group == finest(e).reference else ""
