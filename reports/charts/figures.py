"""The figures of a report, each from one evaluation's record: dots and whiskers, ratios, heat map, histograms, DET."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from faceparity.harness.results import Contrast, Evaluation, Grouping, OperatingPoint, Rate
from faceparity.reports.charts.row_charts import Cell, ChartRow, HeatMapGrid, grid_chart, row_chart
from faceparity.reports.layout.svg import Figure
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import contrast_of, primary, verdict
from faceparity.reports.wording.verdicts.outcomes import compared

MAX_ROWS = 40
MAX_MATRIX = 20
LABEL = 30
NAMES = {"fmr": "False match rate (FMR)", "fnmr": "False non-match rate (FNMR)"}


def where(evaluation: Evaluation, point: OperatingPoint) -> str:
    """Return model, data set and threshold for captions."""
    name, data = f.shorten(evaluation.model.name, 60), f.shorten(evaluation.dataset.name, 60)
    return f"{name} on {data}, {f.point_name(point)} ({f.threshold(evaluation.model, point.native_threshold)})"


def rate_chart(evaluation: Evaluation, point: OperatingPoint, measure: Literal["fmr", "fnmr"], key: str) -> Figure | None:
    """Return a figure of error rates by group.

    With 95 % intervals on a log scale; None if no group has a rate or a bound.
    """
    rates = primary(point.fmr if measure == "fmr" else point.fnmr)
    rows = [_rate_row(point, measure, entry) for entry in rates]
    if not any(entry.kind != "none" for entry in rows):
        return None
    line = point.achieved_fmr or None if measure == "fmr" else None
    shown, note = _drawn_rows(rows)
    alt = f"{NAMES[measure]} by group. " + "; ".join(f"{entry.label}: {entry.text}" for entry in shown[:20]) + "."
    caption = (
        f"{NAMES[measure]} by group: {where(evaluation, point)}. Dot: rate; line: 95 % interval by people; arrow: upper bound, "
        f"fewer than 10 errors. Log scale. Labels as in {f.shorten(evaluation.dataset.name, 60)}.{note}"
    )
    if line:
        caption += f" Dotted: the pool's {f.percent(point.achieved_fmr)}."
    return Figure(key, row_chart(shown, key, NAMES[measure], alt, percent_tick, line), caption, alt)


def _rate_row(point: OperatingPoint, measure: str, rate: Rate) -> ChartRow:
    """Return the chart row of one rate."""
    is_ref = any(contrast.measure == measure and contrast.reference == rate.group for contrast in point.contrasts)
    label = f.shorten(rate.group, LABEL) + (" (reference)" if is_ref else "")
    if rate.status == "suppressed" or rate.errors is None:
        return ChartRow(label, f.suppressed(rate), "none")
    if rate.status == "bound":
        if rate.upper is None:
            return ChartRow(label, "–", "none")
        return ChartRow(label, f"≤ {f.percent(rate.upper, 2)}{f.if_independent(rate)}", "bound", hi=rate.upper)
    lo, hi = rate.interval or (None, None)
    return ChartRow(label, f.rate(rate), "dot", rate.rate, lo, hi)


def ratio_forest(evaluation: Evaluation, point: OperatingPoint, measure: Literal["fmr", "fnmr"], key: str) -> Figure | None:
    """Return a figure of ratios to the reference group.

    With 95 % intervals; filled where a difference is called, hollow where not. None if no ratio.
    """
    contrasts = [contrast for contrast in point.contrasts if contrast.measure == measure]
    rows = [_ratio_row(point, contrast) for contrast in contrasts]
    if all(row.kind == "none" for row in rows):
        return None
    shown, note = _drawn_rows(rows)
    reference = f.shorten(contrasts[0].reference, 60)
    title = f"{NAMES[measure]}: ratio to {reference}"
    alt = f"{title}. " + "; ".join(f"{row.label}: {row.text}" for row in shown[:20]) + "."
    caption = (
        f"{title}. {where(evaluation, point)}. Filled: higher or lower beyond doubt by chance (Holm-adjusted p below 0.05 and "
        "enough errors); hollow: "
        f"not called. Line: 95 % interval; arrow: at least or at most so much. Log scale. "
        f"Labels as in {f.shorten(evaluation.dataset.name, 60)}.{note}"
    )
    return Figure(key, row_chart(shown, key, title, alt, ratio_tick, 1.0), caption, alt)


def _ratio_row(point: OperatingPoint, contrast: Contrast) -> ChartRow:
    """Return the chart row of one ratio."""
    label = f.shorten(contrast.group, LABEL)
    said = verdict(point, contrast.measure, contrast.group)
    text = compared(contrast, said)
    if contrast.few_errors is not None and said in ("higher", "lower") and contrast.few_errors.at_least > 1:
        return _bound_row(label, text, contrast.few_errors.at_least, said == "higher")
    if contrast.ratio is None:
        return ChartRow(label, text, "none")
    lo, hi = contrast.interval or (None, None)
    return ChartRow(label, text, "dot" if said in ("higher", "lower") else "open", contrast.ratio, lo, hi)


def _bound_row(label: str, text: str, at_least: float, higher: bool) -> ChartRow:
    """Return the chart row of a ratio of which only a bound is known.

    An arrow from it: to the right where the group's rate is the higher, to the left where the reference's is.
    """
    return ChartRow(label, text, "least", lo=at_least) if higher else ChartRow(label, text, "bound", hi=1 / at_least)


def _drawn_rows(rows: Sequence[ChartRow]) -> tuple[list[ChartRow], str]:
    """Return the rows to draw and a note.

    The note counts rows with nothing to draw, and all after the first 40.
    """
    drawn = [row for row in rows if row.kind != "none"]
    empty = len(rows) - len(drawn)
    note = f" Not drawn: {f.plural(empty, 'group')} without a number, such as too few people." if empty else ""
    note += f" The first {MAX_ROWS} of {len(drawn)} groups; all are in the table." if len(drawn) > MAX_ROWS else ""
    return drawn[:MAX_ROWS], note


def percent_tick(fraction: float) -> str:
    """Return a tick label of fractions: "0.1 %"."""
    return f"{100 * fraction:.10f}".rstrip("0").rstrip(".") + " %"


def ratio_tick(ratio: float) -> str:
    """Return a tick label of ratios: "2×"."""
    return (f"{ratio:,.0f}" if ratio >= 1 else f"{ratio:g}") + "×"


def heat_map(evaluation: Evaluation, grouping: Grouping, point: OperatingPoint, key: str) -> Figure | None:
    """Return a figure of FMR between all pairs of groups.

    At one threshold. None for one group, more than 20, or no matrix.
    """
    names = [group.group for group in grouping.groups]
    cells = matrix_cells(point)
    if not cells or not 1 < len(names) <= MAX_MATRIX:
        return None
    shown = [rate.rate for rate in cells.values() if rate.status == "ok" and rate.rate]
    alt = f"False match rate between every two of {len(names)} groups. "
    if shown:
        alt += f"From {f.percent(min(shown))} to {f.percent(max(shown))}; on the diagonal both people are of the same group."
    caption = (
        f"FMR in percent when one person is of the row's group and the other of the column's: {where(evaluation, point)}. "
        "Darker is higher, log "
        "scale. ≤ and hatched: upper bound, fewer than 10 errors; – and hatched: fewer than 30 people. Labels as in "
        f"{f.shorten(evaluation.dataset.name, 60)}."
    )
    return Figure(
        key,
        grid_chart(_matrix_grid(names, cells), key, "False match rate between groups", alt),
        caption,
        alt,
        wide=len(names) > 4,
    )


def matrix_cells(point: OperatingPoint) -> dict[frozenset[str], Rate]:
    """Return the FMR matrix by the set of two groups.

    The diagonal from within-group rates where the matrix has none.
    """
    cells = {frozenset((rate.group, rate.group_b or rate.group)): rate for rate in point.fmr_matrix}
    if cells:
        for rate in point.fmr:
            if rate.design in ("within", "as_sampled"):
                cells.setdefault(frozenset((rate.group,)), rate)
    return cells


def _matrix_grid(names: Sequence[str], cells: dict[frozenset[str], Rate]) -> HeatMapGrid:
    """Return the lower half of the matrix.

    Each pair of groups once. Columns are numbered as the rows are.
    """
    size = len(names)
    lower_half = [Cell(i, j, cells.get(frozenset((names[i], names[j])))) for i in range(size) for j in range(i + 1)]
    rows = [f"{f.shorten(name, 24)}  {i + 1}" for i, name in enumerate(names)]
    return HeatMapGrid(rows, [str(i + 1) for i in range(size)], lower_half, 46, 28, 168, 20)


def group_rate(point: OperatingPoint, measure: str, group: str) -> Rate | None:
    """Return the primary rate of one group."""
    return next((rate for rate in primary(point.fmr if measure == "fmr" else point.fnmr) if rate.group == group), None)


def called(point: OperatingPoint, measure: str, group: str) -> bool:
    """Return whether a verdict stands for the group."""
    return contrast_of(point, measure, group) is not None and verdict(point, measure, group) in ("higher", "lower")
