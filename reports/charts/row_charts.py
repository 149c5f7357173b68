"""Charts of text rows or grid cells, written as SVG directly, in a tenth of the size and time that a plotting library takes.

Units are those of `svg`: about one CSS pixel each on a phone. Styles hold the page's colours with a colour to fall back on.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from faceparity.harness.results import Rate
from faceparity.reports.layout.matplotlib_cache import load_matplotlib
from faceparity.reports.layout.svg import FONT, GRID, INK, MUTED, PAPER, SERIES, WIDTH, coloured, element
from faceparity.reports.wording import numbers as f

ROW = 32.0
LEFT, RIGHT, TOP, BOTTOM = 10.8, WIDTH - 10.8, 10.0, 24.0
INKED = f"font-family:{FONT};font-size:9.5px;fill:{INK}"


class ChartRow(NamedTuple):
    """One line of a dot-and-whisker chart.

    kind: "dot" (filled), "open" (hollow: no verdict), "bound" (≤ hi), "least" (≥ lo), "none" (not drawn).
    """

    label: str
    text: str
    kind: Literal["dot", "open", "bound", "least", "none"]
    value: float | None = None
    lo: float | None = None
    hi: float | None = None


def number(value: float) -> str:
    """Return a coordinate to one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, anchor: str = "", style: str = "") -> str:
    """Return a line of text at (x, y).

    anchor "middle" or "end", else it starts at x.
    """
    more = f' text-anchor="{anchor}"' * bool(anchor) + f' style="{style}"' * bool(style)
    return f'<text x="{number(x)}" y="{number(y)}"{more}>{html.escape(words, quote=False)}</text>'


def group(style: str, parts: Sequence[str]) -> str:
    """Return parts that share a style; empty without parts."""
    return f'<g style="{style}">{"".join(parts)}</g>' if parts else ""


def row_chart(rows: Sequence[ChartRow], key: str, title: str, alt: str, tick: Callable[[float], str], line: float | None) -> str:
    """Return the SVG of a chart of labelled rows.

    On a log scale; labels stand above their dots, so that long names fit a phone.
    """
    height = ROW * len(rows) + BOTTOM + TOP
    lo, hi = _limits(rows, line)

    def position(value: float) -> float:
        """Return where a value lies across the chart."""
        return LEFT + (RIGHT - LEFT) * (math.log(value) - math.log(lo)) / (math.log(hi) - math.log(lo))

    floor, at = height - BOTTOM, _ticks(lo, hi)
    parts = [
        group(
            f"stroke:{GRID};stroke-width:.6",
            [f'<path d="M{number(position(tick_value))} {number(TOP)}V{number(floor)}"/>' for tick_value in at],
        ),
        group(f"stroke:{MUTED};stroke-width:.8", [f'<path d="M{number(LEFT)} {number(floor)}H{number(RIGHT)}"/>']),
        group("font-size:9px", [text(position(tick_value), floor + 13, tick(tick_value), "middle") for tick_value in at]),
    ]
    if line:
        dots = f'<path d="M{number(position(line))} {number(TOP)}V{number(floor)}"/>'
        parts.append(group(f"stroke:{INK};stroke-dasharray:1 2", [dots]))
    heights = [TOP + ROW * (i + 0.7) for i in range(len(rows))]
    parts += [text(LEFT, y - 6, row.label) for y, row in zip(heights, rows, strict=True)]
    parts.append(group("font-size:9px", [text(RIGHT, y - 6, row.text, "end") for y, row in zip(heights, rows, strict=True)]))
    marks = [mark for y, row in zip(heights, rows, strict=True) for mark in _marks(row, y, position, lo)]
    parts.append(group(f"stroke:{SERIES[0]};stroke-width:1.7;fill:{SERIES[0]}", marks))
    return element(coloured(group(INKED, parts)), WIDTH, height, key, title, alt)


def _marks(row: ChartRow, y: float, position: Callable[[float], float], lo: float) -> list[str]:
    """Return a dot with its whisker, or an arrow.

    The arrow goes from a bound to the left end, from a lower bound to the right.
    """
    at = number(y)
    if row.kind == "bound" and row.hi is not None:
        end = number(position(row.hi))
        line = f'<path d="M{number(LEFT)} {at}H{end}" stroke-dasharray="4 3"/><path d="M{end} {number(y - 5)}v10"/>'
        return [line, f'<path d="M{number(LEFT + 4)} {number(y - 3)}l-6 3 6 3z" stroke="none"/>']
    if row.kind == "least" and row.lo is not None:
        start = number(position(row.lo))
        line = f'<path d="M{start} {at}H{number(RIGHT)}" stroke-dasharray="4 3"/><path d="M{start} {number(y - 5)}v10"/>'
        return [line, f'<path d="M{number(RIGHT - 4)} {number(y - 3)}l6 3 -6 3z" stroke="none"/>']
    if row.value is None:
        return []
    whisker = []
    if row.lo is not None and row.hi is not None:
        whisker = [f'<path d="M{number(position(max(row.lo, lo)))} {at}H{number(position(row.hi))}"/>']
    hollow = f' style="fill:{PAPER}"' if row.kind == "open" else ""
    return [*whisker, f'<circle cx="{number(position(row.value))}" cy="{at}" r="3.5"{hollow}/>']


def _limits(rows: Sequence[ChartRow], line: float | None) -> tuple[float, float]:
    """Return the range of the axis.

    All values, bounds and the line; intervals as far as they stay within a factor of 30 of those.
    """
    bounds = {"bound": "hi", "least": "lo"}
    core = [value for row in rows for value in (row.value, getattr(row, bounds.get(row.kind, "value"))) if value]
    core += [line] if line else []
    ends = [value for row in rows for value in (row.lo, row.hi) if value]
    lo = max(min(core + ends), min(core) / 30)
    hi = min(max(core + ends), max(core) * 30)
    return lo / 1.5, hi * 1.5


def _ticks(lo: float, hi: float) -> list[float]:
    """Return at most six round values on a log axis.

    Between its ends.
    """
    steps = (1, 2, 5) if hi / lo < 60 else (1,)
    at = [
        step * 10.0**exponent for exponent in range(-12, 13) for step in steps if lo * 1.05 <= step * 10.0**exponent <= hi / 1.05
    ]
    return at[:: max(1, -(-len(at) // 6))]


class Cell(NamedTuple):
    """A rate in row `i`, column `j` of a grid."""

    i: int
    j: int
    rate: Rate | None


class HeatMapGrid(NamedTuple):
    """A heat map: names of rows and columns, its cells, and the size of one; `corner` names what is across."""

    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Cell]
    width: float
    height: float
    left: float
    top: float
    corner: str = ""


def grid_chart(grid: HeatMapGrid, key: str, title: str, alt: str) -> str:
    """Return the SVG of a heat map.

    Darker for higher on a log scale; cells without a rate are hatched, bounds written with ≤.
    """
    rates = [cell.rate.rate for cell in grid.cells if cell.rate is not None and cell.rate.status == "ok" and cell.rate.rate]
    shades = [shade(cell.rate, rates) for cell in grid.cells]
    boxes = [_box(grid, cell, darkness, key) for cell, darkness in zip(grid.cells, shades, strict=True)]
    middle = grid.top + grid.height / 2 + 3.3
    parts = [
        group(
            f"stroke:{PAPER};stroke-width:.8", [box for box, darkness in zip(boxes, shades, strict=True) if darkness is not None]
        ),
        group(f"stroke:{GRID};stroke-width:.8", [box for box, darkness in zip(boxes, shades, strict=True) if darkness is None]),
        group("text-anchor:end", [text(grid.left - 6, middle + i * grid.height, name) for i, name in enumerate(grid.rows)]),
        group(
            "text-anchor:middle",
            [text(grid.left + (j + 0.5) * grid.width, grid.top - 6, name) for j, name in enumerate(grid.columns)],
        ),
    ]
    for colour, chosen in (
        ("#000", [darkness is not None and darkness < 0.5 for darkness in shades]),
        ("#fff", [darkness is not None and darkness >= 0.5 for darkness in shades]),
        (f"{INK};paint-order:stroke;stroke:{PAPER};stroke-width:4px", [darkness is None for darkness in shades]),
    ):
        texts = [
            text(grid.left + (cell.j + 0.5) * grid.width, middle + cell.i * grid.height, cell_text(cell.rate))
            for cell, ok in zip(grid.cells, chosen, strict=True)
            if ok
        ]
        parts.append(group(f"text-anchor:middle;font-size:9px;fill:{colour}", texts))
    parts += [text(grid.left, 12, grid.corner)] if grid.corner else []
    width, height = grid.left + len(grid.columns) * grid.width + 6, grid.top + len(grid.rows) * grid.height + 4
    hatch = (
        f'<defs><pattern id="{key}-h" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<path d="M0 0V5" style="stroke:{MUTED};stroke-width:1"/></pattern></defs>'
    )
    return element(coloured(hatch + group(INKED, parts)), width, height, key, title, alt)


def _box(grid: HeatMapGrid, cell: Cell, shade: float | None, key: str) -> str:
    """Return the rectangle of one cell."""
    fill = f"url(#{key}-h)" if shade is None else _cividis(1 - 0.92 * shade)
    x, y = grid.left + cell.j * grid.width, grid.top + cell.i * grid.height
    return f'<rect x="{number(x)}" y="{number(y)}" width="{grid.width:g}" height="{grid.height:g}" fill="{fill}"/>'


def _cividis(fraction: float) -> str:
    """Return a colour of the cividis map, as "#rrggbb"."""
    load_matplotlib()
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return to_hex(colormaps["cividis"](round(fraction, 2)))


def shade(rate: Rate | None, rates: Sequence[float]) -> float | None:
    """Return where a rate lies on a log scale.

    0 at the least of `rates`, 1 at the greatest, 0.5 where they are equal; None where it has no colour.
    """
    if rate is None or rate.status != "ok" or not rate.rate:
        return None
    lo, hi = math.log(min(rates)), math.log(max(rates))
    return 0.5 if hi == lo else (math.log(rate.rate) - lo) / (hi - lo)


def cell_text(rate: Rate | None) -> str:
    """Return a rate in percent, in a few characters.

    "≤" before a bound, a dash for nothing.
    """
    if rate is None or rate.status == "suppressed":
        return f.DASH
    if rate.status == "bound":
        top = rate.upper
        return f.DASH if top is None else "≤" + f.significant(100 * top, 2)
    return f.DASH if rate.rate is None else f.significant(100 * rate.rate, 2)
