"""Small multiples, one panel per model with the same axes, and the paired differences of two models as a forest plot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from faceparity.harness.results import ModelChange, Rate
from faceparity.harness.results.comparison import Compared, ComparedPanel
from faceparity.reports.charts.row_charts import INKED, group, number, text
from faceparity.reports.layout.svg import GRID, INK, MUTED, PAPER, SERIES, WIDTH, Figure, coloured, element
from faceparity.reports.wording import numbers as f

MOST_ROWS = 40
ROW = 27.0
TOP, BOTTOM, LEFT = 22.0, 22.0, 4.0
GAP = 10.0
PANEL = 116.0
ACROSS = 3
"""Maximum number of panels that fit a phone; more are in a box that scrolls."""


class Panel(NamedTuple):
    """One model's rates by group, None where it has none."""

    title: str
    rates: Sequence[Rate | None]
    line: float | None = None
    """The pool's rate."""


def small_multiples(key: str, title: str, caption: str, groups: Sequence[str], panels: Sequence[Panel]) -> Figure | None:
    """Return a figure of rates with one panel per model.

    By group with 95 % intervals, all on one log axis. None if no group has a rate or a bound.
    """
    kept = list(range(len(groups)))[:MOST_ROWS]
    values = [value for panel in panels for k in kept for value in _values(panel.rates[k])]
    if not values:
        return None
    note = f" The first {MOST_ROWS} of {len(groups)} groups; all are in the table." if len(groups) > MOST_ROWS else ""
    shown = [Panel(panel.title, [panel.rates[k] for k in kept], panel.line) for panel in panels]
    names = [groups[k] for k in kept]
    alt = f"{title}. " + " ".join(
        f"{panel.title}: "
        + "; ".join(f"{name} {f.rate(rate)}" for name, rate in zip(names[:20], panel.rates, strict=False) if rate)
        + "."
        for panel in shown
    )
    alt, title = f.clean(alt), f.clean(title)
    wide = len(panels) > ACROSS
    svg = _draw(key, title, alt, names, shown, _limits(values), max(WIDTH, len(panels) * PANEL + 8))
    full = (
        f"{caption} Dot: rate; line: 95 % interval by people; dashed with an arrow: upper bound, fewer than 10 errors. "
        f"All panels have the same log axis.{note}"
    )
    return Figure(key, svg, full, alt, wide)


def _values(rate: Rate | None) -> list[float]:
    """Return the values that the axis must show.

    Of one rate: itself or its bound; none where it is not shown.
    """
    if rate is None or rate.status == "suppressed":
        return []
    if rate.status == "bound":
        top = rate.upper
        return [top] if top else []
    return [rate.rate] if rate.rate else []


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the axis."""
    return min(values) / 2.2, min(1.25, max(values) * 2.2)


class _Axis(NamedTuple):
    """A log axis from `left` to `right` on the page and from `lo` to `hi` in value."""

    left: float
    right: float
    lo: float
    hi: float

    def at(self, value: float) -> float:
        """Return where a value lies, clipped to the axis."""
        share = math.log(min(max(value, self.lo), self.hi) / self.lo) / math.log(self.hi / self.lo)
        return self.left + (self.right - self.left) * share

    def frame(self, top: float, floor: float, label: Callable[[float], str], line: float | None) -> list[str]:
        """Return grid, baseline, ticks, and a dotted line.

        The line is at `line`, where that lies on the axis.
        """
        ticks = self._ticks(max(2, int((self.right - self.left) / 42)))
        parts = [
            group(
                f"stroke:{GRID};stroke-width:.6",
                [f'<path d="M{number(self.at(value))} {number(top)}V{number(floor)}"/>' for value in ticks],
            ),
            group(f"stroke:{MUTED};stroke-width:.8", [f'<path d="M{number(self.left)} {number(floor)}H{number(self.right)}"/>']),
            group("font-size:8.5px", [text(self.at(value), floor + 13, label(value), "middle") for value in ticks]),
        ]
        if line and self.lo < line < self.hi:
            dots = f'<path d="M{number(self.at(line))} {number(top)}V{number(floor)}"/>'
            parts.append(group(f"stroke:{INK};stroke-dasharray:1 2", [dots]))
        return parts

    def _ticks(self, most: int) -> list[float]:
        """Return at most `most` ticks of the axis.

        At powers of ten, between them only where there is room.
        """
        at: list[float] = []
        for steps in ((1, 2, 5), (1, 3), (1,)):
            at = [
                step * 10.0**exponent
                for exponent in range(-12, 7)
                for step in steps
                if self.lo * 1.05 <= step * 10.0**exponent <= self.hi / 1.05
            ]
            if len(at) <= most:
                break
        return at[:: max(1, -(-len(at) // most))]

    def whisker(self, y: float, lo: float, hi: float) -> str:
        """Return a line between two values."""
        return f'<path d="M{number(self.at(lo))} {number(y)}H{number(self.at(hi))}"/>'

    def bound(self, y: float, hi: float) -> str:
        """Return an arrow from the left end to a bound."""
        end = number(self.at(hi))
        return (
            f'<path d="M{number(self.left)} {number(y)}H{end}" stroke-dasharray="4 3"/><path d="M{end} {number(y - 4)}v8"/>'
            f'<path d="M{number(self.left + 4)} {number(y - 3)}l-6 3 6 3z" stroke="none"/>'
        )

    def dot(self, y: float, value: float, filled: bool = True) -> str:
        """Return a dot, hollow where no verdict stands."""
        hollow = "" if filled else f' style="fill:{PAPER}"'
        return f'<circle cx="{number(self.at(value))}" cy="{number(y)}" r="3.2"{hollow}/>'


def _percent(fraction: float) -> str:
    """Return a tick label of fractions."""
    return f"{100 * fraction:.8f}".rstrip("0").rstrip(".") + " %"


def _times(ratio: float) -> str:
    """Return a tick label of ratios."""
    return (f"{ratio:,.0f}" if ratio >= 1 else f"{ratio:g}") + "×"


def _draw(
    key: str, title: str, alt: str, names: Sequence[str], panels: Sequence[Panel], limits: tuple[float, float], width: float
) -> str:
    """Return the SVG of small multiples."""
    height = ROW * len(names) + TOP + BOTTOM
    floor = height - BOTTOM
    each = (width - 2 * LEFT - GAP * (len(panels) - 1)) / len(panels)
    heights = [TOP + ROW * (k + 0.75) for k in range(len(names))]
    parts: list[str] = []
    for k, panel in enumerate(panels):
        left = LEFT + k * (each + GAP)
        axis = _Axis(left, left + each, *limits)
        parts += axis.frame(TOP, floor, _percent, panel.line)
        parts.append(text(left, TOP - 9, f.shorten(panel.title, max(8, int(each / 6.2))), "", "font-weight:bold"))
        marks = [_mark(axis, y, rate) for y, rate in zip(heights, panel.rates, strict=True)]
        parts.append(
            group(
                f"stroke:{SERIES[0]};stroke-width:1.7;fill:{SERIES[0]}", [mark for mark in marks if not mark.startswith("<text")]
            )
        )
        parts.append(group(f"font-size:8px;fill:{MUTED}", [mark for mark in marks if mark.startswith("<text")]))
    room = int((width - 2 * LEFT) / 5.2)
    parts += [text(LEFT, y - 7, f.shorten(name, room)) for y, name in zip(heights, names, strict=True)]
    return element(coloured(group(INKED, parts)), width, height, key, title, alt)


def _mark(axis: _Axis, y: float, rate: Rate | None) -> str:
    """Return a dot with whisker, or an arrow.

    The arrow goes to a bound. Where there is neither, a text says why; empty for a rate of zero.
    """
    if rate is None or rate.status == "suppressed":
        return text(axis.left + 3, y + 3, "<30 people" if rate is not None and rate.reason == "too_few_subjects" else f.DASH)
    if rate.status == "bound":
        top = rate.upper
        return axis.bound(y, top) if top else ""
    if not rate.rate:
        return ""
    return (axis.whisker(y, *rate.interval) if rate.interval is not None else "") + axis.dot(y, rate.rate)


def panels_of(
    results: Sequence[Compared], at: Sequence[ComparedPanel], measure: Literal["fmr", "fnmr"]
) -> tuple[list[str], list[Panel]]:
    """Return the groups of any result, and each result's panel."""
    groups = list(dict.fromkeys(rate.group for panel in at for rate in getattr(panel, measure)))
    out = []
    for result, panel in zip(results, at, strict=True):
        by_group = {rate.group: rate for rate in getattr(panel, measure)}
        line = panel.achieved_fmr if measure == "fmr" else None
        out.append(Panel(result.label, [by_group.get(name) for name in groups], line))
    return groups, out


def paired_forest(key: str, title: str, caption: str, changes: Sequence[ModelChange], first: str, second: str) -> Figure | None:
    """Return a figure of two models' rate ratios by group.

    First over second, on a log axis. None without a ratio.
    """
    shown = [change for change in changes if change.ratio is not None and change.verdict != "none"][:MOST_ROWS]
    if not shown:
        return None
    labels = [
        f"{f.ratio(change.ratio)} {f.ratio_interval(change.interval) if change.interval else ''}".strip() for change in shown
    ]
    alt = f"{title}. " + "; ".join(f"{change.group}: {label}" for change, label in zip(shown[:20], labels, strict=False)) + "."
    alt, title = f.clean(alt), f.clean(title)
    core = [change.ratio for change in shown if change.ratio] + [1.0]
    hi = 3 * max(*core, 1 / min(core))
    note = f" The first {MOST_ROWS} groups; all are in the table." if len(changes) > MOST_ROWS else ""
    full = (
        f"{caption} Filled: one model is higher beyond doubt by chance (Holm-adjusted p below 0.05 and enough errors); hollow: "
        f"inconclusive. Line: 95 % interval by people. Log scale.{note}"
    )
    return Figure(key, _forest(key, title, alt, shown, labels, (1 / hi, hi), (first, second)), full, alt)


def _forest(
    key: str,
    title: str,
    alt: str,
    changes: Sequence[ModelChange],
    labels: Sequence[str],
    limits: tuple[float, float],
    names: tuple[str, str],
) -> str:
    """Return the SVG of the ratios."""
    height = ROW * len(changes) + TOP + BOTTOM
    axis = _Axis(LEFT + 4, WIDTH - LEFT - 4, *limits)
    parts = axis.frame(TOP, height - BOTTOM, _times, 1.0)
    middle, room = axis.at(1.0), int((WIDTH / 2) / 5) - 9
    ends = [text(middle - 5, TOP - 7, f"← {f.shorten(names[1], room)} higher", "end")]
    ends.append(text(middle + 5, TOP - 7, f"{f.shorten(names[0], room)} higher →"))
    parts.append(group(f"font-size:8.5px;fill:{MUTED}", ends))
    heights = [TOP + ROW * (k + 0.75) for k in range(len(changes))]
    marks = []
    for y, change in zip(heights, changes, strict=True):
        if change.interval is not None:
            marks.append(axis.whisker(y, *change.interval))
        marks.append(axis.dot(y, change.ratio or 1.0, change.verdict in ("higher", "lower")))
    parts.append(group(f"stroke:{SERIES[0]};stroke-width:1.7;fill:{SERIES[0]}", marks))
    parts += [text(LEFT + 4, y - 7, f.shorten(change.group, 36)) for y, change in zip(heights, changes, strict=True)]
    parts.append(
        group("font-size:9px", [text(WIDTH - LEFT - 4, y - 7, label, "end") for y, label in zip(heights, labels, strict=True)])
    )
    return element(coloured(group(INKED, parts)), WIDTH, height, key, title, alt)
