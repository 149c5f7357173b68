"""The figures of a report, each from one evaluation's record: dots and whiskers, ratios, heat map, histograms, DET."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from faceparity.harness.record import Contrast, Evaluation, Grouping, OperatingPoint, Rate
from faceparity.reports import format as f
from faceparity.reports.select import contrast_of, primary, verdict
from faceparity.reports.svg import GRID, INK, PAPER, SERIES, Figure, canvas, style, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_ROWS = 40
MAX_MATRIX = 20
ROW = 32.0
LABEL = 30
NAMES = {"fmr": "False match rate (FMR)", "fnmr": "False non-match rate (FNMR)"}


class Row(NamedTuple):
    """One line of a dot-and-whisker chart. kind: "dot" (filled), "open" (hollow: no verdict), "bound" (≤ hi), "none" (not drawn)."""

    label: str
    text: str
    kind: Literal["dot", "open", "bound", "none"]
    value: float | None = None
    lo: float | None = None
    hi: float | None = None
    tick: float | None = None


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
    line = (p.achieved_fmr, "pool") if measure == "fmr" and p.achieved_fmr else None
    shown, note = _some(rows)
    alt = f"{NAMES[measure]} by group. " + "; ".join(f"{r.label}: {r.text}" for r in shown[:20]) + "."
    caption = (
        f"{NAMES[measure]} by group: {where(e, p)}. Dot: rate; line: 95 % interval by people; arrow: upper bound, fewer than 10 errors "
        f"(small tick: bound if comparisons were independent). Log scale. Labels as in {f.shorten(e.dataset.name, 60)}.{note}"
    )
    if line:
        caption += f" Dotted: the pool's {f.percent(p.achieved_fmr)}."
    return Figure(key, _draw_rows(shown, key, NAMES[measure], alt, _percent_tick, line), caption, alt)


def _rate_row(p: OperatingPoint, measure: str, r: Rate) -> Row:
    is_ref = any(c.measure == measure and c.reference == r.group for c in p.contrasts)
    label = f.shorten(r.group, LABEL) + (" (reference)" if is_ref else "")
    if r.status == "suppressed" or r.errors is None:
        return Row(label, f.suppressed(r), "none")
    if r.status == "bound":
        if r.bounds is not None:
            return Row(
                label, f"≤ {f.percent(r.bounds.worst_case, 2)}", "bound", hi=r.bounds.worst_case, tick=r.bounds.independent
            )
        return (
            Row(label, f"≤ {f.percent(r.interval[1], 2)}", "bound", hi=r.interval[1]) if r.interval else Row(label, "–", "none")
        )
    lo, hi = r.interval or (None, None)
    return Row(label, f.rate(r), "dot", r.rate, lo, hi)


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
    return Figure(key, _draw_rows(shown, key, title, alt, _ratio_tick, (1.0, "equal")), caption, alt)


def _ratio_row(p: OperatingPoint, c: Contrast) -> Row:
    label = f.shorten(c.group, LABEL)
    said = verdict(p, c.measure, c.group)
    if c.ratio is None:
        return Row(label, f.contrast_reason(c.reason) or "no ratio", "none")
    lo, hi = c.interval or (None, None)
    text = f"{f.ratio(c.ratio)} {f.ratio_interval(c.interval)} {said}" if c.interval else f"{f.ratio(c.ratio)} {said}"
    return Row(label, text, "dot" if said in ("higher", "lower") else "open", c.ratio, lo, hi)


def _some(rows: Sequence[Row]) -> tuple[list[Row], str]:
    """The rows to draw, and a note on those that are not: those with nothing to draw, and all after the first 40."""
    drawn = [r for r in rows if r.kind != "none"]
    empty = len(rows) - len(drawn)
    note = f" Not drawn: {f.plural(empty, 'group')} without a number, such as too few people." if empty else ""
    note += f" The first {MAX_ROWS} of {len(drawn)} groups; all are in the table." if len(drawn) > MAX_ROWS else ""
    return drawn[:MAX_ROWS], note


def _draw_rows(rows: Sequence[Row], key: str, title: str, alt: str, tick: Any, line: tuple[float, str] | None) -> str:
    """A chart with one labelled row each; labels stand above their dots, so that long names fit a phone."""
    height = ROW * len(rows) + 34
    with style():
        figure = canvas(height)
        ax = figure.add_axes((0.03, 24 / height, 0.94, (height - 34) / height))
        ax.set_xscale("log")
        ax.set_xlim(*_limits(rows, line))
        ax.set_ylim(len(rows) - 0.3, -0.7)
        _log_ticks(ax, tick)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.grid(axis="x", color=GRID, linewidth=0.6)
        ax.set_axisbelow(True)
        if line:
            ax.axvline(line[0], color=INK, linewidth=1, linestyle=(0, (1, 2)))
        for i, row in enumerate(rows):
            _draw_row(ax, i, row)
        return to_svg(figure, key, title, alt)


def _draw_row(ax: Axes, y: int, row: Row) -> None:
    to_right = {"transform": ax.get_yaxis_transform(), "va": "bottom", "clip_on": False}
    ax.text(0, y - 0.2, row.label, ha="left", fontsize=9.5, **to_right)  # type: ignore[arg-type]
    ax.text(1, y - 0.2, row.text, ha="right", fontsize=9, **to_right)  # type: ignore[arg-type]
    left = ax.get_xlim()[0]
    if row.kind == "bound" and row.hi is not None:
        ax.plot([left, row.hi], [y, y], color=SERIES[0], linewidth=1.4, linestyle=(0, (3, 2)))
        ax.plot([row.hi], [y], marker="|", markersize=9, markeredgewidth=1.6, color=SERIES[0])
        ax.plot([left], [y], marker="<", markersize=6, color=SERIES[0], clip_on=False)
        if row.tick is not None:
            ax.plot([row.tick], [y], marker="|", markersize=5, color=SERIES[0])
    if row.value is None:
        return
    if row.lo is not None and row.hi is not None:
        ax.plot([max(row.lo, left), row.hi], [y, y], color=SERIES[0], linewidth=1.8, solid_capstyle="butt")
    fill = SERIES[0] if row.kind == "dot" else PAPER
    ax.plot([row.value], [y], marker="o", markersize=7, markerfacecolor=fill, markeredgecolor=SERIES[0], markeredgewidth=1.6)


def _limits(rows: Sequence[Row], line: tuple[float, str] | None) -> tuple[float, float]:
    """The range of a log axis: all values, bounds and the line; intervals as far as they stay within a factor of 1,000 of those."""
    core = [x for r in rows for x in (r.value, r.hi if r.kind == "bound" else None, r.tick) if x] + ([line[0]] if line else [])
    ends = [x for r in rows for x in (r.lo, r.hi) if x]
    lo = max(min(core + ends), min(core) / 30)
    hi = min(max(core + ends), max(core) * 30)
    return lo / 1.5, hi * 1.5


def _log_ticks(ax: Axes, tick: Any) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    lo, hi = ax.get_xlim()
    steps = (1, 2, 5) if hi / lo < 60 else (1,)
    at = [m * 10.0**k for k in range(-12, 13) for m in steps if lo * 1.05 <= m * 10.0**k <= hi / 1.05]
    every = max(1, -(-len(at) // 6))
    ax.xaxis.set_major_locator(FixedLocator(at[::every]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: tick(x)))
    ax.tick_params(axis="x", labelsize=9, length=3)


def _percent_tick(x: float) -> str:
    return f"{100 * x:.10f}".rstrip("0").rstrip(".") + " %"


def _ratio_tick(x: float) -> str:
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
    return Figure(key, _draw_matrix(names, cells, key, alt), caption, alt, wide=len(names) > 4)


def matrix_cells(p: OperatingPoint) -> dict[frozenset[str], Rate]:
    """Cells by the set of their two groups; the diagonal from within-group rates where the matrix has none."""
    cells = {frozenset((r.group, r.group_b or r.group)): r for r in p.fmr_matrix}
    if cells:
        for r in p.fmr:
            if r.design in ("within", "as_sampled"):
                cells.setdefault(frozenset((r.group,)), r)
    return cells


def _draw_matrix(names: list[str], cells: dict[frozenset[str], Rate], key: str, alt: str) -> str:
    n, cw, ch, left, top = len(names), 46, 28, 168, 20
    width, height = left + n * cw + 6, top + n * ch + 4
    rates = [r.rate for r in cells.values() if r.status == "ok" and r.rate]
    with style():
        figure = canvas(height, width)
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set_xlim(0, width)
        ax.set_ylim(height, 0)
        ax.axis("off")
        for i, name in enumerate(names):
            ax.text(left - 6, top + (i + 0.5) * ch, f"{f.shorten(name, 24)}  {i + 1}", ha="right", va="center", fontsize=9.5)
            ax.text(left + (i + 0.5) * cw, top - 6, str(i + 1), ha="center", va="bottom", fontsize=9.5)
            for j in range(i + 1):
                r = cells.get(frozenset((name, names[j])))
                _draw_cell(ax, left + j * cw, top + i * ch, cw, ch, r, _shade(r, rates))
        return to_svg(figure, key, "False match rate between groups", alt)


def _shade(r: Rate | None, rates: Sequence[float]) -> float | None:
    """Where a rate lies between the least and the greatest on a log scale: 0 to 1; None where it has no colour."""
    import math

    if r is None or r.status != "ok" or not r.rate:
        return None
    lo, hi = math.log(min(rates)), math.log(max(rates))
    return 0.5 if hi == lo else (math.log(r.rate) - lo) / (hi - lo)


def _draw_cell(ax: Axes, x: float, y: float, w: float, h: float, r: Rate | None, shade: float | None) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex
    from matplotlib.patches import Rectangle

    if shade is None:
        ax.add_patch(Rectangle((x, y), w, h, facecolor=PAPER, edgecolor=GRID, linewidth=0.8, hatch="////"))
        text, colour = _cell_text(r), INK
    else:
        ax.add_patch(
            Rectangle((x, y), w, h, facecolor=to_hex(colormaps["cividis"](1 - 0.92 * shade)), edgecolor=PAPER, linewidth=0.8)
        )
        text, colour = _cell_text(r), "#000000" if shade < 0.5 else "#ffffff"
    box = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8} if shade is None else None
    ax.text(x + w / 2, y + h / 2, text, ha="center", va="center", fontsize=9, color=colour, bbox=box)


def _cell_text(r: Rate | None) -> str:
    if r is None or r.status == "suppressed":
        return "–"
    if r.status == "bound":
        top = r.bounds.worst_case if r.bounds else r.interval[1] if r.interval else None
        return "–" if top is None else "≤" + f.significant(100 * top, 2)
    return "–" if r.rate is None else f.significant(100 * r.rate, 2)


def group_rate(p: OperatingPoint, measure: str, group: str) -> Rate | None:
    """The rate of one group that is told first."""
    return next((r for r in primary(p.fmr if measure == "fmr" else p.fnmr) if r.group == group), None)


def called(p: OperatingPoint, measure: str, group: str) -> bool:
    """Whether a verdict stands for the group."""
    return contrast_of(p, measure, group) is not None and verdict(p, measure, group) in ("higher", "lower")
