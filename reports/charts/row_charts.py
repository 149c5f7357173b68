"""Charts that are rows of text or cells of a grid, written as SVG directly: a tenth of the size and time that a plotting library takes.

Units are those of `svg`: about one CSS pixel each on a phone. Styles hold the page's colours with a colour to fall back on.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from faceparity.harness.results import Rate
from faceparity.reports.charts.matplotlib_cache import load_matplotlib
from faceparity.reports.charts.svg import FONT, GRID, INK, MUTED, PAPER, SERIES, WIDTH, coloured, element
from faceparity.reports.wording import numbers as f

ROW = 32.0
LEFT, RIGHT, TOP, BOTTOM = 10.8, WIDTH - 10.8, 10.0, 24.0
INKED = f"font-family:{FONT};font-size:9.5px;fill:{INK}"


class ChartRow(NamedTuple):
    """One line of a dot-and-whisker chart. kind: "dot" (filled), "open" (hollow: no verdict), "bound" (≤ hi), "none" (not drawn)."""

    label: str
    text: str
    kind: Literal["dot", "open", "bound", "none"]
    value: float | None = None
    lo: float | None = None
    hi: float | None = None
    tick: float | None = None


def number(x: float) -> str:
    """A coordinate to one decimal."""
    return f"{x:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, anchor: str = "", style: str = "") -> str:
    """A line of text; anchor "middle" or "end", else it starts at x."""
    more = f' text-anchor="{anchor}"' * bool(anchor) + f' style="{style}"' * bool(style)
    return f'<text x="{number(x)}" y="{number(y)}"{more}>{html.escape(words, quote=False)}</text>'


def group(style: str, parts: Sequence[str]) -> str:
    """Parts that share a style; nothing if there are none."""
    return f'<g style="{style}">{"".join(parts)}</g>' if parts else ""


def row_chart(rows: Sequence[ChartRow], key: str, title: str, alt: str, tick: Callable[[float], str], line: float | None) -> str:
    """A chart with one labelled row each on a log scale; labels stand above their dots, so that long names fit a phone."""
    height = ROW * len(rows) + BOTTOM + TOP
    lo, hi = _limits(rows, line)

    def x(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * (math.log(value) - math.log(lo)) / (math.log(hi) - math.log(lo))

    floor, at = height - BOTTOM, _ticks(lo, hi)
    parts = [
        group(f"stroke:{GRID};stroke-width:.6", [f'<path d="M{number(x(v))} {number(TOP)}V{number(floor)}"/>' for v in at]),
        group(f"stroke:{MUTED};stroke-width:.8", [f'<path d="M{number(LEFT)} {number(floor)}H{number(RIGHT)}"/>']),
        group("font-size:9px", [text(x(v), floor + 13, tick(v), "middle") for v in at]),
    ]
    if line:
        dots = f'<path d="M{number(x(line))} {number(TOP)}V{number(floor)}"/>'
        parts.append(group(f"stroke:{INK};stroke-dasharray:1 2", [dots]))
    heights = [TOP + ROW * (i + 0.7) for i in range(len(rows))]
    parts += [text(LEFT, y - 6, r.label) for y, r in zip(heights, rows, strict=True)]
    parts.append(group("font-size:9px", [text(RIGHT, y - 6, r.text, "end") for y, r in zip(heights, rows, strict=True)]))
    marks = [mark for y, r in zip(heights, rows, strict=True) for mark in _marks(r, y, x, lo)]
    parts.append(group(f"stroke:{SERIES[0]};stroke-width:1.7;fill:{SERIES[0]}", marks))
    return element(coloured(group(INKED, parts)), WIDTH, height, key, title, alt)


def _marks(r: ChartRow, y: float, x: Callable[[float], float], lo: float) -> list[str]:
    """A dot with its whisker, or an arrow from the left end to a bound."""
    at = number(y)
    if r.kind == "bound" and r.hi is not None:
        end, out = number(x(r.hi)), []
        out.append(f'<path d="M{number(LEFT)} {at}H{end}" stroke-dasharray="4 3"/><path d="M{end} {number(y - 5)}v10"/>')
        out.append(f'<path d="M{number(LEFT + 4)} {number(y - 3)}l-6 3 6 3z" stroke="none"/>')
        return out + ([f'<path d="M{number(x(r.tick))} {number(y - 3)}v6"/>'] if r.tick else [])
    if r.value is None:
        return []
    whisker = []
    if r.lo is not None and r.hi is not None:
        whisker = [f'<path d="M{number(x(max(r.lo, lo)))} {at}H{number(x(r.hi))}"/>']
    hollow = f' style="fill:{PAPER}"' if r.kind == "open" else ""
    return [*whisker, f'<circle cx="{number(x(r.value))}" cy="{at}" r="3.5"{hollow}/>']


def _limits(rows: Sequence[ChartRow], line: float | None) -> tuple[float, float]:
    """The range of the axis: all values, bounds and the line; intervals as far as they stay within a factor of 30 of those."""
    core = [x for r in rows for x in (r.value, r.hi if r.kind == "bound" else None, r.tick) if x] + ([line] if line else [])
    ends = [x for r in rows for x in (r.lo, r.hi) if x]
    lo = max(min(core + ends), min(core) / 30)
    hi = min(max(core + ends), max(core) * 30)
    return lo / 1.5, hi * 1.5


def _ticks(lo: float, hi: float) -> list[float]:
    """At most six round values between the ends of a log axis."""
    steps = (1, 2, 5) if hi / lo < 60 else (1,)
    at = [m * 10.0**k for k in range(-12, 13) for m in steps if lo * 1.05 <= m * 10.0**k <= hi / 1.05]
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


def grid_chart(g: HeatMapGrid, key: str, title: str, alt: str) -> str:
    """Rates of a grid, darker for higher on a log scale; cells without a rate are hatched, bounds written with ≤."""
    rates = [c.rate.rate for c in g.cells if c.rate is not None and c.rate.status == "ok" and c.rate.rate]
    shades = [shade(c.rate, rates) for c in g.cells]
    boxes = [_box(g, c, s, key) for c, s in zip(g.cells, shades, strict=True)]
    middle = g.top + g.height / 2 + 3.3
    parts = [
        group(f"stroke:{PAPER};stroke-width:.8", [b for b, s in zip(boxes, shades, strict=True) if s is not None]),
        group(f"stroke:{GRID};stroke-width:.8", [b for b, s in zip(boxes, shades, strict=True) if s is None]),
        group("text-anchor:end", [text(g.left - 6, middle + i * g.height, name) for i, name in enumerate(g.rows)]),
        group("text-anchor:middle", [text(g.left + (j + 0.5) * g.width, g.top - 6, name) for j, name in enumerate(g.columns)]),
    ]
    for colour, chosen in (
        ("#000", [s is not None and s < 0.5 for s in shades]),
        ("#fff", [s is not None and s >= 0.5 for s in shades]),
        (f"{INK};paint-order:stroke;stroke:{PAPER};stroke-width:4px", [s is None for s in shades]),
    ):
        told = [
            text(g.left + (c.j + 0.5) * g.width, middle + c.i * g.height, cell_text(c.rate))
            for c, ok in zip(g.cells, chosen, strict=True)
            if ok
        ]
        parts.append(group(f"text-anchor:middle;font-size:9px;fill:{colour}", told))
    parts += [text(g.left, 12, g.corner)] if g.corner else []
    width, height = g.left + len(g.columns) * g.width + 6, g.top + len(g.rows) * g.height + 4
    hatch = (
        f'<defs><pattern id="{key}-h" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<path d="M0 0V5" style="stroke:{MUTED};stroke-width:1"/></pattern></defs>'
    )
    return element(coloured(hatch + group(INKED, parts)), width, height, key, title, alt)


def _box(g: HeatMapGrid, c: Cell, shade: float | None, key: str) -> str:
    fill = f"url(#{key}-h)" if shade is None else _cividis(1 - 0.92 * shade)
    x, y = g.left + c.j * g.width, g.top + c.i * g.height
    return f'<rect x="{number(x)}" y="{number(y)}" width="{g.width:g}" height="{g.height:g}" fill="{fill}"/>'


def _cividis(x: float) -> str:
    load_matplotlib()
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return to_hex(colormaps["cividis"](round(x, 2)))


def shade(r: Rate | None, rates: Sequence[float]) -> float | None:
    """Where a rate lies between the least and the greatest on a log scale: 0 to 1; None where it has no colour."""
    if r is None or r.status != "ok" or not r.rate:
        return None
    lo, hi = math.log(min(rates)), math.log(max(rates))
    return 0.5 if hi == lo else (math.log(r.rate) - lo) / (hi - lo)


def cell_text(r: Rate | None) -> str:
    """A rate in percent in at most a few characters; "≤" before a bound, a dash for nothing."""
    if r is None or r.status == "suppressed":
        return f.DASH
    if r.status == "bound":
        top = r.bounds.worst_case if r.bounds else r.interval[1] if r.interval else None
        return f.DASH if top is None else "≤" + f.significant(100 * top, 2)
    return f.DASH if r.rate is None else f.significant(100 * r.rate, 2)
