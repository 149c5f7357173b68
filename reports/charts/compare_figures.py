"""Small multiples: one panel per model with the same axes; and the paired differences of two models as a forest plot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from faceparity.harness.results import ModelChange, Rate
from faceparity.harness.results.comparison import Compared, ComparedPanel
from faceparity.reports.charts.row_charts import INKED, group, number, text
from faceparity.reports.charts.svg import GRID, INK, MUTED, PAPER, SERIES, WIDTH, Figure, coloured, element
from faceparity.reports.wording import numbers as f

MOST_ROWS = 40
ROW = 27.0
TOP, BOTTOM, LEFT = 22.0, 22.0, 4.0
GAP = 10.0
PANEL = 116.0
ACROSS = 3
"""So many panels fit a phone; more stand in a box that scrolls."""


class Panel(NamedTuple):
    """One model's rates by group, None where it has none."""

    title: str
    rates: Sequence[Rate | None]
    line: float | None = None
    """The pool's rate."""


def small_multiples(key: str, title: str, caption: str, groups: Sequence[str], panels: Sequence[Panel]) -> Figure | None:
    """Rates by group with 95 % intervals, a panel for each model, all on one log axis. None if no group has a rate or a bound."""
    kept = list(range(len(groups)))[:MOST_ROWS]
    values = [x for p in panels for k in kept for x in _values(p.rates[k])]
    if not values:
        return None
    note = f" The first {MOST_ROWS} of {len(groups)} groups; all are in the table." if len(groups) > MOST_ROWS else ""
    shown = [Panel(p.title, [p.rates[k] for k in kept], p.line) for p in panels]
    names = [groups[k] for k in kept]
    alt = f"{title}. " + " ".join(
        f"{p.title}: "
        + "; ".join(f"{n} {f.rate(r, both_bounds=False)}" for n, r in zip(names[:20], p.rates, strict=False) if r)
        + "."
        for p in shown
    )
    alt, title = f.clean(alt), f.clean(title)
    wide = len(panels) > ACROSS
    svg = _draw(key, title, alt, names, shown, _limits(values), max(WIDTH, len(panels) * PANEL + 8))
    full = (
        f"{caption} Dot: rate; line: 95 % interval by people; dashed with an arrow: upper bound, fewer than 10 errors. "
        f"All panels have the same log axis.{note}"
    )
    return Figure(key, svg, full, alt, wide)


def _values(r: Rate | None) -> list[float]:
    """What the axis must show."""
    if r is None or r.status == "suppressed":
        return []
    if r.status == "bound":
        top = r.bounds.worst_case if r.bounds else r.interval[1] if r.interval else None
        return [top] if top else []
    return [r.rate] if r.rate else []


def _limits(values: Sequence[float]) -> tuple[float, float]:
    return min(values) / 2.2, min(1.25, max(values) * 2.2)


class _Axis(NamedTuple):
    """A log axis from `left` to `right` on the page, `lo` to `hi` in value."""

    left: float
    right: float
    lo: float
    hi: float

    def at(self, value: float) -> float:
        """Where a value lies, kept on the axis."""
        share = math.log(min(max(value, self.lo), self.hi) / self.lo) / math.log(self.hi / self.lo)
        return self.left + (self.right - self.left) * share

    def frame(self, top: float, floor: float, told: Callable[[float], str], line: float | None) -> list[str]:
        """Grid, baseline, ticks, and a dotted line at a value."""
        ticks = self._ticks(max(2, int((self.right - self.left) / 42)))
        parts = [
            group(
                f"stroke:{GRID};stroke-width:.6",
                [f'<path d="M{number(self.at(v))} {number(top)}V{number(floor)}"/>' for v in ticks],
            ),
            group(f"stroke:{MUTED};stroke-width:.8", [f'<path d="M{number(self.left)} {number(floor)}H{number(self.right)}"/>']),
            group("font-size:8.5px", [text(self.at(v), floor + 13, told(v), "middle") for v in ticks]),
        ]
        if line and self.lo < line < self.hi:
            dots = f'<path d="M{number(self.at(line))} {number(top)}V{number(floor)}"/>'
            parts.append(group(f"stroke:{INK};stroke-dasharray:1 2", [dots]))
        return parts

    def _ticks(self, most: int) -> list[float]:
        """At powers of ten, between them only where there is room."""
        at: list[float] = []
        for steps in ((1, 2, 5), (1, 3), (1,)):
            at = [m * 10.0**k for k in range(-12, 7) for m in steps if self.lo * 1.05 <= m * 10.0**k <= self.hi / 1.05]
            if len(at) <= most:
                break
        return at[:: max(1, -(-len(at) // most))]

    def whisker(self, y: float, lo: float, hi: float) -> str:
        """A line between two values."""
        return f'<path d="M{number(self.at(lo))} {number(y)}H{number(self.at(hi))}"/>'

    def bound(self, y: float, hi: float) -> str:
        """An arrow from the left end to an upper bound."""
        end = number(self.at(hi))
        return (
            f'<path d="M{number(self.left)} {number(y)}H{end}" stroke-dasharray="4 3"/><path d="M{end} {number(y - 4)}v8"/>'
            f'<path d="M{number(self.left + 4)} {number(y - 3)}l-6 3 6 3z" stroke="none"/>'
        )

    def dot(self, y: float, value: float, filled: bool = True) -> str:
        """A dot, hollow where nothing is called."""
        hollow = "" if filled else f' style="fill:{PAPER}"'
        return f'<circle cx="{number(self.at(value))}" cy="{number(y)}" r="3.2"{hollow}/>'


def _percent(x: float) -> str:
    return f"{100 * x:.8f}".rstrip("0").rstrip(".") + " %"


def _times(x: float) -> str:
    return (f"{x:,.0f}" if x >= 1 else f"{x:g}") + "×"


def _draw(
    key: str, title: str, alt: str, names: Sequence[str], panels: Sequence[Panel], limits: tuple[float, float], width: float
) -> str:
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
        marks = [_mark(axis, y, r) for y, r in zip(heights, panel.rates, strict=True)]
        parts.append(
            group(f"stroke:{SERIES[0]};stroke-width:1.7;fill:{SERIES[0]}", [m for m in marks if not m.startswith("<text")])
        )
        parts.append(group(f"font-size:8px;fill:{MUTED}", [m for m in marks if m.startswith("<text")]))
    room = int((width - 2 * LEFT) / 5.2)
    parts += [text(LEFT, y - 7, f.shorten(name, room)) for y, name in zip(heights, names, strict=True)]
    return element(coloured(group(INKED, parts)), width, height, key, title, alt)


def _mark(axis: _Axis, y: float, r: Rate | None) -> str:
    """A dot and whisker, an arrow to a bound, or why there is neither."""
    if r is None or r.status == "suppressed":
        return text(axis.left + 3, y + 3, "<30 people" if r is not None and r.reason == "too_few_subjects" else f.DASH)
    if r.status == "bound":
        top = r.bounds.worst_case if r.bounds else r.interval[1] if r.interval else None
        return axis.bound(y, top) if top else ""
    if not r.rate:
        return ""
    return (axis.whisker(y, *r.interval) if r.interval is not None else "") + axis.dot(y, r.rate)


def panels_of(
    results: Sequence[Compared], at: Sequence[ComparedPanel], measure: Literal["fmr", "fnmr"]
) -> tuple[list[str], list[Panel]]:
    """The groups that any of the results has, and a panel for each."""
    groups = list(dict.fromkeys(r.group for p in at for r in getattr(p, measure)))
    out = []
    for x, p in zip(results, at, strict=True):
        own = {r.group: r for r in getattr(p, measure)}
        line = p.achieved_fmr if measure == "fmr" else None
        out.append(Panel(x.label, [own.get(g) for g in groups], line))
    return groups, out


def paired_forest(key: str, title: str, caption: str, changes: Sequence[ModelChange], first: str, second: str) -> Figure | None:
    """Ratio of two models' rates by group, first over second, on a log axis. None without a ratio."""
    shown = [c for c in changes if c.ratio is not None and c.verdict != "none"][:MOST_ROWS]
    if not shown:
        return None
    told = [f"{f.ratio(c.ratio)} {f.ratio_interval(c.interval) if c.interval else ''}".strip() for c in shown]
    alt = f"{title}. " + "; ".join(f"{c.group}: {t}" for c, t in zip(shown[:20], told, strict=False)) + "."
    alt, title = f.clean(alt), f.clean(title)
    core = [c.ratio for c in shown if c.ratio] + [1.0]
    hi = 3 * max(*core, 1 / min(core))
    note = f" The first {MOST_ROWS} groups; all are in the table." if len(changes) > MOST_ROWS else ""
    full = (
        f"{caption} Filled: one model is higher beyond doubt by chance (Holm-adjusted p below 0.05 and enough errors); hollow: "
        f"inconclusive. Line: 95 % interval by people. Log scale.{note}"
    )
    return Figure(key, _forest(key, title, alt, shown, told, (1 / hi, hi), (first, second)), full, alt)


def _forest(
    key: str,
    title: str,
    alt: str,
    changes: Sequence[ModelChange],
    told: Sequence[str],
    limits: tuple[float, float],
    names: tuple[str, str],
) -> str:
    height = ROW * len(changes) + TOP + BOTTOM
    axis = _Axis(LEFT + 4, WIDTH - LEFT - 4, *limits)
    parts = axis.frame(TOP, height - BOTTOM, _times, 1.0)
    middle, room = axis.at(1.0), int((WIDTH / 2) / 5) - 9
    ends = [text(middle - 5, TOP - 7, f"← {f.shorten(names[1], room)} higher", "end")]
    ends.append(text(middle + 5, TOP - 7, f"{f.shorten(names[0], room)} higher →"))
    parts.append(group(f"font-size:8.5px;fill:{MUTED}", ends))
    heights = [TOP + ROW * (k + 0.75) for k in range(len(changes))]
    marks = []
    for y, c in zip(heights, changes, strict=True):
        if c.interval is not None:
            marks.append(axis.whisker(y, *c.interval))
        marks.append(axis.dot(y, c.ratio or 1.0, c.verdict in ("higher", "lower")))
    parts.append(group(f"stroke:{SERIES[0]};stroke-width:1.7;fill:{SERIES[0]}", marks))
    parts += [text(LEFT + 4, y - 7, f.shorten(c.group, 36)) for y, c in zip(heights, changes, strict=True)]
    parts.append(group("font-size:9px", [text(WIDTH - LEFT - 4, y - 7, t, "end") for y, t in zip(heights, told, strict=True)]))
    return element(coloured(group(INKED, parts)), WIDTH, height, key, title, alt)
