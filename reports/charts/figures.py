"""The figures of a report, each from one evaluation's record: dots and whiskers, ratios, heat map, histograms, DET."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from faceparity.harness.results import Contrast, Evaluation, Grouping, OperatingPoint, Rate
from faceparity.reports.charts.row_charts import Cell, ChartRow, HeatMapGrid, grid_chart, row_chart
from faceparity.reports.charts.svg import Figure
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import contrast_of, primary, verdict

MAX_ROWS = 40
MAX_MATRIX = 20
LABEL = 30
NAMES = {"fmr": "False match rate (FMR)", "fnmr": "False non-match rate (FNMR)"}


def where(e: Evaluation, p: OperatingPoint) -> str:
    """Model, data set and threshold, for captions that stand alone."""
    name, data = f.shorten(e.model.name, 60), f.shorten(e.dataset.name, 60)
    return f"{name} on {data}, {f.point_name(p)} ({f.threshold(e.model, p.native_threshold)})"


def rate_chart(e: Evaluation, p: OperatingPoint, measure: Literal["fmr", "fnmr"], key: str) -> Figure | None:
    """Error rate by group with 95 % intervals on a log scale; None if no group has a rate or a bound."""
    rates = primary(p.fmr if measure == "fmr" else p.fnmr)
    rows = [_rate_row(p, measure, r) for r in rates]
    if not any(r.kind != "none" for r in rows):
        return None
    line = p.achieved_fmr or None if measure == "fmr" else None
    shown, note = _some(rows)
    alt = f"{NAMES[measure]} by group. " + "; ".join(f"{r.label}: {r.text}" for r in shown[:20]) + "."
    caption = (
        f"{NAMES[measure]} by group: {where(e, p)}. Dot: rate; line: 95 % interval by people; arrow: upper bound, fewer than 10 errors "
        f"(small tick: bound if comparisons were independent). Log scale. Labels as in {f.shorten(e.dataset.name, 60)}.{note}"
    )
    if line:
        caption += f" Dotted: the pool's {f.percent(p.achieved_fmr)}."
    return Figure(key, row_chart(shown, key, NAMES[measure], alt, percent_tick, line), caption, alt)


def _rate_row(p: OperatingPoint, measure: str, r: Rate) -> ChartRow:
    is_ref = any(c.measure == measure and c.reference == r.group for c in p.contrasts)
    label = f.shorten(r.group, LABEL) + (" (reference)" if is_ref else "")
    if r.status == "suppressed" or r.errors is None:
        return ChartRow(label, f.suppressed(r), "none")
    if r.status == "bound":
        if r.bounds is not None:
            return ChartRow(
                label, f"≤ {f.percent(r.bounds.worst_case, 2)}", "bound", hi=r.bounds.worst_case, tick=r.bounds.independent
            )
        return (
            ChartRow(label, f"≤ {f.percent(r.interval[1], 2)}", "bound", hi=r.interval[1])
            if r.interval
            else ChartRow(label, "–", "none")
        )
    lo, hi = r.interval or (None, None)
    return ChartRow(label, f.rate(r), "dot", r.rate, lo, hi)


def ratio_forest(e: Evaluation, p: OperatingPoint, measure: Literal["fmr", "fnmr"], key: str) -> Figure | None:
    """Ratios to the reference group with 95 % intervals; filled where a verdict stands, hollow where inconclusive. None if no ratio."""
    contrasts = [c for c in p.contrasts if c.measure == measure]
    rows = [_ratio_row(p, c) for c in contrasts]
    if not any(r.value is not None for r in rows):
        return None
    shown, note = _some(rows)
    reference = f.shorten(contrasts[0].reference, 60)
    title = f"{NAMES[measure]}: ratio to {reference}"
    alt = f"{title}. " + "; ".join(f"{r.label}: {r.text}" for r in shown[:20]) + "."
    caption = (
        f"{title}. {where(e, p)}. Filled: higher or lower beyond doubt by chance (Holm-adjusted p below 0.05 and enough errors); hollow: "
        f"inconclusive. Line: 95 % interval. Log scale. Labels as in {f.shorten(e.dataset.name, 60)}.{note}"
    )
    return Figure(key, row_chart(shown, key, title, alt, ratio_tick, 1.0), caption, alt)


def _ratio_row(p: OperatingPoint, c: Contrast) -> ChartRow:
    label = f.shorten(c.group, LABEL)
    said = verdict(p, c.measure, c.group)
    if c.ratio is None:
        return ChartRow(label, f.contrast_reason(c.reason) or "no ratio", "none")
    lo, hi = c.interval or (None, None)
    text = f"{f.ratio(c.ratio)} {f.ratio_interval(c.interval)} {said}" if c.interval else f"{f.ratio(c.ratio)} {said}"
    return ChartRow(label, text, "dot" if said in ("higher", "lower") else "open", c.ratio, lo, hi)


def _some(rows: Sequence[ChartRow]) -> tuple[list[ChartRow], str]:
    """The rows to draw, and a note on those that are not: those with nothing to draw, and all after the first 40."""
    drawn = [r for r in rows if r.kind != "none"]
    empty = len(rows) - len(drawn)
    note = f" Not drawn: {f.plural(empty, 'group')} without a number, such as too few people." if empty else ""
    note += f" The first {MAX_ROWS} of {len(drawn)} groups; all are in the table." if len(drawn) > MAX_ROWS else ""
    return drawn[:MAX_ROWS], note


def percent_tick(x: float) -> str:
    """A tick of an axis of fractions: "0.1 %"."""
    return f"{100 * x:.10f}".rstrip("0").rstrip(".") + " %"


def ratio_tick(x: float) -> str:
    """A tick of an axis of ratios: "2×"."""
    return (f"{x:,.0f}" if x >= 1 else f"{x:g}") + "×"


def heat_map(e: Evaluation, g: Grouping, p: OperatingPoint, key: str) -> Figure | None:
    """FMR of every pair of groups at one threshold. None for one group, more than 20, or no matrix."""
    names = [x.group for x in g.groups]
    cells = matrix_cells(p)
    if not cells or not 1 < len(names) <= MAX_MATRIX:
        return None
    shown = [r.rate for r in cells.values() if r.status == "ok" and r.rate]
    alt = f"False match rate between every two of {len(names)} groups. "
    if shown:
        alt += f"From {f.percent(min(shown))} to {f.percent(max(shown))}; on the diagonal both people are of the same group."
    caption = (
        f"FMR in percent when one person is of the row's group and the other of the column's: {where(e, p)}. Darker is higher, log "
        "scale. ≤ and hatched: upper bound, fewer than 10 errors; – and hatched: fewer than 30 people. Labels as in "
        f"{f.shorten(e.dataset.name, 60)}."
    )
    return Figure(
        key,
        grid_chart(_matrix_grid(names, cells), key, "False match rate between groups", alt),
        caption,
        alt,
        wide=len(names) > 4,
    )


def matrix_cells(p: OperatingPoint) -> dict[frozenset[str], Rate]:
    """Cells by the set of their two groups; the diagonal from within-group rates where the matrix has none."""
    cells = {frozenset((r.group, r.group_b or r.group)): r for r in p.fmr_matrix}
    if cells:
        for r in p.fmr:
            if r.design in ("within", "as_sampled"):
                cells.setdefault(frozenset((r.group,)), r)
    return cells


def _matrix_grid(names: Sequence[str], cells: dict[frozenset[str], Rate]) -> HeatMapGrid:
    """The lower half: each pair of groups once. Columns are numbered as the rows are."""
    n = len(names)
    of = [Cell(i, j, cells.get(frozenset((names[i], names[j])))) for i in range(n) for j in range(i + 1)]
    rows = [f"{f.shorten(name, 24)}  {i + 1}" for i, name in enumerate(names)]
    return HeatMapGrid(rows, [str(i + 1) for i in range(n)], of, 46, 28, 168, 20)


def group_rate(p: OperatingPoint, measure: str, group: str) -> Rate | None:
    """The rate of one group that is told first."""
    return next((r for r in primary(p.fmr if measure == "fmr" else p.fnmr) if r.group == group), None)


def called(p: OperatingPoint, measure: str, group: str) -> bool:
    """Whether a verdict stands for the group."""
    return contrast_of(p, measure, group) is not None and verdict(p, measure, group) in ("higher", "lower")
