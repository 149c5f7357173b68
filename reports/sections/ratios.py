"""The section on ratios to the reference group: forest plot and tables, with the power that the data had and would need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from faceparity.harness.results import Contrast, Evaluation, OperatingPoint
from faceparity.reports.charts.figures import ratio_forest
from faceparity.reports.layout.elements import Item, Table, Text, pictures
from faceparity.reports.sections.rates import FULL
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.headline import contrast_of, finest, verdict

COLUMNS = [
    "Group",
    "Ratio",
    "95 % interval",
    "with the threshold found anew",
    "Holm-adjusted p",
    "Verdict",
    "Could have detected",
]
NEEDED = ["People needed for this ratio", "People needed for 2×"]
NEEDED_NOTE = (
    "People needed: how many in each of the two groups a data set of this kind would take, so that the ratio seen here, or one of 2, "
    "would be called with a probability of 80 %."
)

NEEDED_SAMPLED = " For FMR that is with the same share of the comparisons made; with more of them fewer people may do."


def ratio_items(e: Evaluation, i: int, n: int, key: str) -> list[Item]:
    """The ratios of grouping `i` at its operating point `n`."""
    g, p = e.groupings[i], e.groupings[i].operating_points[n]
    out: list[Item] = []
    measures: tuple[Literal["fmr", "fnmr"], ...] = ("fmr", "fnmr")
    for measure in measures:
        of = [c for c in p.contrasts if c.measure == measure]
        if not of:
            continue
        if g is finest(e):
            out += pictures(ratio_forest(e, p, measure, f"{key}-{measure}-forest"))
        caption = f"{FULL[measure]} by {grouping_name(g)}, ratio to {f.shorten(of[0].reference, 100)}: {f.point_name(p)}"
        told = [c for c in of if _has_number(c)]
        out += [ratio_table(f"{key}-{measure}-ratios", caption, p, told)] if told else []
        if g is finest(e) and measure == "fmr" and _needed(told):
            out.append(Text(NEEDED_NOTE + NEEDED_SAMPLED * (e.comparisons.sampled is not None), "note"))
        out += _without(caption, [c for c in of if not _has_number(c)], bool(told))
    return out


def _has_number(c: Contrast) -> bool:
    return c.ratio is not None or c.needed_subjects_for_double is not None


def _needed(of: Sequence[Contrast]) -> bool:
    return any(c.needed_subjects is not None or c.needed_subjects_for_double is not None for c in of)


def _without(caption: str, of: Sequence[Contrast], some: bool) -> list[Item]:
    """Which groups have no ratio, by reason."""
    if not of:
        return []
    by: dict[str, list[str]] = {}
    for c in of:
        by.setdefault(f.contrast_reason(c.reason) or "no ratio", []).append(f.shorten(c.group, 60))
    lines = [f"{f.sentence(why)}: {', '.join(names[:15])}{f' and {len(names) - 15} more' * (len(names) > 15)}."
             for why, names in by.items()]  # fmt: skip
    return [Text(f"{'No ratio' if some else caption + ', none'}. {' '.join(lines)}", "note")]


def ratio_table(key: str, caption: str, p: OperatingPoint, of: Sequence[Contrast]) -> Table:
    """Every ratio with its interval, p-value, verdict and power; at a contaminated point also the second reading's."""
    second, needed = p.without_likely_same_person, _needed(of)
    columns = [*COLUMNS, *NEEDED * needed, *["Without probable repeats"] * (second is not None)]
    rows = []
    for c in of:
        why = f" ({f.contrast_reason(c.reason)})" if c.reason else ""
        row = [c.group, f.ratio(c.ratio), f.ratio_interval(c.interval), f.ratio_interval(c.interval_reestimated)]
        row += [_p(c.p_holm), verdict(p, c.measure, c.group) + why, f.ratio(c.detectable_ratio)]
        row += [f.count(c.needed_subjects), f.count(c.needed_subjects_for_double)] if needed else []
        if second is not None:
            other = contrast_of(second, c.measure, c.group)
            row.append(f"{f.ratio(other.ratio)} {f.ratio_interval(other.interval)} {other.verdict}" if other else f.DASH)
        rows.append(row)
    return Table(key, caption, columns, rows, frozenset({5, len(columns) - 1} if second is not None else {5}))


def _p(p: float | None) -> str:
    return f.p_value(p).removeprefix("p ").removeprefix("= ")
